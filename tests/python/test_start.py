"""What importing the package and starting the command load, and how the log of the core arrives.

Each case is a process of its own, as only a fresh interpreter shows what was loaded.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki import _core
from trees import of_the_package

if TYPE_CHECKING:
    from pathlib import Path

# A start must stay short: each of these costs tens of milliseconds.
HEAVY = {"asyncio", "inspect", "kubernetes", "pandas", "rich", "yaml", "json", "importlib.metadata", "email", "urllib"}


def fresh(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)


def loaded_by(program: str) -> set[str]:
    listing = "import sys; print('modules:', *sys.modules)"
    return set(fresh(f"{program}\n{listing}").stdout.rpartition("modules:")[2].split())


@pytest.mark.parametrize(
    "program",
    [
        "import kubepki",
        "import kubepki.errors",
    ],
)
def test_the_start_loads_nothing_heavy(program: str) -> None:
    before = loaded_by("")
    loaded = loaded_by(program)
    assert "kubepki._core" in loaded
    assert (loaded - before) & HEAVY == set()


@of_the_package
@pytest.mark.parametrize("words", ["--version", "certs check-expiration", "check", "init --dry-run --node-name x"])
def test_the_verbs_load_nothing_heavy(words: str, tmp_path: Path) -> None:
    # Each line of `-X importtime` is about one module, whose name is last.
    program = [sys.executable, "-W", "error", "-X", "importtime", "-m", "kubepki", *words.split()]
    end = subprocess.run(program, capture_output=True, text=True, check=False, cwd=tmp_path)
    loaded = {line.rpartition("|")[2].strip() for line in end.stderr.splitlines() if line.startswith("import time:")}
    assert "kubepki" in loaded
    assert loaded & {"asyncio", "kubernetes", "pandas", "rich", "yaml", "json", "email", "subprocess"} == set()


def test_the_version_is_one_everywhere() -> None:
    assert kubepki.__version__ == _core.build_info()["version"] == version("kubepki")


def test_the_core_logs_to_the_logger_kubepki() -> None:
    settings = "level='DEBUG', format='%(name)s %(levelname)s %(message)s'"
    shown = fresh(f"import logging; logging.basicConfig({settings})\nimport kubepki").stderr
    assert f"kubepki DEBUG native core {kubepki.__version__} loaded\n" in shown


def test_the_core_is_silent_unless_asked() -> None:
    assert fresh("import logging; logging.basicConfig()\nimport kubepki").stderr == ""

"""What is promised outside the code: the licence, the versions, the demo."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import metadata
from pathlib import Path

import kubepki
from trees import COMMAND

ROOT = Path(__file__).parents[2]


def test_the_licence_names_both_parts() -> None:
    assert metadata("kubepki")["License-Expression"] == "Apache-2.0 AND GPL-3.0-or-later"
    assert (ROOT / "LICENSE").read_text() == (ROOT / "LICENSES/Apache-2.0.txt").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSES/GPL-3.0-or-later.txt").read_text()


def test_the_changelog_has_the_version() -> None:
    assert re.search(rf"^## {re.escape(kubepki.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert len(pages) > 3
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_demo_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", ROOT / "examples/demo.sh", tmp_path / "demo"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{COMMAND.parent}:/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert f"\nkubepki {kubepki.__version__}\n" in f"\n{done.stdout}"
    assert list((tmp_path / "demo").rglob("apiserver.crt"))

"""Run the collection's tests with the oldest and the newest ansible-core that is supported; `cores.py FOLDER [WORDS]`.

FOLDER keeps an environment for each core; WORDS are pytest's. A core that this machine has no Python for is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A core, and the Pythons that it runs with, the best first.
CORES = {"2.17": ("3.12", "3.11", "3.10"), "2.20": ("3.14", "3.13", "3.12")}
PARTS = ("collection", "modules", "failures", "roles", "external_ca", "probe", "install")
TESTS = [f"tests/python/test_ansible_{part}.py" for part in PARTS]


def interpreter(versions: tuple[str, ...]) -> Path | None:
    """Return the first Python of these versions that works here; pyenv's are found where they are installed."""
    for version in versions:
        known = [
            shutil.which(f"python{version}"),
            *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")),
        ]
        for path in filter(None, known):
            done = subprocess.run([path, "-c", "import ensurepip"], capture_output=True, check=False)
            if done.returncode == 0:
                return Path(path)
    return None


def prepared(folder: Path, core: str, python: Path) -> Path:
    """Return the programs of a core, with kubepki beside it as `make install` has built it."""
    programs = folder / core / "bin"
    if not (programs / "ansible-playbook").exists():
        subprocess.run([python, "-m", "venv", "--clear", folder / core], check=True)
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", f"ansible-core~={core}.0"], check=True)
    (packages,) = (folder / core / "lib").glob("python3*/site-packages")
    (packages / "kubepki.pth").write_text(f"{ROOT / 'python'}\n")
    return programs


def main(folder: Path, words: list[str]) -> int:
    """Run the tests for every core; return 1 when one has failed."""
    failed = False
    for core, versions in CORES.items():
        python = interpreter(versions)
        if python is None:
            print(f"skipped: ansible-core {core}, which wants Python {' or '.join(versions)}")
            continue
        environment = {**os.environ, "KUBEPKI_ANSIBLE": str(prepared(folder, core, python))}
        print(f"ansible-core {core} with {python}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", *TESTS, *words]
        failed |= subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))

"""Run `ansible-test sanity` on a copy of the collection; `sanity.py FOLDER`, where FOLDER keeps the tests' own tools.

The tools come from the package index alone. ansible-test would fetch pip itself from a server of its own; the pip that
comes with Python is put in that place instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

COLLECTION = Path(__file__).parents[2] / "python/ansible_collections/kubepki/kubeadm"
# The version that the pinned ansible-core asks for.
BOOTSTRAP = ".ansible/test/cache/get_pip_24_2.py"
GET_PIP = """\
import subprocess, sys
wanted = [word for word in sys.argv[1:] if not word.startswith("--no-")]
subprocess.check_call([sys.executable, "-m", "ensurepip"])
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *wanted])
"""


def main(folder: Path) -> int:
    """Copy the collection and run every test; return the exit code of ansible-test."""
    bootstrap = folder / BOOTSTRAP
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text(GET_PIP)
    copy = folder / "ansible_collections/kubepki/kubeadm"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(COLLECTION, copy, ignore=shutil.ignore_patterns("__pycache__", "output", ".ansible", "*.tar.gz"))
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    program = Path(sys.executable).with_name("ansible-test")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = {**os.environ, "HOME": str(folder), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("ANSIBLE_HOME", None)
    return subprocess.run(
        [program, "sanity", "--color", "no", "--python", version, *sys.argv[2:]], cwd=copy, check=False, env=environment
    ).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

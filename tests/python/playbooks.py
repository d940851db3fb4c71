"""Playbooks for tests: run by the real `ansible-playbook`, against folders that stand for hosts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# Another ansible-core than this environment's: the folder of its programs (tests/ansible/cores.py).
PROGRAMS = Path(os.environ.get("KUBEPKI_ANSIBLE") or Path(sys.executable).parent)
COLLECTION = ROOT / "python/ansible_collections/kubepki/kubeadm"
ANSIBLE = shutil.which("ansible-playbook", path=str(PROGRAMS))


class Played(NamedTuple):
    """How a run of a playbook ended, and what it printed on both streams."""

    returncode: int
    output: str

    def recap(self, host: str) -> dict[str, int]:
        """Return the counts of a host's line in the recap: `ok`, `changed`, `failed` and others."""
        lines = self.output.rpartition("PLAY RECAP")[2].splitlines()
        (line,) = (line for line in lines if line.split(" ")[0] == host)
        return {name: int(count) for name, _, count in (word.partition("=") for word in line.split()[2:])}


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user without settings, whose own files are in `home`."""
    # The collection must be found because kubepki is installed, not because a setting says where it is.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return {
        **kept,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        # A key that is there twice, by a merge too, is a mistake of a playbook.
        "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "LC_ALL": "C.UTF-8",
    }


def play(playbook: Path, home: Path, *arguments: str | Path, **variables: object) -> Played:
    """Run a playbook to its end, whatever its exit code."""
    done = subprocess.run(
        ["ansible-playbook", str(playbook), "--extra-vars", json.dumps(variables, default=str), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=500,
        cwd=playbook.parent,
        env=environment(home),
    )
    return Played(done.returncode, done.stdout)

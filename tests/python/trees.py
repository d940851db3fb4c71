"""The `kubepki` command as a process, and trees that it makes from the golden configurations."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"

# The stand-alone binary, a file named `kubepki` whose path `KUBEPKI` has. Without it the tests run the package that
# this interpreter has.
BINARY = Path(os.environ["KUBEPKI"]).resolve() if os.environ.get("KUBEPKI") else None
# How it is run: what stands before its arguments.
PROGRAM = (str(BINARY),) if BINARY else (sys.executable, "-m", "kubepki")
# The file that a shell runs as `kubepki`, and a PATH on which it is first.
COMMAND = BINARY or Path(sys.executable).parent / "kubepki"
SEARCH_PATH = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"

of_the_package = pytest.mark.skipif(BINARY is not None, reason="it is about the Python package, not the binary")

# file below pki/ without ending -> the CA that signs it, likewise
LEAVES = {
    "apiserver": "ca",
    "apiserver-kubelet-client": "ca",
    "front-proxy-client": "front-proxy-ca",
    "etcd/server": "etcd/ca",
    "etcd/peer": "etcd/ca",
    "etcd/healthcheck-client": "etcd/ca",
    "apiserver-etcd-client": "etcd/ca",
}
KUBECONFIGS = ("admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a process to its end, whatever its exit code."""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)


def kubepki(*arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process, behind the command `before`, which changes what the process may do."""
    return run(*before, *PROGRAM, *arguments)


def with_programs(folder: Path) -> tuple[str, ...]:
    """Return the command before another that puts a folder of stand-ins where root's programs are, for it alone.

    Programs are not looked for on `PATH`; only root can show a process other folders.
    """
    if run("unshare", "--mount", "true").returncode != 0:
        pytest.skip("no mount namespace can be made here: the stand-ins are not where programs are looked for")
    return ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /usr/local/sbin && exec "$@"', str(folder))


def embedded(kubeconfig: Path, field: str) -> bytes:
    """Return what a kubeconfig embeds under `field`, decoded."""
    (found,) = re.findall(rf"{field}: (\S+)", kubeconfig.read_text())
    return base64.b64decode(found)


def make_tree(rootfs: Path, case: str) -> Path:
    """Make the PKI of a golden configuration below `rootfs`; return its `/etc/kubernetes`."""
    rootfs.mkdir(exist_ok=True)
    made = kubepki("init", "--config", GOLDEN / case / "config.yaml", "--rootfs", rootfs)
    assert made.returncode == 0, made.stderr
    return rootfs / "etc/kubernetes"


def golden(rootfs: Path, case: str) -> Path:
    """Put kubeadm's tree of a case below `rootfs`, with its modes; return its `/etc/kubernetes`."""
    kubernetes = rootfs / "etc/kubernetes"
    shutil.copytree(GOLDEN / case / "kubernetes", kubernetes)
    for name, fact in facts(case)["kubernetes"].items():
        (kubernetes / name).chmod(int(fact["mode"], 8))
    return kubernetes


def facts(case: str) -> dict[str, Any]:
    """Return what is known of a golden case."""
    read: dict[str, Any] = json.loads((GOLDEN / case / "facts.json").read_text())
    return read


def commands() -> list[str]:
    """Return every command that docs/reference/cli.md has, in its words (`certs init`)."""
    page = GOLDEN.parents[1] / "docs/reference/cli.md"
    return re.findall(r"^\| `kubepki ([a-z-]+(?: [a-z-]+)?)[ `]", page.read_text(), re.MULTILINE)


def state(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return mode and content of every file below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): (path.stat().st_mode, path.read_bytes()) for path in files}

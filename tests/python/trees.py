"""Trees for tests: made by the `kubepki` command as a process, from the golden configurations."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"

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
    return run(*before, sys.executable, "-m", "kubepki", *arguments)


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


def state(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return mode and content of every file below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): (path.stat().st_mode, path.read_bytes()) for path in files}

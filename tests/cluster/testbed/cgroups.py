"""A control group for each node, below which its kubelet keeps its pods: of two at one root each ends the other's."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PATIENCE = 10.0


def is_unified() -> bool:
    """Whether this is version 2 of control groups."""
    return (_ROOT / "cgroup.controllers").exists()


def make(name: str) -> None:
    """Make the group in every hierarchy."""
    if is_unified():
        controllers = (_ROOT / "cgroup.controllers").read_text().split()
        for controller in controllers:
            # Not each can be passed on everywhere; the kubelet says which it lacks.
            with contextlib.suppress(OSError):
                (_ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
    cpuset = _ROOT / "cpuset"
    if not is_unified() and cpuset.exists():
        for file in ("cpuset.cpus", "cpuset.mems"):
            (cpuset / name / file).write_text((cpuset / file).read_text())


def remove(name: str) -> None:
    """Remove the group and all below it, once their processes are gone."""
    for hierarchy in _hierarchies():
        group = hierarchy / name
        end = time.monotonic() + _PATIENCE
        while group.exists():
            for folder in sorted((each for each in group.rglob("*") if each.is_dir()), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            try:
                group.rmdir()
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)


def _hierarchies() -> list[Path]:
    if is_unified():
        return [_ROOT]
    return [folder for folder in _ROOT.iterdir() if not folder.is_symlink() and (folder / "cgroup.procs").exists()]

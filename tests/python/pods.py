"""A control group for what stands in for pods: by it `kubepki restart` tells a component from what calls itself so."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed import cgroups

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path("/sys/fs/cgroup")
# The one hierarchy of version 2, or one of version 1 that wants nothing set.
_PLACES = (_ROOT, _ROOT / "pids", _ROOT / "freezer", _ROOT / "systemd")


@contextlib.contextmanager
def control_group() -> Iterator[Path | None]:
    """Make a group as the kubelet does for pods, and remove it; yield nothing where none can be made."""
    group = _made()
    try:
        yield group
    finally:
        if group is not None:
            # What was killed a moment ago may still be in it: it is waited for.
            cgroups.remove(group.name)


def _made() -> Path | None:
    for place in _PLACES:
        if (place / "cgroup.procs").exists():
            group = place / f"kubepods-of-a-test-{os.getpid()}-{time.monotonic_ns()}"
            with contextlib.suppress(OSError):
                group.mkdir()
                return group
    return None


def _can_be_made() -> bool:
    with control_group() as group:
        return group is not None


needs_pods = pytest.mark.skipif(
    os.geteuid() != 0 or not _can_be_made(), reason="makes a control group like a pod's, as root"
)

"""Interrupted changes: what waits, and ending it.

Every operation that changes files does this first, in the folders that it works in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import path_text, path_texts
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubepki.api.node import StrPath
    from kubepki.types import RecoveryReport


@checked
def recover(
    folders: StrPath | Iterable[StrPath] = (),
    *,
    keep: Literal["new", "old", "present"] | None = None,
    dry_run: bool = False,
    rootfs: StrPath | None = None,
) -> RecoveryReport:
    """Complete changes that were interrupted, or take them back, as their records say.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     recover(rootfs=folder).recovered
    ()

    Args:
        folders: Where to look; without one in `/etc/kubernetes`, its `pki` and the kubelet's `pki`.
        keep: Which files to keep of a change that can neither be completed nor taken back.
        dry_run: Whether to only say what waits.
        rootfs: See `kubepki.api`.

    Raises:
        RefusedError: `store.recovery_conflict`; its hint has the ways out.
        EnvironmentFailure: `store.journal_corrupt`, `store.journal_unreachable` and other `store.*`.

    """
    wanted = {
        "directories": path_texts(folders),
        "keep": keep,
        "dry_run": dry_run,
        "rootfs": path_text(rootfs),
    }
    return _core.recover(wanted)

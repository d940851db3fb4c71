"""Interrupted changes: what waits, and ending it.

Every operation that changes files does this first, in the folders that it works in.
"""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import RecoveryReport


@asked("RecoverRequest", "folders")
def recover(
    folders: StrPath | Iterable[StrPath] = (),
    *,
    rootfs: StrPath | None = None,
    keep: Literal["new", "old", "present"] | None = None,
    dry_run: bool = False,
) -> RecoveryReport:
    """Complete changes that were interrupted, or take them back, as their records say.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     recover(rootfs=folder).recovered
    ()

    Args:
        folders: Which directories of the node to look into; without any, `/etc/kubernetes`, its `pki`, and the
            kubelet's `pki`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        keep: Of a change that can neither be completed nor taken back, keep the new files, the old ones, or what is
            there now.
        dry_run: Show what would be done, and change nothing.

    Raises:
        RefusedError: `store.recovery_conflict`; its hint has the ways out.
        EnvironmentFailure: `store.journal_corrupt`, `store.journal_unreachable` and other `store.*`.

    """
    return _core.recover(request(locals()))

"""Backups: what is kept, putting it back, removing what is old.

Operations that replace or remove files keep them first, in a folder of their own below `backup_dir`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubepki import _core
from kubepki.api.node import DEFAULT_BACKUP_DIR, in_utc, path_text, path_texts
from kubepki.arguments import checked
from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from kubepki.api.node import StrPath
    from kubepki.types import Backup, Plan, PruneReport


@checked
def list_backups(*, backup_dir: StrPath = DEFAULT_BACKUP_DIR, rootfs: StrPath | None = None) -> list[Backup]:
    """Return every backup, the oldest first, with its checksums verified.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     list_backups(rootfs=folder)
    []

    Args:
        backup_dir: The folder of backups; one that does not exist holds none.
        rootfs: See `kubepki.api`.

    Raises:
        EnvironmentFailure: `store.*` when the folder cannot be read.

    """
    return _core.list_backups(_place(backup_dir, rootfs))


@checked
def show_backup(
    name: str = "latest", *, backup_dir: StrPath = DEFAULT_BACKUP_DIR, rootfs: StrPath | None = None
) -> Backup:
    """Return one backup, and for each of its files how the file that is there now differs.

    Raises:
        ConfigurationError: `backup.unknown`, with the nearest name in the hint.
        EnvironmentFailure: `backup.none`, `store.*`.

    """
    return _core.show_backup(_place(backup_dir, rootfs), name)


@checked
def plan_restore(
    name: str = "latest",
    *,
    only: StrPath | Iterable[StrPath] = (),
    backup: bool = True,
    recover: bool = False,
    backup_dir: StrPath = DEFAULT_BACKUP_DIR,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan to put back what a backup holds, with mode, owner and group; `kubepki.apply` does it, all or nothing.

    The whole backup is verified first. Files that are as in the backup stay untouched, missing ones are made.

    Args:
        name: The backup, or `latest`.
        only: Files of it, or folders whose files are meant; all without one.
        backup: Whether what is replaced is itself kept in a backup.
        recover: Whether an interrupted change is ended first, as for `kubepki.plan`.
        backup_dir: The folder of backups.
        rootfs: See `kubepki.api`.
        now: The moment for which the plan is made.

    Raises:
        ConfigurationError: `backup.unknown`, `backup.unknown_file`, `store.backup_place`, or `api.naive_datetime`.
        FindingError: `backup.incomplete`, `backup.damaged`.
        RefusedError: `backup.untrusted`, `backup.half_a_pair`.
        EnvironmentFailure: `backup.none`, `store.*`.

    """
    wanted = {
        "place": _place(backup_dir, rootfs),
        "name": name,
        "only": path_texts(only),
        "keep": backup,
        "recover": recover,
    }
    return _core.plan_restore(wanted, in_utc(now))


@checked
def prune_backups(
    *,
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    backup_dir: StrPath = DEFAULT_BACKUP_DIR,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> PruneReport:
    """Remove whole backups, and nothing else in their folder.

    Incomplete ones go once they are a day old, and do not count.

    Args:
        keep: How many complete ones stay, the newest.
        older_than: How old one must be to go. With both, one goes when both say so.
        dry_run: Whether to only say what would go.
        backup_dir: The folder of backups.
        rootfs: See `kubepki.api`.
        now: The moment from which age counts.

    Raises:
        ConfigurationError: `api.nothing_to_prune` without `keep` and `older_than`, or with a negative one.
        EnvironmentFailure: `store.*`. What could not be removed is in `PruneReport.failures`.

    """
    seconds = None if older_than is None else int(older_than.total_seconds())
    if keep is None and seconds is None:
        raise ConfigurationError(
            "say how many backups to keep, or how old a backup must be to be removed",
            code="api.nothing_to_prune",
            hint="give `keep` (--keep 10), `older_than` (--older-than 90d), or both",
        )
    for name, flag, value in (("keep", "--keep", keep), ("older_than", "--older-than", seconds)):
        if value is not None and value < 0:
            raise ConfigurationError(
                f"`{name}` ({flag}) must not be negative, and is {keep if name == 'keep' else older_than}",
                code="api.nothing_to_prune",
                hint="`keep` is 0 or more, `older_than` a time such as 90d",
            )
    wanted = {
        "place": _place(backup_dir, rootfs),
        "keep": keep,
        "older_than_seconds": seconds,
        "dry_run": dry_run,
    }
    return _core.prune_backups(wanted, in_utc(now))


def _place(backup_dir: StrPath, rootfs: StrPath | None) -> dict[str, Any]:
    return {"backup_dir": path_text(backup_dir), "rootfs": path_text(rootfs)}

"""Backups: what is kept, putting it back, removing what is old.

Operations that replace or remove files keep them first, in a folder of their own below `backup_dir`.
"""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from kubepki.arguments import StrPath
    from kubepki.types import Backup, Plan, PruneReport


@asked("BackupPlace")
def list_backups(
    *,
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
) -> list[Backup]:
    """Return every backup, the oldest first, with its checksums verified.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     list_backups(rootfs=folder)
    []

    Args:
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.

    Raises:
        EnvironmentFailure: `store.*` when the folder cannot be read.

    """
    return _core.list_backups(request(locals()))


@asked("BackupPlace", "name")
def show_backup(
    name: str = "latest",
    *,
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
) -> Backup:
    """Return one backup, and for each of its files how the file that is there now differs.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan, plan_renew
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca", "apiserver"], kubeconfigs=(), rootfs=folder))
    ...     renewed = apply(plan_renew(["apiserver"], rootfs=folder))
    ...     backup = show_backup(rootfs=folder)
    >>> backup.operation, [file.difference.value for file in backup.files]
    ('certs renew', ['content', 'content'])

    Args:
        name: The backup, or `latest`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.

    Raises:
        ConfigurationError: `backup.unknown`, with the nearest name in the hint.
        EnvironmentFailure: `backup.none`, `store.*`.

    """
    return _core.show_backup(request(locals(), "name"), name)


@asked("RestoreRequest", "name", name="latest")
def plan_restore(
    name: str = "latest",
    *,
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    only: StrPath | Iterable[StrPath] = (),
    no_backup: bool = False,
    recover: bool = False,
    now: datetime | None = None,
) -> Plan:
    """Plan to put back what a backup holds, with mode, owner and group; `kubepki.apply` does it, all or nothing.

    The whole backup is verified first. Files that are as in the backup stay untouched, missing ones are made.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan, plan_renew
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca", "apiserver"], kubeconfigs=(), rootfs=folder))
    ...     renewed = apply(plan_renew(["apiserver"], rootfs=folder))
    ...     restored = apply(plan_restore(rootfs=folder))
    >>> [(change.name, change.action.value) for change in restored.changed]
    [('/etc/kubernetes/pki/apiserver.key', 'restore'), ('/etc/kubernetes/pki/apiserver.crt', 'restore')]

    Args:
        name: The backup's name, or `latest`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.
        only: Only these files of the node, or the files of these directories; all without any.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        now: The moment for which the plan is made.

    Raises:
        ConfigurationError: `backup.unknown`, `backup.unknown_file`, `store.backup_place`, or `api.naive_datetime`.
        FindingError: `backup.incomplete`, `backup.damaged`.
        RefusedError: `backup.untrusted`, `backup.half_a_pair`.
        EnvironmentFailure: `backup.none`, `store.*`.

    """
    return _core.plan_restore(request(locals()), in_utc(now))


@asked("PruneRequest")
def prune_backups(
    *,
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    keep: int | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    now: datetime | None = None,
) -> PruneReport:
    """Remove whole backups, and nothing else in their folder.

    Incomplete ones go once they are a day old, and do not count.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     pruned = prune_backups(keep=10, rootfs=folder)
    >>> pruned.removed, pruned.kept
    ((), ())

    Args:
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.
        keep: How many complete ones stay, the newest.
        older_than: How old one must be to go; with `keep`, both must hold.
        dry_run: Show what would be done, and change nothing.
        now: The moment from which age counts.

    Raises:
        ConfigurationError: `api.nothing_to_prune` without `keep` and `older_than`, or with a negative one.
        EnvironmentFailure: `store.*`. What could not be removed is in `PruneReport.failures`.

    """
    return _core.prune_backups(request(locals()), in_utc(now))

"""`kubepki backup list`: the backups that are there, whether they are complete, and whether their checksums hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.backup import list_backups
from kubepki.cli import options, output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Backup


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `backup list` and its arguments."""
    parser = subparsers.add_parser("list", help="list backups and verify their checksums", description=__doc__)
    add_place_options(parser)
    options.add_output_option(parser)


def add_place_options(parser: ArgumentParser) -> None:
    """Add the options that say where backups are."""
    options.add_backup_dir_option(parser)
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of every path of the node")


def run(arguments: Namespace) -> int:
    """Print the list, the oldest first; exit 1 when one is damaged or not to be trusted."""
    from kubepki.types import BackupState

    backups = list_backups(backup_dir=arguments.backup_dir, rootfs=arguments.rootfs)
    if arguments.output != "text":
        print(output.structured({"backups": [each.to_dict() for each in backups]}, arguments.output))
    elif backups:
        output.show(backups_table(backups))
    for backup in backups:
        for problem in backup.problems:
            output.say(f"{backup.name}: {problem}")
    if not backups:
        below = f" below {arguments.rootfs}" if arguments.rootfs else ""
        output.say(f"there are no backups in {arguments.backup_dir}{below}")
    return int(any(each.state in (BackupState.DAMAGED, BackupState.UNTRUSTED) for each in backups))


def backups_table(backups: list[Backup]) -> str:
    """Return the backups as a table."""
    from kubepki.types import table
    from kubepki.types.text import minute

    rows = [
        (each.name, minute(each.made_at), each.operation, str(len(each.files)), each.state.value) for each in backups
    ]
    return table(("NAME", "MADE", "BEFORE", "FILES", "STATE"), rows)

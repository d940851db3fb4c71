"""`kubepki backup show`: what is in a backup, and how it differs from what is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.backup import show_backup
from kubepki.cli import options, output
from kubepki.cli.backup_list import add_place_options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `backup show` and its arguments."""
    parser = subparsers.add_parser("show", help="show what is in a backup", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the backup's name, or `latest`")
    add_place_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Print it; exit 1 when it cannot be restored."""
    from kubepki.types import BackupState

    backup = show_backup(arguments.name, backup_dir=arguments.backup_dir, rootfs=arguments.rootfs)
    if arguments.output == "text":
        output.show(backup)
    else:
        print(output.structured(backup.to_dict(), arguments.output))
    return int(backup.state is not BackupState.COMPLETE)

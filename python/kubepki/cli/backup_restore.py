"""`kubepki backup restore`: put back what a backup holds, with mode, owner and group, all or nothing.

The backup is verified first. What is replaced is kept in a backup of its own, unless --no-backup says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.backup import plan_restore
from kubepki.cli import options, output
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `backup restore` and its arguments."""
    parser = subparsers.add_parser("restore", help="put back what a backup holds", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the backup's name, or `latest`")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATH", help="only this file, or this folder; can be repeated"
    )
    add_dry_run_option(parser)
    options.add_backup_options(parser)
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of every path of the node")
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan it, show the plan, and do it unless it is a dry run."""
    plan = plan_restore(
        arguments.name,
        only=arguments.only,
        backup=not arguments.no_backup,
        recover=not arguments.dry_run,
        backup_dir=arguments.backup_dir,
        rootfs=arguments.rootfs,
    )
    words = Words(done="restored", nothing="nothing to do: every file is as in the backup")
    status = carry_out(arguments, plan, words)
    if plan.changes and not arguments.dry_run:
        restart = options.command("restart", arguments.rootfs)
        output.say(f"components keep what they have loaded until they are restarted: {restart}")
    return status

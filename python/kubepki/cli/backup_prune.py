"""`kubepki backup prune`: remove whole backups that are old, and nothing else in their folder.

Incomplete ones, of runs that were interrupted, go once they are a day old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.backup import prune_backups
from kubepki.cli import options, output
from kubepki.cli.backup_list import add_place_options
from kubepki.cli.carry_out import add_dry_run_option
from kubepki.cli.uninterrupted import uninterrupted_if
from kubepki.errors import EnvironmentFailure, PartialError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `backup prune` and its arguments."""
    parser = subparsers.add_parser("prune", help="remove backups that are old", description=__doc__)
    parser.add_argument("--keep", type=int, metavar="N", help="how many complete ones stay, the newest")
    parser.add_argument("--older-than", metavar="DURATION", help="how old one must be to go (90d); with --keep: both")
    add_dry_run_option(parser)
    add_place_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Remove them, and name each."""
    return uninterrupted_if(not arguments.dry_run, lambda: _prune(arguments))


def _prune(arguments: Namespace) -> int:
    report = prune_backups(
        keep=arguments.keep,
        older_than=options.duration(arguments.older_than, "--older-than") if arguments.older_than else None,
        dry_run=arguments.dry_run,
        backup_dir=arguments.backup_dir,
        rootfs=arguments.rootfs,
    )
    if arguments.output == "text":
        for backup in report.removed:
            output.show(output.printable(backup.name))
    else:
        print(output.structured(report.to_dict(), arguments.output))
    for failure in report.failures:
        problem = failure.problem
        output.say(f"error: {problem}\n  hint: {output.printable(problem.hint)}\n  code: {problem.code}")
    done = "would be removed" if arguments.dry_run else "removed"
    output.say(f"{done}: {len(report.removed)}; kept: {len(report.kept)}")
    if not report.failures:
        return 0
    return PartialError.exit_code if report.removed else EnvironmentFailure.exit_code

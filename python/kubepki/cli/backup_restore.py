"""`kubepki backup restore`: put back what a backup holds, with mode, owner and group, all or nothing.

The backup is verified first. What is replaced is kept in a backup of its own, unless --no-backup says otherwise.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubepki.api import plan as planning
from kubepki.api.backup import plan_restore
from kubepki.cli import options, output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Plan, Report


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `backup restore` and its arguments."""
    parser = subparsers.add_parser("restore", help="put back what a backup holds", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the backup's name, or `latest`")
    parser.add_argument(
        "--only", nargs="+", action="extend", default=[], metavar="PATH", help="only these files, or folders of files"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")
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
    for finding in plan.findings:
        output.say(output.finding_text(finding, sys.stderr))
    report = None if arguments.dry_run else planning.apply(plan)
    if arguments.output == "text":
        print(plan)
    else:
        data = {"plan": plan.to_dict(), "report": report.to_dict() if report else None}
        print(output.structured(data, arguments.output))
    _conclude(plan, report)
    return 0


def _conclude(plan: Plan, report: Report | None) -> None:
    if plan.is_empty:
        output.say("nothing to do: every file is as in the backup")
    elif report is None:
        output.say(f"dry run: nothing was changed; {len(plan.changes)} would be restored")
    else:
        output.say(f"restored {len(report.changed)}")
        if report.backup:
            output.say(f"what was there before is in {report.backup}")
        output.say("running components go on with what they have loaded: restart them (kubepki restart)")

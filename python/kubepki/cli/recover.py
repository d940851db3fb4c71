"""`kubepki recover`: complete changes that were interrupted, or take them back.

A run that was killed leaves records of its change. Every run that changes files ends such a change first; this
command does nothing else. What had been committed is completed, anything else is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.recover import recover
from kubepki.cli import options, output
from kubepki.cli.uninterrupted import uninterrupted_if

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `recover` and its arguments."""
    parser = subparsers.add_parser("recover", help="end changes that were interrupted", description=__doc__)
    parser.add_argument(
        "folders",
        nargs="*",
        metavar="FOLDER",
        help="where to look (default: /etc/kubernetes, its pki, and the kubelet's pki)",
    )
    parser.add_argument(
        "--keep",
        choices=("new", "old", "present"),
        help="of a change that can neither be completed nor taken back, keep the new files, the old ones, or what is "
        "there now",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what waits, and change nothing")
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of every path of the node")
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """End them, and say what was made of each; exit 0 also when there was none."""
    return uninterrupted_if(not arguments.dry_run, lambda: _end(arguments))


def _end(arguments: Namespace) -> int:
    report = recover(arguments.folders, keep=arguments.keep, dry_run=arguments.dry_run, rootfs=arguments.rootfs)
    if arguments.output != "text":
        print(output.structured(report.to_dict(), arguments.output))
    for change in report.waiting:
        output.say(f"{change}; {change.command}")
        for path in change.paths:
            output.say(f"  {path}")
    for recovery in report.recovered:
        output.say(str(recovery))
        for path in recovery.paths:
            output.say(f"  {path}")
    if not report.waiting and not report.recovered:
        output.say("no interrupted change waits")
    return 0

"""`kubepki certs check-expiration`: what `kubeadm certs check-expiration` prints, for a tree in any state.

A file that is missing, unreadable or corrupt is a row, never the end of the run. Nothing is asked of a cluster: the
configuration is the file, or kubeadm's defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api import check as checking
from kubepki.cli import options, output

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs check-expiration` and its arguments."""
    parser = subparsers.add_parser(
        "check-expiration", help="print when certificates end, as kubeadm does", description=__doc__
    )
    options.add_node_options(parser)
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="accepted for kubeadm's sake and not used: no cluster is asked"
    )
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Print the report."""
    if arguments.kubeconfig:
        output.say("note: --kubeconfig is not used: kubepki reads files only")
    report = checking.check_expiration(**options.node_arguments(arguments))
    output.warn(report.warnings)
    print({"text": report.text, "json": report.json, "yaml": report.yaml}[arguments.output], end="")
    return 0

"""`kubepki certs init`: the CAs, certificates and service account keys that a node lacks, all or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.configuration import certificate_names
from kubepki.cli import options
from kubepki.cli.init import add_init_options, make

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs init` and its arguments."""
    parser = subparsers.add_parser("init", help="make missing CAs, certificates and sa keys", description=__doc__)
    names = ", ".join(certificate_names())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all (default), or some of: {names}")
    add_init_options(parser)


def run(arguments: Namespace) -> int:
    """Make what is named."""
    return make(arguments, lambda _: [_next(arguments)], certificates=chosen(arguments.names), kubeconfigs=())


def _next(arguments: Namespace) -> str:
    """Say what a node lacks after its certificates; one that got a single one back is looked at."""
    if chosen(arguments.names) == "all":
        return f"next: {options.node_command('kubeconfig init', arguments)} makes the kubeconfigs"
    return f"next: {options.node_command('check', arguments)}"


def chosen(names: list[str]) -> str | list[str]:
    """Return `all` for no name or for the word alone; beside another name it is an unknown name."""
    return "all" if names in ([], ["all"]) else names

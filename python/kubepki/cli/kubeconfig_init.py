"""`kubepki kubeconfig init`: the kubeconfigs that a node lacks, all or by name, signed by the CA that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.configuration import kubeconfig_names
from kubepki.cli.certs_init import chosen
from kubepki.cli.init import add_init_options, make

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `kubeconfig init` and its arguments."""
    parser = subparsers.add_parser("init", help="make missing kubeconfigs", description=__doc__)
    names = ", ".join(kubeconfig_names())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all (default), or some of: {names}")
    add_init_options(parser)


def run(arguments: Namespace) -> int:
    """Make what is named; `admin` stands for `admin.conf`, as for kubeadm's phases."""
    names = [name if name == "all" or name.endswith(".conf") else f"{name}.conf" for name in arguments.names]
    return make(arguments, certificates=(), kubeconfigs=chosen(names))

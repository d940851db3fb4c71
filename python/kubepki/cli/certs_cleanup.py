"""`kubepki certs cleanup`: requests, and certificates that were embedded, go; CA keys too when asked.

A request goes only when the certificate that it became is in place and verifies; everything else is kept, with the
reason. `--ca-key` takes a CA's key away for external CA mode, when nothing on this node needs it any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.external import plan_cleanup
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.cli.certs_init import chosen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_WORDS = Words(done="cleaned up", nothing="nothing to do: there is nothing that may be taken away")


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs cleanup` and its arguments."""
    parser = subparsers.add_parser("cleanup", help="remove what signing elsewhere left behind", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="all (default), or certificates and kubeconfigs by name"
    )
    options.add_node_options(parser)
    parser.add_argument(
        "--ca-key",
        nargs="?",
        const="ca",
        action=options.CommaSeparated,
        metavar="CA",
        help="unlink the key of ca too, or of CA: --ca-key=ca,etcd-ca,front-proxy-ca (behind the names, or with `=`)",
    )
    parser.add_argument(
        "--ca-key-backup", metavar="DIR", help="with --ca-key: keep all that goes in DIR, which is not on this node"
    )
    add_dry_run_option(parser)
    options.add_backup_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan what goes, and do it."""
    plan = plan_cleanup(
        chosen(arguments.names),
        **options.node_arguments(arguments),
        ca_keys=arguments.ca_key or (),
        ca_key_backup=arguments.ca_key_backup,
        no_backup=arguments.no_backup,
        backup_dir=arguments.backup_dir,
        recover=not arguments.dry_run,
    )
    return carry_out(arguments, plan, _WORDS)

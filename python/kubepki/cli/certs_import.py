"""`kubepki certs import`: certificates that were signed elsewhere, into their places.

Each is matched to its place by its name (`apiserver.crt`, `etcd/server.crt`, `admin.conf.crt`) or by its key, and held
against its key, its request, its CA, its usages, its names and its validity. All come in, or none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.external import plan_import
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

_WORDS = Words(done="imported", nothing="nothing to do: every certificate that was given is in its place")


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs import` and its arguments."""
    parser = subparsers.add_parser(
        "import", help="install certificates that were signed elsewhere", description=__doc__
    )
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="certificate files, or folders of them, laid out as /etc/kubernetes (default: the .crt beside each .csr)",
    )
    options.add_node_options(parser)
    add_dry_run_option(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="import in spite of wrong names, usages, validity or signer; never with another key",
    )
    options.add_backup_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan the import, and do it."""
    plan = plan_import(
        arguments.paths,
        **options.node_arguments(arguments),
        force=arguments.force,
        backup_dir=options.backup_dir(arguments),
        recover=not arguments.dry_run,
    )
    return carry_out(arguments, plan, _WORDS)

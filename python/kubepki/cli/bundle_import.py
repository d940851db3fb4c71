"""`kubepki bundle import`: opens a bundle and puts its files on this node, all of them or none.

FILE is what `kubepki bundle export` wrote, or `kubectl -n kube-system get secret kubeadm-certs -o yaml`; `-` is stdin.
Each file is judged before the first is written. A file that is there and differs stays, unless --force is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api import bundle as bundles
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `bundle import` and its arguments."""
    parser = subparsers.add_parser("import", help="put an encrypted bundle on a node", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="the bundle, or - for stdin")
    parser.add_argument(
        "--role",
        choices=("control-plane", "worker"),
        help="the kind of this node (default: the configuration's); a worker's bundle is a CA's certificate",
    )
    options.add_certificate_key_options(parser)
    parser.add_argument("--allow-missing-ca-keys", action="store_true", help="the keys of external CAs may be missing")
    parser.add_argument("--force", action="store_true", help="replace files that differ")
    options.add_backup_options(parser)
    add_dry_run_option(parser)
    options.add_node_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Open it, show the plan, and do it unless it is a dry run."""
    if arguments.file == "-" and arguments.certificate_key_file == "-":
        raise ConfigurationError(
            "bundle and certificate key cannot both come from stdin",
            code="cli.usage",
            hint="give the key in a file or in KUBEPKI_CERTIFICATE_KEY",
        )
    wanted = {
        **options.node_arguments(arguments),
        "bundle": options.content(arguments.file),
        "key": options.certificate_key(arguments),
        "recipient": arguments.role,
        "allow_missing_ca_keys": arguments.allow_missing_ca_keys,
        "force": arguments.force,
        "backup_dir": options.backup_dir(arguments),
    }
    plan = bundles.plan_import_bundle(**wanted)
    words = Words(done="installed", nothing="nothing to do: everything is there")
    return carry_out(arguments, plan, words, lambda: bundles.import_bundle(**wanted))

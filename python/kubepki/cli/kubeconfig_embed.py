"""`kubepki kubeconfig embed`: signed client certificates and the CA, into kubeconfigs.

The certificate is FILE.crt (`admin.conf.crt`), or the one that is named; the CA is all of `ca.crt`. Everything else in
the file stays: other users and contexts, unknown fields, the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.configuration import kubeconfig_names
from kubepki.api.external import plan_embed
from kubepki.api.restart import must_restart
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.cli.certs_init import chosen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterator

    from kubepki.types import Report

_WORDS = Words(done="embedded", nothing="nothing to do: every signed certificate is already embedded")


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `kubeconfig embed` and its arguments."""
    parser = subparsers.add_parser("embed", help="embed signed client certificates and the CA", description=__doc__)
    names = ", ".join(kubeconfig_names())
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"all (default), or paths, or some of: {names}")
    options.add_node_options(parser)
    parser.add_argument("--client-certificate", metavar="FILE", help="the client certificate, for one kubeconfig")
    parser.add_argument("--client-key", metavar="FILE", help="its key, instead of the one in the kubeconfig")
    parser.add_argument("--certificate-authority", metavar="FILE", help="the CA certificates, instead of ca.crt")
    parser.add_argument("--flatten", action="store_true", help="embed the files that a kubeconfig refers to, too")
    add_dry_run_option(parser)
    options.add_backup_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan what is embedded, and do it."""
    plan = plan_embed(
        chosen(arguments.files),
        **options.node_arguments(arguments),
        client_certificate=arguments.client_certificate,
        client_key=arguments.client_key,
        certificate_authority=arguments.certificate_authority,
        flatten=arguments.flatten,
        backup_dir=options.backup_dir(arguments),
        recover=not arguments.dry_run,
    )
    return carry_out(arguments, plan, _WORDS, afterwards=lambda report: _next(arguments, report))


def _next(arguments: Namespace, report: Report) -> Iterator[str]:
    """Say who must read the files again, and what is left over."""
    if users := must_restart(each.name for each in report.changed):
        yield f"on a node that runs: {options.node_command(' '.join(('restart', *users)), arguments)}"
    yield f"next: {options.node_command('certs cleanup', arguments)} removes what is not needed any more"

"""`kubepki certs import`: certificates that were signed elsewhere, into their places.

Each is matched to its place by its name (`apiserver.crt`, `etcd/server.crt`, `admin.conf.crt`) or by its key, and
checked against its key, its request, its CA, its usages, its names and its validity. All are imported, or none is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.external import plan_import
from kubepki.api.restart import must_restart
from kubepki.cli import options, output
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.types import Action

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterator

    from kubepki.types import Plan, Report


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
    options.add_kubelet_dir_option(parser)
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
        kubelet_dir=arguments.kubelet_dir,
        force=arguments.force,
        backup_dir=options.backup_dir(arguments),
        recover=not arguments.dry_run,
    )
    waiting = [each.name for each in plan.artefacts if each.action is Action.SKIP]
    words = Words(done="imported", nothing=_nothing(plan, waiting))
    status = carry_out(arguments, plan, words, afterwards=lambda report: _next(arguments, report))
    if waiting and not (plan.is_blocked or plan.is_empty):
        output.say(f"not signed yet: {', '.join(waiting)}")
    return status


def _next(arguments: Namespace, report: Report) -> Iterator[str]:
    """Say what makes use of what was imported: kubeconfigs get their certificates by a verb of their own."""
    names = [each.name for each in report.changed]
    kubeconfigs = [name for name in names if name.endswith(".conf")]
    if kubeconfigs or "ca" in names:
        # A new bundle of the cluster's CA goes into every kubeconfig.
        wanted = [] if "ca" in names else kubeconfigs
        yield f"next: {options.node_command(' '.join(('kubeconfig embed', *wanted)), arguments)}"
    elif users := must_restart(names):
        yield f"to use them: {options.node_command(' '.join(('restart', *users)), arguments)}"
    else:
        yield f"next: {options.node_command('certs cleanup', arguments)} removes the requests"


def _nothing(plan: Plan, waiting: list[str]) -> str:
    if waiting:
        wait = "its request has" if len(waiting) == 1 else "their requests have"
        return f"nothing to import: {', '.join(waiting)}: {wait} no signed certificate yet"
    if not plan.artefacts:
        return "nothing to import: no certificate for this node was found"
    return "nothing to do: every certificate is already in place"

"""`kubepki certs cleanup`: remove requests and embedded certificates, and CA keys on request.

A request is removed only when its certificate is in place and verifies; everything else is kept, with the
reason. `--ca-key` removes a CA's key for external CA mode, when nothing on this node needs it any more.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kubepki.api.external import plan_cleanup
from kubepki.api.requests import leaf_names
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.cli.certs_init import chosen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterator

    from kubepki.types import Report

_WORDS = Words(done="cleaned up", nothing="nothing to do: there is nothing to remove")

_AUTHORITIES = ("ca", "etcd-ca", "front-proxy-ca")


class _AuthorityKeys(argparse.Action):
    """`--ca-key` with or without a CA; a word behind it that is no CA is one of the names."""

    def __call__(self, _parser: ArgumentParser, namespace: Namespace, values: object, _option: object = None) -> None:
        words = str(values).split(",")
        if not any(word in _AUTHORITIES for word in words) and str(values) in ("all", *leaf_names()):
            namespace.more_names = [*namespace.more_names, str(values)]
            words = ["ca"]
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *words])


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs cleanup` and its arguments."""
    parser = subparsers.add_parser("cleanup", help="remove what signing elsewhere left behind", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="all (default), or certificates and kubeconfigs by name"
    )
    parser.set_defaults(more_names=[])
    options.add_node_options(parser)
    options.add_kubelet_dir_option(parser)
    parser.add_argument(
        "--ca-key",
        nargs="?",
        const="ca",
        action=_AuthorityKeys,
        metavar="CA",
        help="remove the key of ca too, or of CA: --ca-key ca,etcd-ca,front-proxy-ca",
    )
    parser.add_argument(
        "--ca-key-backup",
        metavar="DIR",
        help="with --ca-key: keep what is removed in DIR of this machine, outside the node's files and --rootfs",
    )
    add_dry_run_option(parser)
    options.add_backup_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan what goes, and do it."""
    plan = plan_cleanup(
        chosen([*arguments.names, *arguments.more_names]),
        **options.node_arguments(arguments),
        kubelet_dir=arguments.kubelet_dir,
        ca_keys=arguments.ca_key or (),
        ca_key_backup=arguments.ca_key_backup,
        no_backup=arguments.no_backup,
        backup_dir=arguments.backup_dir,
        recover=not arguments.dry_run,
    )
    return carry_out(arguments, plan, _WORDS, afterwards=_consequences)


def _consequences(report: Report) -> Iterator[str]:
    """Say what nobody on this node can do without the cluster CA's key."""
    if any(each.name == "ca" for each in report.changed):
        yield (
            "without ca.key the controller manager cannot sign: kubelets' certificates are not renewed, and no node "
            "joins, until somebody else signs their requests (`kubectl get csr`)"
        )

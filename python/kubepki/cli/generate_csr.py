"""`kubepki certs generate-csr`: keys and signing requests, for a CA that is elsewhere.

A certificate gets `<base>.key` and `<base>.csr`; a kubeconfig is written with its key, and `<file>.csr` beside it.
Nothing that is there is overwritten, and all files are made or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.requests import leaf_names, plan_generate_csr
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.cli.certs_init import chosen
from kubepki.errors import ConfigurationError
from kubepki.types import Kind

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Plan


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs generate-csr` and its arguments."""
    parser = subparsers.add_parser(
        "generate-csr", help="make keys and signing requests for a CA elsewhere", description=__doc__
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all (default), or some of: {', '.join(leaf_names())}"
    )
    options.add_node_options(parser)
    parser.add_argument(
        "--role",
        choices=("control-plane", "worker", "etcd"),
        help="what the node is, instead of the configuration's; etcd means what etcd's CA signs",
    )
    parser.add_argument("--with-usages", action="store_true", help="ask for key usages too; kubeadm's requests do not")
    parser.add_argument("--reuse-keys", action="store_true", help="use existing keys, and make their requests again")
    parser.add_argument("--renew", action="store_true", help="make requests for the existing certificates")
    parser.add_argument("--keep-key", action="store_true", help="with --renew: keep the keys")
    parser.add_argument(
        "--out-dir",
        metavar="DIR",
        help="write into DIR, laid out as /etc/kubernetes (default with --renew: `renewal` in the kubeconfig folder)",
    )
    add_dry_run_option(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan the requests, and make them."""
    if arguments.keep_key and not arguments.renew:
        raise ConfigurationError(
            "--keep-key is for --renew",
            code="cli.usage",
            hint="for a first certificate with a key that is there: --reuse-keys",
        )
    plan = plan_generate_csr(
        **options.node_arguments(arguments),
        names=chosen([_file_name(name) for name in arguments.names]),
        role=arguments.role,
        with_usages=arguments.with_usages,
        reuse_keys=arguments.reuse_keys,
        renew=arguments.renew,
        keep_key=arguments.keep_key,
        out_dir=arguments.out_dir,
        recover=not arguments.dry_run,
    )
    words = Words(done="made", nothing="nothing to do: no request is needed")
    return carry_out(arguments, plan, words, text=_progress)


def _file_name(name: str) -> str:
    """Return kubeadm's name: `admin` stands for `admin.conf`."""
    return f"{name}.conf" if f"{name}.conf" in leaf_names() else name


def _progress(plan: Plan) -> str:
    """Return what kubeadm prints: the folders, and below each what was made there by its file name."""
    if plan.is_empty:
        return str(plan)
    lines = []
    for kind, folder in ((Kind.CERTIFICATE, "certificates_dir"), (Kind.KUBECONFIG, "kubeconfig_dir")):
        made = [each for each in plan.changes if each.kind is kind]
        if not made:
            continue
        lines.append(f"generating keys and CSRs in {plan.to_dict()[folder]}")
        for each in made:
            name = each.files[-1].path.with_suffix("")
            lines.append(f"  {name.relative_to(plan.to_dict()[folder])}")
    return "\n".join(lines)

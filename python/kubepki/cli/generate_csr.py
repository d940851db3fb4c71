"""`kubepki certs generate-csr`: keys and signing requests, for a CA that is elsewhere.

A certificate gets `<base>.key` and `<base>.csr`; a kubeconfig is written with its key, and `<file>.csr` beside it.
Nothing that is there is overwritten, and all files are made or none.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from shlex import quote
from typing import TYPE_CHECKING

from kubepki.api.requests import leaf_names, plan_generate_csr
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.cli.certs_init import chosen
from kubepki.errors import ConfigurationError
from kubepki.types import Kind

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterator

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
    options.add_kubelet_dir_option(parser)
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
        kubelet_dir=arguments.kubelet_dir,
        out_dir=arguments.out_dir,
        recover=not arguments.dry_run,
    )
    words = Words(done="made", nothing="nothing to do: no request is needed")
    return carry_out(arguments, plan, words, text=_progress, afterwards=lambda _: _next(arguments, plan))


def _next(arguments: Namespace, plan: Plan) -> Iterator[str]:
    """Say how the request of a kubelet becomes a certificate that the kubelet uses."""
    made = [each for each in plan.to_dict()["artefacts"] if each["name"] == "kubelet-client" and each.get("request")]
    for each in made:
        yield from _road(arguments, PurePath(each["files"][-1]["path"]), each["request"]["subject"]["text"])


def _road(arguments: Namespace, request: PurePath, subject: str) -> Iterator[str]:
    named = re.search(r"CN=system:node:([^,+]+)", subject)
    node = quote(named[1]) if named else "NAME"
    yield f"next, where the key of ca is, with {request.name} brought there:"
    yield f"  `kubepki certs sign {request.name} --role worker --node-name {node}`"
    yield f"then here, with {request.with_suffix('.crt').name} put beside the request:"
    yield f"  {options.node_command('certs import', arguments)}"
    yield "  `kubepki restart kubelet`"


def _file_name(name: str) -> str:
    """Return kubeadm's name: `admin` stands for `admin.conf`."""
    return f"{name}.conf" if f"{name}.conf" in leaf_names() else name


def _progress(plan: Plan) -> str:
    """Return what kubeadm prints: the folders, and below each what was made there by its file name."""
    if plan.is_empty:
        return str(plan)
    made: dict[PurePath, list[PurePath]] = {}
    fields = plan.to_dict()
    folders = {Kind.CERTIFICATE: fields["certificates_dir"], Kind.KUBECONFIG: fields["kubeconfig_dir"]}
    for each in plan.changes:
        name = each.files[-1].path.with_suffix("")
        folder = PurePath(folders[each.kind])
        # The kubelet's waits where nothing of kubeadm's is.
        folder = folder if name.is_relative_to(folder) else name.parent
        made.setdefault(folder, []).append(name.relative_to(folder))
    blocks = (
        [f"generating keys and CSRs in {folder}", *(f"  {name}" for name in names)] for folder, names in made.items()
    )
    return "\n".join(line for block in blocks for line in block)

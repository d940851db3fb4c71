"""`kubepki bundle export`: what a joining node needs, encrypted as `kubeadm init --upload-certs` does it.

Prints the Secret kubeadm-certs, for `kubectl apply -f -` or for `kubepki bundle import`. Nothing is uploaded. Without a
certificate key a new one is made and printed on stderr, once: it is nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubepki.api import bundle as bundles
from kubepki.cli import options, output
from kubepki.cli.uninterrupted import uninterrupted_if

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Bundle


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `bundle export` and its arguments."""
    parser = subparsers.add_parser("export", help="encrypt what a joining node needs", description=__doc__)
    parser.add_argument(
        "--role",
        choices=("control-plane", "worker"),
        default="control-plane",
        help="the kind of node it is for; a worker gets the CA's certificate alone, which is not encrypted",
    )
    options.add_certificate_key_options(parser)
    parser.add_argument(
        "--rbac",
        action="store_true",
        help="add the Role and the RoleBinding through which joining nodes read the Secret",
    )
    parser.add_argument(
        "--allow-missing-ca-keys", action="store_true", help="leave the keys of external CAs out; not an error"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be in it, and encrypt nothing")
    options.add_out_options(parser)
    options.add_node_options(parser)
    parser.add_argument(
        "-o", "--output", choices=("yaml", "json"), default="yaml", help="the form of the Secret (default: yaml)"
    )


def run(arguments: Namespace) -> int:
    """Make it and print it, or write it."""
    given = options.certificate_key(arguments)
    bundle = bundles.export_bundle(
        **options.node_arguments(arguments),
        key=given,
        recipient=arguments.role,
        rbac=arguments.rbac,
        allow_missing_ca_keys=arguments.allow_missing_ca_keys,
        dry_run=arguments.dry_run,
    )
    output.warn(bundle.warnings)
    for finding in bundle.findings:
        output.say_finding(finding)
    if arguments.dry_run:
        output.show(bundle)
        output.say("dry run: nothing was made")
        return 0
    form: Literal["yaml", "json", "pem"] = "pem" if arguments.role == "worker" else arguments.output

    def hand_over() -> int:
        if arguments.out:
            bundle.save(arguments.out, form=form, force=arguments.force)
            output.say(f"wrote {arguments.out}")
        else:
            print({"yaml": bundle.to_yaml, "json": bundle.to_json, "pem": bundle.to_pem}[form](), end="")
        if form != "pem" and given is None:
            _say_key(bundle)
        return 0

    # A bundle without its key is of no use: between the two nothing comes.
    return uninterrupted_if(bool(arguments.out), hand_over)


def _say_key(bundle: Bundle) -> None:
    output.say(f"certificate key: {bundle.certificate_key()}")
    output.say("  keep it apart from the bundle; it is printed this once, and nothing else opens the bundle")

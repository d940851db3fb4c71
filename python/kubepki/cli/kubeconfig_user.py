"""`kubepki kubeconfig user`: a kubeconfig for a person or a program, on stdout, as `kubeadm kubeconfig user` prints it.

A certificate needs the CA's key on this machine, a token does not. Nothing is written but with --out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubepki.api import user as users
from kubepki.cli import options, output
from kubepki.cli.progress import KeyProgress
from kubepki.cli.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.api.interrupt import Held
    from kubepki.types import UserKubeconfig


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `kubeconfig user` and its arguments."""
    parser = subparsers.add_parser("user", help="print a kubeconfig for a user", description=__doc__)
    parser.add_argument("--client-name", metavar="NAME", required=True, help="the user's name")
    parser.add_argument(
        "--org", metavar="GROUP", action=options.CommaSeparated, help="a group; can be repeated, or several by commas"
    )
    parser.add_argument(
        "--validity-period", metavar="DURATION", default="8760h", help="how long it is valid (default: 8760h)"
    )
    token = parser.add_mutually_exclusive_group()
    token.add_argument(
        "--token", metavar="TOKEN", help="use this token, no certificate; others see it in the list of processes"
    )
    token.add_argument("--token-file", metavar="FILE", help="the same from a file, or from stdin (-)")
    parser.add_argument("--algorithm", metavar="NAME", help="the kind of key (default: the configuration's)")
    parser.add_argument(
        "--server", metavar="URL", help="the API server (default: the configuration's, else that of admin.conf)"
    )
    parser.add_argument(
        "--allow-masters", action="store_true", help="allow the group system:masters, which nothing can restrict"
    )
    options.add_outlive_option(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be made, and make nothing")
    options.add_out_options(parser)
    options.add_node_options(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Make it and print it, or write it."""
    token = options.secret(arguments.token, arguments.token_file)
    if token is not None and arguments.org:
        output.say("note: --org is not used: the API server knows the groups of a token")
    with KeyProgress() as progress:
        made = users.user_kubeconfig(
            arguments.client_name,
            **options.node_arguments(arguments),
            organizations=arguments.org or (),
            token=token,
            validity=options.duration(arguments.validity_period, "--validity-period"),
            algorithm=options.algorithm(arguments.algorithm),
            server=arguments.server,
            outlive_ca=arguments.outlive_ca,
            allow_masters=arguments.allow_masters,
            dry_run=arguments.dry_run,
            progress=progress,
        )
    output.warn(made.warnings)
    for finding in made.findings:
        output.say_finding(finding)
    if not (made.is_made and arguments.out):
        _print(made, arguments)
        if arguments.dry_run:
            output.say("dry run: nothing was made")
        return 0

    def change(_: Held) -> int:
        made.save(arguments.out, force=arguments.force)
        _print(made, arguments)
        output.say(f"wrote {arguments.out}")
        return 0

    return uninterrupted(change)


def _print(made: UserKubeconfig, arguments: Namespace) -> None:
    on_stdout = made.is_made and not arguments.out
    if arguments.output != "text":
        data: dict[str, Any] = {
            "user": made.to_dict(),
            "kubeconfig": made.to_yaml() if on_stdout else None,
            "warnings": [problem.to_dict() for problem in made.warnings],
        }
        print(output.structured(data, arguments.output))
    elif on_stdout:
        # kubeadm prints an empty line behind it.
        print(made.to_yaml())
    else:
        facts = [(f"{name}:", output.printable(value)) for name, value in _facts(made) if value]
        output.show("\n".join(f"{name:<10} {value}" for name, value in facts))


def _facts(made: UserKubeconfig) -> list[tuple[str, object]]:
    return [
        ("user", made.user),
        ("subject", made.subject),
        ("key", made.algorithm),
        ("serial", made.serial),
        ("valid", made.not_before and made.not_after and f"{made.not_before} to {made.not_after}"),
        ("shows", made.credential),
        ("server", made.server),
        ("cluster", made.cluster_name),
    ]

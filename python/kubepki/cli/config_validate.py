"""`kubepki config validate`: every problem of a kubeadm configuration at once, each with its place and a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubepki.api.configuration import load_config
from kubepki.cli import options, output
from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `config validate` and its arguments."""
    parser = subparsers.add_parser("validate", help="check a kubeadm configuration file", description=__doc__)
    options.add_configuration_options(parser, required=True)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Print what is wrong with it."""
    try:
        configuration = load_config(
            arguments.config, lenient=arguments.lenient, node_name=arguments.node_name, rootfs=arguments.rootfs
        )
        problems, valid = [problem.to_dict() for problem in configuration.warnings], True
    except ConfigurationError as error:
        if "problems" not in error.context:
            raise
        problems, valid = error.context["problems"], False
    if arguments.output != "text":
        print(output.structured({"valid": valid, "problems": problems}, arguments.output))
    else:
        _print(problems)
        output.show(f"{arguments.config}: {'ok' if valid else 'not valid'}")
    return 0 if valid else ConfigurationError.exit_code


def _print(problems: list[dict[str, Any]]) -> None:
    from kubepki.types import Problem

    for problem in map(Problem.from_dict, problems):
        output.show(f"{problem.severity}: {problem} [{problem.code}]")
        if problem.hint:
            output.show(f"  hint: {problem.hint}")

"""`kubepki init`: everything that a node lacks: CAs, certificates, `sa.key` and `sa.pub`, kubeconfigs.

What is there is never overwritten. It is judged in full, and anything critical stops the run before the first change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubepki.api import plan as planning
from kubepki.cli import options
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Callable, Iterable

    from kubepki.types import Report


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `init` and its arguments."""
    add_init_options(subparsers.add_parser("init", help="make all that a node lacks", description=__doc__))


def add_init_options(parser: ArgumentParser) -> None:
    """Add the options of all three verbs that make what is missing."""
    options.add_node_options(parser)
    add_dry_run_option(parser)
    options.add_outlive_option(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan everything, and do it."""
    return make(arguments, certificates="all", kubeconfigs="all")


def make(arguments: Namespace, afterwards: Callable[[Report], Iterable[str]] | None = None, **selection: Any) -> int:  # noqa: ANN401 (names or "all", as api.plan takes them)
    """Plan what is selected, show the plan, and do it unless it is a dry run."""
    plan = planning.plan(
        **options.node_arguments(arguments),
        **selection,
        outlive_ca=arguments.outlive_ca,
        recover=not arguments.dry_run,
    )
    words = Words(done="made", nothing="nothing to do: everything is there")
    return carry_out(arguments, plan, words, afterwards=afterwards)

"""`kubepki init`: everything that a node lacks: CAs, certificates, `sa.key` and `sa.pub`, kubeconfigs.

What is there is never overwritten. It is judged in full, and anything critical stops the run before the first change.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kubepki.api import plan as planning
from kubepki.cli import options, output
from kubepki.cli.progress import KeyProgress
from kubepki.errors import FindingError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Plan, Report


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `init` and its arguments."""
    add_init_options(subparsers.add_parser("init", help="make all that a node lacks", description=__doc__))


def add_init_options(parser: ArgumentParser) -> None:
    """Add the options of all three verbs that make what is missing."""
    options.add_node_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")
    options.add_outlive_option(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Plan everything, and do it."""
    return make(arguments, certificates="all", kubeconfigs="all")


def make(arguments: Namespace, **selection: Any) -> int:  # noqa: ANN401 (names or "all", as api.plan takes them)
    """Plan what is selected, show the plan, and do it unless it is a dry run."""
    plan = planning.plan(
        **options.node_arguments(arguments),
        **selection,
        outlive_ca=arguments.outlive_ca,
        recover=not arguments.dry_run,
    )
    output.warn(plan.warnings)
    for finding in plan.findings:
        output.say(output.finding_text(finding, sys.stderr))
    report = None
    if not (arguments.dry_run or plan.is_blocked):
        # Ctrl-C is heard while keys are made; then nothing has been written.
        with KeyProgress() as progress:
            report = planning.apply(plan, progress=progress)
    _print(arguments.output, plan, report)
    return _conclude(plan, report)


def _print(form: str, plan: Plan, report: Report | None) -> None:
    if form == "text":
        print(plan)
        return
    data = {
        "plan": plan.to_dict(),
        "report": report.to_dict() if report else None,
        "warnings": [problem.to_dict() for problem in plan.warnings],
    }
    print(output.structured(data, form))


def _conclude(plan: Plan, report: Report | None) -> int:
    critical = sum(finding.is_critical for finding in plan.findings)
    if plan.is_blocked:
        output.say(f"nothing was changed: {critical} critical {'finding' if critical == 1 else 'findings'}")
        return FindingError.exit_code
    if plan.is_empty:
        output.say("nothing to do: everything is there")
    elif report is None:
        output.say(f"dry run: nothing was changed; {len(plan.changes)} would be made")
    else:
        output.say(f"made {len(report.changed)}: {', '.join(changed.name for changed in report.changed)}")
    return 0

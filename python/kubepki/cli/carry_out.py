"""What verbs that change a node do with their plan: show it, do it unless it is a dry run, and say what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kubepki.api.plan import apply
from kubepki.cli import options, output
from kubepki.cli.progress import KeyProgress
from kubepki.cli.uninterrupted import uninterrupted
from kubepki.errors import FindingError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

    from kubepki.api.interrupt import Held
    from kubepki.types import Plan, Report


class Words(NamedTuple):
    """How a verb says what it did (`made`), and that there was nothing to do."""

    done: str
    nothing: str


def add_dry_run_option(parser: ArgumentParser) -> None:
    """Add `--dry-run`."""
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")


def carry_out(
    arguments: Namespace,
    plan: Plan,
    words: Words,
    do: Callable[[], Report] | None = None,
    *,
    text: Callable[[Plan], str] | None = None,
    afterwards: Callable[[Report], Iterable[str]] | None = None,
) -> int:
    """Print the plan and its findings, do it unless it is blocked or a dry run, and return the exit code.

    `do` does what `apply` cannot: a plan whose files are secrets that it does not hold. What was done is printed by
    `text` instead of the plan's table, if it is given; what a change asks for next is said by `afterwards`.
    """
    output.warn(plan.warnings)
    for finding in plan.findings:
        output.say_finding(finding)
    if arguments.dry_run or plan.is_blocked:
        _print(arguments.output, plan, None, text)
        return _conclude(plan, None, words)

    def change(_: Held) -> int:
        with KeyProgress() as progress:
            report = do() if do else apply(plan, progress=progress)
        _print(arguments.output, plan, report, text)
        status = _conclude(plan, report, words)
        for line in afterwards(report) if afterwards and report.changed else ():
            output.say(line)
        return status

    return uninterrupted(change)


def say_backup(report: Report) -> None:
    """Say where the previous files are, if they were kept."""
    if report.backup:
        output.say(f"the previous files are kept in {report.backup}")


def _print(form: str, plan: Plan, report: Report | None, text: Callable[[Plan], str] | None) -> None:
    if form == "text":
        # An empty table says nothing; the last line says that there is nothing.
        if plan.artefacts:
            output.show(text(plan) if text and report else plan)
        return
    data = {
        "plan": plan.to_dict(),
        "report": report.to_dict() if report else None,
        "warnings": [problem.to_dict() for problem in plan.warnings],
    }
    print(output.structured(data, form))


def _conclude(plan: Plan, report: Report | None, words: Words) -> int:
    critical = sum(finding.is_critical for finding in plan.findings)
    if plan.is_blocked:
        output.say(f"nothing was changed: {options.counted(critical, 'critical finding')}")
        return FindingError.exit_code
    if plan.is_empty:
        output.say(words.nothing)
    elif report is None:
        output.say(f"dry run: nothing was changed; {len(plan.changes)} would be {words.done}")
    else:
        output.say(f"{words.done} {len(report.changed)}: {', '.join(changed.name for changed in report.changed)}")
        say_backup(report)
    return 0

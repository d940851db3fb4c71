"""How the command line says that something went wrong, and with which exit code it ends.

| exit code | it means |
|---|---|
| 0 | done |
| 1 | there are findings |
| 2 | the call or the configuration is wrong |
| 3 | the environment failed: files, permissions, space, network; or kubepki has a defect |
| 4 | refused: it would do harm |
| 5 | partly done |
| 130 | interrupted |
| 141 | the reader of stdout went away (128 + SIGPIPE, what a shell reports for any other filter) |
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubepki.cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from kubepki.errors import KubepkiError

BROKEN_PIPE = 141


def report(error: KubepkiError) -> None:
    """Print an error on stderr: what is wrong, what to do, and its code; an interrupt is a line of its own."""
    if error.category == "interrupted":
        print(error.message, file=sys.stderr)
        return
    problems = error.context.get("problems", ())
    # One problem is the message itself; of several each has a hint of its own.
    lines = _listed(problems) if len(problems) > 1 else [f"error: {error.message}"]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    lines.append(f"  code: {error.code}")
    print(*map(printable, lines), sep="\n", file=sys.stderr)


def _listed(problems: Iterable[Mapping[str, Any]]) -> list[str]:
    from kubepki.expiration import Problem

    lines = []
    for problem in map(Problem.from_dict, problems):
        lines.append(f"{problem.severity}: {problem}")
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
    return lines

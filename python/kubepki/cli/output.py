"""How results are printed: data on stdout, talk on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from kubepki import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubepki.types import Finding, Problem

_COLOURS = {"critical": "31", "warning": "33", "info": "36"}


def has_colour(stream: TextIO) -> bool:
    """Whether colour is wanted there: on a terminal, unless `NO_COLOR` says no (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: object) -> str:
    """Return text from outside as one line that a terminal does not obey."""
    return _core.printable(str(text))


def complete_commands(hint: str, node: dict[str, Any]) -> str:
    """Return a hint whose commands of kubepki are about the node of this run."""
    return _core.complete_commands(hint, node)


def refuse_core_dumps() -> None:
    """Keep this process's memory, with keys in it, from every disk."""
    _core.refuse_core_dumps()


def lines(text: str) -> str:
    """Return text of ours with values from outside in it, its lines as they may be shown."""
    return "\n".join(map(printable, text.split("\n")))


def say(text: str) -> None:
    """Print a line of talk."""
    print(lines(text), file=sys.stderr)


def say_finding(finding: Finding) -> None:
    """Print a finding as talk."""
    print(finding_text(finding, sys.stderr), file=sys.stderr)


def show(text: object) -> None:
    """Print text as data: what a value's `str` is, or lines with values from outside in them."""
    print(lines(str(text)))


def warn(problems: Iterable[Problem]) -> None:
    """Print what a configuration's reader warns of."""
    for problem in problems:
        say(f"warning: {problem}\n  hint: {problem.hint}" if problem.hint else f"warning: {problem}")


def finding_text(finding: Finding, stream: TextIO) -> str:
    """Return a finding as lines of text, its severity coloured where that is wanted."""
    text = str(finding)
    if not has_colour(stream):
        return text
    word, rest = text.split(":", 1)
    return f"\x1b[{_COLOURS[finding.severity.value]}m{word}\x1b[0m:{rest}"


def structured(data: dict[str, Any], form: str) -> str:
    """Return plain data as JSON or YAML, without a line break at the end."""
    if form == "yaml":
        return _core.to_yaml(data).rstrip("\n")
    import json

    return json.dumps(data, indent=2)

"""The reference pages name everything that there is: functions and classes, commands and flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kubepki
from trees import commands
from trees import kubepki as command

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def test_the_api_reference_names_every_function_and_class() -> None:
    text = (REFERENCE / "api.md").read_text()
    named = set(re.findall(r"`(?:kubepki\.)?(\w+)(?:\(.*?\))?`", text))
    assert set(kubepki.__all__) - {"__version__"} - named == set()


def listed(*words: str) -> list[str]:
    """Return the commands that help lists, in their words; of a group those below it."""
    shown = command(*words, "--help")
    assert shown.returncode == 0, shown.stderr
    _, _, table = shown.stdout.partition("ommands:\n")
    here = re.findall(r"^ {2,4}([a-z][a-z-]*)(?: |$)", table.partition("\n\n")[0], re.MULTILINE)
    return [each for word in here for each in listed(*words, word)] if here else [" ".join(words)]


def test_the_command_line_reference_has_the_commands_that_help_lists() -> None:
    assert sorted(commands()) == sorted(listed())


@pytest.mark.parametrize("words", commands())
def test_the_command_line_reference_names_every_flag(words: str) -> None:
    text = (REFERENCE / "cli.md").read_text()
    shown = command(*words.split(), "--help")
    assert shown.returncode == 0, shown.stderr
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown.stdout)) - {"--help", "--output"}
    assert {flag for flag in flags if not re.search(rf"`[^`\n]*{flag}\b(?!-)", text)} == set()

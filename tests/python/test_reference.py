"""The reference pages name everything that there is: functions and classes, commands and flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kubepki
from kubepki.cli.main import main
from kubepki.cli.verbs import VERBS, Verb

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def test_the_api_reference_names_every_function_and_class() -> None:
    text = (REFERENCE / "api.md").read_text()
    named = set(re.findall(r"`(?:kubepki\.)?(\w+)(?:\(.*?\))?`", text))
    assert set(kubepki.__all__) - {"__version__"} - named == set()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb.words))
def test_the_command_line_reference_names_every_command_and_its_flags(
    verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    words = " ".join(verb.words)
    text = (REFERENCE / "cli.md").read_text()
    assert re.search(rf"^\| `kubepki {words}[ `]", text, re.MULTILINE), "it is not in the table of commands"
    assert main([*words.split(), "--help"]) == 0
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", capsys.readouterr().out)) - {"--help", "--output"}
    assert {flag for flag in flags if not re.search(rf"`[^`\n]*{flag}\b(?!-)", text)} == set()

"""`kubepki explain`: every code that there is, of the core, of Python and of the collection."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from trees import kubepki

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def documented() -> set[str]:
    pages = "".join((REFERENCE / f"{name}.md").read_text() for name in ("errors", "findings", "configuration", "cli"))
    return set(re.findall(r"^\| `([a-z][a-z0-9_]*\.[a-z0-9_]+)` \|", pages, re.MULTILINE))


def listed() -> dict[str, dict[str, str]]:
    done = kubepki("explain", "-o", "json")
    assert done.returncode == 0, done.stderr
    return {one["code"]: one for one in json.loads(done.stdout)["codes"]}


def test_every_code_of_the_reference_is_explained_and_no_other() -> None:
    assert len(documented()) > 250
    assert {code for code in documented() if not code.endswith((".yaml", ".conf"))} == set(listed())


def test_a_code_says_what_it_means_and_what_to_do() -> None:
    for code in ["key.encrypted", "certificate.expired", "config.unknown_field", "api.bad_path", "ansible.bad_mode"]:
        done = kubepki("explain", code)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{code}: "), done.stdout
        alone = json.loads(kubepki("explain", code, "-o", "json").stdout)
        assert alone == listed()[code]
        assert alone["meaning"] in done.stdout
    # As an error prints it.
    assert kubepki("explain", "[key.encrypted]").stdout == kubepki("explain", "key.encrypted").stdout


def test_the_list_fits_a_terminal_and_an_area_has_its_own() -> None:
    done = kubepki("explain")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert {line for line in done.stdout.splitlines() if not line.startswith(" ")} == set(listed())
    of_area = kubepki("explain", "store").stdout
    assert {line for line in of_area.splitlines() if not line.startswith(" ")} == {
        code for code in listed() if code.startswith("store.")
    }


@pytest.mark.parametrize(
    ("given", "meant"), [("key.encryptd", "key.encrypted"), ("stor", "store"), ("ansibel.bad_mode", "ansible.bad_mode")]
)
def test_a_mistyped_code_is_answered_with_the_nearest(given: str, meant: str) -> None:
    done = kubepki("explain", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"did you mean {meant}?" in done.stderr

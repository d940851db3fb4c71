"""An option is one thing, whatever asks for it: modules, their documentation and the library agree on all of them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from ansible_options import (
    MODULES,
    PLUGINS,
    Option,
    argument_spec,
    as_markdown,
    choices_of,
    described,
    documentation,
    in_ansible,
    is_same_default,
    meanings,
    options,
)
from playbooks import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFERENCE = ROOT / "docs/reference/ansible.md"
IS_WRITING = "KUBEPKI_WRITE_REFERENCE" in os.environ


def test_every_module_is_known_here() -> None:
    assert sorted(path.stem for path in (PLUGINS / "modules").glob("*.py")) == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_has_the_options_that_there_are(module: str) -> None:
    spec, documented = argument_spec(module), documentation(module)["options"]
    assert sorted(spec) == sorted(documented)
    for name, option in spec.items():
        for field, none in (("type", "str"), ("default", None), ("required", False), ("choices", None)):
            assert option.get(field, none) == documented[name].get(field, none), f"{name}: {field}"
        assert option.get("elements") == documented[name].get("elements"), name


@pytest.mark.parametrize("module", MODULES)
def test_what_the_library_has_too_is_the_same_there(module: str) -> None:
    for option in options(module):
        if option.argument is None:
            continue
        assert is_same_default(option), f"{option.name}: {option.spec.get('default')!r}"
        words = choices_of(option.argument)
        assert sorted(option.spec.get("choices") or []) == sorted(words or []), option.name


@pytest.mark.parametrize("module", MODULES)
def test_only_ansible_has_the_options_that_are_said_to_be_ansibles(module: str) -> None:
    assert MODULES[module].own - set(argument_spec(module)) == set()


def documents() -> Iterator[tuple[Path, list[Option]]]:
    """Return each file with DOCUMENTATION, and the options whose meaning the library has."""
    renew = MODULES["renew"]
    meant, spec = meanings(renew.function), argument_spec("renew")
    for fragment in ("node", "backup"):
        path = PLUGINS / f"doc_fragments/{fragment}.py"
        names = re.findall(r"^  (\w+):$", path.read_text(), re.MULTILINE)
        known = [(name, renew.names.get(name, name)) for name in names if name != "backup"]
        yield (
            path,
            [Option(name, {}, {}, None, in_ansible(meant[argument], renew, spec)) for name, argument in known],
        )
    for module in MODULES:
        known_options = [option for option in options(module) if option.meaning and option.name != "backup"]
        yield PLUGINS / f"modules/{module}.py", known_options


@pytest.mark.parametrize(("path", "known"), documents(), ids=lambda value: getattr(value, "stem", ""))
def test_what_an_option_means_is_written_from_the_library(path: Path, known: list[Option]) -> None:
    before, mark, rest = path.read_text().partition('DOCUMENTATION = r"""\n')
    text, end, after = rest.partition('"""\n')
    for option in known:
        text = described(text, option.name, option.meaning)
    made = f"{before}{mark}{text}{end}{after}"
    if IS_WRITING:
        path.write_text(made)
    assert path.read_text() == made, "it is stale: run `make reference`"


def tables() -> Iterator[str]:
    """Return the reference of all modules."""
    yield (
        "# Modules and their options\n\nMade by `make reference` of what the modules declare: change it there. "
        "`ansible-doc kubepki.kubeadm.MODULE` has examples\nand what each returns; "
        "[ansible.md](../guides/ansible.md) is the guide.\n"
    )
    for module in sorted(MODULES):
        text = documentation(module)
        yield f"\n## {module}\n\n{text['short_description']}.\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
        for name, option in text["options"].items():
            default = "required" if option.get("required") else option.get("default")
            shown = "" if default is None else default if default == "required" else f"`{default!s}`"
            kind = f"{option['type']} of {option['elements']}" if "elements" in option else option.get("type", "str")
            said = [option["description"]] if isinstance(option["description"], str) else option["description"]
            words = [f"`{word}`" for word in option.get("choices", ())]
            meaning = " ".join(map(as_markdown, said)) + (f" ({', '.join(words)})" if words else "")
            yield f"| `{name}` | {kind} | {shown} | {meaning} |\n"


def test_the_reference_is_made_of_the_documentation() -> None:
    made = "".join(tables())
    if IS_WRITING:
        REFERENCE.write_text(made)
    assert REFERENCE.read_text() == made, "it is stale: run `make reference`"

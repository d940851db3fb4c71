"""An option is one thing, whatever asks for it: modules, their documentation and the library agree on all of them."""

from __future__ import annotations

import json
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
    fragment_text,
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
        if option.name not in MODULES[module].defaults:
            assert is_same_default(option), f"{option.name}: {option.spec.get('default')!r}"
        words = choices_of(option.argument)
        assert sorted(option.spec.get("choices") or []) == sorted(words or []), option.name


@pytest.mark.parametrize("module", MODULES)
def test_only_ansible_has_the_options_that_are_said_to_be_ansibles(module: str) -> None:
    assert MODULES[module].own - set(argument_spec(module)) == set()


def options_of(document: str) -> tuple[Path, list[Option]]:
    """Return a file with DOCUMENTATION, and the options whose meaning the library has."""
    if document in MODULES:
        known = [option for option in options(document) if option.meaning and option.name != "backup"]
        return PLUGINS / f"modules/{document}.py", known
    path, renew = PLUGINS / f"doc_fragments/{document}.py", MODULES["renew"]
    meant, spec = meanings(renew.function), argument_spec("renew")
    names = re.findall(r"^  (\w+):$", fragment_text(path, "DOCUMENTATION"), re.MULTILINE)
    known = [
        Option(name, {}, {}, None, in_ansible(meant[renew.names.get(name, name)], renew, spec))
        for name in names
        if name != "backup"
    ]
    return path, known


@pytest.mark.parametrize("document", ["node", "backup", "signing", *MODULES])
def test_what_an_option_means_is_written_from_the_library(document: str) -> None:
    path, known = options_of(document)
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
        "[ansible.md](../guides/ansible.md) is the guide. Modules that look at\nno node take the node's options "
        "too, and do not use them: `module_defaults` can say them once for all.\n"
    )
    for module in sorted(MODULES):
        text = documentation(module)
        yield f"\n## {module}\n\n{text['short_description']}.\n\n"
        yield "| option | type | default | meaning |\n|---|---|---|---|\n"
        for name, option in text["options"].items():
            if "Not used" in str(option["description"]):
                continue
            default = option.get("default")
            value = json.dumps(default) if isinstance(default, bool | dict) else default
            shown = "required" if option.get("required") else "" if default is None else f"`{value}`"
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

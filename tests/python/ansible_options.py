"""The options of the collection's modules, and what they are called in the library.

In: the sources of the collection, and the functions of `kubepki`, whose arguments are the core's declarations. Out: for
each module its options as `argument_spec` and as DOCUMENTATION have them, and what the core says of each.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

import kubepki
from kubepki.api.duration import duration
from playbooks import COLLECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLUGINS = COLLECTION / "plugins"

# The options that say which node, and where its files are; Ansible alone takes a configuration as data.
NODE = {"config_content": "config_text"}
# A positive question for a negative option.
BACKUP = {"backup": "no_backup"}


class Module(NamedTuple):
    """What a module asks of the library."""

    function: Callable[..., Any]
    # Options that the library calls otherwise.
    names: dict[str, str]
    # Options that only Ansible has, and those whose meaning is another there.
    own: frozenset[str]
    # Options that have a default in a playbook, where a second run must change nothing.
    defaults: frozenset[str]


def _module(function: Callable[..., Any], own: str = "", defaults: str = "", **names: str) -> Module:
    return Module(function, {**NODE, **BACKUP, **names}, frozenset(own.split()), frozenset(defaults.split()))


MODULES = {
    "backup_info": _module(kubepki.list_backups, own="name"),
    "backup_prune": _module(kubepki.prune_backups),
    "backup_restore": _module(kubepki.plan_restore, own="name"),
    "bundle": _module(
        kubepki.plan_import_bundle,
        own="action content path rbac allow_missing_ca_keys recipient force upload ttl kubeconfig request_timeout",
        key="key",
    ),
    "certificate_info": _module(kubepki.check, own="path content valid_at"),
    "cleanup": _module(kubepki.plan_cleanup),
    "config_validate": _module(kubepki.load_config),
    "csr": _module(kubepki.plan_generate_csr, own="renew_before force return_content"),
    "embed": _module(kubepki.plan_embed),
    "install": _module(kubepki.plan_import, own="path content"),
    "kubeconfig": _module(kubepki.plan, names="kubeconfigs"),
    "kubeconfig_user": _module(kubepki.ensure_user, own="path return_content", content="present"),
    "kubelet_csr": _module(kubepki.approve_kubelet_csrs, own="approve"),
    "pki": _module(kubepki.plan),
    "probe": _module(kubepki.probe),
    "renew": _module(kubepki.plan_renew, own="force", defaults="renew_before", renew_before="before", override="force"),
    "restart": _module(kubepki.restart),
    "sign_pipe": _module(kubepki.sign_csr, own="csr_content ca_dir renew_before force node_name role config"),
    "systemd": _module(
        kubepki.install_units,
        own="config state program tell_systemd renew_before on_calendar randomized_delay restart kubelet",
    ),
}


class Option(NamedTuple):
    """An option of a module, and the argument of the library that it is."""

    name: str
    spec: dict[str, Any]
    documented: dict[str, Any]
    argument: inspect.Parameter | None
    meaning: str


def options(name: str) -> Iterator[Option]:
    """Return the options of a module, those of its fragments among them."""
    module = MODULES[name]
    spec, documented = argument_spec(name), documentation(name)["options"]
    arguments, meant = inspect.signature(module.function).parameters, meanings(module.function)
    for option in sorted({*spec, *documented}):
        is_own = option in module.own or "Not used" in str(documented.get(option, {}).get("description"))
        argument = None if is_own else module.names.get(option, option)
        yield Option(
            option,
            spec.get(option, {}),
            documented.get(option, {}),
            arguments[argument] if argument else None,
            _meaning(meant[argument], arguments[argument], module, spec) if argument else "",
        )


def _meaning(meaning: str, argument: inspect.Parameter, module: Module, spec: dict[str, Any]) -> str:
    said = in_ansible(meaning, module, spec)
    return f"{said} It is written as V(30d), V(2w) or V(720h)." if "timedelta" in str(argument.annotation) else said


def argument_spec(name: str) -> dict[str, Any]:
    """Return what a module gives to Ansible, read off its source."""
    shared = _constants(PLUGINS / "module_utils/_kubepki.py")
    tree = ast.parse((PLUGINS / f"modules/{name}.py").read_text())
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "make_module")
    spec: dict[str, Any] = {}
    (given,) = call.args
    assert isinstance(given, ast.Dict)
    for key, value in zip(given.keys, given.values, strict=True):
        if key is None:
            spec.update(shared[_name(value)])
        else:
            spec[ast.literal_eval(key)] = _plain(value, shared)
    return {**shared["NODE_OPTIONS"], **spec}


def documentation(name: str) -> dict[str, Any]:
    """Return what a module says of itself, with the options of the collection's fragments."""
    text: dict[str, Any] = yaml.safe_load(_constants(PLUGINS / f"modules/{name}.py")["DOCUMENTATION"])
    all_options: dict[str, Any] = {}
    for fragment in text.get("extends_documentation_fragment", []):
        collection, _, own = fragment.rpartition("kubepki.kubeadm.")
        name, _, part = own.partition(".")
        if own != fragment and not collection:
            text_of_part = fragment_text(PLUGINS / f"doc_fragments/{name}.py", part.upper() or "DOCUMENTATION")
            all_options.update(yaml.safe_load(text_of_part)["options"])
    return {**text, "options": {**all_options, **(text.get("options") or {})}}


def fragment_text(path: Path, part: str) -> str:
    """Return the text of a part of a fragment."""
    (found,) = re.findall(rf'    {part} = r"""\n(.*?)"""', path.read_text(), re.DOTALL)
    return str(found)


def meanings(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the documentation of a function says of each argument."""
    section = (inspect.getdoc(function) or "").split("\nArgs:\n")[1].split("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", section, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", text) for name, text in entries}


def in_ansible(meaning: str, module: Module, spec: dict[str, Any]) -> str:
    """Return a sentence of the library with the names of a module's options in it."""
    same = {name: name for name in spec}
    options = same | {module.names.get(name, name): name for name in spec if name not in module.own}

    def marked(code: re.Match[str]) -> str:
        word = code[1]
        return f"O({options[word]})" if word in options else f"C({word})"

    return re.sub(r"`([^`]+)`", marked, meaning)


def default_of(argument: inspect.Parameter) -> Any:  # noqa: ANN401 (any default)
    """Return the default of an argument as a module has it."""
    default = None if argument.default is inspect.Parameter.empty else argument.default
    return None if default in ("all", ()) else default


def is_same_default(option: Option) -> bool:
    """Return whether a module's default is the library's."""
    assert option.argument is not None
    given, wanted = option.spec.get("default"), default_of(option.argument)
    if option.name == "backup":
        return given is (not wanted)
    if isinstance(wanted, timedelta):
        return given is not None and duration(given) == wanted
    return given in (wanted, []) if wanted is None else bool(given == wanted)


def choices_of(argument: inspect.Parameter) -> list[str] | None:
    """Return the words that an argument takes; none where it takes others too."""
    annotation = str(argument.annotation)
    words = re.findall(r"Literal\[([^\]]*)\]", annotation)
    return re.findall(r"['\"]([^'\"]*)['\"]", words[0]) if words and "Iterable" not in annotation else None


def described(text: str, option: str, meaning: str) -> str:
    """Return DOCUMENTATION whose option has the meaning as its first sentence; the others stay."""
    start = re.search(rf"^  {option}:\n    description:\n", text, re.MULTILINE)
    if start is None:
        return text
    first = re.compile(r"      - .*\n(?:        .*\n)*").match(text, start.end())
    assert first is not None, option
    return text[: start.end()] + item(meaning) + text[first.end() :]


def item(meaning: str) -> str:
    """Return a sentence as an entry of a list, in lines that are not too long."""
    needs_block = ": " in meaning or meaning[0] in "`'\"[{&*!|>%@#-" or " #" in meaning
    lines = textwrap.wrap(meaning, 112, break_long_words=False, break_on_hyphens=False)
    if needs_block:
        lines = [">-", *lines]
    return "      - " + "\n        ".join(lines) + "\n"


def as_markdown(text: str) -> str:
    """Return a sentence of Ansible's documentation as the guides have it."""
    return re.sub(r"\b[OCVM]\(([^)]*)\)", r"`\1`", text).replace("|", "\\|")


def _constants(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text()).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            try:
                found[target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def _plain(node: ast.expr, shared: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return a literal, or an option that modules share; without what is computed in it."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {ast.literal_eval(key): _plain(value, shared) for key, value in pairs if key is not None}
    if isinstance(node, ast.Subscript):
        return shared[_name(node.value)][ast.literal_eval(node.slice)]
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")

"""The values of the package."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pickle
import pkgutil

import pytest

import kubepki.types
from kubepki import Algorithm, Severity


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_algorithm_is_read_from_its_name(algorithm: Algorithm) -> None:
    assert Algorithm.parse(str(algorithm)) is algorithm
    assert pickle.loads(pickle.dumps(algorithm)) is algorithm  # noqa: S301 (our own bytes)


MODULES = sorted(each.name for each in pkgutil.walk_packages(kubepki.__path__, "kubepki."))


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_the_examples_in_the_documentation_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_every_function_has_an_example_unless_it_needs_a_node_that_runs() -> None:
    functions = [value for value in (getattr(kubepki, name) for name in kubepki.__all__) if inspect.isfunction(value)]
    bare = {each.__name__ for each in functions if ">>> " not in (each.__doc__ or "")}
    assert len(functions) > 30
    assert bare == {"plan_restart", "restart"}


def test_every_exported_name_is_there_and_listed() -> None:
    for name in kubepki.__all__:
        assert getattr(kubepki, name).__name__ == name if name != "__version__" else kubepki.__version__
    assert set(kubepki.__all__) <= set(dir(kubepki))
    assert sorted(kubepki.__all__) == kubepki.__all__
    with pytest.raises(AttributeError, match="nonsense"):
        kubepki.nonsense  # noqa: B018
    for name in kubepki.types.__all__:
        assert getattr(kubepki.types, name).__name__ == name
    assert set(kubepki.types.__all__) <= set(dir(kubepki.types))
    with pytest.raises(AttributeError, match=r"'kubepki\.types' has no attribute 'nonsense'"):
        kubepki.types.nonsense  # noqa: B018


def test_a_finding_from_plain_data() -> None:
    data = {
        "code": "file.missing",
        "severity": "warning",
        "subject": "ca",
        "path": None,
        "evidence": "seen",
        "remedy": "mend",
    }
    finding = kubepki.Finding.from_dict(data)
    assert (finding.severity, finding.path, finding.is_critical) == (Severity.WARNING, None, False)
    assert str(finding) == "warning: ca: seen [file.missing]\n  remedy: mend"
    assert finding == kubepki.Finding.from_dict(dict(data))
    assert finding != kubepki.Finding.from_dict({**data, "evidence": "seen twice"})


def test_a_problem_without_a_place() -> None:
    data = {"severity": "error", "code": "a.b", "file": "x.yaml", "line": None, "column": None, "field": ""}
    problem = kubepki.Problem.from_dict({**data, "message": "empty", "hint": ""})
    assert str(problem) == "x.yaml: empty"

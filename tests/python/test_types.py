"""The values of the package."""

from __future__ import annotations

import doctest
import pickle
from typing import TYPE_CHECKING

import pytest

import kubepki.api.backup
import kubepki.api.bundle
import kubepki.api.check
import kubepki.api.configuration
import kubepki.api.duration
import kubepki.api.plan
import kubepki.api.systemd
import kubepki.api.user
import kubepki.types
from kubepki import Algorithm, Severity

if TYPE_CHECKING:
    from types import ModuleType


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_algorithm_is_read_from_its_name(algorithm: Algorithm) -> None:
    assert Algorithm.parse(str(algorithm)) is algorithm
    assert pickle.loads(pickle.dumps(algorithm)) is algorithm  # noqa: S301 (our own bytes)


@pytest.mark.parametrize(
    "module",
    [
        kubepki.api.backup,
        kubepki.api.bundle,
        kubepki.api.check,
        kubepki.api.configuration,
        kubepki.api.duration,
        kubepki.api.plan,
        kubepki.api.systemd,
        kubepki.api.user,
        kubepki.types.enumerations,
    ],
)
def test_the_examples_in_the_documentation_run(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


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

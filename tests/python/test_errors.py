"""Exceptions: what they carry, how they cross process borders, how the native core raises them."""

from __future__ import annotations

import json
import pickle

import pytest

from kubepki import (
    Algorithm,
    ConfigurationError,
    EnvironmentFailure,
    FindingError,
    InternalError,
    Interrupted,
    KubepkiError,
    PartialError,
    RefusedError,
    errors,
)

CHILDREN = {
    "finding": (FindingError, 1),
    "usage": (ConfigurationError, 2),
    "environment": (EnvironmentFailure, 3),
    "refused": (RefusedError, 4),
    "partial": (PartialError, 5),
    "interrupted": (Interrupted, 130),
    "internal": (InternalError, 3),
}


@pytest.mark.parametrize("category", CHILDREN)
def test_each_category_of_the_core_has_a_class_and_an_exit_code(category: str) -> None:
    error = errors.from_native(category, "it failed", "area.what", "mend it", {"path": "/x"})
    kind, exit_code = CHILDREN[category]
    assert type(error) is kind
    assert (error.category, error.exit_code) == (category, exit_code)
    assert (error.message, error.code, error.hint, error.context) == (
        "it failed",
        "area.what",
        "mend it",
        {"path": "/x"},
    )


def test_every_child_stands_for_one_category() -> None:
    assert {kind.category: (kind, kind.exit_code) for kind in KubepkiError.__subclasses__()} == CHILDREN


def test_text_and_repr() -> None:
    error = ConfigurationError("no such field", code="config.unknown_field", hint="see the list")
    assert str(error) == "no such field"
    assert repr(error) == "ConfigurationError('config.unknown_field', 'no such field')"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_pickling(protocol: int) -> None:
    error = PartialError("half done", code="ops.half", hint="run it again", context={"done": ["ca.crt"]})
    vars(error)["remark"] = "set by a caller"
    copy = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 (our own bytes)
    assert type(copy) is PartialError
    assert copy.to_dict() == error.to_dict()
    assert (vars(copy)["remark"], copy.args) == ("set by a caller", ("half done",))


def test_an_error_as_plain_data() -> None:
    error = RefusedError("it would outlive its CA", code="plan.outlives_ca", context={"days": 3})
    assert json.loads(json.dumps(error.to_dict())) == {
        "category": "refused",
        "code": "plan.outlives_ca",
        "message": "it would outlive its CA",
        "hint": "",
        "context": {"days": 3},
    }


def test_the_context_is_a_copy() -> None:
    evidence = {"a": 1}
    error = FindingError("x", code="a.b", context=evidence)
    evidence["a"] = 2
    assert error.context == {"a": 1}


def test_an_error_of_the_core_arrives_with_all_its_parts() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Algorithm.parse("rsa-2048")
    error = raised.value
    assert error.code == "key.unknown_algorithm"
    assert error.message == 'unknown key algorithm "rsa-2048"'
    assert error.hint == "use one of ECDSA-P256, ECDSA-P384, RSA-2048, RSA-3072, RSA-4096"
    assert isinstance(error.context, dict)


def test_a_wrong_type_is_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="int"):
        Algorithm.parse(2048)  # type: ignore[arg-type]

"""The values of the package."""

from __future__ import annotations

import pickle

import pytest

from kubepki import Algorithm, _core


def test_the_algorithms_are_those_of_the_core_in_its_order() -> None:
    assert [algorithm.value for algorithm in Algorithm] == _core.algorithm_names()


@pytest.mark.parametrize("algorithm", Algorithm)
def test_an_algorithm_is_read_from_its_name(algorithm: Algorithm) -> None:
    assert Algorithm.parse(str(algorithm)) is algorithm
    assert pickle.loads(pickle.dumps(algorithm)) is algorithm  # noqa: S301 (our own bytes)

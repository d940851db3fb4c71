"""Fixtures: real kubeadm clusters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from testbed import machine
from testbed.cluster import take_down_orphans
from testbed.configurations import Shape
from testbed.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from testbed.cluster import Cluster

_FAILED = pytest.StashKey[bool]()
_POOL = pytest.StashKey[Pool]()


class MakeCluster:
    """What the fixture `cluster` is."""

    def __init__(self, pool: Pool) -> None:
        """Take clusters from `pool`."""
        self._pool = pool

    def __call__(
        self,
        control_planes: int = 1,
        workers: int = 0,
        *,
        fresh: bool = False,
        bare: bool = False,
        most_back_off: int | None = None,
        configuration: Mapping[str, object] | None = None,
    ) -> Cluster:
        """Return a cluster: shared, unless the test wants a fresh one, or nodes without Kubernetes.

        `configuration` is laid over the ClusterConfiguration; the kubelet waits `most_back_off` seconds at most before
        it starts a container again (by itself up to 5 minutes).
        """
        wanted = Shape(control_planes, workers, most_back_off, cluster=json.dumps(configuration or {}))
        return self._pool.fresh(wanted, bare=bare) if fresh or bare else self._pool.shared(wanted)


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """The clusters of this run; those of a run that was killed are taken down first."""
    if complaint := machine.complaint():
        pytest.fail(complaint, pytrace=False)
    take_down_orphans()
    pool = Pool()
    request.config.stash[_POOL] = pool
    try:
        yield pool
    finally:
        pool.close()


@pytest.fixture
def cluster(pool: Pool, request: pytest.FixtureRequest) -> Iterator[MakeCluster]:
    """Make clusters, or share them; a test that changes what others rely on asks for a fresh one."""
    yield MakeCluster(pool)
    pool.end_of_test(has_failed=request.node.stash.get(_FAILED, False))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the logs of the clusters that a failed test used."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.failed:
        item.stash[_FAILED] = True
        pool = item.config.stash.get(_POOL, None)
        for used in pool.in_use() if pool else ():
            report.sections.append((f"cluster {used.name}", used.logs()))
    return report  # type: ignore[return-value]

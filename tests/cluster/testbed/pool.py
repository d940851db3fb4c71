"""The clusters of a test run: shared by the tests that ask for the same shape, or made for one test."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from testbed.cluster import Cluster

if TYPE_CHECKING:
    from testbed.configurations import Shape

# More nodes at once are for bigger machines than those that tests run on.
_MOST_NODES = 8


class Pool:
    """The clusters that run now."""

    def __init__(self) -> None:
        """Hold none."""
        self._numbers = itertools.count(1)
        self._shared: dict[Shape, Cluster] = {}
        self._own: list[Cluster] = []
        self._in_use: list[Cluster] = []

    def shared(self, shape: Shape) -> Cluster:
        """Return a healthy cluster that other tests use too, one after the other."""
        cluster = self._shared.pop(shape, None)
        if cluster is None:
            self._make_room(shape)
            cluster = self._start(shape)
            self._own.remove(cluster)
            self._shared[shape] = cluster
            cluster.bring_up()
        else:
            # The last one is the one that was used last.
            self._shared[shape] = cluster
            cluster.wait_until_healthy()
        self._in_use.append(cluster)
        return cluster

    def fresh(self, shape: Shape, *, bare: bool) -> Cluster:
        """Return a cluster for this test alone; a bare one has nodes without Kubernetes."""
        self._make_room(shape)
        cluster = self._start(shape)
        self._in_use.append(cluster)
        if not bare:
            cluster.bring_up()
        return cluster

    def in_use(self) -> list[Cluster]:
        """Return the clusters of the test that runs."""
        return self._in_use

    def end_of_test(self, *, has_failed: bool) -> None:
        """Take down what was the test's own; of a test that failed, what it shared too."""
        for cluster in [*self._own, *(self._in_use if has_failed else ())]:
            if cluster in self._own or cluster in self._shared.values():
                self._down(cluster)
        self._in_use = []

    def close(self) -> None:
        """Take all down."""
        for cluster in [*self._own, *self._shared.values()]:
            self._down(cluster)

    def _start(self, shape: Shape) -> Cluster:
        cluster = Cluster(f"test-{os.getpid()}-{next(self._numbers)}", shape)
        self._own.append(cluster)
        cluster.start()
        return cluster

    def _make_room(self, shape: Shape) -> None:
        """Take down what was not used for longest."""
        wanted = shape.control_planes + shape.workers
        for cluster in list(self._shared.values()):
            running = sum(len(each.nodes) for each in [*self._own, *self._shared.values()])
            if running + wanted > _MOST_NODES and cluster not in self._in_use:
                self._down(cluster)

    def _down(self, cluster: Cluster) -> None:
        self._shared = {shape: each for shape, each in self._shared.items() if each is not cluster}
        self._own = [each for each in self._own if each is not cluster]
        cluster.down()

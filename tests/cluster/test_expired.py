"""Everything has expired, and `certs renew all --kubelet --restart` alone brings each node back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed import past
from testbed.node import COMPONENTS
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster


def expire(cluster: Cluster) -> None:
    """Let all certificates of all control planes be over, and every process use them and fail."""
    for node in cluster.control_planes:
        changed = past.expire(node, cluster.first)
        assert {"apiserver.crt", "server.crt", "admin.conf", "scheduler.conf"} <= set(changed)
        assert any(name.startswith("kubelet-client-") for name in changed)
    for node in cluster.control_planes:
        for component in COMPONENTS:
            for pid in node.processes(component):
                node.run("kill", "-9", str(_in_node(pid)))
    eventually(lambda: bool(cluster.faults()), "the cluster is ill")
    for node in cluster.control_planes:
        past.refuse_to_start(node)


def _in_node(pid: int) -> int:
    """Return the id of a process within its node."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [each for each in status.splitlines() if each.startswith("NSpid:")]
    # The node's namespace is the one below the machine's; a container may have one of its own.
    return int(line.split()[2])


def bring_back(node: Node, *, has_others: bool) -> None:
    """Run the one command; etcd of the first of several nodes has to wait for another member."""
    asked = node.kubepki("certs", "renew", "all", "--dry-run")
    assert "kubelet-client" in asked.stderr or "kubelet.conf" in asked.stderr
    assert "`kubepki certs renew all --kubelet --before 30d --restart`" in asked.stderr
    done = node.kubepki("certs", "renew", "all", "--kubelet", "--restart", timeout=600)
    if has_others:
        assert (done.returncode, "code: restart.no_quorum" in done.stderr) == (5, True), done.stdout + done.stderr
        assert "run the same command on the other control-plane nodes" in done.stderr
    else:
        assert done.returncode == 0, f"{node.name}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("control_planes", [1, pytest.param(3, marks=pytest.mark.long)])
def test_one_command_on_each_node_brings_the_cluster_back(cluster: MakeCluster, control_planes: int) -> None:
    # What crashes while etcd is away comes back by itself, when the kubelet has waited.
    living = cluster(control_planes=control_planes, fresh=True, most_back_off=10)
    expire(living)
    for number, node in enumerate(living.control_planes, 1):
        bring_back(node, has_others=number == 1 < control_planes)
    if control_planes > 1:
        restarted = living.first.kubepki("restart")
        assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    living.wait_until_healthy()
    for node in living.control_planes:
        checked = node.kubepki("check")
        assert (checked.returncode, checked.stderr) == (0, ""), f"{node.name}: {checked.stdout}"
        due = node.kubepki("restart", "--dry-run", "--kubelet")
        assert "nothing to restart" in due.stderr, f"{node.name}: {due.stdout}{due.stderr}"

"""The clusters of the tests themselves: what is started is ended, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed import cluster as clusters
from testbed.processes import Process
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster

pytestmark = pytest.mark.cluster

_BARE = """
import sys
from testbed.cluster import Cluster
from testbed.configurations import Shape
cluster = Cluster(sys.argv[1], Shape())
cluster.start()
print(cluster.first.pid, cluster.network_pid, flush=True)
input()
"""


@pytest.mark.usefixtures("pool")
def test_a_run_that_is_killed_leaves_no_process_and_the_next_one_removes_its_files() -> None:
    name = f"killed-{os.getpid()}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.Popen(
        [sys.executable, "-c", _BARE, name], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout
    processes = [Process.of(int(word)) for word in run.stdout.readline().split()]
    run.send_signal(signal.SIGKILL)
    run.communicate()
    eventually(lambda: not any(process.is_alive() for process in processes), "they end", patience=60.0)
    assert clusters.take_down_orphans() == [name]
    assert not (clusters.runs() / name).exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/kubepki-{name}-*"))


def test_systemctl_of_a_node_rules_its_own_kubelet(cluster: MakeCluster) -> None:
    node = cluster().first

    def systemctl(*arguments: str) -> str:
        return node.run("systemctl", *arguments).stdout.strip()

    (before,) = node.processes("kubelet")
    assert node.run("systemctl", "restart", "kubelet").returncode == 0
    (after,) = node.processes("kubelet")
    assert after != before
    assert systemctl("is-active", "kubelet.service") == "active"
    assert node.run("systemctl", "stop", "kubelet").returncode == 0
    assert node.processes("kubelet") == []
    assert systemctl("is-active", "kubelet") == "inactive"
    assert node.run("systemctl", "start", "kubelet").returncode == 0
    assert systemctl("show", "kubelet", "--property", "MainPID,ActiveState", "--value").endswith("active")


@pytest.mark.long
def test_the_endpoint_survives_the_loss_of_a_control_plane(cluster: MakeCluster) -> None:
    three = cluster(control_planes=3, workers=1)
    with three.steady_client() as client:
        lost = three.control_planes[-1]
        manifest = lost.kubernetes / "manifests/kube-apiserver.yaml"
        kept = manifest.rename(lost.kubernetes / "kube-apiserver.yaml")
        eventually(lambda: not lost.containers("kube-apiserver"), "its API server ends")
        time.sleep(3)
        kept.rename(manifest)
        three.wait_until_healthy()
    assert client.count > 100
    assert not client.failures, client.report()


def test_nothing_of_the_machine_changes(cluster: MakeCluster) -> None:
    node = cluster().first
    assert node.run("cat", "/etc/hostname").stdout == "cp1\n"
    assert Path("/etc/hostname").read_text() != "cp1\n"
    assert node.run("touch", "/etc/mark", "/usr/mark", "/var/mark", "/opt/mark").returncode == 0
    assert not [path for path in ("/etc/mark", "/usr/mark", "/var/mark", "/opt/mark") if Path(path).exists()]

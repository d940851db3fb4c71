"""Processes that call themselves like a component or the kubelet: they are neither ended nor believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed.processes import Process
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.node import InNode, Node

pytestmark = pytest.mark.cluster

# Listens at the port, if one is given, until it is ended.
SERVER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1]))) if sys.argv[1] != "-" else None
time.sleep(1000)
"""


def decoy(node: Node, name: str, port: str = "-", *flags: str, user: int = 0) -> InNode:
    """Start a process that calls itself `name`."""
    as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    script = 'exec -a "$0" python3 -c "$@"'
    return node.popen(*as_user, "bash", "-c", script, name, SERVER, port, *flags)


def end(process: InNode) -> None:
    process.kill()
    process.wait()


def test_a_process_outside_of_pods_is_not_ended_whatever_it_calls_itself(cluster: MakeCluster) -> None:
    node = cluster(control_planes=1, fresh=True, most_back_off=1).first
    (before,) = node.processes("kube-scheduler")
    by_name = [decoy(node, "kube-scheduler"), decoy(node, "kube-scheduler", user=65534)]
    by_word = decoy(node, "other", "-", "--secure-port=10259", "--bind-address=127.0.0.1")
    decoys = [(each, Process.of(each.pid)) for each in (*by_name, by_word)]
    manifest = node.kubernetes / "manifests" / "kube-scheduler.yaml"
    text = manifest.read_text()
    # It ends as soon as it is started, so that only the decoys could be taken for it.
    manifest.write_text(text.replace("- kube-scheduler\n", "- kube-scheduler\n    - --no-such-flag\n", 1))
    eventually(lambda: before not in node.processes("kube-scheduler"), "the old one ends", patience=90.0)
    failed = node.kubepki("restart", "kube-scheduler", "--timeout", "8s")
    assert failed.returncode == 3, failed.stderr
    assert "restart.not_healthy" in failed.stderr
    manifest.write_text(text)
    done = node.kubepki("restart", "--all", "kube-scheduler")
    assert done.returncode == 0, done.stderr
    for each, process in decoys:
        assert process.is_alive()
        end(each)


def into_the_pod_of(member: int, decoy: InNode) -> None:
    """Put a process into the control group of a pod."""
    for line in Path(f"/proc/{member}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "kubepods" in path:
            # Of the second version, which has no name, there may be a folder beside those of the first.
            mounts = [Path("/sys/fs/cgroup", controllers.removeprefix("name=") or name) for name in ("unified", "")]
            place = next(each for each in (mount / path.lstrip("/") for mount in mounts) if each.is_dir())
            (place / "cgroup.procs").write_text(str(decoy.pid))


@pytest.mark.parametrize("of", ["another user", "a pod"])
def test_a_kubelet_that_is_not_the_nodes_is_not_asked_and_not_relied_on(cluster: MakeCluster, of: str) -> None:
    node = cluster(control_planes=1, fresh=True, most_back_off=1).first
    evil = node.root / "etc" / "kubeadm" / "evil"
    evil.mkdir(parents=True)
    configuration = {"kind": "KubeletConfiguration", "staticPodPath": "/etc/kubeadm/evil"}
    (evil / "config.yaml").write_text(json.dumps({**configuration, "apiVersion": "kubelet.config.k8s.io/v1beta1"}))
    assert node.run("systemctl", "stop", "kubelet").returncode == 0
    eventually(lambda: not node.processes("kubelet"), "the kubelet ends")
    user = 65534 if of == "another user" else 0
    false = decoy(node, "kubelet", "10248", "--config=/etc/kubeadm/evil/config.yaml", user=user)
    eventually(lambda: "10248" in node.run("ss", "-ltn").stdout, "the decoy listens")
    (scheduler,) = node.processes("kube-scheduler")
    if of == "a pod":
        into_the_pod_of(scheduler, false)
    refused = node.kubepki("restart", "--all", "kube-scheduler")
    assert refused.returncode == 3, refused.stderr
    assert "restart.no_kubelet" in refused.stderr
    assert "evil" not in refused.stderr
    assert node.processes("kube-scheduler") == [scheduler]
    end(false)
    assert node.run("systemctl", "start", "kubelet").returncode == 0
    eventually(lambda: node.kubepki("restart", "--dry-run").returncode == 0, "the kubelet is back")

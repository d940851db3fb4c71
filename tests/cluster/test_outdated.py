"""What a renewal and other changed files ask of the components that run, and what they take into use by themselves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

# What a dry run ends with when a restart is due.
DUE = 10


def due(node: Node) -> tuple[int, list[str], str]:
    """Return what a dry run ends with, what it would restart, and what it says."""
    done = node.kubepki("restart", "--dry-run", "--output", "json")
    components = json.loads(done.stdout)["plan"]["components"]
    names = [each["name"] for each in components if each["action"] in ("restart", "blocked")]
    said = "; ".join(word for each in components for word in (*each["reasons"], *each["awaited"]))
    return done.returncode, names, said + done.stderr


def outdated(node: Node) -> list[str]:
    """Return what `check` says of components and of service accounts."""
    findings = json.loads(node.kubepki("check", "--output", "json").stdout)["findings"]
    return [f"{each['subject']} {each['code']}" for each in findings if each["severity"] != "info"]


def test_after_a_renewal_only_those_with_kubeconfigs_are_due_and_a_new_ca_spares_the_api_server(
    cluster: MakeCluster,
) -> None:
    (node,) = cluster(control_planes=1, fresh=True).control_planes
    pki = node.kubernetes / "pki"
    assert due(node)[:2] == (0, [])
    assert outdated(node) == []

    renewed = node.kubepki("certs", "renew", "all")
    assert renewed.returncode == 0, renewed.stderr
    code, names, said = due(node)
    assert (code, names) == (DUE, ["kube-controller-manager", "kube-scheduler"]), said
    assert "loads apiserver-kubelet-client.crt by itself within 5 minutes" in said
    both = ["kube-controller-manager component.outdated", "kube-scheduler component.outdated"]
    assert outdated(node) == both
    restarted = node.kubepki("restart", timeout=300)
    assert restarted.returncode == 0, restarted.stderr
    assert due(node)[:2] == (0, [])
    assert outdated(node) == []

    # A bundle is no file to sign with: the controller manager would end as soon as it leads.
    alone = (pki / "ca.crt").read_bytes()
    (pki / "ca.crt").write_bytes(alone + (pki / "front-proxy-ca.crt").read_bytes())
    code, names, said = due(node)
    assert (code, names) == (1, ["kube-controller-manager"]), said
    assert "component.would_not_start" in said
    (pki / "ca.crt").write_bytes(alone)
    assert due(node)[:2] == (DUE, ["kube-controller-manager"])


def test_another_key_for_tokens_is_refused_alone_and_warned_of_with_its_public_half(cluster: MakeCluster) -> None:
    (node,) = cluster(control_planes=1, fresh=True).control_planes
    pki = node.kubernetes / "pki"
    old = (pki / "sa.pub").read_bytes()
    shutil.copyfile(pki / "apiserver.key", pki / "sa.key")
    code, _, said = due(node)
    assert (code, "service_account.mismatch" in said) == (1, True), said

    openssl = ["openssl", "pkey", "-in", str(pki / "sa.key"), "-pubout"]
    new = subprocess.run(openssl, check=True, capture_output=True).stdout
    (pki / "sa.pub").write_bytes(new)
    code, names, said = due(node)
    assert (code, names) == (DUE, ["kube-apiserver", "kube-controller-manager"]), said
    assert "sa service_account.replaced" in outdated(node)
    (pki / "sa.pub").write_bytes(new + old)
    assert "sa service_account.replaced" not in outdated(node)


def test_a_component_that_is_about_to_listen_is_not_due(cluster: MakeCluster) -> None:
    """As after a run that was killed: the kubelet has started it, and it is not ready yet."""
    node = cluster(control_planes=1, fresh=True, most_back_off=1).first
    name = "kube-controller-manager"
    (before,) = node.processes(name)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: node.processes(name) not in ([], [before]), "it starts", pause=0.02)
    (started,) = node.processes(name)
    os.kill(started, signal.SIGSTOP)
    threading.Timer(2.0, os.kill, (started, signal.SIGCONT)).start()
    code, names, said = due(node)
    assert (code, names) == (0, []), said

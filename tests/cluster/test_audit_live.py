"""`check --live` and `access --audit-log` on real nodes: what is presented, and who has used which certificate."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from testbed.audited import AUDIT_LOG, audited
from testbed.node import KUBEPKI
from testbed.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster


def found(node: Node, *words: str) -> set[tuple[str, str]]:
    """Return of whom `check` says what."""
    report = json.loads(node.kubepki("check", *words, "--output", "json").stdout)
    return {(each["subject"], each["code"]) for each in report["findings"]}


def presented(node: Node) -> set[tuple[str, str]]:
    """Return what `check` says of what components present."""
    return {each for each in found(node, "--live") if each[1].startswith("endpoint.")}


def is_presented_as_it_is_on_disk(node: Node) -> bool:
    return not presented(node)


def renewed_elsewhere(node: Node, name: str, folder: Path) -> Path:
    """Renew a certificate of a copy of the node's files; return the copy's `pki`."""
    copy = folder / name.replace("/", "-")
    shutil.copytree(node.kubernetes, copy / "etc/kubernetes")
    words = [str(KUBEPKI), "certs", "renew", name, "--rootfs", str(copy), "--no-backup"]
    subprocess.run(words, check=True, capture_output=True)
    return copy / "etc/kubernetes/pki"


def test_on_a_fresh_node_all_present_what_is_on_disk(cluster: MakeCluster) -> None:
    for node in cluster(control_planes=3, workers=1).nodes:
        assert presented(node) == set(), node.name
        assert found(node, "--live") == found(node), node.name


def test_a_renewed_certificate_that_is_not_loaded_is_found_until_it_is(cluster: MakeCluster, tmp_path: Path) -> None:
    (node,) = cluster(control_planes=1, fresh=True).control_planes
    pki = node.kubernetes / "pki"
    new = renewed_elsewhere(node, "apiserver", tmp_path)

    # Half of a copy by hand: an API server goes on with the pair that it has, as this one does not fit.
    shutil.copyfile(new / "apiserver.crt", pki / "apiserver.crt")
    assert presented(node) == {("kube-apiserver", "endpoint.other_certificate")}
    assert ("apiserver", "key.mismatch") in found(node)
    # Restarted with it, it would not come up again.
    refused = node.kubepki("restart", "kube-apiserver", "--force")
    assert (refused.returncode, "the key is not the one" in refused.stderr) == (1, True), refused.stderr

    shutil.copyfile(new / "apiserver.key", pki / "apiserver.key")
    done = node.kubepki("restart", "kube-apiserver", "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    assert presented(node) == set()

    # etcd reads its pair for each connection: new ones get no answer, and no restart is needed when the pair fits.
    new = renewed_elsewhere(node, "etcd-server", tmp_path)
    shutil.copyfile(new / "etcd/server.crt", pki / "etcd/server.crt")
    assert presented(node) == {("etcd", "endpoint.no_answer")}
    shutil.copyfile(new / "etcd/server.key", pki / "etcd/server.key")
    assert presented(node) == set()

    # What kubepki itself renews is loaded without a restart.
    done = node.kubepki("certs", "renew", "all")
    assert done.returncode == 0, done.stderr
    eventually(partial(is_presented_as_it_is_on_disk, node), "the new ones are presented", patience=120.0)


def test_a_component_that_hangs_is_found(cluster: MakeCluster) -> None:
    (node,) = cluster(control_planes=1, fresh=True).control_planes
    (process,) = node.processes("kube-apiserver")
    os.kill(process, signal.SIGSTOP)
    try:
        assert ("kube-apiserver", "endpoint.no_answer") in presented(node)
    finally:
        os.kill(process, signal.SIGCONT)
    eventually(partial(is_presented_as_it_is_on_disk, node), "it answers again", patience=60.0)


def accesses(node: Node, *words: str) -> dict[str, Any]:
    """Return what `access` says by the log."""
    done = node.kubepki("access", *words, "--audit-log", AUDIT_LOG, "--output", "json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_audit_log_of_a_real_api_server_says_who_has_used_which_certificate(cluster: MakeCluster) -> None:
    (node,) = audited(cluster, 1).control_planes
    for name in ("jane", "joe"):
        out = f"/etc/kubeadm/{name}.conf"
        made = node.kubepki("kubeconfig", "user", "--client-name", name, "--organization", "readers", "--out", out)
        assert made.returncode == 0, made.stderr
    for _ in range(3):
        asked = node.run("kubectl", "--kubeconfig=/etc/kubeadm/jane.conf", "auth", "whoami")
        assert asked.returncode == 0, asked.stderr

    users = ("/etc/kubeadm/jane.conf", "/etc/kubeadm/joe.conf")
    report = accesses(node, *users)
    used = {each["name"]: each["used"] for each in report["credentials"] if each["used"]}
    (jane,) = (each for each in used.values() if each["user"] == "jane")
    assert jane["requests"] >= 3
    assert set(jane["addresses"]) == {node.address}
    assert {"controller-manager.conf", "scheduler.conf", "admin.conf"} <= used.keys()
    assert report["unknown"] == []
    assert report["log"]["damaged_lines"] <= 1
    unused = {each["subject"] for each in report["findings"] if each["code"] == "access.unused"}
    assert any("joe" in subject for subject in unused)
    assert not any("jane" in subject for subject in unused)

    # Nobody knows where this file is.
    (unknown,) = accesses(node, users[1])["unknown"]
    assert (unknown["used"]["user"], unknown["used"]["requests"]) == ("jane", jane["requests"])

    # After a renewal the log still has the certificates of before.
    old = {each["name"]: each["sha256"] for each in report["credentials"]}
    done = node.kubepki("certs", "renew", "all", "--restart")
    assert done.returncode == 0, done.stderr
    later = accesses(node, *users)
    gone = {each["sha256"] for each in later["unknown"]}
    assert {old["scheduler.conf"], old["controller-manager.conf"], old["admin.conf"]} <= gone
    in_use = {each["name"] for each in later["credentials"] if each["used"]}
    assert {"scheduler.conf", "controller-manager.conf"} <= in_use

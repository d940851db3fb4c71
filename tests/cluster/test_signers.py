"""The signers of a real controller manager, and the signing controller by itself where the CA's key is elsewhere."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

PKI = "/etc/kubernetes/pki"
ELSEWHERE = "/etc/kubernetes/owner-of-the-ca"
# What kubeadm gives to the controller manager of a cluster with an external CA.
NOTHING = [{"name": f"cluster-signing-{end}-file", "value": ""} for end in ("cert", "key")]
EXTERNAL = {"controllerManager": {"extraArgs": NOTHING}}
CLIENTS, KUBELETS, SERVING, LEGACY = range(4)


def show(node: Node, *more: str, code: int = 0) -> dict[str, Any]:
    """Return what `signer show` says, after the exit code that is expected."""
    done = node.kubepki("signer", "show", "-o", "json", *more)
    assert done.returncode == code, done
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def requests(node: Node) -> list[str]:
    """Return the names of kubepki's requests that are in the cluster."""
    listed = node.kubectl("get", "csr", "-o", "name")
    assert listed.returncode == 0, listed
    return [name for name in listed.stdout.split() if "kubepki-" in name]


def test_the_controller_manager_of_kubeadm_signs_for_all_that_it_says(cluster: MakeCluster) -> None:
    """Each signer that the API takes requests for has signed with the CA of its pair; no request is left."""
    owner = cluster().first
    report = show(owner, "--probe")
    assert [one["state"] for one in report["signers"]] == ["ready"] * 4
    for one in report["signers"][:LEGACY]:
        probe = one["probe"]
        assert probe["problem"] is None, probe
        assert probe["authority"]["path"] == f"{PKI}/ca.crt"
        # Ten minutes, counted from the beginning of the run.
        assert 500 < probe["certificate"]["residual_seconds"] < 700
    assert report["signers"][LEGACY]["probe"] is None
    assert requests(owner) == []

    # A worker, a workstation: nothing is known of the manifest, and the cluster is asked all the same.
    asked = show(owner, "--probe", "--kubelet-dir", "/nowhere", "--kubeconfig-dir", "/nowhere/either")
    assert asked["manifest"] is None
    assert {one["state"] for one in asked["signers"]} == {"unknown"}
    assert asked["signers"][SERVING]["probe"]["problem"] is None
    assert requests(owner) == []


def test_a_node_reads_its_configuration_from_its_cluster(cluster: MakeCluster) -> None:
    """With admin.conf on a control plane, with kubelet.conf on a worker."""
    living = cluster(workers=1)
    report: dict[str, Any] = {}
    for node in living.nodes:
        done = node.run("env", "--unset", "KUBECONFIG", KUBEPKI, "check", "--config", "cluster", "-o", "json")
        report = json.loads(done.stdout)
        assert not [one for one in report["findings"] if one["severity"] == "critical"], report["findings"]
    names = {one["name"] for one in report["certificates"]}
    assert "apiserver" not in names, "the last node is a worker"


def test_where_the_key_is_elsewhere_the_signing_controller_signs_by_itself(cluster: MakeCluster) -> None:
    """Nothing signs, and `signer show` says so; then a controller on the machine of the CA's owner does."""
    living = cluster(fresh=True, configuration=EXTERNAL)
    owner = living.first
    (owner.root / ELSEWHERE.lstrip("/")).mkdir(mode=0o700)
    (owner.kubernetes / "pki/ca.key").rename(owner.root / ELSEWHERE.lstrip("/") / "ca.key")

    before = show(owner, "--probe", "--timeout", "5s", code=1)
    assert [one["state"] for one in before["signers"]] == ["disabled"] * 4
    assert {one["probe"]["problem"]["code"] for one in before["signers"][:LEGACY]} == {"signer.not_signed"}
    assert f"{PKI}/ca-signing.key" in before["extra_args"]["v1beta4"]
    assert requests(owner) == []

    controller = owner.popen(
        owner.tools.program("kube-controller-manager"),
        "--controllers=csrsigning",
        "--leader-elect=false",
        "--secure-port=0",
        "--kubeconfig=/etc/kubernetes/admin.conf",
        f"--cluster-signing-cert-file={PKI}/ca.crt",
        f"--cluster-signing-key-file={ELSEWHERE}/ca.key",
    )
    try:
        after = show(owner, "--probe", "--timeout", "60s")
        assert [one["state"] for one in after["signers"]] == ["disabled"] * 4
        for one in after["signers"][:LEGACY]:
            assert (one["probe"]["problem"], one["probe"]["authority"]["path"]) == (None, f"{PKI}/ca.crt")

        # What the node needs from its cluster is signed again: its owner's certificate, without a key of the CA here.
        renewed = owner.kubepki("certs", "renew", "scheduler.conf", "--issuer", "kubernetes", "--approve")
        assert renewed.returncode == 0, renewed
        probed = owner.run("kubectl", "--kubeconfig=/etc/kubernetes/scheduler.conf", "auth", "whoami", "-o", "json")
        assert "system:kube-scheduler" in probed.stdout, probed
    finally:
        controller.kill(signal.SIGTERM)
        ended = controller.wait()
    assert requests(owner) == [], ended.stderr[-2000:]

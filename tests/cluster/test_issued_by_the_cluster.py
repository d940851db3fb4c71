"""Certificates by the certificates API of a real cluster: its controller manager signs, and another signer."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from testbed.node import KUBEPKI
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

SIGNED_BY_KUBERNETES = ("admin.conf", "apiserver-kubelet-client", "controller-manager.conf", "scheduler.conf")
PKI = "/etc/kubernetes/pki"
BY_CLUSTER = ("--issuer", "kubernetes", "--approve")


@pytest.fixture
def own(cluster: MakeCluster) -> Cluster:
    return cluster(control_planes=1, workers=1)


def ours(cluster: Cluster) -> list[str]:
    """Return the requests of kubepki that are in the cluster."""
    listed = cluster.client("get", "csr", "--output=name")
    assert listed.returncode == 0, listed
    return [name for name in listed.stdout.split() if "/kubepki-" in name]


def contents(node: Node) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(node.kubernetes.rglob("*")) if path.is_file()}


def user(node: Node, file: str) -> tuple[str, list[str]]:
    """Return whom the API server takes the holder of a kubeconfig for."""
    asked = node.run("kubectl", f"--kubeconfig={file}", "auth", "whoami", "--output=json")
    assert asked.returncode == 0, asked
    known = json.loads(asked.stdout)["status"]["userInfo"]
    return known["username"], sorted(known["groups"])


def test_the_controller_manager_renews_what_it_can_make(own: Cluster) -> None:
    """Each works afterwards; what no signer makes is passed over, and no request is left."""
    node = own.first
    before = [user(node, f"/etc/kubernetes/{name}") for name in ("admin.conf", "scheduler.conf")]
    done = node.kubepki("certs", "renew", *SIGNED_BY_KUBERNETES, *BY_CLUSTER, "--validity", "90d", "--restart")
    assert done.returncode == 0, done
    assert [user(node, f"/etc/kubernetes/{name}") for name in ("admin.conf", "scheduler.conf")] == before
    listed = node.kubepki("certs", "check-expiration", "-o", "json")
    rows = {one["name"]: one["residualTime"] for one in json.loads(listed.stdout)["certificates"]}
    assert {name for name, seconds in rows.items() if 88 < seconds / 86400 < 91} == set(SIGNED_BY_KUBERNETES)
    assert node.kubectl("get", "nodes").returncode == 0
    # The API server takes up its new certificate for kubelets, and closes connections with the old one.
    way = f"/api/v1/nodes/{own.workers[0].name}/proxy/healthz"
    eventually(lambda: node.kubectl("get", "--raw", way).stdout == "ok", "the kubelet answers the API server")
    checked = node.kubepki("check")
    assert checked.returncode == 0, checked

    left = node.kubepki("certs", "renew", "super-admin.conf", "apiserver", "front-proxy-client", *BY_CLUSTER)
    assert left.returncode == 1, left
    assert "not renewed: apiserver, front-proxy-client, super-admin.conf" in left.stderr
    assert ours(own) == []


def test_a_worker_whose_kubelet_is_late_gets_its_certificate_from_the_cluster(own: Cluster) -> None:
    """There is no CA key on it; the kubelet goes on with the pair."""
    (worker,), given = own.workers, "/etc/kubernetes/given.conf"
    (worker.kubernetes / "given.conf").write_bytes((own.first.kubernetes / "admin.conf").read_bytes())
    done = worker.kubepki("certs", "renew", "kubelet-client", *BY_CLUSTER, "--kubeconfig", given, "--validity", "90d")
    assert done.returncode == 0, done
    assert worker.run("systemctl", "restart", "kubelet").returncode == 0
    assert worker.kubectl("get", "node", worker.name).returncode == 0
    shown = worker.kubepki("show", "/var/lib/kubelet/pki/kubelet-client-current.pem", "-o", "json")
    (file,) = json.loads(shown.stdout)["files"]
    assert file["contents"][0]["subject"] == f"CN=system:node:{worker.name},O=system:nodes"
    assert ours(own) == []


def test_a_person_without_the_cas_key_makes_a_kubeconfig(own: Cluster) -> None:
    words = ("kubeconfig", "user", "--client-name", "jane", "--org", "qa", "--validity", "1h", *BY_CLUSTER)
    node = own.workers[0]
    (node.kubernetes / "given.conf").write_bytes((own.first.kubernetes / "admin.conf").read_bytes())
    server = f"https://{own.first.address}:6443"
    made = node.kubepki(
        *words, "--server", server, "--kubeconfig", "/etc/kubernetes/given.conf", "--out", "/etc/kubernetes/jane.conf"
    )
    assert made.returncode == 0, made
    assert user(node, "/etc/kubernetes/jane.conf") == ("jane", ["qa", "system:authenticated"])
    assert ours(own) == []


def test_a_request_that_a_person_denies_or_forgets_changes_nothing(own: Cluster) -> None:
    node = own.first
    before = contents(node)

    def deny() -> None:
        while not (waiting := ours(own)):
            time.sleep(0.1)
        own.client("certificate", "deny", waiting[0].rpartition("/")[2])

    denier = threading.Thread(target=deny)
    denier.start()
    done = node.kubepki("certs", "renew", "scheduler.conf", "--issuer", "kubernetes", "--timeout", "60s")
    denier.join()
    assert (done.returncode, "code: signer.denied" in done.stderr) == (4, True), done
    done = node.kubepki("certs", "renew", "scheduler.conf", "--issuer", "kubernetes", "--timeout", "2s")
    assert (done.returncode, "code: signer.not_approved" in done.stderr) == (3, True), done
    assert (contents(node), ours(own)) == (before, [])


def test_another_signer_serves_etcd(own: Cluster) -> None:
    """It signs approved requests of its name and writes their status, as cert-manager's controller does."""
    node = own.first
    pki = node.kubernetes / "pki/etcd"

    def sign() -> None:
        while not (waiting := ours(own)):
            time.sleep(0.1)
        there = json.loads(own.client("get", waiting[0], "--output=json").stdout)
        (node.kubernetes / "wanted.csr").write_bytes(base64.b64decode(there["spec"]["request"]))
        (node.kubernetes / "usages").write_text(
            "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\n"
        )
        signed = node.run(
            *("openssl", "x509", "-req", "-in", "/etc/kubernetes/wanted.csr", "-CA", "/etc/kubernetes/pki/etcd/ca.crt"),
            *("-CAkey", "/etc/kubernetes/pki/etcd/ca.key", "-days", "90", "-copy_extensions", "copy"),
            *("-extfile", "/etc/kubernetes/usages"),
        )
        assert signed.returncode == 0, signed
        there["status"]["certificate"] = base64.b64encode(signed.stdout.encode()).decode()
        (node.kubernetes / "signed.json").write_text(json.dumps(there))
        place = f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{there['metadata']['name']}/status"
        put = node.kubectl("replace", "--raw", place, "-f", "/etc/kubernetes/signed.json")
        assert put.returncode == 0, put

    signer = threading.Thread(target=sign)
    signer.start()
    words = (
        "--signer",
        "clusterissuers.cert-manager.io/etcd",
        "--validity",
        "90d",
        "--issuer-ca",
        f"{PKI}/etcd/ca.crt",
    )
    done = node.run(KUBEPKI, "certs", "renew", "etcd-server", *BY_CLUSTER, *words, "--restart", timeout=300)
    signer.join()
    assert done.returncode == 0, done
    assert (pki / "server.crt").exists()
    verified = node.run(
        "openssl", "verify", "-CAfile", "/etc/kubernetes/pki/etcd/ca.crt", "/etc/kubernetes/pki/etcd/server.crt"
    )
    assert verified.returncode == 0, verified
    live = node.kubepki("check", "--live")
    assert live.returncode == 0, live
    assert ours(own) == []

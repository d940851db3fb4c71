"""`certs renew all --restart` on living clusters: what is renewed is served and used, and no client is cut off."""

from __future__ import annotations

import base64
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from testbed.audited import AUDIT_LOG, audited
from testbed.node import COMPONENTS
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

# Port, file: what is served there.
_SERVED = {6443: "pki/apiserver.crt", 2379: "pki/etcd/server.crt", 2380: "pki/etcd/peer.crt"}
_USERS = {
    "controller-manager.conf": "system:kube-controller-manager",
    "scheduler.conf": "system:kube-scheduler",
}


def _certificate(text: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text)


def _embedded(node: Node, name: str) -> x509.Certificate:
    shown = node.run("kubectl", f"--kubeconfig=/etc/kubernetes/{name}", "config", "view", "--raw", "--output=json")
    user = json.loads(shown.stdout)["users"][0]["user"]
    return _certificate(base64.b64decode(user["client-certificate-data"]))


def _served(node: Node, port: int) -> x509.Certificate:
    """The certificate at a port of the node's address; etcd's ports want one of the client, and show theirs before."""
    script = (
        "import ssl,socket,sys;c=ssl._create_unverified_context();"
        "c.load_cert_chain(sys.argv[3],sys.argv[4]) if sys.argv[3] else None;"
        "s=c.wrap_socket(socket.create_connection((sys.argv[1],int(sys.argv[2])),10));"
        "print(ssl.DER_cert_to_PEM_cert(s.getpeercert(True)))"
    )
    pair = ("/etc/kubernetes/pki/etcd/peer.crt", "/etc/kubernetes/pki/etcd/peer.key") if port != 6443 else ("", "")
    asked = node.run("python3", "-I", "-c", script, node.address, str(port), *pair)
    assert asked.returncode == 0, asked.stderr
    return _certificate(asked.stdout.encode())


def _credential(certificate: x509.Certificate) -> str:
    return f"X509SHA256={certificate.fingerprint(hashes.SHA256()).hex()}"


def _credentials(cluster: Cluster, user: str) -> set[str]:
    """The credentials with which a user was seen by any API server."""
    found: set[str] = set()
    for node in cluster.control_planes:
        for line in node.run("cat", AUDIT_LOG).stdout.splitlines():
            event: dict[str, Any] = json.loads(line)
            if event["user"].get("username") == user:
                found.update(event["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", []))
    return found


def _is_used(cluster: Cluster, user: str, credential: str) -> bool:
    return credential in _credentials(cluster, user)


def _made_since(node: Node, began: int) -> dict[str, int]:
    """How many containers of each component were made since a time in nanoseconds."""
    made = {name: node.containers(name, also_ended=True) for name in COMPONENTS}
    return {name: sum(int(each["createdAt"]) >= began for each in all_of) for name, all_of in made.items()}


@pytest.mark.parametrize("control_planes", [1, 3])
def test_what_is_renewed_is_served_and_used_and_only_what_must_is_restarted_once(
    cluster: MakeCluster, control_planes: int
) -> None:
    here = audited(cluster, control_planes)
    with here.steady_client() as client:
        for node in here.control_planes:
            old_serials = {port: _served(node, port).serial_number for port in _SERVED}
            old = {name: _embedded(node, name) for name in _USERS}
            began = time.time_ns()

            done = node.kubepki("certs", "renew", "all", "--restart")

            assert done.returncode == 0, done.stdout + done.stderr
            for port, file in _SERVED.items():
                on_disk = _certificate((node.kubernetes / file).read_bytes())
                assert on_disk.serial_number != old_serials[port]
                assert _served(node, port) == on_disk, f"{port} on {node.name}"
            assert _made_since(node, began) == {
                "etcd": 0,
                "kube-apiserver": 0,
                "kube-controller-manager": 1,
                "kube-scheduler": 1,
            }
            for name, user in _USERS.items():
                new = _credential(_embedded(node, name))
                assert new != _credential(old[name])
                eventually(partial(_is_used, here, user, new), f"{user} on {node.name}", patience=60.0)
            for settled in (node.kubepki("restart", "--dry-run"), node.kubepki("check")):
                assert settled.returncode == 0, settled.stdout + settled.stderr
    assert client.count > 100
    if control_planes > 1:
        assert not client.failures, client.report()


@pytest.mark.long
def test_every_component_of_three_nodes_restarts_without_a_failed_request(cluster: MakeCluster) -> None:
    three = cluster(control_planes=3)
    with three.steady_client() as client:
        for node in three.control_planes:
            began = time.time_ns()
            done = node.kubepki("restart", "--all", "--kubelet", "--output", "json")
            assert done.returncode == 0, done.stdout + done.stderr
            restarted = [each["name"] for each in json.loads(done.stdout)["report"]["restarted"]]
            assert sorted(restarted) == sorted((*COMPONENTS, "kubelet"))
            three.wait_until_healthy()
            made = _made_since(node, began)
            assert (made["etcd"], made["kube-apiserver"]) == (1, 1)
    assert client.count > 100
    lost, others = client.split()
    assert not others, client.report()
    assert len(lost) <= 2 * len(three.control_planes), client.report()

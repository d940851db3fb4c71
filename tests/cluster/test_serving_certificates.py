"""Serving certificates of real kubelets: approved by what the kubelets cannot write, renewed by themselves."""

from __future__ import annotations

import base64
import json
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

_Seen = TypeVar("_Seen")

PATIENCE = 240.0
# So short that kubelets renew within the test: they do when 70 to 90 % are over. Validity begins five minutes before.
SHORT = {"controllerManager": {"extraArgs": [{"name": "cluster-signing-duration", "value": "2m"}]}}
AUTHORITY = "/etc/kubernetes/pki/ca.crt"


def until(look: Callable[[], _Seen | None], what: str) -> _Seen:
    """Look again and again until there is something to see."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (seen := look()) is not None:
            return seen
        time.sleep(0.5)
    pytest.fail(f"{what} was not seen within {PATIENCE} s")


def waiting(owner: Node) -> dict[str, dict[str, Any]]:
    """Return the requests that wait, by who made them; the newest of each."""
    listed = owner.kubepki("kubelet", "csrs", "-o", "json")
    assert listed.returncode == 0, listed
    return {one["username"]: one for one in json.loads(listed.stdout)["requests"]}


def served(owner: Node, node: Node) -> str | None:
    """Return the serial number of what a kubelet serves, if it is of the cluster's CA and has the node's address."""
    endpoint = f"{node.address}:10250"
    probed = owner.kubepki("probe", endpoint, "--certificate-authority", AUTHORITY, "-o", "json")
    (found,) = json.loads(probed.stdout)["endpoints"]
    # It ends so soon that this alone is a finding.
    others = {one["code"] for one in found["findings"]} - {"certificate.expires_soon"}
    return str(found["certificates"][0]["serial"]) if found["certificates"] and not others else None


def as_kubelet(cluster: Cluster, node: Node, names: str) -> str:
    """Ask, with the credentials of a node's kubelet, for a certificate with other names; return the request's name."""
    subject = f"/O=system:nodes/CN=system:node:{node.name}"
    made = node.run(
        *(
            "openssl",
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "/dev/null",
        ),
        *("-subj", subject, "-addext", f"subjectAltName={names}"),
    )
    assert made.returncode == 0, made
    request = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "stolen"},
        "spec": {
            "request": base64.b64encode(made.stdout.encode()).decode(),
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
        },
    }
    (node.kubernetes / "stolen.json").write_text(json.dumps(request))
    asked = node.run(
        "kubectl", "--kubeconfig", "/etc/kubernetes/kubelet.conf", "create", "-f", "/etc/kubernetes/stolen.json"
    )
    assert asked.returncode == 0, f"{cluster.name}: {asked}"
    return "stolen"


def test_a_kubelet_is_approved_by_what_it_cannot_write_and_renews_by_itself(cluster: MakeCluster) -> None:
    living = cluster(control_planes=1, workers=1, fresh=True, configuration=SHORT)
    owner, (worker,) = living.first, living.workers
    for node in living.nodes:
        file = node.root / "var/lib/kubelet/config.yaml"
        file.write_text(file.read_text() + "serverTLSBootstrap: true\n")
        assert node.run("systemctl", "restart", "kubelet").returncode == 0
    users = {f"system:node:{node.name}" for node in living.nodes}
    until(lambda: True if waiting(owner).keys() >= users else None, "a request of each kubelet")

    # A kubelet's own word is not enough, and nobody else's was given.
    left = owner.kubepki("kubelet", "approve")
    assert left.returncode == 1, left
    assert {one["verdict"] for one in waiting(owner).values()} == {"leave"}

    # The API server's own address is listed for good; a worker renews by the certificate that it serves.
    listed = ("--allow", f"{owner.name}={owner.address}")
    watcher = owner.popen(KUBEPKI, "kubelet", "approve", "--watch", *listed)
    allow = [word for node in living.nodes for word in ("--allow", f"{node.name}={node.address}")]
    approved = owner.kubepki("kubelet", "approve", *allow)
    assert approved.returncode == 0, approved
    first = {node.name: until(partial(served, owner, node), f"a certificate of {node.name}") for node in living.nodes}

    # As metrics-server does: TLS to the kubelet, verified with the cluster's CA.
    pki = "/etc/kubernetes/pki"
    client = ("--cert", f"{pki}/apiserver-kubelet-client.crt", "--key", f"{pki}/apiserver-kubelet-client.key")
    for node in living.nodes:
        seen = owner.run(
            "curl", "--silent", "--show-error", "--cacert", AUTHORITY, *client, f"https://{node.address}:10250/healthz"
        )
        assert seen.stdout == "ok", seen

    # Whoever has a worker's credentials asks for the API server's address.
    stolen = as_kubelet(living, worker, f"DNS:{worker.name},IP:{owner.address}")

    def renewed(node: Node) -> str | None:
        serial = served(owner, node)
        return serial if serial not in {None, first[node.name]} else None

    for node in living.nodes:
        until(partial(renewed, node), f"a renewed certificate of {node.name}")
    conditions = json.loads(owner.kubectl("get", "csr", stolen, "-o", "json").stdout)["status"].get("conditions")
    assert conditions is None, conditions
    watcher.kill(signal.SIGINT)
    ended = watcher.wait()
    assert ended.returncode == 0, ended
    assert "that it serves now has it" in ended.stdout
    assert "stolen: left" in ended.stdout

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


def enabled(node: Node) -> dict[str, Any]:
    """Have a node's kubelet ask for its serving certificate; return what was done."""
    # Without what this testbed says of admin.conf, which no worker has.
    alone = ("env", "--unset=KUBECONFIG", KUBEPKI)
    done = node.run(*alone, "kubelet", "enable-serving-certs", "--restart", "-o", "json")
    assert done.returncode == 0, done
    return dict(json.loads(done.stdout))


def settled(asking: dict[str, Any]) -> list[dict[str, str]]:
    """Return the documents as a second run finds them."""
    return [{**one, "before": one["after"]} for one in asking["settings"]]


def as_metrics_server(owner: Node, node: Node) -> str:
    """Ask a kubelet itself, by TLS that is verified with the cluster's CA."""
    pki = "/etc/kubernetes/pki"
    client = ("--cert", f"{pki}/apiserver-kubelet-client.crt", "--key", f"{pki}/apiserver-kubelet-client.key")
    verified = ("curl", "--silent", "--show-error", "--cacert", AUTHORITY)
    return owner.run(*verified, *client, f"https://{node.address}:10250/healthz").stdout


def through_the_api_server(owner: Node, node: Node) -> str:
    """Ask a kubelet through the API server, as logs and exec do."""
    return owner.kubectl("get", "--raw", f"/api/v1/nodes/{node.name}/proxy/healthz").stdout


def reached(owner: Node, node: Node) -> bool | None:
    """Say whether a kubelet answers through the API server."""
    return through_the_api_server(owner, node) == "ok" or None


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
    # The control plane's run changes the cluster's object; a worker's finds it right, with the node's own credentials.
    for node in living.nodes:
        asking = enabled(node)
        assert [one["before"] == one["after"] for one in asking["settings"]] == [node is not owner, False]
        assert (asking["was_restarted"], asking["request"]["state"]) == (True, "waits"), asking
        assert enabled(node) == {**asking, "settings": settled(asking), "backup": None, "was_restarted": False}
    assert waiting(owner).keys() >= {f"system:node:{node.name}" for node in living.nodes}

    # Nobody can verify what is not there.
    early = owner.kubepki("kubelet", "require-serving-certs")
    assert early.returncode == 4, early
    assert all(f"{node.name}: " in early.stderr for node in living.nodes), early

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

    assert [as_metrics_server(owner, node) for node in living.nodes] == ["ok", "ok"]

    # The API server verifies them from now on, and reaches every kubelet as before.
    assert [through_the_api_server(owner, node) for node in living.nodes] == ["ok", "ok"]
    required = owner.kubepki("kubelet", "require-serving-certs", "-o", "json")
    assert required.returncode == 0, required
    assert [one["problem"] for one in json.loads(required.stdout)["nodes"]] == [None, None]
    again = owner.kubepki("kubelet", "require-serving-certs")
    assert (again.returncode, "nothing to change" in again.stderr) == (0, True), again
    flag = f"--kubelet-certificate-authority={AUTHORITY}"
    assert flag in (owner.kubernetes / "manifests/kube-apiserver.yaml").read_text()
    kubeadm = owner.kubectl("get", "--namespace=kube-system", "configmap", "kubeadm-config", "-o", "yaml").stdout
    assert "name: kubelet-certificate-authority" in kubeadm
    for node in living.nodes:
        until(partial(reached, owner, node), f"the kubelet of {node.name}")

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

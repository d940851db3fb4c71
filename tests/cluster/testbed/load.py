"""The whole load of a living cluster: every kind of client that a rotation of its authorities could cut off.

Outside of the cluster's nodes, through the endpoint: reads, writes, lists, a watch, token reviews, tokens of service
accounts that are old and that are fresh, an aggregated API, an exec and a log stream; and a stand-in for a pod with an
old client, which has read the CA and its token once. Within: a pod of today, whose CA and token the kubelet renews and
client-go reads again; it serves the aggregated API to whoever shows the front proxy's certificate, as the cluster's
ConfigMap has it.
"""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed import images
from testbed.configurations import ENDPOINT, PORT
from testbed.steady import Failure
from testbed.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.cluster import Cluster
    from testbed.node import Node
    from testbed.steady import SteadyClient

_IMAGE = "kubepki.test/steady:1"
_NAME = "steady"
_GROUP = "steady.kubepki.test"
_LISTEN = 8443


@dataclass(frozen=True)
class Load:
    """The client outside, and the pod within."""

    client: SteadyClient
    node: Node

    def of_pod(self) -> list[Failure]:
        """Return the pod's failed requests so far."""
        folder = self.node.root / "var/log/pods"
        failures = []
        for file in sorted(folder.glob(f"default_{_NAME}_*/{_NAME}/*.log")):
            for line in file.read_text(errors="replace").splitlines():
                # The runtime writes time, stream and tag before each.
                text = line.split(" ", 3)[-1]
                if text.startswith('{"at"'):
                    failures.append(Failure.of(json.loads(text)))
        return failures

    def report(self) -> str:
        """Return a line for each failure, and the counts."""
        within = self.of_pod()
        lines = [f"{len(within)} failed in the pod", *(f"{each}" for each in within[:1] + within[-1:])]
        return "\n".join([self.client.report(), *lines])


@contextlib.contextmanager
def load(cluster: Cluster, pause_milliseconds: int = 150) -> Iterator[Load]:
    """Ask the cluster for everything all the time, until the block ends. The pod runs on the first worker."""
    node = cluster.workers[0]
    _bring_image(cluster, node)
    applied = cluster.folder / "load.json"
    objects = {"apiVersion": "v1", "kind": "List", "items": _objects(node, pause_milliseconds)}
    applied.write_text(json.dumps(objects))
    # The pod starts when its account is there.
    done = cluster.client("apply", "-f", applied)
    assert done.returncode == 0, done.stderr
    try:
        eventually(lambda: _is_available(cluster), "the aggregated API is available")
        with cluster.steady_client(pause_milliseconds, pod=_NAME) as client:
            yield Load(client, node)
    finally:
        # Of a cluster that no longer answers nothing is asked.
        cluster.client("delete", "-f", applied, "--grace-period=1", "--request-timeout=20s")


def _bring_image(cluster: Cluster, node: Node) -> None:
    archive = cluster.folder / "steady.tar"
    program = node.tools.program("steady")
    images.write(archive, _IMAGE, program, place="steady", machine=platform.machine())
    done = node.run("ctr", "--namespace", "k8s.io", "images", "import", archive)
    assert done.returncode == 0, done


def _is_available(cluster: Cluster) -> bool:
    asked = cluster.client("get", "--raw", f"/apis/{_GROUP}/v1")
    return asked.returncode == 0


def _objects(node: Node, pause_milliseconds: int) -> list[dict[str, Any]]:
    container = {
        "name": _NAME,
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "args": [f"--listen=:{_LISTEN}", f"--pause={pause_milliseconds}ms", "live"],
        # There is no service network.
        "env": [
            {"name": "KUBERNETES_SERVICE_HOST", "value": ENDPOINT},
            {"name": "KUBERNETES_SERVICE_PORT", "value": str(PORT)},
        ],
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME, "namespace": "default"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": _NAME, "namespace": "kube-system"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": "extension-apiserver-authentication-reader",
            },
            "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": "default"}],
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": _NAME, "namespace": "default"},
            "spec": {
                "nodeName": node.name,
                "hostNetwork": True,
                "serviceAccountName": _NAME,
                "terminationGracePeriodSeconds": 1,
                "containers": [container],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _NAME, "namespace": "default"},
            # An address is a name, too: the API server connects to it, and needs no kube-proxy.
            "spec": {"type": "ExternalName", "externalName": node.address},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1.{_GROUP}"},
            "spec": {
                "group": _GROUP,
                "version": "v1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": _NAME, "namespace": "default", "port": _LISTEN},
            },
        },
    ]

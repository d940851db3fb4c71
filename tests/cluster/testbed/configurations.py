"""The kubeadm configurations of a cluster's nodes."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from testbed import tools

# A private network, as most nodes have, and none of those that are for documentation: whoever finds out how a host
# would reach one of those finds no route, as there is no default one.
NETWORK = "10.64.0"
ENDPOINT = f"{NETWORK}.9"
PORT = 6443
_API = "kubeadm.k8s.io/v1beta4"


@dataclass(frozen=True)
class Shape:
    """What a cluster looks like; clusters of one shape can be shared."""

    control_planes: int = 1
    workers: int = 0
    # Seconds that the kubelet waits at most before it starts a container again; None is kubelet's own, up to 5 minutes.
    most_back_off: int | None = None
    # Seconds that an API server behind an endpoint goes on serving when it is told to end.
    shutdown_delay: int = 5
    # Whether `controlPlaneEndpoint` is set; None is: where there are several control planes.
    has_endpoint: bool | None = None
    # What is laid over the ClusterConfiguration and the KubeletConfiguration, as JSON.
    cluster: str = "{}"
    kubelet: str = "{}"

    @property
    def is_behind_endpoint(self) -> bool:
        """Whether clients and kubelets ask through the endpoint."""
        return self.control_planes > 1 if self.has_endpoint is None else self.has_endpoint


@dataclass(frozen=True)
class Secrets:
    """What joins a node to a cluster."""

    token: str
    # What the shared files in the cluster are sealed with; without it a node has them already.
    certificate_key: str | None
    ca_hashes: list[str] = field(default_factory=list)


def init(shape: Shape, name: str, address: str, secrets: Secrets) -> str:
    """Return the configuration for `kubeadm init`."""
    documents = [
        {
            "kind": "InitConfiguration",
            "apiVersion": _API,
            "localAPIEndpoint": {"advertiseAddress": address, "bindPort": PORT},
            "nodeRegistration": _registration(name),
            "bootstrapTokens": [{"token": secrets.token, "ttl": "24h0m0s"}],
            **_certificate_key(secrets),
        },
        cluster(shape),
        kubelet(shape),
    ]
    return _text(documents)


def cluster(shape: Shape) -> dict[str, Any]:
    """Return the ClusterConfiguration."""
    document: dict[str, Any] = {
        "kind": "ClusterConfiguration",
        "apiVersion": _API,
        "kubernetesVersion": tools.version(),
    }
    if shape.is_behind_endpoint:
        document["controlPlaneEndpoint"] = f"{ENDPOINT}:{PORT}"
        delay = {"name": "shutdown-delay-duration", "value": f"{shape.shutdown_delay}s"}
        document["apiServer"] = {"extraArgs": [delay]}
    return _laid_over(document, json.loads(shape.cluster))


def kubelet(shape: Shape) -> dict[str, Any]:
    """Return the KubeletConfiguration: kubeadm's, and what many nodes on one machine need."""
    document: dict[str, Any] = {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "cgroupDriver": "cgroupfs",
        "enforceNodeAllocatable": ["none"],
        "failCgroupV1": False,
        "failSwapOn": False,
        "resolvConf": "/etc/resolv.conf",
        # A full disk of this machine is no reason to remove images.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }
    if shape.most_back_off is not None:
        document["crashLoopBackOff"] = {"maxContainerRestartPeriod": f"{shape.most_back_off}s"}
    return _laid_over(document, json.loads(shape.kubelet))


def join(shape: Shape, name: str, address: str, secrets: Secrets, server: str, *, is_control_plane: bool) -> str:
    """Return the configuration for `kubeadm join`; `server` is the address of the one control plane."""
    there = ENDPOINT if shape.is_behind_endpoint else server
    document: dict[str, Any] = {
        "kind": "JoinConfiguration",
        "apiVersion": _API,
        "discovery": {
            "bootstrapToken": {
                "apiServerEndpoint": f"{there}:{PORT}",
                "token": secrets.token,
                "caCertHashes": secrets.ca_hashes,
            }
        },
        "nodeRegistration": _registration(name),
    }
    if is_control_plane:
        document["controlPlane"] = {
            "localAPIEndpoint": {"advertiseAddress": address, "bindPort": PORT},
            **_certificate_key(secrets),
        }
    return _text([document])


def _certificate_key(secrets: Secrets) -> dict[str, str]:
    return {} if secrets.certificate_key is None else {"certificateKey": secrets.certificate_key}


def _registration(name: str) -> dict[str, Any]:
    # The images are there; what kubeadm looks at before is about a real machine.
    return {"name": name, "imagePullPolicy": "Never", "ignorePreflightErrors": ["all"]}


def _laid_over(document: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return the document with what `more` says instead, or besides; lists become longer."""
    result = copy.deepcopy(document)
    for name, value in more.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            result[name] = _laid_over(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            result[name] = before + value
        else:
            result[name] = value
    return result


def _text(documents: list[dict[str, Any]]) -> str:
    return "---\n".join(json.dumps(document, indent=2) + "\n" for document in documents)

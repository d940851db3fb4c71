"""What a kubeadm configuration asks for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki import _core
from kubepki._core import Problem
from kubepki.arguments import checked
from kubepki.expiration import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class Algorithm(Enum):
    """A kind of key, by kubeadm's name (`encryptionAlgorithm` in kubeadm v1beta4)."""

    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"

    @classmethod
    @checked
    def parse(cls, name: str) -> Algorithm:
        """Return the algorithm that kubeadm calls `name` (case-sensitive).

        >>> Algorithm.parse("ECDSA-P256")
        <Algorithm.ECDSA_P256: 'ECDSA-P256'>

        Raises:
            ConfigurationError: `key.unknown_algorithm` when there is none.

        """
        return cls(_core.parse_algorithm(name))

    def __str__(self) -> str:
        """Return kubeadm's name."""
        return self.value


class Role(Enum):
    """What a node does: the first of a control plane, a further one, or a worker."""

    CONTROL_PLANE = "control-plane"
    SECONDARY_CONTROL_PLANE = "secondary-control-plane"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class ClusterSpec(Value):
    """What a kubeadm configuration asks for, defaults filled in; `to_dict()` has the rest (etcd, pod networks)."""

    role: Role
    node_name: str
    cluster_name: str
    certificates_dir: Path
    advertise_address: str
    bind_port: int
    control_plane_endpoint: str | None
    dns_domain: str
    service_subnets: tuple[str, ...]
    api_server_cert_sans: tuple[str, ...]
    has_external_etcd: bool
    algorithm: Algorithm
    certificate_validity: timedelta
    ca_certificate_validity: timedelta
    kubernetes_version: str | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ClusterSpec:
        """Build a specification from its plain data."""
        return cls(
            Role(data["role"]),
            data["node_name"],
            data["cluster_name"],
            Path(data["certificates_dir"]),
            data["advertise_address"],
            data["bind_port"],
            _endpoint(data["control_plane_endpoint"]),
            data["dns_domain"],
            tuple(data["service_subnets"]),
            tuple(data["api_server_cert_sans"]),
            "external" in data["etcd"],
            Algorithm(data["algorithm"]),
            timedelta(seconds=data["certificate_validity"]),
            timedelta(seconds=data["ca_certificate_validity"]),
            data["kubernetes_version"],
            data,
        )


@dataclass(frozen=True, slots=True)
class Configuration(Value):
    """A kubeadm configuration that is valid: what it asks for, and what its reader warns of."""

    spec: ClusterSpec
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Configuration:
        """Build a configuration from its plain data."""
        return cls(ClusterSpec.from_dict(data["spec"]), tuple(map(Problem.from_dict, data["warnings"])), data)


def _endpoint(data: Mapping[str, Any] | None) -> str | None:
    if data is None:
        return None
    host = f"[{data['host']}]" if ":" in data["host"] else data["host"]
    return f"{host}:{data['port']}"

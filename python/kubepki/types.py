"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text; it is a copy. A value is made
from plain data as a whole (`from_dict`): it has no public constructor whose arguments could contradict each other.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki import _core
from kubepki.errors import ConfigurationError
from kubepki.expiration import ExpirationReport, ExpirationRow, Problem, Value, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = [
    "Action",
    "Algorithm",
    "Artefact",
    "Certificate",
    "CertificateFile",
    "CheckReport",
    "ClusterSpec",
    "Configuration",
    "Created",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "Kind",
    "Plan",
    "PlannedFile",
    "Problem",
    "Report",
    "Role",
    "Severity",
    "Status",
    "table",
]


class Algorithm(Enum):
    """A kind of key, by kubeadm's name (`encryptionAlgorithm` in kubeadm v1beta4)."""

    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"

    @classmethod
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


class Severity(Enum):
    """How bad a finding is; a plan with a critical one is not applied."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Kind(Enum):
    """What kind of thing an artefact is."""

    CERTIFICATE_AUTHORITY = "certificate_authority"
    CERTIFICATE = "certificate"
    KEY_PAIR = "key_pair"
    KUBECONFIG = "kubeconfig"


class Action(Enum):
    """What happens to an artefact: it is made, stays, is not this node's to have, or cannot be made as things are."""

    CREATE = "create"
    KEEP = "keep"
    SKIP = "skip"
    BLOCKED = "blocked"


class Role(Enum):
    """What a node does: the first of a control plane, a further one, or a worker."""

    CONTROL_PLANE = "control-plane"
    SECONDARY_CONTROL_PLANE = "secondary-control-plane"
    WORKER = "worker"


class Status(IntEnum):
    """The state of a node as monitoring systems have it; the value is the exit code of `kubepki check`."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Finding(Value):
    """One thing on disk that is not as it should be; the findings reference lists the codes."""

    code: str
    severity: Severity
    subject: str
    path: Path | None
    evidence: str
    remedy: str
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Build a finding from its plain data."""
        return cls(
            data["code"],
            Severity(data["severity"]),
            data["subject"],
            _path(data["path"]),
            data["evidence"],
            data["remedy"],
            data,
        )

    @property
    def is_critical(self) -> bool:
        """Whether a plan with it must not be applied."""
        return self.severity is Severity.CRITICAL

    def __str__(self) -> str:
        """Return it as three lines: what, where and the remedy."""
        place = f"\n  path: {self.path}" if self.path else ""
        return f"{self.severity.value}: {self.subject}: {self.evidence} [{self.code}]{place}\n  remedy: {self.remedy}"


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


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that an artefact consists of, and the permission bits that it is made with."""

    path: Path
    mode: int

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Artefact(Value):
    """One certificate, CA, key pair or kubeconfig of a plan, and what happens to it."""

    name: str
    kind: Kind
    action: Action
    reason: str
    files: tuple[PlannedFile, ...]
    issuer: str | None
    new_key: Algorithm | None
    expires_at: datetime | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Artefact:
        """Build an artefact from its plain data."""
        return cls(
            data["name"],
            Kind(data["kind"]),
            Action(data["action"]),
            data["reason"],
            tuple(PlannedFile(Path(file["path"]), file["mode"]) for file in data["files"]),
            data["issuer"],
            Algorithm(data["new_key"]) if data["new_key"] else None,
            _time(data["expires_at"]),
            data,
        )


@dataclass(frozen=True, slots=True)
class Plan(Value):
    """All that one run will do, and all that stands against it; nothing has been changed yet.

    It can be printed, compared, kept as JSON (`to_dict`, `from_dict`) and applied later: `apply` refuses it when a
    file has changed since.
    """

    operation: str
    made_at: datetime
    rootfs: Path | None
    artefacts: tuple[Artefact, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Build a plan from the plain data that `to_dict` gave.

        Raises:
            ConfigurationError: `plan.bad` when it is no plan.

        """
        try:
            return cls(
                data["operation"],
                moment(data["made_at"]),
                _path(data["rootfs"]),
                tuple(map(Artefact.from_dict, data["artefacts"])),
                tuple(map(Finding.from_dict, data["findings"])),
                tuple(map(Problem.from_dict, data["warnings"])),
                data,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"this is no plan: {type(error).__name__}: {error}",
                code="plan.bad",
                hint="give what `Plan.to_dict` gave, unchanged, to the same version of kubepki",
            ) from error

    @property
    def to_create(self) -> tuple[Artefact, ...]:
        """The artefacts that are made."""
        return tuple(each for each in self.artefacts if each.action is Action.CREATE)

    @property
    def is_blocked(self) -> bool:
        """Whether a critical finding stands against it."""
        return any(finding.is_critical for finding in self.findings)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.to_create

    def __str__(self) -> str:
        """Return the plan as a table."""
        rows = [
            (each.name, each.action.value, each.reason, _minute(each.expires_at), ", ".join(map(str, each.files)))
            for each in self.artefacts
        ]
        return table(("NAME", "ACTION", "REASON", "EXPIRES", "FILES"), rows)


@dataclass(frozen=True, slots=True)
class Created(Value):
    """One thing that was made; the serial number is hexadecimal."""

    name: str
    files: tuple[Path, ...]
    serial: str | None
    expires_at: datetime | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Created:
        """Build it from its plain data."""
        files = tuple(map(Path, data["files"]))
        return cls(data["name"], files, data["serial"], _time(data["expires_at"]), data)


@dataclass(frozen=True, slots=True)
class Report(Value):
    """What applying a plan made, in the plan's order."""

    created: tuple[Created, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Build a report from its plain data."""
        return cls(tuple(map(Created.from_dict, data["created"])), data)


@dataclass(frozen=True, slots=True)
class Certificate(Value):
    """A certificate that was seen; subject and issuer as RFC 4514 text, the serial number hexadecimal."""

    name: str
    path: Path
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    remaining: timedelta
    key: str
    subject_alt_names: tuple[str, ...]
    is_ca: bool
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Certificate:
        """Build it from its plain data."""
        return cls(
            data["name"],
            Path(data["path"]),
            data["subject"],
            data["issuer"],
            data["serial"],
            moment(data["not_before"]),
            moment(data["not_after"]),
            timedelta(seconds=data["residual_seconds"]),
            data["key"],
            tuple(data["subject_alt_names"]),
            data["is_ca"],
            data,
        )


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a file cannot be used, and what to do about it."""

    code: str
    message: str
    hint: str

    def __str__(self) -> str:
        """Return the message."""
        return self.message


@dataclass(frozen=True, slots=True)
class CertificateFile(Value):
    """What one file held: its certificates, or why it cannot be used."""

    path: Path
    certificates: tuple[Certificate, ...]
    problem: FileProblem | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CertificateFile:
        """Build it from its plain data."""
        certificates = tuple(map(Certificate.from_dict, data["certificates"]))
        problem = FileProblem(**data["problem"]) if data["problem"] else None
        return cls(Path(data["path"]), certificates, problem, data)


@dataclass(frozen=True, slots=True)
class CheckReport(Value):
    """All that was seen of a node and found wrong with it, the worst first."""

    checked_at: datetime
    status: Status
    certificates: tuple[Certificate, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckReport:
        """Build a report from its plain data."""
        return cls(
            moment(data["checked_at"]),
            Status(data["exit_code"]),
            tuple(map(Certificate.from_dict, data["certificates"])),
            tuple(map(Finding.from_dict, data["findings"])),
            tuple(map(Problem.from_dict, data["warnings"])),
            data,
        )

    @property
    def exit_code(self) -> int:
        """The exit code of the monitoring convention: 0 ok, 1 warning, 2 critical, 3 unknown."""
        return int(self.status)


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return aligned columns, without spaces at the ends of lines."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _endpoint(data: Mapping[str, Any] | None) -> str | None:
    if data is None:
        return None
    host = f"[{data['host']}]" if ":" in data["host"] else data["host"]
    return f"{host}:{data['port']}"


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _time(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _minute(time: datetime | None) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M UTC")

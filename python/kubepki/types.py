"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki import _core
from kubepki.expiration import ExpirationReport, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Action",
    "Algorithm",
    "Artefact",
    "Certificate",
    "CertificateFile",
    "CheckReport",
    "Configuration",
    "Created",
    "ExpirationReport",
    "Finding",
    "Kind",
    "Plan",
    "Problem",
    "Report",
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


class Status(IntEnum):
    """The state of a node as monitoring systems have it; the value is the exit code of `kubepki check`."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class _Value:
    """What all values share: the plain data they were made from."""

    data: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the value as plain data for JSON."""
        return dict(self.data)


@dataclass(frozen=True)
class Finding(_Value):
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


@dataclass(frozen=True)
class Configuration(_Value):
    """A kubeadm configuration, read, filled with kubeadm's defaults and judged."""

    role: str
    node_name: str
    cluster_name: str
    certificates_dir: Path
    algorithm: Algorithm
    certificate_validity: timedelta
    ca_certificate_validity: timedelta
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any], warnings: list[Mapping[str, Any]]) -> Configuration:
        """Build a configuration from the plain data of its specification."""
        return cls(
            spec["role"],
            spec["node_name"],
            spec["cluster_name"],
            Path(spec["certificates_dir"]),
            Algorithm(spec["algorithm"]),
            timedelta(seconds=spec["certificate_validity"]),
            timedelta(seconds=spec["ca_certificate_validity"]),
            tuple(map(Problem.from_dict, warnings)),
            spec,
        )


@dataclass(frozen=True)
class Artefact(_Value):
    """One certificate, CA, key pair or kubeconfig of a plan, and what happens to it."""

    name: str
    kind: Kind
    action: Action
    reason: str
    files: tuple[Path, ...]
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
            tuple(Path(file["path"]) for file in data["files"]),
            data["issuer"],
            Algorithm(data["new_key"]) if data["new_key"] else None,
            _time(data["expires_at"]),
            data,
        )


@dataclass(frozen=True)
class Plan(_Value):
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
    def from_dict(cls, data: Mapping[str, Any], warnings: list[Mapping[str, Any]] | None = None) -> Plan:
        """Build a plan from the plain data that `to_dict` gave."""
        made_at = _time(data["made_at"])
        assert made_at is not None  # noqa: S101 (for the type checker: the field is not optional)
        return cls(
            data["operation"],
            made_at,
            _path(data["rootfs"]),
            tuple(map(Artefact.from_dict, data["artefacts"])),
            tuple(map(Finding.from_dict, data["findings"])),
            tuple(map(Problem.from_dict, warnings or [])),
            data,
        )

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
            (each.name, each.action.value, each.reason, _day(each.expires_at), ", ".join(map(str, each.files)))
            for each in self.artefacts
        ]
        return table(("NAME", "ACTION", "REASON", "EXPIRES", "FILES"), rows)


@dataclass(frozen=True)
class Created(_Value):
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


@dataclass(frozen=True)
class Report(_Value):
    """What applying a plan made, in the plan's order."""

    created: tuple[Created, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Build a report from its plain data."""
        return cls(tuple(map(Created.from_dict, data["created"])), data)


@dataclass(frozen=True)
class Certificate(_Value):
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
            _moment(data["not_before"]),
            _moment(data["not_after"]),
            timedelta(seconds=data["residual_seconds"]),
            data["key"],
            tuple(data["subject_alt_names"]),
            data["is_ca"],
            data,
        )


@dataclass(frozen=True)
class CertificateFile(_Value):
    """What one file held: its certificates, or why it cannot be used (`code`, `message`, `hint`)."""

    path: Path
    certificates: tuple[Certificate, ...]
    problem: Mapping[str, str] | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CertificateFile:
        """Build it from its plain data."""
        certificates = tuple(map(Certificate.from_dict, data["certificates"]))
        return cls(Path(data["path"]), certificates, data["problem"], data)


@dataclass(frozen=True)
class CheckReport(_Value):
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
            _moment(data["checked_at"]),
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


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _moment(text: str) -> datetime:
    # Python 3.10 does not read the Z.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def _time(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")

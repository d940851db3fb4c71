"""Certificates that were seen, and what was found of a whole node."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki._core import printable
from kubepki.expiration import Problem, Value, moment
from kubepki.types.finding import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


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
    public_key_sha256: str
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[str, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], path: Path | None = None) -> Certificate:
        """Build it from its plain data; `path` is that of the data, for one that is at hand is the cheaper."""
        return cls(
            data["name"],
            path or Path(data["path"]),
            data["subject"],
            data["issuer"],
            data["serial"],
            moment(data["not_before"]),
            moment(data["not_after"]),
            timedelta(seconds=data["residual_seconds"]),
            data["key"],
            tuple(data["subject_alt_names"]),
            data["is_ca"],
            data.get("public_key_sha256", ""),
            tuple(data.get("key_usages", ())),
            tuple(data.get("extended_key_usages", ())),
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
        return printable(self.message)


@dataclass(frozen=True, slots=True)
class CertificateFile(Value):
    """What one file held: its certificates, or why it cannot be used."""

    path: Path
    certificates: tuple[Certificate, ...]
    problem: FileProblem | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], path: Path | None = None) -> CertificateFile:
        """Build it from its plain data; `path` as for a certificate."""
        path = path or Path(data["path"])
        certificates = tuple([Certificate.from_dict(each, path) for each in data["certificates"]])
        problem = FileProblem(**data["problem"]) if data["problem"] else None
        return cls(path, certificates, problem, data)


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

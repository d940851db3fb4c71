"""What is not as it should be, and how bad that is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from kubepki._core import printable
from kubepki.expiration import Value
from kubepki.types.text import optional_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Severity(Enum):
    """How bad a finding is; a plan with a critical one is not applied."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


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
            optional_path(data["path"]),
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
        lines = [f"{self.severity.value}: {self.subject}: {self.evidence} [{self.code}]"]
        if self.path:
            lines.append(f"  path: {self.path}")
        return "\n".join(map(printable, [*lines, f"  remedy: {self.remedy}"]))

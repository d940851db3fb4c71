"""What is not as it should be, and how bad that is."""

from __future__ import annotations

from enum import Enum, IntEnum

from kubepki._core import Finding, Problem

__all__ = ["Finding", "Problem", "Severity", "Status"]


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

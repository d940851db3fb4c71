"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text; it is a copy. A value is made
from plain data as a whole (`from_dict`): it has no public constructor whose arguments could contradict each other.

A class is loaded when it is first asked for: making all of them is half of the time that a short command takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.lazy import load

if TYPE_CHECKING:
    from kubepki.expiration import ExpirationReport, ExpirationRow
    from kubepki.types.backup import Backup, BackupFile, BackupState, Difference, PruneFailure, PruneReport
    from kubepki.types.bundle import Bundle, BundleEntry
    from kubepki.types.certificate import Certificate, CertificateFile, CheckReport, FileProblem
    from kubepki.types.configuration import Algorithm, ClusterSpec, Configuration, Role
    from kubepki.types.finding import Finding, Problem, Severity, Status
    from kubepki.types.plan import Action, Artefact, Cause, Changed, Kind, Plan, PlannedFile, Report
    from kubepki.types.recover import InterruptedChange, Recovery, RecoveryOutcome, RecoveryReport
    from kubepki.types.restart import (
        ComponentRestart,
        Endpoint,
        HeldManifest,
        LiveCertificate,
        RestartAction,
        Restarted,
        RestartPlan,
        RestartReport,
        RestartWay,
    )
    from kubepki.types.signed import SignedCertificate
    from kubepki.types.systemd import Schedule, Unit, UnitChange
    from kubepki.types.text import table
    from kubepki.types.user import UserKubeconfig

__all__ = [
    "Action",
    "Algorithm",
    "Artefact",
    "Backup",
    "BackupFile",
    "BackupState",
    "Bundle",
    "BundleEntry",
    "Cause",
    "Certificate",
    "CertificateFile",
    "Changed",
    "CheckReport",
    "ClusterSpec",
    "ComponentRestart",
    "Configuration",
    "Difference",
    "Endpoint",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "HeldManifest",
    "InterruptedChange",
    "Kind",
    "LiveCertificate",
    "Plan",
    "PlannedFile",
    "Problem",
    "PruneFailure",
    "PruneReport",
    "Recovery",
    "RecoveryOutcome",
    "RecoveryReport",
    "Report",
    "RestartAction",
    "RestartPlan",
    "RestartReport",
    "RestartWay",
    "Restarted",
    "Role",
    "Schedule",
    "Severity",
    "SignedCertificate",
    "Status",
    "Unit",
    "UnitChange",
    "UserKubeconfig",
    "table",
]

# Where each is, below `kubepki`.
_HOMES = {
    "Action": "types.plan",
    "Algorithm": "types.configuration",
    "Artefact": "types.plan",
    "Backup": "types.backup",
    "BackupFile": "types.backup",
    "BackupState": "types.backup",
    "Bundle": "types.bundle",
    "BundleEntry": "types.bundle",
    "Cause": "types.plan",
    "Certificate": "types.certificate",
    "CertificateFile": "types.certificate",
    "Changed": "types.plan",
    "CheckReport": "types.certificate",
    "ClusterSpec": "types.configuration",
    "ComponentRestart": "types.restart",
    "Configuration": "types.configuration",
    "Difference": "types.backup",
    "Endpoint": "types.restart",
    "ExpirationReport": "expiration",
    "ExpirationRow": "expiration",
    "FileProblem": "types.certificate",
    "Finding": "types.finding",
    "HeldManifest": "types.restart",
    "InterruptedChange": "types.recover",
    "Kind": "types.plan",
    "LiveCertificate": "types.restart",
    "Plan": "types.plan",
    "PlannedFile": "types.plan",
    "Problem": "types.finding",
    "PruneFailure": "types.backup",
    "PruneReport": "types.backup",
    "Recovery": "types.recover",
    "RecoveryOutcome": "types.recover",
    "RecoveryReport": "types.recover",
    "Report": "types.plan",
    "RestartAction": "types.restart",
    "RestartPlan": "types.restart",
    "RestartReport": "types.restart",
    "RestartWay": "types.restart",
    "Restarted": "types.restart",
    "Role": "types.configuration",
    "Schedule": "types.systemd",
    "Severity": "types.finding",
    "SignedCertificate": "types.signed",
    "Status": "types.finding",
    "Unit": "types.systemd",
    "UnitChange": "types.systemd",
    "UserKubeconfig": "types.user",
    "table": "types.text",
}


def __getattr__(name: str) -> object:
    """Load a class when it is first asked for."""
    return load(globals(), name, f"kubepki.{_HOMES[name]}" if name in _HOMES else None)


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

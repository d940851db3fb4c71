"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text; it is a copy. A value is made
from plain data as a whole (`from_dict`): it has no public constructor whose arguments could contradict each other.

A class is loaded when it is first asked for: making all of them is half of the time that a short command takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubepki.expiration import ExpirationReport, ExpirationRow, Problem
    from kubepki.types.backup import Backup, BackupFile, BackupState, Difference, PruneFailure, PruneReport
    from kubepki.types.bundle import Bundle, BundleEntry
    from kubepki.types.certificate import Certificate, CertificateFile, CheckReport, FileProblem
    from kubepki.types.configuration import Algorithm, ClusterSpec, Configuration, Role
    from kubepki.types.finding import Finding, Severity, Status
    from kubepki.types.plan import Action, Artefact, Changed, Kind, Plan, PlannedFile, Report
    from kubepki.types.restart import (
        ComponentRestart,
        Endpoint,
        HeldManifest,
        LiveCertificate,
        RestartAction,
        Restarted,
        RestartPlan,
        RestartReport,
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
    "Kind",
    "LiveCertificate",
    "Plan",
    "PlannedFile",
    "Problem",
    "PruneFailure",
    "PruneReport",
    "Report",
    "RestartAction",
    "RestartPlan",
    "RestartReport",
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

# Where each is.
_HOMES = {
    "kubepki.expiration": (
        "ExpirationReport",
        "ExpirationRow",
        "Problem",
    ),
    "kubepki.types.backup": (
        "Backup",
        "BackupFile",
        "BackupState",
        "Difference",
        "PruneFailure",
        "PruneReport",
    ),
    "kubepki.types.bundle": (
        "Bundle",
        "BundleEntry",
    ),
    "kubepki.types.certificate": (
        "Certificate",
        "CertificateFile",
        "CheckReport",
        "FileProblem",
    ),
    "kubepki.types.configuration": (
        "Algorithm",
        "ClusterSpec",
        "Configuration",
        "Role",
    ),
    "kubepki.types.finding": (
        "Finding",
        "Severity",
        "Status",
    ),
    "kubepki.types.plan": (
        "Action",
        "Artefact",
        "Changed",
        "Kind",
        "Plan",
        "PlannedFile",
        "Report",
    ),
    "kubepki.types.restart": (
        "ComponentRestart",
        "Endpoint",
        "HeldManifest",
        "LiveCertificate",
        "RestartAction",
        "Restarted",
        "RestartPlan",
        "RestartReport",
    ),
    "kubepki.types.signed": ("SignedCertificate",),
    "kubepki.types.systemd": (
        "Schedule",
        "Unit",
        "UnitChange",
    ),
    "kubepki.types.text": ("table",),
    "kubepki.types.user": ("UserKubeconfig",),
}


def __getattr__(name: str) -> object:
    """Load a class when it is first asked for (PEP 562)."""
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'kubepki.types' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text; it is a copy. A value is made
from plain data as a whole (`from_dict`): it has no public constructor whose arguments could contradict each other.
"""

from __future__ import annotations

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

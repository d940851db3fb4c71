"""The values that go into and come out of kubepki: frozen, equal by value, picklable, without secrets.

Times are aware UTC datetimes, durations are timedeltas, paths are `pathlib.Path`s as on the node (below `rootfs`
where one is given). `to_dict()` gives plain data for JSON, with times as RFC 3339 text; it is a copy. A value is made
from plain data as a whole (`from_dict`): it has no public constructor whose arguments could contradict each other.

A class is loaded when it is first asked for: making all of them is half of the time that a short program takes.
"""

from __future__ import annotations

from kubepki.lazy import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki._core import (
        AccessReport,
        Artefact,
        AuditLog,
        AwaitedRequest,
        Backup,
        BackupFile,
        Bundle,
        BundleEntry,
        Certificate,
        CertificateFile,
        Changed,
        CheckReport,
        ClusterSpec,
        ComponentRestart,
        Configuration,
        Credential,
        CredentialUse,
        Endpoint,
        EnsuredUser,
        ExpirationReport,
        ExpirationRow,
        FileProblem,
        Finding,
        FleetFinding,
        FleetReport,
        HeldManifest,
        InterruptedChange,
        LiveCertificate,
        NodeServing,
        Obstacle,
        Plan,
        PlannedFile,
        ProbedEndpoint,
        ProbeReport,
        Problem,
        PruneFailure,
        PruneReport,
        Recovery,
        RecoveryReport,
        Report,
        Restarted,
        RestartPlan,
        RestartReport,
        ReviewedRequest,
        ServingReport,
        ServingRequirement,
        ServingSetup,
        Setting,
        SignedCertificate,
        StatusCounts,
        TreeReport,
        Unit,
        UnitChange,
        UnknownCredential,
        UploadedBundle,
        UserKubeconfig,
    )
    from kubepki.types.enumerations import (
        Action,
        Algorithm,
        BackupState,
        Cause,
        Difference,
        Kind,
        RecoveryOutcome,
        RestartAction,
        RestartWay,
        Role,
        Severity,
        Status,
        TreeKind,
    )
    from kubepki.types.systemd import Schedule

__all__ = [
    "AccessReport",
    "Action",
    "Algorithm",
    "Artefact",
    "AuditLog",
    "AwaitedRequest",
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
    "Credential",
    "CredentialUse",
    "Difference",
    "Endpoint",
    "EnsuredUser",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "FleetFinding",
    "FleetReport",
    "HeldManifest",
    "InterruptedChange",
    "Kind",
    "LiveCertificate",
    "NodeServing",
    "Obstacle",
    "Plan",
    "PlannedFile",
    "ProbeReport",
    "ProbedEndpoint",
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
    "ReviewedRequest",
    "Role",
    "Schedule",
    "ServingReport",
    "ServingRequirement",
    "ServingSetup",
    "Setting",
    "Severity",
    "SignedCertificate",
    "Status",
    "StatusCounts",
    "TreeKind",
    "TreeReport",
    "Unit",
    "UnitChange",
    "UnknownCredential",
    "UploadedBundle",
    "UserKubeconfig",
]

# Where each is, below `kubepki.types`, that is no class of the core's.
_HOMES = {
    "Action": "enumerations",
    "Algorithm": "enumerations",
    "BackupState": "enumerations",
    "Cause": "enumerations",
    "Difference": "enumerations",
    "Kind": "enumerations",
    "RecoveryOutcome": "enumerations",
    "RestartAction": "enumerations",
    "RestartWay": "enumerations",
    "Role": "enumerations",
    "Schedule": "systemd",
    "Severity": "enumerations",
    "Status": "enumerations",
    "TreeKind": "enumerations",
}


def __getattr__(name: str) -> object:
    """Load a class when it is first asked for."""
    home = f"kubepki.types.{_HOMES[name]}" if name in _HOMES else "kubepki._core"
    return load(globals(), name, home if name in __all__ else None)


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

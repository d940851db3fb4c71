"""The PKI of kubeadm clusters: generate, check, renew, sign and embed certificates.

    plan = kubepki.plan("kubeadm.yaml")   # reads, judges, changes nothing
    print(plan)
    kubepki.apply(plan)                   # all files, or none

Importing this package loads the native core; the rest, the standard library's modules included, when it is first used.
Errors are in `kubepki.errors`; every one carries a stable `code` and a `hint`.
"""

from kubepki._core import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki.api.access import access
    from kubepki.api.audit import Audit, audit, fleet_report
    from kubepki.api.backup import list_backups, plan_restore, prune_backups, show_backup
    from kubepki.api.bundle import certificate_key, export_bundle, import_bundle, plan_import_bundle
    from kubepki.api.check import check, check_expiration, check_files, parse_certificates, read_certificates
    from kubepki.api.configuration import certificate_names, kubeconfig_names, load_config
    from kubepki.api.external import plan_cleanup, plan_embed, plan_import
    from kubepki.api.plan import apply, plan, rehearse
    from kubepki.api.probe import probe
    from kubepki.api.recover import recover
    from kubepki.api.renew import plan_renew, renewable_names
    from kubepki.api.requests import leaf_names, plan_generate_csr, plan_sign, sign_csr
    from kubepki.api.restart import plan_restart, restart
    from kubepki.api.systemd import install_units, remove_units, schedule_units
    from kubepki.api.user import ensure_user, user_kubeconfig
    from kubepki.errors import (
        ConfigurationError,
        EnvironmentFailure,
        FindingError,
        InternalError,
        Interrupted,
        KubepkiError,
        PartialError,
        RefusedError,
    )
    from kubepki.types import (
        AccessReport,
        Action,
        Algorithm,
        Artefact,
        AuditLog,
        Backup,
        BackupFile,
        BackupState,
        Bundle,
        BundleEntry,
        Cause,
        Certificate,
        CertificateFile,
        Changed,
        CheckReport,
        ClusterSpec,
        ComponentRestart,
        Configuration,
        Credential,
        CredentialUse,
        Difference,
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
        Kind,
        LiveCertificate,
        Obstacle,
        Plan,
        PlannedFile,
        ProbedEndpoint,
        ProbeReport,
        Problem,
        PruneFailure,
        PruneReport,
        Recovery,
        RecoveryOutcome,
        RecoveryReport,
        Report,
        RestartAction,
        Restarted,
        RestartPlan,
        RestartReport,
        RestartWay,
        Role,
        Schedule,
        Severity,
        SignedCertificate,
        Status,
        StatusCounts,
        TreeKind,
        TreeReport,
        Unit,
        UnitChange,
        UnknownCredential,
        UserKubeconfig,
    )

__all__ = [
    "AccessReport",
    "Action",
    "Algorithm",
    "Artefact",
    "Audit",
    "AuditLog",
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
    "ConfigurationError",
    "Credential",
    "CredentialUse",
    "Difference",
    "Endpoint",
    "EnsuredUser",
    "EnvironmentFailure",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "FindingError",
    "FleetFinding",
    "FleetReport",
    "HeldManifest",
    "InternalError",
    "Interrupted",
    "InterruptedChange",
    "Kind",
    "KubepkiError",
    "LiveCertificate",
    "Obstacle",
    "PartialError",
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
    "RefusedError",
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
    "StatusCounts",
    "TreeKind",
    "TreeReport",
    "Unit",
    "UnitChange",
    "UnknownCredential",
    "UserKubeconfig",
    "__version__",
    "access",
    "apply",
    "audit",
    "certificate_key",
    "certificate_names",
    "check",
    "check_expiration",
    "check_files",
    "ensure_user",
    "export_bundle",
    "fleet_report",
    "import_bundle",
    "install_units",
    "kubeconfig_names",
    "leaf_names",
    "list_backups",
    "load_config",
    "parse_certificates",
    "plan",
    "plan_cleanup",
    "plan_embed",
    "plan_generate_csr",
    "plan_import",
    "plan_import_bundle",
    "plan_renew",
    "plan_restart",
    "plan_restore",
    "plan_sign",
    "probe",
    "prune_backups",
    "read_certificates",
    "recover",
    "rehearse",
    "remove_units",
    "renewable_names",
    "restart",
    "schedule_units",
    "show_backup",
    "sign_csr",
    "user_kubeconfig",
]


# Where each function and each exception is; every other class is in `kubepki.types`.
_HOMES = {
    "Audit": "api.audit",
    "ConfigurationError": "errors",
    "EnvironmentFailure": "errors",
    "FindingError": "errors",
    "InternalError": "errors",
    "Interrupted": "errors",
    "KubepkiError": "errors",
    "PartialError": "errors",
    "RefusedError": "errors",
    "access": "api.access",
    "apply": "api.plan",
    "audit": "api.audit",
    "certificate_key": "api.bundle",
    "certificate_names": "api.configuration",
    "check": "api.check",
    "check_expiration": "api.check",
    "check_files": "api.check",
    "ensure_user": "api.user",
    "export_bundle": "api.bundle",
    "fleet_report": "api.audit",
    "import_bundle": "api.bundle",
    "install_units": "api.systemd",
    "kubeconfig_names": "api.configuration",
    "leaf_names": "api.requests",
    "list_backups": "api.backup",
    "load_config": "api.configuration",
    "parse_certificates": "api.check",
    "plan": "api.plan",
    "plan_cleanup": "api.external",
    "plan_embed": "api.external",
    "plan_generate_csr": "api.requests",
    "plan_import": "api.external",
    "plan_import_bundle": "api.bundle",
    "plan_renew": "api.renew",
    "plan_restart": "api.restart",
    "plan_restore": "api.backup",
    "plan_sign": "api.requests",
    "probe": "api.probe",
    "prune_backups": "api.backup",
    "read_certificates": "api.check",
    "recover": "api.recover",
    "rehearse": "api.plan",
    "remove_units": "api.systemd",
    "renewable_names": "api.renew",
    "restart": "api.restart",
    "schedule_units": "api.systemd",
    "show_backup": "api.backup",
    "sign_csr": "api.requests",
    "user_kubeconfig": "api.user",
}


def __getattr__(name: str) -> object:
    """Load what is first asked for."""
    if name == "errors":
        from importlib import import_module

        return import_module("kubepki.errors")
    from kubepki.lazy import load

    return load(globals(), name, f"kubepki.{_HOMES.get(name, 'types')}" if name in __all__ else None)


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

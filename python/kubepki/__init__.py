"""The PKI of kubeadm clusters: generate, check, renew, sign and embed certificates.

    plan = kubepki.plan("kubeadm.yaml")   # reads, judges, changes nothing
    print(plan)
    kubepki.apply(plan)                   # all files, or none

Importing this package loads the native core and the standard library's `logging`; the rest when it is first used.
Errors are in `kubepki.errors`; every one carries a stable `code` and a `hint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki._core import __version__
from kubepki.errors import (
    ConfigurationError,
    EnvironmentFailure,
    FindingError,
    Interrupted,
    KubepkiError,
    PartialError,
    RefusedError,
)

if TYPE_CHECKING:
    from kubepki.api.check import check, check_expiration, parse_certificates, read_certificates
    from kubepki.api.configuration import certificate_names, kubeconfig_names, load_config
    from kubepki.api.external import plan_cleanup, plan_embed, plan_import
    from kubepki.api.plan import apply, plan
    from kubepki.api.renew import plan_renew, renewable_names
    from kubepki.api.restart import plan_restart, restart
    from kubepki.api.user import user_kubeconfig
    from kubepki.types import (
        Action,
        Algorithm,
        Artefact,
        Certificate,
        CertificateFile,
        Changed,
        CheckReport,
        ClusterSpec,
        ComponentRestart,
        Configuration,
        Endpoint,
        ExpirationReport,
        ExpirationRow,
        FileProblem,
        Finding,
        HeldManifest,
        Kind,
        LiveCertificate,
        Plan,
        PlannedFile,
        Problem,
        Report,
        RestartAction,
        Restarted,
        RestartPlan,
        RestartReport,
        Role,
        Severity,
        Status,
        UserKubeconfig,
    )

__all__ = [
    "Action",
    "Algorithm",
    "Artefact",
    "Certificate",
    "CertificateFile",
    "Changed",
    "CheckReport",
    "ClusterSpec",
    "ComponentRestart",
    "Configuration",
    "ConfigurationError",
    "Endpoint",
    "EnvironmentFailure",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "FindingError",
    "HeldManifest",
    "Interrupted",
    "Kind",
    "KubepkiError",
    "LiveCertificate",
    "PartialError",
    "Plan",
    "PlannedFile",
    "Problem",
    "RefusedError",
    "Report",
    "RestartAction",
    "RestartPlan",
    "RestartReport",
    "Restarted",
    "Role",
    "Severity",
    "Status",
    "UserKubeconfig",
    "__version__",
    "apply",
    "certificate_names",
    "check",
    "check_expiration",
    "kubeconfig_names",
    "load_config",
    "parse_certificates",
    "plan",
    "plan_cleanup",
    "plan_embed",
    "plan_import",
    "plan_renew",
    "plan_restart",
    "read_certificates",
    "renewable_names",
    "restart",
    "user_kubeconfig",
]


# Where each function is; every class is in `kubepki.types`.
_HOMES = {
    "apply": "plan",
    "certificate_names": "configuration",
    "check": "check",
    "check_expiration": "check",
    "kubeconfig_names": "configuration",
    "load_config": "configuration",
    "parse_certificates": "check",
    "plan": "plan",
    "plan_cleanup": "external",
    "plan_embed": "external",
    "plan_import": "external",
    "plan_renew": "renew",
    "plan_restart": "restart",
    "read_certificates": "check",
    "renewable_names": "renew",
    "restart": "restart",
    "user_kubeconfig": "user",
}


def __getattr__(name: str) -> object:
    """Load a function or a class when it is first asked for: the start of a process stays short (PEP 562)."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'kubepki' has no attribute {name!r}")
    home = f"kubepki.api.{_HOMES[name]}" if name in _HOMES else "kubepki.types"
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

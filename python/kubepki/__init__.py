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
    from kubepki.api import (
        apply,
        certificate_names,
        check,
        check_expiration,
        kubeconfig_names,
        load_config,
        plan,
        read_certificates,
    )
    from kubepki.types import (
        Action,
        Algorithm,
        Artefact,
        Certificate,
        CertificateFile,
        CheckReport,
        ClusterSpec,
        Configuration,
        Created,
        ExpirationReport,
        ExpirationRow,
        FileProblem,
        Finding,
        Kind,
        Plan,
        PlannedFile,
        Problem,
        Report,
        Role,
        Severity,
        Status,
    )

__all__ = [
    "Action",
    "Algorithm",
    "Artefact",
    "Certificate",
    "CertificateFile",
    "CheckReport",
    "ClusterSpec",
    "Configuration",
    "ConfigurationError",
    "Created",
    "EnvironmentFailure",
    "ExpirationReport",
    "ExpirationRow",
    "FileProblem",
    "Finding",
    "FindingError",
    "Interrupted",
    "Kind",
    "KubepkiError",
    "PartialError",
    "Plan",
    "PlannedFile",
    "Problem",
    "RefusedError",
    "Report",
    "Role",
    "Severity",
    "Status",
    "__version__",
    "apply",
    "certificate_names",
    "check",
    "check_expiration",
    "kubeconfig_names",
    "load_config",
    "plan",
    "read_certificates",
]


def __getattr__(name: str) -> object:
    """Load a function or a class when it is first asked for: the start of a process stays short (PEP 562)."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'kubepki' has no attribute {name!r}")
    value: object = getattr(import_module("kubepki.types" if name[0].isupper() else "kubepki.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names that there are, loaded or not."""
    return sorted({*globals(), *__all__})

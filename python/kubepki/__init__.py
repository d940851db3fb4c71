"""The PKI of kubeadm clusters: generate, check, renew, sign and embed certificates.

    plan = kubepki.plan("kubeadm.yaml")   # reads, judges, changes nothing
    print(plan)
    kubepki.apply(plan)                   # all files, or none

Importing this package loads the native core and the standard library's `logging`, nothing heavier.
Errors are in `kubepki.errors`; every one carries a stable `code` and a `hint`.
"""

from kubepki._core import __version__
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
from kubepki.errors import (
    ConfigurationError,
    EnvironmentFailure,
    FindingError,
    Interrupted,
    KubepkiError,
    PartialError,
    RefusedError,
)
from kubepki.types import (
    Action,
    Algorithm,
    Artefact,
    Certificate,
    CertificateFile,
    CheckReport,
    Configuration,
    Created,
    ExpirationReport,
    Finding,
    Kind,
    Plan,
    Problem,
    Report,
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
    "Configuration",
    "ConfigurationError",
    "Created",
    "EnvironmentFailure",
    "ExpirationReport",
    "Finding",
    "FindingError",
    "Interrupted",
    "Kind",
    "KubepkiError",
    "PartialError",
    "Plan",
    "Problem",
    "RefusedError",
    "Report",
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

"""The PKI of kubeadm clusters: generate, check, renew, sign and embed certificates.

Importing this package loads the native core and the standard library's `logging`, nothing heavier.
Errors are in `kubepki.errors`; every one carries a stable `code` and a `hint`.
"""

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
from kubepki.types import Algorithm

__all__ = [
    "Algorithm",
    "ConfigurationError",
    "EnvironmentFailure",
    "FindingError",
    "Interrupted",
    "KubepkiError",
    "PartialError",
    "RefusedError",
    "__version__",
]

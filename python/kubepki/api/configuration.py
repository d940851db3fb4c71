"""Reading a kubeadm configuration, and the names that it is made of."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki.arguments import StrPath
    from kubepki.types import Configuration


@asked("NodeRequest", "config", without="certificates_dir kubeconfig_dir")
def load_config(
    config: StrPath | None = None,
    *,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    rootfs: StrPath | None = None,
) -> Configuration:
    """Read and judge a kubeadm configuration; `kubeadm config validate`, with all problems at once.

    >>> spec = load_config(node_name="cp1").spec
    >>> spec.algorithm, spec.certificate_validity.days, str(spec.certificates_dir)
    (<Algorithm.RSA_2048: 'RSA-2048'>, 365, '/etc/kubernetes/pki')

    Source: kubeadm `cmd/config.go` (`newCmdConfigValidate`), `util/config/strict/strict.go`.

    Args:
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.

    Raises:
        ConfigurationError: `config.invalid`, with every problem in `context["problems"]`.
        EnvironmentFailure: `store.*` when the file cannot be read.

    """
    return _core.load_configuration(request(locals()))


def certificate_names() -> list[str]:
    """Return every name that `plan(certificates=...)` takes, in kubeadm's order.

    >>> certificate_names()[:2]
    ['ca', 'apiserver']
    """
    return _core.certificate_names()


def kubeconfig_names() -> list[str]:
    """Return every name that `plan(kubeconfigs=...)` takes, in kubeadm's order.

    >>> kubeconfig_names()[0]
    'admin.conf'
    """
    return _core.kubeconfig_names()

"""Reading a kubeadm configuration, and the names that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.node import node_fields
from kubepki.arguments import checked

if TYPE_CHECKING:
    from kubepki.api.node import StrPath
    from kubepki.types import Configuration


@checked
def load_config(
    config: StrPath | None = None,
    *,
    lenient: bool = False,
    node_name: str | None = None,
    rootfs: StrPath | None = None,
    config_text: str | None = None,
) -> Configuration:
    """Read and judge a kubeadm configuration; `kubeadm config validate`, with all problems at once.

    >>> spec = load_config(node_name="cp1").spec
    >>> spec.algorithm, spec.certificate_validity.days, str(spec.certificates_dir)
    (<Algorithm.RSA_2048: 'RSA-2048'>, 365, '/etc/kubernetes/pki')

    Source: kubeadm `cmd/config.go` (`newCmdConfigValidate`), `util/config/strict/strict.go`.

    Raises:
        ConfigurationError: `config.invalid`, with every problem in `context["problems"]`.
        EnvironmentFailure: `store.*` when the file cannot be read.

    """
    node = node_fields(config, lenient=lenient, node_name=node_name, rootfs=rootfs, config_text=config_text)
    return _core.load_configuration(node)


def certificate_names() -> list[str]:
    """Return every name that `plan(certificates=...)` takes, in kubeadm's order."""
    return _core.certificate_names()


def kubeconfig_names() -> list[str]:
    """Return every name that `plan(kubeconfigs=...)` takes, in kubeadm's order."""
    return _core.kubeconfig_names()

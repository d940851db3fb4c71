"""Planning the renewal of certificates; `kubepki.apply` does what the plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import DEFAULT_BACKUP_DIR, DEFAULT_KUBELET_DIR, in_utc, node_fields, path_text, selection
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Algorithm, Plan


@checked
def plan_renew(
    names: Literal["all"] | Iterable[str] = "all",
    *,
    config: StrPath | None = None,
    kubelet: bool = False,
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    before: timedelta | None = None,
    validity: timedelta | None = None,
    algorithm: Algorithm | str | None = None,
    keep_key: bool = False,
    add_sans: Iterable[str] = (),
    remove_sans: Iterable[str] = (),
    sans_from_config: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "clamp",
    force: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan the renewal of certificates, from disk only, even if all have expired and there is no API server.

    Each keeps its whole subject, its alternative names in their order, its usages and further extensions, and gets a
    new key of its own kind, or of the configuration's where there is one. Nothing is changed, but for `recover`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_renew(["apiserver"], rootfs=folder)
    >>> [(artefact.name, artefact.action.value, artefact.reason) for artefact in planned.artefacts]
    [('apiserver', 'skip', 'missing')]

    Source: kubeadm `cmd/certs.go` (`newCmdCertsRenewal`), `phases/certs/renewal/manager.go`.

    Args:
        names: kubeadm's names, `kubelet.conf`, `kubelet-client`, `kubelet-server`; or all that kubeadm renews.
        config: See `kubepki.api`, as for `node`.
        kubelet: Whether all includes the three of the kubelet.
        kubelet_dir: The kubelet's folder.
        before: Renew only what ends within this time: then a second run changes nothing.
        validity: How long the new certificates are valid, instead of the configuration's period (365 days).
        algorithm: The kind of the new keys.
        keep_key: Whether the keys stay.
        add_sans: Alternative names to add: `example.test`, `10.0.0.1`, `URI:...`, `email:...`.
        remove_sans: Alternative names to remove.
        sans_from_config: Whether DNS names and addresses become the configuration's.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        force: Whether to go on with a CA that has expired, or a certificate of another node.
        backup_dir: Where the files that change are kept as they were; None for nowhere.
        recover: Whether an interrupted change is ended first.
        now: The moment from which validity counts.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, `plan.not_renewable`, `plan.bad_request`,
            `key.unknown_algorithm`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    from kubepki.types import Algorithm

    kind = algorithm.value if isinstance(algorithm, Algorithm) else algorithm
    return _core.plan_renew(
        {
            "node": node_fields(config, **node),
            "names": selection(names),
            "kubelet": kubelet,
            "kubelet_dir": path_text(kubelet_dir),
            "before_seconds": _seconds(before),
            "validity_seconds": _seconds(validity),
            "algorithm": None if kind is None else _core.parse_algorithm(kind),
            "keep_key": keep_key,
            "add_names": add_sans,
            "remove_names": remove_sans,
            "names_from_config": sans_from_config,
            "outlive_authority": outlive_ca,
            "force": force,
            "backup_dir": path_text(backup_dir),
            "recover": recover,
        },
        in_utc(now),
    )


def renewable_names() -> list[str]:
    """Return every name that `plan_renew` takes: kubeadm's eleven, then the kubelet's."""
    return _core.renewable_names()


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())

"""Kubeconfigs for somebody outside the node."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import in_utc, node_fields
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Algorithm, UserKubeconfig


@checked
def user_kubeconfig(
    client_name: str,
    config: StrPath | None = None,
    *,
    organizations: Iterable[str] = (),
    token: str | None = None,
    validity: timedelta = timedelta(hours=8760),
    algorithm: Algorithm | None = None,
    server: str | None = None,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    allow_masters: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> UserKubeconfig:
    """Make a kubeconfig for a person or a program, as `kubeadm kubeconfig user` does; nothing is written.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import Algorithm, apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     jane = user_kubeconfig("jane", organizations=["qa"], algorithm=Algorithm.ECDSA_P256, rootfs=folder)
    >>> jane.subject, jane.to_yaml().splitlines()[0]
    ('CN=jane,O=qa', 'apiVersion: v1')

    Source: kubeadm `cmd/kubeconfig.go` (`newCmdUserKubeConfig`).

    Args:
        client_name: The user's name: the certificate's common name.
        config: See `kubepki.api`, as for `node`.
        organizations: The groups: the certificate's organizations.
        token: What the user shows in place of a certificate; then groups and validity are not used, and no CA key
            is needed.
        validity: How long the certificate is valid; the configuration's period is not used, as in kubeadm.
        algorithm: The kind of key; the configuration's without one.
        server: The API server's URL; the configuration's without one, else that of `admin.conf`.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        allow_masters: Whether the group `system:masters` is meant.
        dry_run: Whether to say what would be made, and make nothing.
        progress: As for `apply`.
        now: The moment from which validity counts.
        **node: Where the CA is, and which cluster.

    Raises:
        ConfigurationError: `user.bad_name`, `user.bad_validity`, `user.bad_token`, `user.bad_server`,
            `user.no_server`; `config.*`.
        RefusedError: `user.masters`, `user.outlives_authority`.
        FindingError: `plan.blocked` when the CA cannot be used; `user.external_authority` when its key is elsewhere.
        EnvironmentFailure: `store.*`.

    """
    return _core.user_kubeconfig(
        {
            "node": node_fields(config, **node),
            "name": client_name,
            "organizations": list(organizations),
            "validity_seconds": int(validity.total_seconds()),
            "algorithm": None if algorithm is None else algorithm.value,
            "server": server,
            "allow_masters": allow_masters,
            "outlive_authority": outlive_ca,
        },
        token,
        dry_run,
        progress,
        in_utc(now),
    )

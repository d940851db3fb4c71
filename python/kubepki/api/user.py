"""Kubeconfigs for somebody outside the node."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Algorithm, UserKubeconfig


@asked("UserRequest", "client_name", "config")
def user_kubeconfig(
    client_name: str,
    config: StrPath | None = None,
    *,
    organizations: Iterable[str] = (),
    validity: timedelta = timedelta(hours=8760),
    algorithm: Algorithm | str | None = None,
    server: str | None = None,
    allow_masters: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    token: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
    now: datetime | None = None,
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
        config: The kubeadm configuration (v1beta3, v1beta4); kubeadm's defaults without one.
        organizations: The groups: the certificate's organizations.
        validity: How long the certificate is valid; the configuration's period is not used, as in kubeadm.
        algorithm: The kind of key, as `ECDSA-P256`; the configuration's without one.
        server: The API server's URL; without it the configuration's, else that of `admin.conf`.
        allow_masters: Allow the group `system:masters`, which nothing can restrict.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        token: What the user shows in place of a certificate; then groups and validity are not used, and no CA key is
            needed.
        dry_run: Whether to say what would be made, and make nothing.
        progress: As for `apply`.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `user.bad_name`, `user.bad_validity`, `user.bad_token`, `user.bad_server`,
            `user.no_server`; `config.*`.
        RefusedError: `user.masters`, `user.outlives_authority`.
        FindingError: `plan.blocked` when the CA cannot be used; `user.external_authority` when its key is elsewhere.
        EnvironmentFailure: `store.*`.

    """
    return _core.user_kubeconfig(request(locals(), "token", "dry_run"), token, dry_run, progress, in_utc(now))

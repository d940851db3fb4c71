"""Kubeconfigs for somebody outside the node."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, plain, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Algorithm, EnsuredUser, UserKubeconfig


@asked("UserRequest", "client_name", "config", without="renew_before")
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
    issuer: Literal["ca", "kubernetes"] = "ca",
    signer: str | None = None,
    issuer_ca: StrPath | None = None,
    approve: bool = False,
    timeout: timedelta | None = None,
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
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
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        organizations: The groups: the certificate's organizations.
        validity: How long the certificate is valid; the configuration's period is not used, as in kubeadm.
        algorithm: The kind of key, as `ECDSA-P256`; the configuration's without one.
        server: The API server's URL; without it the configuration's, else that of `admin.conf`.
        allow_masters: Allow the group `system:masters`, which nothing can restrict.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        issuer: Who signs: the CAs on this node, or a signer of the cluster's certificates API, which needs no CA key
            here.
        signer: With `issuer` kubernetes: the signer, as `kubernetes.io/kube-apiserver-client` or
            `clusterissuers.cert-manager.io/NAME`.
        issuer_ca: With `issuer` kubernetes: CA certificates, one of which has to vouch for what was signed; for signers
            that hand out none.
        approve: With `issuer` kubernetes: approve the requests; otherwise somebody else has to.
        timeout: With `issuer` kubernetes: how long certificates are waited for; five minutes without it.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        token: The token that the user authenticates with, in place of a certificate; groups and validity are not used
            then, and no CA key is needed.
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


@asked("UserRequest", "client_name", "config", renew_before=timedelta(days=30))
def ensure_user(
    client_name: str,
    config: StrPath | None = None,
    *,
    organizations: Iterable[str] = (),
    validity: timedelta = timedelta(hours=8760),
    renew_before: timedelta | None = timedelta(days=30),
    algorithm: Algorithm | str | None = None,
    server: str | None = None,
    allow_masters: bool = False,
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    issuer: Literal["ca", "kubernetes"] = "ca",
    signer: str | None = None,
    issuer_ca: StrPath | None = None,
    approve: bool = False,
    timeout: timedelta | None = None,
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    path: StrPath | None = None,
    present: str | None = None,
    force: bool = False,
    mode: int | None = None,
    uid: int | None = None,
    gid: int | None = None,
    token: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int, str], object] | None = None,
    now: datetime | None = None,
) -> EnsuredUser:
    """Keep a user's kubeconfig while it is what is asked for, and make it otherwise: a second run changes nothing.

    It is kept when clients can use it, and it leads to the same server, trusts the same CAs and shows the same token,
    or a certificate of the CA for the same user and groups that does not end within `renew_before`.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     first = ensure_user("jane", path=f"{folder}/jane.conf", algorithm="ECDSA-P256", rootfs=folder)
    ...     second = ensure_user("jane", path=f"{folder}/jane.conf", algorithm="ECDSA-P256", rootfs=folder)
    >>> first.reason, second.is_kept
    ('missing', True)

    Args:
        client_name: The user's name: the certificate's common name.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        organizations: The groups: the certificate's organizations.
        validity: How long the certificate is valid; the configuration's period is not used, as in kubeadm.
        renew_before: Keep the kubeconfig that is there while it is what is asked for, and its certificate does not end
            within this time.
        algorithm: The kind of key, as `ECDSA-P256`; the configuration's without one.
        server: The API server's URL; without it the configuration's, else that of `admin.conf`.
        allow_masters: Allow the group `system:masters`, which nothing can restrict.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        issuer: Who signs: the CAs on this node, or a signer of the cluster's certificates API, which needs no CA key
            here.
        signer: With `issuer` kubernetes: the signer, as `kubernetes.io/kube-apiserver-client` or
            `clusterissuers.cert-manager.io/NAME`.
        issuer_ca: With `issuer` kubernetes: CA certificates, one of which has to vouch for what was signed; for signers
            that hand out none.
        approve: With `issuer` kubernetes: approve the requests; otherwise somebody else has to.
        timeout: With `issuer` kubernetes: how long certificates are waited for; five minutes without it.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        path: The file, a path of this machine. It is written with mode 0600, as a whole or not at all; without it
            nothing is written.
        present: The text of the kubeconfig that is there, where it is in no file.
        force: Make it again, whatever is there.
        mode: Another mode for a file that is written.
        uid: The owner's user id, instead of the running user's.
        gid: The owner's group id, instead of the running user's.
        token: The token that the user authenticates with, in place of a certificate; groups and validity are not used
            then, and no CA key is needed.
        dry_run: Whether to say what would be made, and make nothing.
        progress: As for `apply`.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: As `user_kubeconfig`; `plan.bad_request` when `validity` is not longer than `renew_before`,
            or `path` and `present` are both given.
        RefusedError: As `user_kubeconfig`; `store.foreign_file` for a file that is another user's.
        FindingError: As `user_kubeconfig`.
        EnvironmentFailure: `store.*` when the file cannot be read or written; in a dry run too.

    """
    own = ("path", "present", "force", "mode", "uid", "gid", "dry_run")
    order = {"content": present, **{name: plain(value) for name, value in locals().items() if name in own}}
    return _core.ensure_user(request(locals(), *own, "token", "own", "order"), token, order, progress, in_utc(now))

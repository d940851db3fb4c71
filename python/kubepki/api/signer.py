"""Saying which certificates a cluster signs, and with what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

if TYPE_CHECKING:
    from datetime import datetime

    from kubepki.arguments import StrPath
    from kubepki.types import SignersReport


@asked("SignerRequest")
def show_signers(
    *,
    probe: bool = False,
    timeout: timedelta = timedelta(seconds=30),
    kubelet_dir: StrPath = "/var/lib/kubelet",
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> SignersReport:
    """Say which certificates the controller manager signs, with what, and why not.

    >>> for signer in show_signers().signers:  # doctest: +SKIP
    ...     print(signer.name, signer.state, signer.authority and signer.authority.not_after)

    Args:
        probe: Ask each signer for a certificate of ten minutes, approve it, and throw it away; requests are deleted in
            any case.
        timeout: With `probe`: how long each certificate is waited for.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `config.*`; `restart.bad_timeout`, `api.naive_datetime`; `cluster.no_credentials`,
            `cluster.bad_credentials`.
        EnvironmentFailure: `store.*` when the manifest cannot be read; `cluster.*` when the cluster cannot be asked.
        FindingError: `signer.no_controller_manager`, `signer.bad_manifest`.
        RefusedError: `cluster.forbidden`, `cluster.foreign_program`.

    """
    return _core.show_signers(request(locals()), in_utc(now))

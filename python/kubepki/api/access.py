"""Saying who gets in with a certificate, and who has used which."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kubepki.arguments import StrPath
    from kubepki.types import AccessReport


@asked("AccessRequest", "config")
def access(
    config: StrPath | None = None,
    *,
    extra: StrPath | Iterable[StrPath] = (),
    audit_log: StrPath | Iterable[StrPath] = (),
    longest: timedelta = timedelta(days=370),
    kubelet_dir: StrPath = "/var/lib/kubelet",
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> AccessReport:
    """Say who gets in with a certificate of a node, what they can do, until when, and by the audit log, who used which.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", rootfs=folder))
    ...     report = access(rootfs=folder)
    >>> first = report.credentials[0]
    >>> first.name, first.user, first.groups, first.power
    ('super-admin.conf', 'kubernetes-super-admin', ('system:masters',), 'unrestricted')

    Source: k8s.io/apiserver `pkg/authentication/request/x509`, `pkg/apis/audit/v1`.

    Args:
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        extra: More files and directories of the node to check.
        audit_log: The API server's audit logs, as JSON lines, plain or gzip: who has used which certificate.
        longest: A client certificate that is valid for longer is a finding.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `config.*`, `plan.bad_request` when no line of the logs is an event;
            `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration or a log cannot be read.

    """
    return _core.access(request(locals()), in_utc(now))

"""What the nodes of a cluster share, out of one node and into another."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, plain, request
from kubepki.arguments import asked, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Bundle, Plan, Report, UploadedBundle


def certificate_key() -> str:
    """Return a new certificate key: 64 hexadecimal digits, as `kubeadm certs certificate-key` prints them.

    >>> len(bytes.fromhex(certificate_key()))
    32

    Source: kubeadm `phases/copycerts` (`CreateCertificateKey`).
    """
    return _core.certificate_key()


@asked("bundle.ExportRequest", "config")
def export_bundle(
    config: StrPath | None = None,
    *,
    role: Literal["control-plane", "worker"] = "control-plane",
    allow_missing_ca_keys: bool = False,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    key: str | None = None,
    rbac: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Bundle:
    """Encrypt what a joining node needs, as `kubeadm init --upload-certs` does; nothing is written or uploaded.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     bundle = export_bundle(role="worker", rootfs=folder)
    >>> bundle.to_pem().splitlines()[0]
    '-----BEGIN CERTIFICATE-----'

    Source: kubeadm `phases/copycerts/copycerts.go` (`UploadCerts`).

    Args:
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        role: The kind of node that they are for; a worker gets the CA's certificate alone, which is not encrypted.
        allow_missing_ca_keys: Leave the keys of external CAs out; it is an error otherwise.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        key: The certificate key; a new one without it (`Bundle.certificate_key()` tells it).
        rbac: Whether the Role and the RoleBinding through which joining nodes read the Secret come with it.
        dry_run: Whether to say what would be in it, and encrypt nothing.
        now: The moment at which the CAs must be valid.

    Raises:
        ConfigurationError: `certificate_key.not_hexadecimal`, `certificate_key.wrong_length`; `config.*`.
        FindingError: `bundle.missing_files`; `plan.blocked` when a file cannot be used.
        RefusedError: `bundle.external_authority`, `bundle.node_bound`.
        EnvironmentFailure: `store.*`.

    """
    return _core.export_bundle(request(locals(), "key", "rbac", "dry_run"), key, rbac, dry_run, in_utc(now))


@asked("bundle.ImportRequest", "bundle", "config", without="recover")
def plan_import_bundle(
    bundle: str | bytes,
    config: StrPath | None = None,
    *,
    role: Literal["control-plane", "worker"] | None = None,
    allow_missing_ca_keys: bool = False,
    force: bool = False,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    key: str | None = None,
    now: datetime | None = None,
) -> Plan:
    """Open a bundle and plan to put it on a node; nothing is changed.

    The plan holds no file, so `apply` refuses it: `import_bundle` with the same arguments does it.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, export_bundle, plan
    >>> with TemporaryDirectory() as first, TemporaryDirectory() as second:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=first))
    ...     bundle = export_bundle(role="worker", rootfs=first)
    ...     planned = plan_import_bundle(bundle.to_pem(), role="worker", rootfs=second)
    >>> [(artefact.name, artefact.action.value) for artefact in planned.artefacts]
    [('ca', 'install')]

    Args:
        bundle: The text of the Secret, of kubepki or of `kubectl get secret -o yaml`; for a worker PEM.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        role: The kind of this node, instead of the configuration's; a worker's bundle is a CA's certificate.
        allow_missing_ca_keys: The keys of external CAs may be missing.
        force: Replace files that differ.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        key: The certificate key; not for a worker.
        now: The moment at which the CAs must be valid.

    Raises:
        FindingError: `bundle.*` when the bundle cannot be read or opened, or lacks something.
        RefusedError: `bundle.node_bound`, `bundle.not_for_workers`.
        ConfigurationError: `bundle.wrong_key`, `bundle.no_key`, `bundle.other_etcd`, `certificate_key.*`, `config.*`.

    """
    return _core.plan_import_bundle(request(locals(), "bundle", "key"), _bytes(bundle), key, in_utc(now))


@asked("bundle.ImportRequest", "bundle", "config", without="recover")
def import_bundle(
    bundle: str | bytes,
    config: StrPath | None = None,
    *,
    role: Literal["control-plane", "worker"] | None = None,
    allow_missing_ca_keys: bool = False,
    force: bool = False,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    key: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Open a bundle and put its files on a node: afterwards all of them are there, or every file is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, export_bundle, plan
    >>> with TemporaryDirectory() as first, TemporaryDirectory() as second:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=first))
    ...     report = import_bundle(export_bundle(role="worker", rootfs=first).to_pem(), role="worker", rootfs=second)
    >>> [change.name for change in report.changed]
    ['ca']

    Source: kubeadm `phases/copycerts/copycerts.go` (`DownloadCerts`).

    Args:
        bundle: As for `plan_import_bundle`, as is all that follows.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        role: The kind of this node, instead of the configuration's; a worker's bundle is a CA's certificate.
        allow_missing_ca_keys: The keys of external CAs may be missing.
        force: Replace files that differ.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        key: The certificate key.
        now: The moment at which the CAs must be valid.

    Raises:
        FindingError: As `plan_import_bundle`; `plan.blocked` when a file cannot be used, or another one is there.
        RefusedError: As `plan_import_bundle`.
        ConfigurationError: As `plan_import_bundle`.
        EnvironmentFailure: `store.*` when writing fails.

    """
    return _core.import_bundle(
        {**request(locals(), "bundle", "key"), "recover": True}, _bytes(bundle), key, in_utc(now)
    )


@checked
def upload_bundle(
    exported: Bundle,
    *,
    ttl: timedelta = timedelta(hours=2),
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    now: datetime | None = None,
) -> UploadedBundle:
    """Upload a bundle's Secret, as `kubeadm init --upload-certs` does; `kubeadm join --certificate-key` reads it.

    The cluster removes it after `ttl`, with the token that it belongs to.

    >>> bundle = export_bundle()  # doctest: +SKIP
    >>> upload_bundle(bundle).expires_at, bundle.certificate_key()  # doctest: +SKIP

    Source: kubeadm `phases/copycerts/copycerts.go` (`UploadCerts`).

    Args:
        exported: What `export_bundle` has made, for a control-plane node.
        ttl: How long it stays in the cluster: between a minute and 30 days.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        now: The moment from which it stays.

    Raises:
        ConfigurationError: `plan.bad_request` for a `ttl` that is too short or too long; `cluster.no_credentials`,
            `cluster.bad_credentials`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked.
        RefusedError: `cluster.forbidden`, `cluster.foreign_program`.
        ValueError: For a worker's bundle, and after a dry run.

    """
    return _core.upload_bundle(exported, _access(kubeconfig, request_timeout), ttl.total_seconds(), in_utc(now))


@checked
def download_bundle(*, kubeconfig: StrPath | None = None, request_timeout: timedelta = timedelta(seconds=30)) -> str:
    """Return the Secret that is in the cluster, sealed, as JSON; `import_bundle` opens it with the certificate key.

    >>> import_bundle(download_bundle(), key=certificate_key)  # doctest: +SKIP

    Source: kubeadm `phases/copycerts/copycerts.go` (`DownloadCerts`).

    Args:
        kubeconfig: As for `upload_bundle`, as is `request_timeout`.
        request_timeout: How long each request to the API server may take.

    Raises:
        ConfigurationError: `cluster.no_credentials`, `cluster.bad_credentials`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked.
        FindingError: `bundle.not_uploaded`.
        RefusedError: `cluster.forbidden`, `cluster.foreign_program`.

    """
    return _core.download_bundle(_access(kubeconfig, request_timeout))


def _access(kubeconfig: StrPath | None, request_timeout: timedelta) -> dict[str, Any]:
    return {"kubeconfig": plain(kubeconfig), "request_timeout": request_timeout.total_seconds()}


def _bytes(bundle: str | bytes) -> bytes:
    return bundle.encode(errors="surrogatepass") if isinstance(bundle, str) else bundle

"""What the nodes of a cluster share, out of one node and into another."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Bundle, Plan, Report


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


def _bytes(bundle: str | bytes) -> bytes:
    return bundle.encode(errors="surrogatepass") if isinstance(bundle, str) else bundle

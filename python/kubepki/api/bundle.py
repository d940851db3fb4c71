"""What the nodes of a cluster share, out of one node and into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from kubepki import _core
from kubepki.api.node import DEFAULT_BACKUP_DIR, in_utc, node_fields, path_text
from kubepki.arguments import checked

if TYPE_CHECKING:
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Bundle, Plan, Report


def certificate_key() -> str:
    """Return a new certificate key: 64 hexadecimal digits, as `kubeadm certs certificate-key` prints them.

    >>> len(bytes.fromhex(certificate_key()))
    32

    Source: kubeadm `phases/copycerts` (`CreateCertificateKey`).
    """
    return _core.certificate_key()


@checked
def export_bundle(
    config: StrPath | None = None,
    *,
    key: str | None = None,
    recipient: Literal["control-plane", "worker"] = "control-plane",
    rbac: bool = False,
    allow_missing_ca_keys: bool = False,
    dry_run: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Bundle:
    """Encrypt what a joining node needs, as `kubeadm init --upload-certs` does; nothing is written or uploaded.

    Source: kubeadm `phases/copycerts/copycerts.go` (`UploadCerts`).

    Args:
        config: See `kubepki.api`, as for `node`.
        key: The certificate key; a new one without it (`Bundle.certificate_key()` tells it).
        recipient: For a control-plane node, or for a worker, which gets the CA's certificate alone.
        rbac: Whether the Role and the RoleBinding through which joining nodes read the Secret come with it.
        allow_missing_ca_keys: Whether the keys of external CAs may be left out.
        dry_run: Whether to say what would be in it, and encrypt nothing.
        now: The moment at which the CAs must be valid.
        **node: Which node has the files.

    Raises:
        ConfigurationError: `certificate_key.not_hexadecimal`, `certificate_key.wrong_length`; `config.*`.
        FindingError: `bundle.missing_files`; `plan.blocked` when a file cannot be used.
        RefusedError: `bundle.external_authority`, `bundle.node_bound`.
        EnvironmentFailure: `store.*`.

    """
    wanted = {
        "node": node_fields(config, **node),
        "recipient": recipient,
        "allow_missing_ca_keys": allow_missing_ca_keys,
    }
    return _core.export_bundle(wanted, key, rbac, dry_run, in_utc(now))


@checked
def plan_import_bundle(
    bundle: str | bytes,
    config: StrPath | None = None,
    *,
    key: str | None = None,
    recipient: Literal["control-plane", "worker"] | None = None,
    allow_missing_ca_keys: bool = False,
    force: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Open a bundle and plan to put it on a node; nothing is changed.

    The plan holds no file, so `apply` refuses it: `import_bundle` with the same arguments does it.

    Args:
        bundle: The text of the Secret, of kubepki or of `kubectl get secret -o yaml`; for a worker PEM.
        config: See `kubepki.api`, as for `node`.
        key: The certificate key; not for a worker.
        recipient: The kind of node; the configuration's without one.
        allow_missing_ca_keys: Whether the keys of external CAs may be missing.
        force: Whether files that differ are replaced.
        backup_dir: Where files that are replaced are kept; `None` for nowhere.
        now: The moment at which the CAs must be valid.
        **node: Which node the files are for.

    Raises:
        FindingError: `bundle.*` when the bundle cannot be read or opened, or lacks something.
        RefusedError: `bundle.node_bound`, `bundle.not_for_workers`.
        ConfigurationError: `bundle.wrong_key`, `bundle.no_key`, `bundle.other_etcd`, `certificate_key.*`, `config.*`.

    """
    wanted = _import_fields(
        config,
        node,
        backup_dir=backup_dir,
        recipient=recipient,
        allow_missing_ca_keys=allow_missing_ca_keys,
        force=force,
    )
    return _core.plan_import_bundle(wanted, _bytes(bundle), key, in_utc(now))


@checked
def import_bundle(
    bundle: str | bytes,
    config: StrPath | None = None,
    *,
    key: str | None = None,
    recipient: Literal["control-plane", "worker"] | None = None,
    allow_missing_ca_keys: bool = False,
    force: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Report:
    """Open a bundle and put its files on a node: afterwards all of them are there, or every file is as it was.

    Source: kubeadm `phases/copycerts/copycerts.go` (`DownloadCerts`).

    Args:
        bundle: As for `plan_import_bundle`, as is all that follows.
        config: See `kubepki.api`, as for `node`.
        key: The certificate key.
        recipient: The kind of node.
        allow_missing_ca_keys: Whether the keys of external CAs may be missing.
        force: Whether files that differ are replaced.
        backup_dir: Where files that are replaced are kept.
        now: The moment at which the CAs must be valid.
        **node: Which node the files are for.

    Raises:
        FindingError: As `plan_import_bundle`; `plan.blocked` when a file cannot be used, or another one is there.
        RefusedError: As `plan_import_bundle`.
        ConfigurationError: As `plan_import_bundle`.
        EnvironmentFailure: `store.*` when writing fails.

    """
    wanted = _import_fields(
        config,
        node,
        backup_dir=backup_dir,
        recipient=recipient,
        allow_missing_ca_keys=allow_missing_ca_keys,
        force=force,
    )
    return _core.import_bundle({**wanted, "recover": True}, _bytes(bundle), key, in_utc(now))


def _import_fields(
    config: StrPath | None, node: NodeOptions, *, backup_dir: StrPath | None, **options: str | bool | None
) -> dict[str, Any]:
    return {"node": node_fields(config, **node), "backup_dir": path_text(backup_dir), **options}


def _bytes(bundle: str | bytes) -> bytes:
    return bundle.encode(errors="surrogatepass") if isinstance(bundle, str) else bundle

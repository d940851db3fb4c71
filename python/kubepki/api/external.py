"""External CAs: what was signed elsewhere is imported and embedded, and the rest is cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import (
    DEFAULT_BACKUP_DIR,
    DEFAULT_KUBELET_DIR,
    in_utc,
    node_fields,
    path_text,
    path_texts,
    selection,
)
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Plan


@checked
def plan_import(
    paths: StrPath | Iterable[StrPath] = (),
    *,
    config: StrPath | None = None,
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    force: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan to put certificates that were signed elsewhere into their places, for `apply`.

    Each is matched to its place by its name, or by its key, and held against key, request, CA, usages, names and
    validity; everything that is wrong is a finding of the plan. A new key that lies beside its certificate comes along.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_import(rootfs=folder)
    >>> planned.operation, planned.is_empty
    ('certs import', True)

    Args:
        paths: Files and folders; none for the certificates that lie beside their requests on the node.
        config: See `kubepki.api`, as for `node`. With it, the names of the configuration must be there too.
        kubelet_dir: The kubelet's folder, for `kubelet-client`.
        force: Whether names, usages, validity and signer may be wrong; never the key.
        backup_dir: Where the files that change are kept as they were; None for nowhere.
        recover: Whether an interrupted change is ended first.
        now: The moment at which the certificates must be valid.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when a path is not there. What is wrong with a certificate is a finding instead.

    """
    request = {
        "node": node_fields(config, **node),
        "paths": path_texts(paths),
        "kubelet_dir": path_text(kubelet_dir),
        "force": force,
        "backup_dir": path_text(backup_dir),
        "recover": recover,
    }
    return _core.plan_import(request, in_utc(now))


@checked
def plan_embed(
    kubeconfigs: Literal["all"] | StrPath | Iterable[StrPath] = "all",
    *,
    config: StrPath | None = None,
    client_certificate: StrPath | None = None,
    client_key: StrPath | None = None,
    certificate_authority: StrPath | None = None,
    flatten: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan to put signed client certificates and the CA into kubeconfigs, for `apply`.

    The certificate is `admin.conf.crt` beside `admin.conf`, or the one that is named; the CA is all of `ca.crt`.
    Everything else in the file stays.

    Args:
        kubeconfigs: kubeadm's names (`admin.conf`) or paths, or all of the node; `()` for none.
        config: See `kubepki.api`, as for `node`.
        client_certificate: The certificate, for one kubeconfig.
        client_key: Its key, instead of the one in the kubeconfig.
        certificate_authority: The CA certificates, instead of `ca.crt`.
        flatten: Whether certificate and key files that a kubeconfig refers to are embedded too.
        backup_dir: Where the files that change are kept as they were; None for nowhere.
        recover: Whether an interrupted change is ended first.
        now: The moment at which the certificates must be valid.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `embed.one_kubeconfig`, `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when a named file is not there. What is wrong with one of the node is a finding.

    """
    chosen: Literal["all"] | list[str] = "all" if kubeconfigs == "all" else path_texts(kubeconfigs)
    request = {
        "node": node_fields(config, **node),
        "kubeconfigs": selection(chosen),
        "client_certificate": path_text(client_certificate),
        "client_key": path_text(client_key),
        "certificate_authority": path_text(certificate_authority),
        "flatten": flatten,
        "backup_dir": path_text(backup_dir),
        "recover": recover,
    }
    return _core.plan_embed(request, in_utc(now))


@checked
def plan_cleanup(
    names: Literal["all"] | Iterable[str] = "all",
    *,
    config: StrPath | None = None,
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    ca_keys: str | Iterable[str] = (),
    ca_key_backup: StrPath | None = None,
    no_backup: bool = False,
    backup_dir: StrPath | None = DEFAULT_BACKUP_DIR,
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan to take away requests, certificates that were embedded, and CA keys that nothing needs, for `apply`.

    A request goes when the certificate that it became is in place and verifies. What must stay is kept, with a
    finding; a critical one when it was named.

    Args:
        names: kubeadm's names of certificates and kubeconfigs, or all; `()` for none.
        config: See `kubepki.api`, as for `node`. Without it the kind of node is read off its files.
        kubelet_dir: The kubelet's folder, for `kubelet-client`.
        ca_keys: The CAs (`ca`, `etcd-ca`, `front-proxy-ca`) whose keys go, for external CA mode.
        ca_key_backup: Where all that goes is kept, when a CA key is among it: a folder off the node.
        no_backup: Whether nothing is kept.
        backup_dir: Where the files that go are kept, when no CA key is among them; None for nowhere.
        recover: Whether an interrupted change is ended first.
        now: The moment at which the certificates must be valid.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `cleanup.ca_key_backup`, `plan.unknown_name`, `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    request = {
        "node": node_fields(config, **node),
        "names": selection(names),
        "kubelet_dir": path_text(kubelet_dir),
        "authority_keys": [ca_keys] if isinstance(ca_keys, str) else list(ca_keys),
        "authority_key_backup": path_text(ca_key_backup),
        "no_backup": no_backup,
        "backup_dir": path_text(backup_dir),
        "recover": recover,
    }
    return _core.plan_cleanup(request, in_utc(now))

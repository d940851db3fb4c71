"""External CAs: what was signed elsewhere is imported and embedded, and the rest is cleaned up."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Plan


@asked("ImportRequest", "paths")
def plan_import(
    paths: StrPath | Iterable[StrPath] = (),
    *,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    force: bool = False,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    recover: bool = False,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
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
        paths: Certificate files, or directories of them, laid out as `/etc/kubernetes`; without any, the `.crt` beside
            each `.csr` of the node, those for a renewal with new keys first.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        force: Import in spite of wrong names, usages, validity or signer; never with another key.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment at which the certificates must be valid.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when a path is not there. What is wrong with a certificate is a finding instead.

    """
    return _core.plan_import(request(locals()), in_utc(now))


@asked("EmbedRequest", "kubeconfigs")
def plan_embed(
    kubeconfigs: Literal["all"] | StrPath | Iterable[StrPath] = "all",
    *,
    client_certificate: StrPath | None = None,
    client_key: StrPath | None = None,
    copies_of: StrPath | None = None,
    certificate_authority: StrPath | None = None,
    flatten: bool = False,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    recover: bool = False,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan to put signed client certificates and the CA into kubeconfigs, for `apply`.

    The certificate is `admin.conf.crt` beside `admin.conf`, or the one that is named; the CA is all of `ca.crt`.
    Everything else in the file stays.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_embed((), rootfs=folder)
    >>> planned.operation, planned.is_empty
    ('kubeconfig embed', True)

    Args:
        kubeconfigs: kubeadm's names (`admin.conf`) or paths of kubeconfigs; all of the node, or none for an empty list.
        client_certificate: The client certificate, for one kubeconfig, in place of the file beside it.
        client_key: Its key, in place of the one in the kubeconfig.
        copies_of: Only into copies of this kubeconfig of the node (`admin.conf`), which have the same server, user and
            CA: with its client certificate and key.
        certificate_authority: The CA certificates, in place of `ca.crt`.
        flatten: Embed the files that a kubeconfig refers to, too.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment at which the certificates must be valid.

    Raises:
        ConfigurationError: `embed.one_kubeconfig`, `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when a named file is not there. What is wrong with one of the node is a finding.

    """
    return _core.plan_embed(request(locals()), in_utc(now))


@asked("CleanupRequest", "names")
def plan_cleanup(
    names: Literal["all"] | Iterable[str] = "all",
    *,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    ca_keys: Iterable[str] = (),
    ca_key_backup: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    recover: bool = False,
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> Plan:
    """Plan to take away requests, certificates that were embedded, and CA keys that nothing needs, for `apply`.

    A request goes when the certificate that it became is in place and verifies. What must stay is kept, with a
    finding; a critical one when it was named.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan_cleanup(["apiserver"], rootfs=folder)
    >>> planned.operation, planned.is_empty
    ('certs cleanup', True)

    Args:
        names: Which certificates and kubeconfigs, by kubeadm's names; all, or none for an empty list.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        ca_keys: Remove the keys of these CAs too (`ca`, `etcd-ca`, `front-proxy-ca`), for external CA mode.
        ca_key_backup: With a CA's key: the directory of this machine where what is removed is kept, outside the node's
            files and its root directory.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment at which the certificates must be valid.

    Raises:
        ConfigurationError: `cleanup.ca_key_backup`, `plan.unknown_name`, `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    return _core.plan_cleanup(request(locals()), in_utc(now))

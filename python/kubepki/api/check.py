"""Looking at a node's certificates: everything, their ends as kubeadm reports them, or any files."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, plain, request
from kubepki.arguments import asked, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Certificate, CertificateFile, CheckReport, ExpirationReport


@asked("CheckRequest", "config")
def check(
    config: StrPath | None = None,
    *,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    profile: Literal["kubeadm", "cis"] = "kubeadm",
    kubelet_dir: StrPath = "/var/lib/kubelet",
    key_blocklist: StrPath | None = None,
    live: bool = False,
    extra: StrPath | Iterable[StrPath] = (),
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> CheckReport:
    """Say everything that can be known of a node's certificates: ends, chains, keys, names, usages, modes.

    Without a configuration the kind of node is read off its files, and names are not judged.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", rootfs=folder))
    ...     report = check(rootfs=folder)
    >>> report.status.name, len(report.certificates)
    ('OK', 15)

    Args:
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        warning: Warn of a certificate with at most this much time left.
        critical: A certificate with at most this much time left is critical.
        profile: Whose rules hold for modes and owners of files, and how bad a weakness is that a fresh kubeadm has:
            those of kubeadm, or of the CIS benchmark.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        key_blocklist: The `blocklist.dat` of badkeys: published private keys, those of Debian's OpenSSL of 2006 to 2008
            among them.
        live: Ask the components of the node what they serve, where their manifests say that they listen, and compare it
            with their files.
        extra: More files and directories of the node to check.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `config.*`, `key.bad_blocklist`, or `api.naive_datetime`. Nothing on the node is an
            exception: it is a finding.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    return _core.check(request(locals()), in_utc(now))


@asked("CheckFilesRequest", "paths")
def check_files(
    paths: StrPath | Iterable[StrPath] = (),
    *,
    content: str | None = None,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    key_blocklist: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> CheckReport:
    """Say what is wrong with any certificates, whoever they belong to: files, directories, or text.

    >>> report = check_files("/no/such/file.crt")
    >>> report.status.name, report.findings[0].code
    ('CRITICAL', 'store.missing')

    Args:
        paths: The files and directories to check, of the node or of any machine: certificates and kubeconfigs.
        content: PEM text to check, with certificates; their name and path are `-`.
        warning: Warn of a certificate with at most this much time left.
        critical: A certificate with at most this much time left is critical.
        key_blocklist: The `blocklist.dat` of badkeys: published private keys, those of Debian's OpenSSL of 2006 to 2008
            among them.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `plan.bad_request` when there is nothing to check, or `content` is empty;
            `store.rootfs_not_a_directory`; `api.naive_datetime`. A file that cannot be used is a finding.

    """
    return _core.check_files(request(locals()), in_utc(now))


@asked("NodeRequest", "config")
def check_expiration(
    config: StrPath | None = None,
    *,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> ExpirationReport:
    """Report what `kubeadm certs check-expiration` reports, for a tree in any state.

    A file that is missing, unreadable or corrupt is a row; kubeadm fails the whole command.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     rows = check_expiration(rootfs=folder).rows
    >>> rows[0].name, rows[0].is_missing
    ('admin.conf', True)

    Source: kubeadm `cmd/certs.go` (`newCmdCertsExpiration`), `phases/certs/renewal/manager.go`.

    Args:
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
        ConfigurationError: `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    return _core.expiration(request(locals()), in_utc(now))


@checked
def read_certificates(
    paths: StrPath | Iterable[StrPath], *, rootfs: StrPath | None = None, now: datetime | None = None
) -> list[CertificateFile]:
    """Read the certificates of many files at once, on all cores; the answers are in the order of `paths`.

    A file that cannot be used is an answer with a `problem`, not an exception. A file may hold several certificates.

    >>> read_certificates("/no/such/file.crt")[0].problem.code
    'store.missing'

    Args:
        paths: Files; one path alone is taken as a list of one.
        rootfs: The directory in front of every path.
        now: The moment for which `remaining` holds.

    Raises:
        ConfigurationError: `store.rootfs_not_a_directory`, or `api.naive_datetime`.

    """
    return _core.read_certificates(plain(paths), rootfs, in_utc(now))


@checked
def parse_certificates(content: str | bytes, *, now: datetime | None = None) -> list[Certificate]:
    """Read the certificates of PEM text that is in no file; their `name` and `path` are `-`.

    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    ...     text = Path(folder, "etc/kubernetes/pki/ca.crt").read_text()
    >>> [(certificate.subject, certificate.is_ca) for certificate in parse_certificates(text)]
    [('CN=kubernetes', True)]

    Args:
        content: PEM text; what else is in it is passed over.
        now: The moment for which `remaining` holds.

    Raises:
        FindingError: `x509.*` when there is none, or one that cannot be read.
        ConfigurationError: `api.naive_datetime`.

    """
    pem = content.encode() if isinstance(content, str) else content
    return _core.parse_certificates(pem, in_utc(now))

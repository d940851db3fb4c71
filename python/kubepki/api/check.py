"""Looking at a node's certificates: everything, their ends as kubeadm reports them, or any files."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.node import DEFAULT_KUBELET_DIR, in_utc, node_fields, path_texts
from kubepki.arguments import checked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Certificate, CertificateFile, CheckReport, ExpirationReport


@checked
def check(
    config: StrPath | None = None,
    *,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    extra: StrPath | Iterable[StrPath] = (),
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> CheckReport:
    """Say everything that can be known of a node's certificates: ends, chains, keys, names, usages, modes.

    Without a configuration the kind of node is read off its files, and names are not judged.

    Args:
        config: See `kubepki.api`, as for `node`.
        warning: A certificate that is valid for at most this long is a warning.
        critical: A certificate that is valid for at most this long is critical.
        kubelet_dir: The kubelet's folder, whose `pki` is looked into.
        extra: Files and folders to check besides.
        now: The moment for which the report holds.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`. Nothing on the node is an exception: it is a finding.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    return _core.check(
        {
            "node": node_fields(config, **node),
            "warning_seconds": int(warning.total_seconds()),
            "critical_seconds": int(critical.total_seconds()),
            "kubelet_dir": os.fspath(kubelet_dir),
            "extra": path_texts(extra),
        },
        in_utc(now),
    )


@checked
def check_expiration(
    config: StrPath | None = None,
    *,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> ExpirationReport:
    """Report what `kubeadm certs check-expiration` reports, for a tree in any state.

    A file that is missing, unreadable or corrupt is a row; kubeadm fails the whole command.

    Source: kubeadm `cmd/certs.go` (`newCmdCertsExpiration`), `phases/certs/renewal/manager.go`.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    return _core.expiration(node_fields(config, **node), in_utc(now))


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
        rootfs: See the module.
        now: The moment for which `remaining` holds.

    Raises:
        ConfigurationError: `store.rootfs_not_a_directory`, or `api.naive_datetime`.

    """
    return _core.read_certificates(path_texts(paths), rootfs, in_utc(now))


@checked
def parse_certificates(content: str | bytes, *, now: datetime | None = None) -> list[Certificate]:
    """Read the certificates of PEM text that is in no file; their `name` and `path` are `-`.

    Args:
        content: PEM text; what else is in it is passed over.
        now: The moment for which `remaining` holds.

    Raises:
        FindingError: `x509.*` when there is none, or one that cannot be read.
        ConfigurationError: `api.naive_datetime`.

    """
    pem = content.encode() if isinstance(content, str) else content
    return _core.parse_certificates(pem, in_utc(now))

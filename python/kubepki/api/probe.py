"""Looking at the certificates that servers present."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kubepki.arguments import StrPath
    from kubepki.types import ProbeReport


@asked("ProbeRequest", "endpoints")
def probe(
    endpoints: Iterable[str] = (),
    *,
    server_name: str | None = None,
    certificate_authority: StrPath | None = None,
    certificate: StrPath | None = None,
    client_certificate: StrPath | None = None,
    client_key: StrPath | None = None,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    timeout: timedelta = timedelta(seconds=5),
    now: datetime | None = None,
) -> ProbeReport:
    """Look at the certificates that servers present, many at once, and say what is wrong with them.

    Each server is greeted and left again; nothing is asked of it. One that does not answer is an answer too, with a
    `problem`.

    >>> report = probe(["127.0.0.1:1"], timeout=timedelta(seconds=1))
    >>> report.status.name, report.endpoints[0].problem.code
    ('UNKNOWN', 'probe.refused')

    Args:
        endpoints: Servers, each as `HOST:PORT` or `https://HOST:PORT`; port 6443 without a port, 443 in a URL.
        server_name: The name that is asked for (SNI) and looked for in the certificate, instead of each server's host.
        certificate_authority: The CA's file; each certificate must chain to one in it. Without it nobody's signature is
            judged.
        certificate: The certificate's file; a server that presents another one has not loaded it.
        client_certificate: The certificate for servers that ask for one; most present theirs without it.
        client_key: The key of the client certificate.
        warning: Warn of a certificate with at most this much time left.
        critical: A certificate with at most this much time left is critical.
        timeout: How long each server may take to answer.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `plan.bad_request` for what is no server or no time, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when a file cannot be read.
        FindingError: `pem.*`, `x509.*` when a file holds no certificate.

    """
    return _core.probe(request(locals()), in_utc(now))

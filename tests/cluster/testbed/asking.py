"""A client of any port of a node, with the trust and the certificate that a test gives it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.cluster import Cluster

# A client shows what it is; prints what the server answered. An etcd of today refuses while it is read from.
_ASK = """
import socket, ssl, sys
host, port, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
if certificate:
    context.load_cert_chain(certificate, key)
with context.wrap_socket(socket.create_connection((host, int(port)), 10), server_hostname=host) as connection:
    connection.settimeout(10)
    connection.sendall(f"GET /version HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
    print(connection.recv(4096).split(b"\\r\\n")[0].decode(errors="replace"))
"""


def ask(cluster: Cluster, address: str, port: int, authority: Path, pair: tuple[Path, Path] | None = None) -> str:
    """Connect to a port of a node; return the first line of the answer, or what went wrong."""
    program = [sys.executable, "-I", "-c", _ASK, address, str(port), str(authority), *map(str, pair or ("", ""))]
    asked = cluster.in_network(*program, check=False)
    return asked.stdout or asked.stderr

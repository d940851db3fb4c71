"""TLS servers for tests, with any certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Files = tuple[Path, Path]


@contextmanager
def server(certificate: Path, key: Path, *, names: dict[str, Files] | None = None, asks: bool = False) -> Iterator[int]:
    """Serve TLS with a pair, or with another for those who ask for its name; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificate.with_name("ca.crt"))
        others = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in names or {}}
        for name, pair in (names or {}).items():
            others[name].load_cert_chain(*pair)

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            connection.context = others.get(name or "", context)

        context.sni_callback = choose

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        context.wrap_socket(connection, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)

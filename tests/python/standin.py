"""A stand-in for the kubelet: it watches a manifests folder and runs real servers with the tree's certificates.

As the kubelet it reads every file of the folder but those whose names begin with a dot, starts what appears, starts
again what has ended, ends what goes, and says at its health port that it is well.

etcd is the real one; in the place of the others is a small TLS server that answers the health probes and takes a
changed certificate into use by itself, as theirs does. As Go's, a server without a certificate file makes one in memory
that is valid from an hour ago. Run as a program, it is the kubelet (`ROOT [CONTROL_GROUP]`), or one server
(`serve FLAGS…`).

What it sees goes to `ROOT/record`, a line an event: `NAME in|up|out|down|removed`. `in` and `out` are the manifest's,
`removed` is its container's. A file `ROOT/broken/NAME` keeps a component from coming up, `ROOT/linger/NAME` keeps its
container for some looks longer than its process. With a file `ROOT/stale/NAME` it goes on with the certificate that it
has started with.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

PAUSE = 0.02
LINGERING_LOOKS = 25
GOES_ON = "--goes-on"


class Kubelet:
    """The loop: look at the folder, start, end, probe, note."""

    def __init__(self, root: Path, pods: Path | None) -> None:
        """Watch the manifests below `root`; the servers run in the control group `pods`, if there is one."""
        self.root = root
        self.pods = pods
        self.manifests = root / "etc/kubernetes/manifests"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.up: set[str] = set()
        self.lingering: dict[str, int] = {}
        for folder in ("containers", "broken", "linger", "stale"):
            (root / folder).mkdir(exist_ok=True)
        config = (root / "var/lib/kubelet/config.yaml").read_text()
        port = next(int(line.partition(":")[2]) for line in config.splitlines() if line.startswith("healthzPort"))
        health = http.server.ThreadingHTTPServer(("127.0.0.1", port), Health)
        threading.Thread(target=health.serve_forever, daemon=True).start()

    def loop(self) -> None:
        """Run until the process is ended."""
        while True:
            self.look()
            time.sleep(PAUSE)

    def look(self) -> None:
        """Do once what there is to do."""
        present = {path.stem: path for path in self.manifests.iterdir() if not path.name.startswith(".")}
        # After the look at the folder: whoever takes a manifest out because another component is up has seen it before.
        for name in set(self.running) - self.up:
            if answers(self.ports[name]):
                self.up.add(name)
                self.note(name, "up")
        for name in set(self.running) - set(present):
            self.note(name, "out")
            self.end(name)
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.gone(name)
        for name, path in present.items():
            if name not in self.running and not (self.root / "broken" / name).exists():
                self.start(name, path)
        for name in list(self.lingering):
            self.lingering[name] -= 1
            if self.lingering[name] <= 0:
                del self.lingering[name]
                self.container(name).unlink(missing_ok=True)
                self.note(name, "removed")

    def start(self, name: str, path: Path) -> None:
        """Start the program of a manifest."""
        try:
            command = json.loads(path.read_text())["spec"]["containers"][0]["command"]
        except FileNotFoundError:
            return
        self.note(name, "in")
        flags = [self.on_host(flag) for flag in command[1:]]
        if (self.root / "stale" / name).exists():
            flags.append(GOES_ON)
        program = ["etcd"] if name == "etcd" else [sys.executable, __file__, "serve"]
        with (self.root / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen([*program, *flags], stdout=log, stderr=log)
        if self.pods is not None:
            with contextlib.suppress(ProcessLookupError):
                (self.pods / "cgroup.procs").write_text(str(self.running[name].pid))
        self.ports[name] = port_of(flags)
        self.lingering.pop(name, None)
        self.container(name).write_text(f"{name}-{self.running[name].pid}\n")

    def end(self, name: str) -> None:
        """End it as the kubelet does, with SIGTERM first."""
        process = self.running[name]
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.gone(name)

    def gone(self, name: str) -> None:
        """Note that it has ended."""
        del self.running[name]
        self.up.discard(name)
        self.note(name, "down")
        if (self.root / "linger" / name).exists():
            self.lingering[name] = LINGERING_LOOKS
        else:
            self.container(name).unlink(missing_ok=True)
            self.note(name, "removed")

    def container(self, name: str) -> Path:
        """Return the file that stands for a running container."""
        return self.root / "containers" / name

    def note(self, name: str, event: str) -> None:
        """Write a line of the record."""
        with (self.root / "record").open("a") as record:
            record.write(f"{name} {event}\n")

    def on_host(self, flag: str) -> str:
        """Return a flag with a path of the node as one of this host."""
        name, _, value = flag.partition("=")
        return f"{name}={self.root}{value}" if value.startswith("/") else flag


def port_of(flags: list[str]) -> int:
    """Return the port at which a component answers."""
    values = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
    return int(values.get("secure-port") or values["listen-client-urls"].rpartition(":")[2])


def answers(port: int) -> bool:
    """Whether something accepts connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Health(http.server.BaseHTTPRequestHandler):
    """Answers the probes of the kubelet."""

    def do_GET(self) -> None:
        """Say that all is well."""
        is_known = self.path.partition("?")[0] in ("/readyz", "/livez", "/healthz")
        body = b"ok"
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 (as the base class has it)
        """Log nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Loads its certificate again when that has changed, if it has one on disk."""

    files: tuple[str, str] | None = None
    loaded: tuple[bytes, ...] = ()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept the connection that waits, with the certificate as it is now."""
        if self.files is not None and isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ssl.SSLError):
                content = tuple(Path(file).read_bytes() for file in self.files)
                if content != self.loaded:
                    # While only one of the two is new, they do not fit, and the old pair stays.
                    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self.files)
                    self.socket.context.load_cert_chain(*self.files)
                    self.loaded = content
        return super().get_request()


def serve(flags: list[str]) -> None:
    """Serve TLS until the process is ended."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    values = dict(flag.removeprefix("--").partition("=")[::2] for flag in flags)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if "tls-cert-file" in values:
        context.load_cert_chain(values["tls-cert-file"], values["tls-private-key-file"])
    else:
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(made_in_memory())
            pem.flush()
            context.load_cert_chain(pem.name)
    server = Server(("127.0.0.1", int(values["secure-port"])), Health)
    if "tls-cert-file" in values and GOES_ON not in flags:
        server.files = (values["tls-cert-file"], values["tls-private-key-file"])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def made_in_memory() -> bytes:
    """Return key and certificate as client-go's `GenerateSelfSignedCertKey` makes them."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.now(timezone.utc)
    key = ec.generate_private_key(ec.SECP256R1())
    second = int(now.timestamp())
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"localhost{role}@{second}")]) for role in ("", "-ca")
    ]
    builder = x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number())
    valid_from = now - timedelta(hours=1)
    made = (
        builder.not_valid_before(valid_from)
        .not_valid_after(valid_from + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key_pem = key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    return key_pem + made.public_bytes(encoding)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    else:
        Kubelet(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None).loop()

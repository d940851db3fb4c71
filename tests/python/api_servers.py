"""A strict stand-in for an API server over TLS: the objects that a test gives it, and the trouble that it is to make.

What real API servers do is seen in tests/cluster; this one does what they seldom do: it is busy, forbids, changes an
object at the same moment, hangs up in the middle of a watch.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = tuple[int, dict[str, str], dict[str, Any]]
CREATED = ("/certificatesigningrequests", "/events", "/rolebindings", "/roles", "/secrets")
TOKEN = "the-token-of-the-test"  # noqa: S105 (of no server)


def status(code: int, reason: str, message: str, **details: object) -> dict[str, Any]:
    """Return a `metav1.Status`."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


@dataclass
class ApiServer:
    """Objects by their paths; `trouble` answers in their place, each once, and `None` lets the request through."""

    port: int = 0
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    admits: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body
    trouble: list[Callable[[str, str], Answer | None]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    watches: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    version: int = 1

    def kubeconfig(self, authority: str) -> str:
        """Return the kubeconfig of a user whom this server knows."""
        cluster = {
            "server": f"https://127.0.0.1:{self.port}",
            "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        }
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "a", "user": "u"}}],
                "clusters": [{"name": "a", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": TOKEN}}],
            }
        )

    def put(self, path: str, content: dict[str, Any]) -> None:
        """Keep an object, in a new version."""
        with self.lock:
            self.version += 1
            content.setdefault("metadata", {})["resourceVersion"] = str(self.version)
            self.objects[path] = content

    def answer(self, method: str, target: str, body: dict[str, Any]) -> Answer:
        """Answer one request."""
        path = urlsplit(target).path
        self.requests.append(f"{method} {path}")
        for trouble in list(self.trouble):
            if (answered := trouble(method, target)) is not None:
                self.trouble.remove(trouble)
                return answered
        known = {"GET": self._read, "POST": self._create, "PUT": self._replace, "DELETE": self._delete}
        return known[method](path, body) or (404, {}, status(404, "NotFound", f"{path} not found"))

    def _read(self, path: str, _: dict[str, Any]) -> Answer | None:
        if path in self.objects:
            return 200, {}, self.objects[path]
        items = [one for place, one in self.objects.items() if place.rpartition("/")[0] == path]
        if not items and not path.endswith(("/nodes", "/certificatesigningrequests")):
            return None
        return 200, {}, {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _create(self, path: str, body: dict[str, Any]) -> Answer | None:
        if not path.endswith(CREATED):
            return None
        body = self.admits(body)
        body.setdefault("status", {})
        self.put(f"{path}/{body['metadata']['name']}", body)
        return 201, {}, body

    def _delete(self, path: str, _: dict[str, Any]) -> Answer | None:
        return (200, {}, status(200, "", "")) if self.objects.pop(path, None) else None

    def _replace(self, path: str, body: dict[str, Any]) -> Answer | None:
        """Keep a ConfigMap, or a request's conditions; an approval changes nothing else."""
        place = path.removesuffix("/approval")
        there = self.objects.get(place)
        is_map = "/configmaps/" in path
        if there is None or (place == path and not is_map):
            return None
        if body["metadata"].get("resourceVersion") != there["metadata"]["resourceVersion"]:
            return 409, {}, status(409, "Conflict", "the object has been modified")
        if not is_map and body["spec"] != there["spec"]:
            return 422, {}, status(422, "Invalid", "spec is immutable")
        self.put(place, body)
        return 200, {}, body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ApiServer

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that does not trust the server hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {}, status(401, "Unauthorized", "Unauthorized"))
        elif "watch" in parse_qs(urlsplit(self.path).query):
            self._watch()
        else:
            self._send(*self.server.api.answer(self.command, self.path, body))

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (http.server's names)

    def _send(self, code: int, headers: dict[str, str], content: dict[str, Any]) -> None:
        text = json.dumps(content).encode()
        usual = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        self.send_response(code)
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def _watch(self) -> None:
        """Hang up in the middle of a line at first; later send what is new."""
        api = self.server.api
        api.watches += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if api.watches == 1:
            self.wfile.write(b'{"type": "ADDED", "object": {"metad')
            return
        parts = urlsplit(self.path)
        seen = int(parse_qs(parts.query)["resourceVersion"][0])
        for _ in range(200):
            with api.lock:
                all_there = [one for at, one in api.objects.items() if at.startswith(parts.path + "/")]
            for one in all_there:
                if int(one["metadata"]["resourceVersion"]) > seen:
                    self.wfile.write(json.dumps({"type": "ADDED", "object": one}).encode() + b"\n")
                    self.wfile.flush()
                    seen = int(one["metadata"]["resourceVersion"])
            time.sleep(0.05)


def once(method: str, path: str, answer: Answer) -> Callable[[str, str], Answer | None]:
    """Return trouble at a request for `path`."""
    return lambda asked, target: answer if asked == method and target.partition("?")[0] == path else None


@contextmanager
def api_server(pki: Path) -> Iterator[ApiServer]:
    """Serve with the API server's pair of `pki`."""
    api = ApiServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.api = api
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

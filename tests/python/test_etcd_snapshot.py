"""`kubepki etcd snapshot` of a real etcd, and before a rotation."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from nodes import RunningNode
from trees import PROGRAM, kubepki, make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed (make system-tools)")

VALUE = os.urandom(200_000)
HASH = 32


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Give a node whose etcd holds something that does not fit into one piece."""
    with RunningNode(tmp_path_factory.mktemp("running") / "node").running() as running:
        pki = running.kubernetes / "pki"
        context = ssl.create_default_context(cafile=pki / "etcd/ca.crt")
        context.load_cert_chain(pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key")
        connection = http.client.HTTPSConnection("127.0.0.1", running.ports["clients"], context=context)
        put = {"key": b64encode(b"/registry/it").decode(), "value": b64encode(VALUE).decode()}
        connection.request("POST", "/v3/kv/put", json.dumps(put))
        assert connection.getresponse().status == 200
        connection.close()
        yield running


def taken(node: RunningNode, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return kubepki("etcd", "snapshot", "--rootfs", node.root, *arguments)


def test_it_is_what_etcd_holds_with_the_hash_that_etcdutl_looks_for(node: RunningNode) -> None:
    done = taken(node, "-o", "json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    file = node.root / said["file"].lstrip("/")
    assert file.parent == node.root / "var/lib/kubepki/etcd"
    content = file.read_bytes()
    assert (said["size"], said["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    database, own = content[:-HASH], content[-HASH:]
    assert hashlib.sha256(database).digest() == own
    assert len(database) % 512 == 0
    # A page of etcd's database has the value in one piece.
    assert VALUE in database
    assert [oct(path.stat().st_mode & 0o777) for path in (file, file.parent)] == ["0o600", "0o700"]
    assert said["server"] == f"127.0.0.1:{node.ports['clients']}"
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True).stdout
    assert f"etcd Version: {said['etcd_version']}" in version


def test_a_file_that_exists_stays_as_it_is(node: RunningNode) -> None:
    there = node.root / "there.db"
    there.write_text("theirs")
    link = node.root / "link.db"
    link.symlink_to("elsewhere.db")
    for name in ("/there.db", "/link.db"):
        refused = taken(node, name)
        assert "code: store.exists" in refused.stderr, refused.stderr
    assert there.read_text() == "theirs"
    assert not (node.root / "elsewhere.db").exists()


def test_a_full_disk_is_said_and_nothing_is_left(node: RunningNode) -> None:
    folder = node.root / "small"
    folder.mkdir()
    # A limit on the size of files stops a write as a full disk does.
    command = ["sh", "-c", 'ulimit -f 128; trap "" XFSZ; exec "$@"', "sh", *PROGRAM]
    command += ["etcd", "snapshot", "/small/it.db", "--rootfs", str(node.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "small/it.db" in done.stderr
    assert list(folder.iterdir()) == []


def test_an_etcd_of_another_ca_is_not_asked(node: RunningNode, tmp_path: Path) -> None:
    root = tmp_path / "other"
    kubernetes = make_tree(root, "minimal")
    shutil.copytree(node.manifests, kubernetes / "manifests")
    done = kubepki("etcd", "snapshot", "--rootfs", root)
    assert done.returncode == 3, done.stderr
    assert "code: probe.untrusted" in done.stderr, done.stderr
    assert not (root / "var").exists()


def test_a_node_without_an_api_server_has_none(tmp_path: Path) -> None:
    make_tree(tmp_path, "minimal")
    done = kubepki("etcd", "snapshot", "--rootfs", tmp_path)
    assert "code: etcd.no_api_server" in done.stderr, done.stderr


def test_a_version_without_end_is_not_read_to_its_end(node: RunningNode, tmp_path: Path) -> None:
    root = tmp_path / "node"
    shutil.copytree(node.kubernetes, root / "etc/kubernetes")
    pki = root / "etc/kubernetes/pki/etcd"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    sent = 0

    def serve() -> None:
        nonlocal sent
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as stream:
            stream.recv(4096)
            stream.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            # More than sockets and pipes hold on the way.
            for _ in range(1000):
                stream.sendall(b" " * 65536)
                sent += 65536

    with socket.create_server(("127.0.0.1", 0)) as listener:
        manifest = root / "etc/kubernetes/manifests/kube-apiserver.yaml"
        told = manifest.read_text().replace(f":{node.ports['clients']}", f":{listener.getsockname()[1]}")
        manifest.write_text(told)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = kubepki("etcd", "snapshot", "--rootfs", root)
        thread.join(60)
    assert done.returncode == 3, done.stderr
    assert "its version is longer than 65536 bytes" in done.stderr
    assert sent < 1000 * 65536
    assert not (root / "var").exists()

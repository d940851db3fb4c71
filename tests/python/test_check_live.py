"""`kubepki check --live`: what a node's components present, held against their files. The servers are openssl's."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from nodes import free_ports
from trees import kubepki, make_tree, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def openssl(port: int, certificate: Path, key: Path, *more: str | Path) -> Iterator[None]:
    """Serve a certificate until the end."""
    words = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key, *more]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def node(tmp_path: Path) -> tuple[Path, int]:
    """A node whose API server is told to listen at a free port."""
    (port,) = free_ports(1)
    kubernetes = make_tree(tmp_path / "node", "minimal")
    (kubernetes / "manifests").mkdir()
    pki = "/etc/kubernetes/pki"
    command = [
        "kube-apiserver",
        "--advertise-address=127.0.0.1",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kube-apiserver", "namespace": "kube-system"},
        "spec": {
            "hostNetwork": True,
            "containers": [{"name": "kube-apiserver", "image": "x:v1.36.2", "command": command}],
        },
    }
    (kubernetes / "manifests/kube-apiserver.yaml").write_text(json.dumps(pod))
    return tmp_path / "node", port


def checked(node: Path) -> dict[str, dict[str, Any]]:
    """Return what was found of what is served; the manifest lacks flags, which is another matter."""
    done = kubepki("check", "--live", "--rootfs", node, "-o", "json")
    found = {one["code"]: one for one in json.loads(done.stdout)["findings"]}
    return {code: one for code, one in found.items() if code.split(".")[0] not in ("flag", "profile")}


def pair(folder: Path) -> tuple[Path, Path]:
    return folder / "etc/kubernetes/pki/apiserver.crt", folder / "etc/kubernetes/pki/apiserver.key"


def test_what_is_served_as_it_is_on_disk_is_no_finding(node: tuple[Path, int]) -> None:
    root, port = node
    with openssl(port, *pair(root)):
        assert checked(root) == {}


def test_a_renewed_file_that_is_not_loaded_is_found(node: tuple[Path, int], tmp_path: Path) -> None:
    root, port = node
    old = tmp_path / "old"
    shutil.copytree(root, old)
    renewed = kubepki("certs", "renew", "apiserver", "--rootfs", root, "--no-backup")
    assert renewed.returncode == 0, renewed.stderr
    with openssl(port, *pair(old)):
        found = checked(root)
    assert set(found) == {"endpoint.other_certificate"}
    assert f"127.0.0.1:{port}" in found["endpoint.other_certificate"]["evidence"]
    # The files are below another root: the command is for the node, and has no option that it would refuse there.
    remedy = found["endpoint.other_certificate"]["remedy"]
    assert remedy == "have it load the file: kubepki restart kube-apiserver --force (on that node, once it runs)"


def test_what_has_ended_and_hides_behind_open_connections_is_found(node: tuple[Path, int], tmp_path: Path) -> None:
    root, port = node
    key, certificate = tmp_path / "e.key", tmp_path / "e.crt"
    subject: list[str | Path] = [
        "-subj",
        "/CN=kube-apiserver",
        "-not_before",
        "20200101000000Z",
        "-not_after",
        "20210101000000Z",
    ]
    words: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    made = subprocess.run([*words, *subject], capture_output=True, check=False)
    if made.returncode:
        # OpenSSL before 3.4 cannot say both ends.
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", tmp_path / "r", *subject[:2])
        run("openssl", "x509", "-req", "-in", tmp_path / "r", "-signkey", key, "-days", "-1", "-out", certificate)
    with openssl(port, certificate, key):
        found = checked(root)
    assert set(found) == {"endpoint.other_certificate", "endpoint.expired"}
    # The names that clients look for are not in it.
    assert "it lacks" in found["endpoint.other_certificate"]["evidence"]


def test_the_certificate_of_another_cluster_is_found(node: tuple[Path, int], tmp_path: Path) -> None:
    root, port = node
    other = tmp_path / "other"
    make_tree(other, "minimal")
    with openssl(port, *pair(other)):
        found = checked(root)
    assert set(found) == {"endpoint.other_certificate", "certificate.untrusted"}


def test_a_chain_that_is_not_sent_is_found(node: tuple[Path, int], tmp_path: Path) -> None:
    root, port = node
    certificate, key = pair(root)
    kept = tmp_path / "leaf.crt"
    shutil.copy(certificate, kept)
    # Any certificate that is not its own issuer's stands for one between.
    between = (root / "etc/kubernetes/pki/front-proxy-client.crt").read_text()
    certificate.write_text(certificate.read_text() + between)
    with openssl(port, kept, key):
        found = checked(root)
    assert "endpoint.chain_not_sent" in found


def test_a_component_that_does_not_answer_is_found(node: tuple[Path, int]) -> None:
    root, port = node
    found = checked(root)
    assert set(found) == {"endpoint.no_answer"}
    assert f"127.0.0.1:{port}: connection refused" in found["endpoint.no_answer"]["evidence"]
    # Without --live nobody is asked.
    assert "endpoint.no_answer" not in kubepki("check", "--rootfs", root).stdout

"""`kubepki probe`: what servers present, held against what is on disk, and a server that does not answer."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import kubepki as library
from servers import server
from trees import kubepki, make_tree, run

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Files


def greet(listener: socket.socket) -> None:
    """Answer the first who comes without TLS."""
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 mail\r\n" * 9)
        connection.recv(4096)


def probed(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the report."""
    done = kubepki("probe", *arguments, "-o", "json")
    return done.returncode, json.loads(done.stdout)


def codes(endpoint: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in endpoint["findings"]]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's certificates, made now."""
    return make_tree(tmp_path_factory.mktemp("node"), "minimal") / "pki"


def pair(pki: Path, name: str) -> Files:
    return pki / f"{name}.crt", pki / f"{name}.key"


def test_a_server_is_held_against_its_ca_its_name_and_its_file(pki: Path) -> None:
    certificate, key = pair(pki, "apiserver")
    with server(certificate, key) as port:
        against = ("--certificate-authority", pki / "ca.crt", "--certificate", certificate)
        code, report = probed(f"localhost:{port}", *against, "--server-name", "kubernetes.default")
        (endpoint,) = report["endpoints"]
        assert (code, report["status"], codes(endpoint)) == (0, "ok", []), endpoint["findings"]
        serial = run("openssl", "x509", "-in", certificate, "-noout", "-serial").stdout.strip().removeprefix("serial=")
        assert endpoint["certificates"][0]["serial"].lstrip("0") == serial.lower().lstrip("0")
        # A name that it does not have, another CA, and another file.
        other = ("--certificate-authority", pki / "etcd/ca.crt", "--certificate", pki / "etcd/server.crt")
        code, report = probed(f"127.0.0.1:{port}", *other)
        (endpoint,) = report["endpoints"]
        # As check: Nagios takes 1 for a warning.
        assert (code, report["status"]) == (2, "critical")
        assert sorted(codes(endpoint)) == [
            "certificate.missing_names",
            "certificate.untrusted",
            "endpoint.other_certificate",
        ]
        text = kubepki("probe", f"127.0.0.1:{port}", *other)
        assert text.returncode == 2
        assert text.stdout.startswith("ENDPOINT")
        # Its clients call it by another name perhaps: nobody is told to remove its files.
        assert "with --server-name NAME" in text.stdout
        assert "remove it" not in text.stdout
        assert "critical" in text.stdout
        assert text.stderr == ""


def test_each_name_gets_its_own_certificate(pki: Path) -> None:
    names = {"etcd.example": pair(pki, "etcd/server")}
    with server(*pair(pki, "apiserver"), names=names) as port:
        seen = [
            probed(f"127.0.0.1:{port}", *asked)[1]["endpoints"][0]["certificates"][0]["issuer"]
            for asked in ((), ("--server-name", "etcd.example"), ("--server-name", "no.example"))
        ]
    assert seen == ["CN=kubernetes", "CN=etcd-ca", "CN=kubernetes"]


def test_a_server_that_asks_for_a_certificate_is_seen_with_one_and_without(pki: Path) -> None:
    client, client_key = pair(pki, "apiserver-kubelet-client")
    with server(*pair(pki, "apiserver"), asks=True) as port:
        for shown in ((), ("--client-certificate", client, "--client-key", client_key)):
            code, report = probed(f"127.0.0.1:{port}", "--server-name", "kubernetes", *shown)
            assert (code, report["status"]) == (0, "ok"), report
    other = kubepki("probe", "127.0.0.1:1", "--client-certificate", client, "--client-key", pki / "ca.key")
    assert (other.returncode, "is not the key of" in other.stderr) == (3, True), other.stderr
    junk = kubepki("probe", "127.0.0.1:1", "--client-certificate", client, "--client-key", pki / "ca.crt")
    assert (junk.returncode, "probe.refused" in junk.stdout) == (3, False), junk.stderr
    alone = kubepki("probe", "127.0.0.1:1", "--client-certificate", client)
    assert alone.returncode == 3
    assert "--client-key" in alone.stderr


def test_what_has_expired_is_seen_all_the_same(pki: Path, tmp_path: Path) -> None:
    with server(*pair(pki, "apiserver")) as port:
        asked = (f"127.0.0.1:{port}", "--server-name", "kubernetes")
        soon = kubepki("probe", *asked, "--warning", "400d", "--critical", "380d")
        assert (soon.returncode, "certificate.expires_soon" in soon.stdout) == (2, True), soon.stdout
        later = kubepki("probe", *asked, "--warning", "400d")
        assert (later.returncode, "certificate.expires_soon" in later.stdout) == (1, True), later.stdout
    past = datetime.now(timezone.utc) - timedelta(days=368)
    library.apply(library.plan(kubeconfigs=(), node_name="old", rootfs=tmp_path, now=past))
    with server(*pair(tmp_path / "etc/kubernetes/pki", "apiserver")) as port:
        code, report = probed(f"127.0.0.1:{port}", "--server-name", "kubernetes")
        assert (code, codes(report["endpoints"][0])) == (2, ["certificate.expired"])
        assert "expired 3 days ago" in kubepki("probe", f"127.0.0.1:{port}").stdout


def test_many_are_asked_at_once_and_one_that_is_silent_holds_up_no_other(pki: Path) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        closed = socket.create_server(("127.0.0.1", 0))
        gone = closed.getsockname()[1]
        closed.close()
        plain = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=greet, args=(plain,), daemon=True)
        thread.start()
        port = stack.enter_context(server(*pair(pki, "apiserver")))
        ports = [silent.getsockname()[1], gone, plain.getsockname()[1], *[port] * 80]
        code, report = probed(
            *(f"127.0.0.1:{each}" for each in ports), "--timeout", "2s", "--server-name", "kubernetes"
        )
        thread.join(10)
    problems = [each["problem"] and each["problem"]["code"] for each in report["endpoints"]]
    assert problems == ["probe.timeout", "probe.refused", "probe.no_tls", *[None] * 80]
    assert (code, report["status"]) == (3, "unknown")


def test_what_is_no_server_is_a_usage_error() -> None:
    for wrong in ("http://10.0.0.1:80", "10.0.0.1:0", "a b"):
        done = kubepki("probe", wrong)
        # Not 2: monitoring takes that for a critical state.
        assert done.returncode == 3, wrong
        assert f"{wrong!r}".replace("'", '"') in done.stderr
        assert "hint: write HOST:PORT" in done.stderr
    assert kubepki("probe").returncode == 3
    assert kubepki("probe", "127.0.0.1:1", "--timeout", "0s").returncode == 3
    missing = kubepki("probe", "127.0.0.1:1", "--certificate-authority", "/no/ca.crt")
    assert (missing.returncode, "store.missing" in missing.stderr) == (3, True)


def test_what_a_server_says_of_itself_is_escaped(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "key", "-out", "crt", "-subj", "/CN=\x1b[31mred", "-utf8", "-days", "90"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    with server(tmp_path / "crt", tmp_path / "key") as port:
        done = kubepki("probe", f"127.0.0.1:{port}")
    assert "\x1b" not in done.stdout + done.stderr
    assert "red" in done.stdout

"""`kubepki show`: what is in a file, whatever it is, and nothing private of it."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from trees import GOLDEN, PROGRAM, golden, kubepki, run

if TYPE_CHECKING:
    from pathlib import Path

PKI = GOLDEN / "minimal/kubernetes/pki"


def openssl(*arguments: str | Path) -> str:
    done = run("openssl", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(path: Path, *more: str) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit code, what the file holds, and what is said of it."""
    done = kubepki("show", path, "-o", "json", *more)
    (file,) = json.loads(done.stdout)["files"]
    return done.returncode, file["contents"], done.stderr


def test_values_are_those_that_openssl_prints(tmp_path: Path) -> None:
    subject = "/O=system:masters/O=two/CN=kubernetes-admin/emailAddress=a@b.c"
    names = "subjectAltName=DNS:x.example,IP:10.0.0.1,IP:fd00::1,URI:spiffe://a/b,email:x@y.z"
    made = tmp_path / "made.crt"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-days", "3"),
        *("-keyout", tmp_path / "made.key", "-subj", subject, "-addext", names, "-out", made),
        *("-addext", "extendedKeyUsage=clientAuth,serverAuth", "-addext", "keyUsage=critical,digitalSignature"),
    )
    for path in [made, *PKI.rglob("*.crt")]:
        code, (certificate,), said = shown(path)
        assert (code, said) == (0, "")
        text = openssl("x509", "-in", path, "-noout", "-text", "-nameopt", "RFC2253", "-certopt", "ext_parse")
        for value in (certificate["subject"], certificate["issuer"], certificate["signature_algorithm"]):
            assert value in text
        serial = openssl("x509", "-in", path, "-noout", "-serial").strip().removeprefix("serial=").lower()
        assert certificate["serial"].lstrip("0") == serial.lstrip("0")
        printed = kubepki("show", path).stdout
        for kind, name in re.findall(r"(DNS|IP Address|URI|email):([^,\s]+)", text):
            assert (name.lower() if kind != "IP Address" else "IP") in printed, (kind, name)
        assert f"Version: {certificate['version']}" in printed


def test_junk_between_blocks_is_passed_over_and_a_broken_one_hides_no_other(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    whole = [(PKI / name).read_text() for name in ("apiserver.crt", "ca.crt")]
    bundle.write_text("junk\nBag Attributes\n    x: y\n".join(["", *whole]) + "more\n")
    code, contents, said = shown(bundle)
    assert (code, [one["kubeadm_name"] for one in contents], said) == (0, ["apiserver", "ca"], "")
    bundle.write_text(whole[0] + whole[1][:-40] + whole[1])
    code, contents, said = shown(bundle)
    assert (code, "code: x509.damaged" in said) == (1, True)
    assert contents[0]["kubeadm_name"] == "apiserver"
    assert "kubeadm's name: apiserver" in kubepki("show", bundle).stdout


def test_certificates_of_pkcs7_are_those_of_its_chain(tmp_path: Path) -> None:
    chain = ("-certfile", PKI / "apiserver.crt", "-certfile", PKI / "ca.crt")
    for form in ("PEM", "DER"):
        bundle = tmp_path / f"{form}.p7b"
        openssl("crl2pkcs7", "-nocrl", *chain, "-outform", form, "-out", bundle)
        _, contents, _ = shown(bundle)
        assert {one["kubeadm_name"] for one in contents} == {"apiserver", "ca"}


def keys(folder: Path) -> dict[str, Path]:
    """Return the same RSA key, and one on a curve, in every form."""
    rsa, ec = PKI / "sa.key", folder / "ec.key"
    openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", ec)
    forms = {
        "pkcs8": ("pkcs8", "-topk8", "-nocrypt", "-in", rsa),
        "pkcs8.der": ("pkcs8", "-topk8", "-nocrypt", "-in", rsa, "-outform", "DER"),
        "pkcs1.der": ("rsa", "-traditional", "-in", rsa, "-outform", "DER"),
        "sec1.der": ("ec", "-in", ec, "-outform", "DER"),
        "ec8.der": ("pkcs8", "-topk8", "-nocrypt", "-in", ec, "-outform", "DER"),
        "encrypted": ("pkcs8", "-topk8", "-passout", "pass:x", "-in", rsa),
        "encrypted.der": ("pkcs8", "-topk8", "-passout", "pass:x", "-in", rsa, "-outform", "DER"),
        "traditional": ("rsa", "-aes128", "-traditional", "-passout", "pass:x", "-in", rsa),
    }
    for name, words in forms.items():
        openssl(*words, "-out", folder / name)
    return {"sa.key": rsa, "ec.key": ec, **{name: folder / name for name in forms}}


def test_of_a_private_key_the_public_half_is_shown_in_every_form(tmp_path: Path) -> None:
    secret: dict[str, list[str]] = {}
    for kind, path in {"RSA-2048": PKI / "sa.key", "ECDSA-P256": keys(tmp_path)["ec.key"]}.items():
        text = openssl("pkey", "-in", path, "-noout", "-text")
        numbers = re.findall(
            r"(priv|privateExponent|prime1|prime2|exponent1|coefficient):\n((?: +[0-9a-f:]+\n)+)", text
        )
        assert numbers
        secret[kind] = [re.sub(r"[^0-9a-f]", "", digits)[8:40] for _, digits in numbers]
    for name, path in keys(tmp_path).items():
        for form in ("text", "json", "yaml"):
            done = kubepki("show", path, "-o", form)
            assert (done.returncode, done.stderr) == (0, ""), name
            printed = done.stdout
            kind = "ECDSA-P256" if name.startswith(("ec", "sec1")) else "RSA-2048"
            encrypted = name.startswith(("encrypted", "traditional"))
            assert (kind in printed) != encrypted, (name, printed)
            assert not any(digits in printed.lower() for digits in secret[kind])
            lines = [line for line in path.read_bytes().splitlines() if not line.startswith(b"-----")]
            assert not any(line[:32] in printed.encode() for line in lines if len(line) >= 32)
            base = base64.b64encode(path.read_bytes())
            assert not any(base[at : at + 40] in printed.encode() for at in range(0, len(base) - 40, 40))
            if not encrypted:
                public = openssl("pkey", "-in", path, "-pubout")
                der = base64.b64decode("".join(public.splitlines()[1:-1]))
                file = tmp_path / "public"
                file.write_bytes(der)
                assert openssl("dgst", "-sha256", "-r", file).split()[0] in printed


def test_a_kubeconfig_shows_its_certificates_and_names_its_files(tmp_path: Path) -> None:
    admin = golden(tmp_path, "minimal") / "admin.conf"
    for path in (admin, tmp_path / "etc/kubernetes/kubelet.conf"):
        _, (kubeconfig,), _ = shown(path)
        assert kubeconfig["clusters"][0]["authorities"][0]["kubeadm_name"] == "ca"
    text = re.sub(r"client-certificate-data: .*", "client-certificate: /somewhere/client.pem", admin.read_text())
    admin.write_text(re.sub(r"client-key-data: .*", "token: s3cr3t-token", text))
    done = kubepki("show", admin)
    assert "File: /somewhere/client.pem" in done.stdout
    assert "Authenticates with: token (not shown)" in done.stdout
    assert "s3cr3t" not in done.stdout + kubepki("show", admin, "-o", "yaml").stdout
    damaged = re.sub(r"certificate-authority-data: .*", "certificate-authority-data: eA==", text)
    admin.write_text(damaged)
    assert "Cannot be shown: it holds no certificate" in kubepki("show", admin).stdout


def make_crl(folder: Path) -> None:
    (folder / "index.txt").touch()
    (folder / "number").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ncrlnumber={folder}/number\ndefault_md=sha256\n"
    )
    pem = folder / "crl.pem"
    signer = ("-keyfile", PKI / "ca.key", "-cert", PKI / "ca.crt", "-config", folder / "ca.cnf")
    openssl("ca", "-gencrl", "-crldays", "30", *signer, "-out", pem)
    openssl("crl", "-in", pem, "-outform", "DER", "-out", folder / "crl.der")


def test_what_cannot_be_shown_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
    make_crl(tmp_path)
    certificate = ("-in", PKI / "apiserver.crt", "-inkey", PKI / "apiserver.key")
    openssl("pkcs12", "-export", "-passout", "pass:x", *certificate, "-out", tmp_path / "b.p12")
    (tmp_path / "empty").touch()
    (tmp_path / "dir").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "noise").write_bytes(b"\x93" + bytes(range(256)) * 40)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(5 << 30)
    for name, code, words in [
        ("b.p12", "x509.other_format", f"openssl pkcs12 -nokeys -in {tmp_path}/b.p12"),
        ("crl.der", "x509.other_format", "certificate revocation list"),
        ("empty", "x509.none", "the file is empty"),
        ("noise", "x509.none", "it holds no certificate, signing request, key or kubeconfig"),
        ("dir", "store.is_a_directory", "name a file"),
        ("socket", "store.not_a_regular_file", "socket"),
        ("/dev/zero", "store.not_a_regular_file", "device"),
        ("loop", "store.symlink_loop", "circular"),
        ("huge", "store.too_large", "5368709120 bytes"),
        ("missing", "store.missing", "does not exist"),
    ]:
        done = kubepki("show", tmp_path / name)
        assert (done.returncode, done.stdout) == (1, ""), name
        assert done.stderr.startswith("error: "), done.stderr
        assert f"  code: {code}\n" in done.stderr, done.stderr
        assert words in done.stderr, done.stderr
        assert re.search(r"^  hint: \S", done.stderr, re.MULTILINE), done.stderr
    assert 'PEM block "X509 CRL"' in kubepki("show", tmp_path / "crl.pem").stdout


def test_several_files_stdin_and_names_that_would_steer_a_terminal(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[2J\nb.crt"
    shutil.copy(PKI / "ca.crt", odd)
    words = (*PROGRAM, "show", odd, odd, "-", tmp_path / "missing")
    done = subprocess.run(words, input=(PKI / "sa.pub").read_bytes(), capture_output=True, check=False)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert text.count("Certificate, kubeadm's name: ca") == 2
    assert "Public key: RSA-2048" in text
    assert "\x1b" not in text + done.stderr.decode()
    assert r"a\x1b[2J\nb.crt" in text
    assert b"store.missing" in done.stderr


def in_bash(line: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a line in which `$kubepki` is the program and `$1`, `$2` are the words."""
    command = ["bash", "-c", line.replace("$kubepki", shlex.join(PROGRAM)), "bash", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "line",
    [
        '$kubepki show <(cat "$1") <(cat "$2")',
        'cat "$1" "$2" | $kubepki show /dev/stdin',
        '$kubepki show /dev/stdin "$2" < "$1"',
        'mkfifo "$1.pipe"; cat "$1" > "$1.pipe" & $kubepki show "$1.pipe" "$2"',
    ],
)
def test_a_pipe_is_a_file(line: str, tmp_path: Path) -> None:
    for name in ("ca.crt", "sa.pub"):
        shutil.copy(PKI / name, tmp_path)
    done = in_bash(line, tmp_path / "ca.crt", tmp_path / "sa.pub")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Certificate, kubeadm's name: ca" in done.stdout
    assert "Public key: RSA-2048" in done.stdout


def test_a_pipe_without_an_end_is_too_large() -> None:
    done = in_bash("$kubepki show <(cat /dev/zero)")
    assert (done.returncode, done.stdout) == (2, "")
    assert "code: cli.too_large" in done.stderr


def test_ctrl_c_ends_the_wait_for_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen([*PROGRAM, "show", tmp_path / "pipe"], stderr=subprocess.PIPE, text=True) as process:
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1].startswith("interrupted")
    assert process.returncode == 130


def test_a_pipe_is_no_file_of_a_node(tmp_path: Path) -> None:
    node = tmp_path / "etc/kubernetes/pki"
    node.mkdir(parents=True)
    os.mkfifo(node / "ca.crt")
    shown = kubepki("show", "/etc/kubernetes/pki/ca.crt", "--rootfs", tmp_path)
    assert (shown.returncode, "store.not_a_regular_file" in shown.stderr) == (1, True)
    assert "store.not_a_regular_file" in kubepki("check", "--rootfs", tmp_path).stdout


def test_a_signing_request_shows_what_it_asks_for(tmp_path: Path) -> None:
    request = tmp_path / "r.csr"
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "r.key")
    openssl("req", "-new", *new, "-subj", "/CN=x", "-addext", "subjectAltName=DNS:a.b", "-out", request)
    openssl("req", "-in", request, "-outform", "DER", "-out", tmp_path / "r.der")
    of_pem, of_der = shown(request), shown(tmp_path / "r.der")
    assert of_pem == of_der
    assert of_pem[1][0]["kind"] == "request"
    assert "DNS:a.b" in kubepki("show", request).stdout


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_data_has_every_file_and_what_is_wrong_with_it(form: str, tmp_path: Path) -> None:
    done = kubepki("show", PKI / "ca.crt", tmp_path / "missing", "-o", form)
    assert done.returncode == 1
    assert "store.missing" in done.stdout
    assert "kubeadm_name" in done.stdout

"""What others say of our certificates: openssl, pyca/cryptography, pkilint, kubectl and a real etcd."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from trees import GOLDEN, KUBECONFIGS, LEAVES, make_tree, run

if TYPE_CHECKING:
    from pathlib import Path

CASES = ("minimal", "ecdsa-p256", "dual-stack")


@pytest.fixture(scope="module", params=CASES)
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"), request.param)


def embedded(kubeconfig: Path) -> dict[str, bytes]:
    """Return the data fields of a kubeconfig with one user, decoded."""
    pairs = (line.strip().split(": ") for line in kubeconfig.read_text().splitlines() if "-data: " in line)
    return {key: base64.b64decode(value) for key, value in pairs}


def pairs(tree: Path) -> list[tuple[str, bytes, bytes, bytes]]:
    """Every leaf of a tree with its key and its CA: (name, certificate, key, CA), PEM."""
    pki = tree / "pki"
    on_disk = []
    for leaf, ca in LEAVES.items():
        certificate, key, ca_certificate = (pki / file for file in (f"{leaf}.crt", f"{leaf}.key", f"{ca}.crt"))
        on_disk.append((leaf, certificate.read_bytes(), key.read_bytes(), ca_certificate.read_bytes()))
    in_kubeconfigs = []
    for name in KUBECONFIGS:
        data = embedded(tree / name)
        client = data["client-certificate-data"], data["client-key-data"]
        in_kubeconfigs.append((name, *client, data["certificate-authority-data"]))
    return on_disk + in_kubeconfigs


def test_pyca_verifies_each_signature_and_key(tree: Path) -> None:
    for name, certificate_pem, key_pem, ca_pem in pairs(tree):
        certificate, ca = (x509.load_pem_x509_certificate(pem) for pem in (certificate_pem, ca_pem))
        certificate.verify_directly_issued_by(ca)
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        key = load_pem_private_key(key_pem, None)
        assert key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form), name
        assert 0 < certificate.serial_number < 2**63, name
        assert certificate.version is x509.Version.v3, name


def test_openssl_verifies_each_chain_for_its_purpose(tree: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for name, certificate, _key, ca in pairs(tree):
        leaf_file, ca_file = tmp_path / "leaf.crt", tmp_path / "ca.crt"
        leaf_file.write_bytes(certificate)
        ca_file.write_bytes(ca)
        usages = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        wanted = {ExtendedKeyUsageOID.SERVER_AUTH: "sslserver", ExtendedKeyUsageOID.CLIENT_AUTH: "sslclient"}
        for usage in usages.value:
            verify = ("openssl", "verify", "-x509_strict", "-purpose", wanted[usage])
            verified = run(*verify, "-CAfile", ca_file, leaf_file)
            assert verified.stdout.strip().endswith(": OK"), f"{name}: {verified.stderr}"


# What pkilint holds against kubeadm's own profile: names of one label (`kubernetes`, the node's), and
# keyEncipherment with an elliptic key (kubeadm sets it for every key).
KUBEADMS_OWN = {"pkix.invalid_domain_name_syntax", "pkix.key_usage_value_prohibited_for_ec"}


def lint(certificate: Path) -> list[dict[str, str]]:
    """Return what pkilint finds wrong with a certificate."""
    program = "import sys; from pkilint.bin.lint_pkix_cert import main; sys.exit(main())"
    output = run(sys.executable, "-c", program, "lint", "--severity", "ERROR", "--format", "JSON", certificate)
    return [finding for result in json.loads(output.stdout)["results"] for finding in result["finding_descriptions"]]


def test_pkilint_finds_no_error_that_is_not_kubeadms_own(tree: Path) -> None:
    certificates = sorted((tree / "pki").rglob("*.crt"))
    assert len(certificates) == len(LEAVES) + 3
    for path in certificates:
        for finding in lint(path):
            assert finding["code"] in KUBEADMS_OWN, f"{path.name}: {finding}"
            if finding["code"] == "pkix.invalid_domain_name_syntax":
                assert "." not in finding["message"], f"{path.name}: {finding}"


def test_pkilint_says_the_same_of_kubeadms_certificates(tree: Path) -> None:
    """The errors that are let pass above are those of the golden tree, certificate by certificate."""
    golden = GOLDEN / ("ecdsa-p256" if "EC PRIVATE" in (tree / "pki/ca.key").read_text() else "minimal")
    for base in ("ca", "apiserver-etcd-client"):
        ours, theirs = lint(tree / f"pki/{base}.crt"), lint(golden / f"kubernetes/pki/{base}.crt")
        assert [finding["code"] for finding in ours] == [finding["code"] for finding in theirs]


def test_kubectl_reads_the_kubeconfigs(tree: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    for name in KUBECONFIGS:
        viewed = run("kubectl", "config", "view", "--raw", "-o", "json", "--kubeconfig", tree / name)
        view = json.loads(viewed.stdout)
        data = embedded(tree / name)
        assert view["current-context"] == f"{view['users'][0]['name']}@kubernetes"
        user = view["users"][0]["user"]
        assert base64.b64decode(user["client-certificate-data"]) == data["client-certificate-data"]
        assert base64.b64decode(user["client-key-data"]) == data["client-key-data"]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.parametrize("case", ["minimal", "ecdsa-p256"])
def test_a_real_etcd_serves_with_them_and_admits_the_clients_alone(case: str, tmp_path: Path) -> None:
    etcd = shutil.which("etcd")
    if etcd is None:
        pytest.skip("etcd is not installed")
    pki = make_tree(tmp_path / "root", case) / "pki"
    client, peer, metrics = free_ports(3)
    flags = {
        "name": "cp1",
        "data-dir": tmp_path / "data",
        "listen-client-urls": f"https://127.0.0.1:{client}",
        "advertise-client-urls": f"https://127.0.0.1:{client}",
        "listen-peer-urls": f"https://127.0.0.1:{peer}",
        "initial-advertise-peer-urls": f"https://127.0.0.1:{peer}",
        "initial-cluster": f"cp1=https://127.0.0.1:{peer}",
        "listen-metrics-urls": f"http://127.0.0.1:{metrics}",
        "cert-file": pki / "etcd/server.crt",
        "key-file": pki / "etcd/server.key",
        "trusted-ca-file": pki / "etcd/ca.crt",
        "peer-cert-file": pki / "etcd/peer.crt",
        "peer-key-file": pki / "etcd/peer.key",
        "peer-trusted-ca-file": pki / "etcd/ca.crt",
    }
    command = [etcd, *(f"--{flag}={value}" for flag, value in flags.items()), "--client-cert-auth=true"]
    command += ["--peer-client-cert-auth=true"]
    log = tmp_path / "etcd.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(client)
        for certificate in ("etcd/healthcheck-client", "apiserver-etcd-client"):
            context = ssl.create_default_context(cafile=pki / "etcd/ca.crt")
            context.load_cert_chain(pki / f"{certificate}.crt", pki / f"{certificate}.key")
            assert ask(client, context) == "true", log.read_text()
        stranger = ssl.create_default_context(cafile=pki / "etcd/ca.crt")
        stranger.load_cert_chain(pki / "front-proxy-client.crt", pki / "front-proxy-client.key")
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            ask(client, stranger)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def ask(port: int, context: ssl.SSLContext) -> str:
    """Return what etcd says of its health."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("GET", "/health")
        return str(json.load(connection.getresponse())["health"])
    finally:
        connection.close()


def wait_for(port: int) -> None:
    """Wait until somebody listens; a start takes a second or two."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)

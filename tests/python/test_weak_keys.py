"""Weak, published and odd keys: certificates with them are made here, and `check` names what is wrong with each."""

from __future__ import annotations

import hashlib
import math
import resource
import secrets
import subprocess
from base64 import encodebytes
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import kubepki
from trees import GOLDEN, PROGRAM, run
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

NOW = datetime.now(timezone.utc)
SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2))]


def is_prime(number: int) -> bool:
    """Tell primes by Fermat's test: the numbers are random."""
    return all(number % prime for prime in SMALL_PRIMES) and pow(2, number - 1, number) == 1


def prime(bits: int) -> int:
    """Return a random prime whose two highest bits are set."""
    while True:
        number = secrets.randbits(bits) | 3 << (bits - 2) | 1
        if is_prime(number):
            return number


def next_prime(number: int) -> int:
    number += 2
    while not is_prime(number):
        number += 2
    return number


def infineon_prime(bits: int) -> int:
    """Return a prime of the form k · M + (65537^a mod M), with M the product of the first primes (ROCA)."""
    product = 2 * math.prod(SMALL_PRIMES[:70])
    while True:
        number = secrets.randbits(bits - product.bit_length()) * product + pow(65537, secrets.randbits(200), product)
        if number.bit_length() >= bits - 2 and is_prime(number):
            return number


CA_KEY = ec.generate_private_key(ec.SECP256R1())
CA_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])


def certificate(
    public_key: CertificatePublicKeyTypes, *, usages: tuple[str, ...] = ("digital_signature", "key_encipherment")
) -> bytes:
    """Return a certificate for a key whose private half nobody need have, as PEM."""
    fields = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one")]))
        .issuer_name(CA_NAME)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.KeyUsage(**{**fields, **dict.fromkeys(usages, True)}), critical=True)
    )
    return builder.sign(CA_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def rsa_certificate(modulus: int, exponent: int = 65537) -> bytes:
    return certificate(rsa.RSAPublicNumbers(exponent, modulus).public_key())


def findings(content: bytes) -> list[tuple[str, str, str]]:
    report = kubepki.check_files(content=content.decode())
    return [(finding.code, finding.severity.value, finding.evidence) for finding in report.findings]


P, Q = prime(1024), prime(1024)
WEAK: dict[str, tuple[Callable[[], tuple[int, int]], str, str]] = {
    "roca": (lambda: (infineon_prime(1024) * infineon_prime(1024), 65537), "critical", "ROCA"),
    "fermat": (lambda: (P * next_prime(P), 65537), "critical", "close to each other"),
    "square": (lambda: (P * P, 65537), "critical", "close to each other"),
    "small factor": (lambda: (P * 10007 * prime(1010), 65537), "critical", "divided by 10007"),
    "exponent 3": (lambda: (P * Q, 3), "warning", "exponent 3 is smaller"),
    "too small": (lambda: (prime(512) * prime(512), 65537), "warning", "RSA with 1024 bits"),
    "far too small": (lambda: (prime(300) * prime(300), 65537), "critical", "RSA with 600 bits"),
    "too large an exponent": (lambda: (P * Q, 2**33 + 1), "critical", "Go does not use it"),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_rsa_key_is_named(name: str) -> None:
    make, severity, says = WEAK[name]
    found = [found for found in findings(rsa_certificate(*make())) if found[0] == "key.weak"]
    assert [found[1] for found in found] == [severity]
    assert says in found[0][2]


def test_good_keys_of_every_kind_are_no_finding(tmp_path: Path) -> None:
    """Sixteen trees with 14 RSA keys each, and every key that kubeadm made for the golden trees."""
    for number in range(16):
        folder = tmp_path / f"node{number}"
        folder.mkdir()
        kubepki.apply(kubepki.plan(node_name="cp1", rootfs=folder))
    report = kubepki.check_files(tmp_path)
    assert len({each.public_key_sha256 for each in report.certificates}) > 200
    golden = kubepki.check_files(GOLDEN)
    seen = [*report.findings, *golden.findings]
    assert [finding for finding in seen if finding.code in {"key.weak", "key.unusable", "key.shared_prime"}] == []
    for key in (ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())):
        assert findings(certificate(key.public_key(), usages=("digital_signature",))) == []
    assert findings(certificate(ed25519.Ed25519PrivateKey.generate().public_key(), usages=("digital_signature",))) == []
    assert findings(rsa_certificate(P * Q)) == []


def test_two_keys_of_a_tree_that_share_a_prime_are_named(tmp_path: Path) -> None:
    third = prime(1024)
    for name, modulus in {"one": P * Q, "two": P * third, "three": prime(1024) * prime(1024)}.items():
        (tmp_path / f"{name}.crt").write_bytes(rsa_certificate(modulus))
    report = kubepki.check_files(tmp_path)
    found = {finding.path.name: finding.evidence for finding in report.findings if finding.path}
    assert sorted(found) == ["one.crt", "two.crt"]
    assert "two.crt" in found["one.crt"]
    assert {finding.code for finding in report.findings} == {"key.shared_prime"}


def test_keys_of_other_kinds_are_called_by_their_names() -> None:
    def kind(content: bytes) -> str:
        (seen,) = kubepki.check_files(content=content.decode()).certificates
        return seen.key

    usages = ("digital_signature",)
    assert kind(certificate(ed25519.Ed25519PrivateKey.generate().public_key(), usages=usages)) == "Ed25519"
    p224 = certificate(ec.generate_private_key(ec.SECP224R1()).public_key(), usages=usages)
    assert kind(p224) == "ECDSA-P224"
    assert [found[:2] for found in findings(p224)] == [("key.weak", "warning")]
    old = certificate(dsa.generate_private_key(2048).public_key(), usages=usages)
    assert kind(old) == "DSA"
    assert [found[:2] for found in findings(old)] == [("key.unusable", "warning")]


@pytest.mark.parametrize(
    ("last", "name", "size"), [(17, "ML-DSA-44", 1312), (18, "ML-DSA-65", 1952), (19, "ML-DSA-87", 2592)]
)
def test_ml_dsa_keys_are_named(last: int, name: str, size: int) -> None:
    """The key is put into a certificate of Ed25519 by hand: this library may not know ML-DSA yet."""
    plain = ed25519.Ed25519PrivateKey.generate().public_key()
    der = x509.load_pem_x509_certificate(certificate(plain, usages=("digital_signature",))).public_bytes(
        serialization.Encoding.DER
    )
    spki = plain.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    oid = bytes([0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, last])
    new = sequence(sequence(oid), tlv(3, b"\0" + secrets.token_bytes(size)))
    outer = contents(der)
    tbs, rest = split(outer)
    pem = "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n"
    changed = sequence(sequence(contents(tbs).replace(spki, new)), rest)
    text = pem.format(encodebytes(changed).decode())
    report = kubepki.check_files(content=text)
    assert [seen.key for seen in report.certificates] == [name]
    assert [finding.code for finding in report.findings] == ["key.unusable"]
    assert name in report.findings[0].evidence


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    return bytes([tag, 0x82]) + size.to_bytes(2, "big") + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def header(der: bytes) -> tuple[int, int]:
    """Return how long the header and the content are."""
    if der[1] < 128:
        return 2, der[1]
    count = der[1] & 0x7F
    return 2 + count, int.from_bytes(der[2 : 2 + count], "big")


def contents(der: bytes) -> bytes:
    start, size = header(der)
    return der[start : start + size]


def split(der: bytes) -> tuple[bytes, bytes]:
    size = sum(header(der))
    return der[:size], der[size:]


def test_a_published_key_is_found_by_the_list_that_is_given(tmp_path: Path) -> None:
    modulus = P * Q
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    numbers = [modulus, point.public_numbers().x, *range(3, 5000)]

    def record(number: int) -> bytes:
        digest = hashlib.sha256(number.to_bytes((number.bit_length() + 7) // 8, "big")).digest()
        return digest[:15] + bytes([1 if number in numbers[:2] else 9])

    (tmp_path / "blocklist.dat").write_bytes(b"".join(sorted(map(record, numbers))))
    (tmp_path / "rsa.crt").write_bytes(rsa_certificate(modulus))
    (tmp_path / "ec.crt").write_bytes(certificate(point, usages=("digital_signature",)))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "good.crt").write_bytes(certificate(other, usages=("digital_signature",)))
    report = kubepki.check_files(tmp_path, key_blocklist=tmp_path / "blocklist.dat")
    found = {(finding.path.name, finding.code) for finding in report.findings if finding.path}
    assert found == {("rsa.crt", "key.published"), ("ec.crt", "key.published")}
    assert all("CVE-2008-0166" in finding.evidence for finding in report.findings)
    assert kubepki.check_files(tmp_path).findings == ()

    (tmp_path / "blocklist.dat").write_bytes(b"-----BEGIN")
    with pytest.raises(kubepki.ConfigurationError) as raised:
        kubepki.check_files(tmp_path, key_blocklist=tmp_path / "blocklist.dat")
    assert raised.value.code == "key.bad_blocklist"
    done = command("check", "--rootfs", tmp_path, "--key-blocklist", tmp_path / "blocklist.dat")
    assert "key.bad_blocklist" in done.stderr
    # Zeros are sorted, and no key's.
    (tmp_path / "blocklist.dat").write_bytes(bytes(1600))
    with pytest.raises(kubepki.ConfigurationError) as raised:
        kubepki.check_files(tmp_path, key_blocklist=tmp_path / "blocklist.dat")
    assert raised.value.code == "key.bad_blocklist"


def test_a_blocklist_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "blocklist.dat").open("wb") as file:
        file.truncate((1 << 30) + 16)
    limit = (700 << 20, 700 << 20)
    done = subprocess.run(
        [*PROGRAM, "check", "--rootfs", tmp_path, "--key-blocklist", tmp_path / "blocklist.dat"],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit),
    )
    assert (done.returncode, "store.too_large" in done.stderr) == (3, True), done.stderr


def test_usages_that_others_than_go_refuse_are_findings() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()

    def said(*usages: str) -> list[tuple[str, str]]:
        return [found[:2] for found in findings(certificate(key, usages=usages))]

    assert said("digital_signature") == []
    # kubeadm's own up to 1.37.
    assert said("digital_signature", "key_encipherment") == []
    assert said("key_agreement") == [("certificate.key_usages", "warning")]
    assert said("digital_signature", "key_cert_sign") == [("certificate.key_usages", "warning")]


NEW_CLUSTER = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: {version}
encryptionAlgorithm: ECDSA-P256
"""


def test_a_key_that_cannot_encipher_is_told_from_the_release_on_whose_kubeadm_no_longer_says_so(tmp_path: Path) -> None:
    old, new = (NEW_CLUSTER.format(version=version) for version in ("v1.37.0", "v1.38.0"))
    kubepki.apply(kubepki.plan(config_text=old, node_name="cp1", rootfs=tmp_path))

    def said(config: str) -> set[tuple[str, str]]:
        report = kubepki.check(config_text=config, node_name="cp1", rootfs=tmp_path)
        assert report.status.name == "OK", report.findings
        return {(finding.code, finding.severity.value) for finding in report.findings}

    assert said(old) == set()
    assert said(new) == {("certificate.key_usages", "info")}


def named_authority(identifier: bytes | None, *, own: bytes, tree: Path) -> list[tuple[str, str]]:
    """Put a CA with one identifier, and a leaf that names another, in the place of a node's; return what is found."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        x509.CertificateBuilder()
        .subject_name(CA_NAME)
        .issuer_name(CA_NAME)
        .public_key(CA_KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(own), critical=False)
        .sign(CA_KEY, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver-kubelet-client")]))
        .issuer_name(CA_NAME)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    if identifier is not None:
        name = x509.AuthorityKeyIdentifier(identifier, None, None)
        leaf = leaf.add_extension(name, critical=False)
    pki = tree / "etc/kubernetes/pki"
    pki.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    (pki / "ca.crt").write_bytes(authority.public_bytes(pem))
    (pki / "apiserver-kubelet-client.crt").write_bytes(leaf.sign(CA_KEY, hashes.SHA256()).public_bytes(pem))
    for name_of_key, one in {"ca": CA_KEY, "apiserver-kubelet-client": key}.items():
        text = one.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        (pki / f"{name_of_key}.key").write_bytes(text)
        (pki / f"{name_of_key}.key").chmod(0o600)
    report = kubepki.check(rootfs=tree)
    ours = [finding for finding in report.findings if finding.code.startswith("certificate.key_")]
    openssl = run("openssl", "verify", "-CAfile", pki / "ca.crt", pki / "apiserver-kubelet-client.crt")
    assert (openssl.returncode == 0) == (ours == []), openssl.stderr
    return [(finding.code, finding.severity.value) for finding in ours]


def test_an_authority_key_identifier_that_openssl_refuses_is_a_finding(tmp_path: Path) -> None:
    assert named_authority(b"1" * 20, own=b"1" * 20, tree=tmp_path) == []
    assert named_authority(None, own=b"1" * 20, tree=tmp_path) == []
    assert named_authority(b"2" * 20, own=b"1" * 20, tree=tmp_path) == [("certificate.key_identifier", "warning")]

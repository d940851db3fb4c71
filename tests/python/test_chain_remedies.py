"""Chains that no component accepts, and keys that only the components read: verdicts, and remedies that lead out."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from trees import kubepki as command
from walker import NOW, Bases, Node, make_bases, write

if TYPE_CHECKING:
    from pathlib import Path

EXCLUDED = "evil.example.test"


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return make_bases(tmp_path_factory.mktemp("bases"))


def change_authority(node: Node, extension: x509.ExtensionType, *, critical: bool) -> None:
    """Issue the CA again, with its key and subject, and one more extension."""
    old = x509.load_pem_x509_certificate((node.pki / "ca.crt").read_bytes())
    key = serialization.load_pem_private_key((node.pki / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
        .add_extension(extension, critical=critical)
    )
    for each in old.extensions:
        builder = builder.add_extension(each.value, each.critical)
    write(node.pki / "ca.crt", builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), 0o644)


def untrusted(node: Node) -> list[str]:
    """Return the remedies of leaves whose chains no component accepts."""
    return [each.remedy for each in node.findings() if each.code == "certificate.untrusted" and each.subject != "ca"]


@pytest.mark.parametrize(
    "usage", [ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.SERVER_AUTH], ids=["OCSP alone", "servers alone"]
)
def test_a_leaf_is_not_renewed_by_a_ca_that_forbids_it(
    usage: x509.ObjectIdentifier, bases: Bases, tmp_path: Path
) -> None:
    node = bases.node("control-plane", tmp_path)
    change_authority(node, x509.ExtendedKeyUsage([usage]), critical=False)
    remedies = untrusted(node)
    assert remedies
    for remedy in remedies:
        assert "certs renew" not in remedy
        assert "/pki/ca.crt'`" in remedy


def test_a_name_that_the_ca_does_not_permit_is_left_out(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    renew = ("certs", "renew", "apiserver", "--config", node.config, "--rootfs", node.root)
    assert command(*renew, "--add-san", EXCLUDED).returncode == 0
    change_authority(node, x509.NameConstraints(None, [x509.DNSName("example.test")]), critical=True)
    (remedy,) = untrusted(node)
    (following,) = (part for part in re.findall("`([^`]*)`", remedy) if "kubepki" in part)
    assert f"certs renew apiserver --remove-san {EXCLUDED}" in following
    node.run(following)
    assert not untrusted(node)
    # A plan that would write the name is not told to write it again.
    blocked = command(*renew, "--add-san", EXCLUDED)
    assert blocked.returncode != 0
    assert f"leave {EXCLUDED} out" in blocked.stderr


def ed25519_pair(node: Node, like: bytes) -> tuple[bytes, bytes]:
    """Issue a leaf like another one, with an Ed25519 key."""
    old = x509.load_pem_x509_certificate(like)
    signer = serialization.load_pem_private_key((node.pki / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ed25519.Ed25519PrivateKey.generate()
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(key.public_key())
        .serial_number(8)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=300))
    )
    for each in old.extensions:
        builder = builder.add_extension(each.value, each.critical)
    pem = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, key.private_bytes(*form)


def test_an_ed25519_leaf_is_alive_and_renewal_replaces_its_key(bases: Bases, tmp_path: Path) -> None:
    # Verdict of client-go and crypto/tls: both use it. kubeadm: "neither in RSA nor ECDSA format".
    node = bases.node("control-plane", tmp_path)
    certificate, key = ed25519_pair(node, (node.pki / "apiserver.crt").read_bytes())
    write(node.pki / "apiserver.crt", certificate, 0o644)
    write(node.pki / "apiserver.key", key, 0o600)
    admin = node.kubernetes / "admin.conf"
    text = admin.read_text()
    old = re.search("client-certificate-data: (.*)", text)
    assert old
    for part, content in zip(("certificate", "key"), ed25519_pair(node, base64.b64decode(old.group(1))), strict=True):
        text = re.sub(f"client-{part}-data: .*", f"client-{part}-data: {base64.b64encode(content).decode()}", text)
    admin.write_text(text)
    found = {each.subject: each for each in node.findings()}
    assert {name: (each.code, each.severity.name) for name, each in found.items()} == {
        "apiserver": ("key.unsupported", "WARNING"),
        "admin.conf": ("key.unsupported", "WARNING"),
    }
    node.walk(node.findings)


def test_an_ed25519_key_of_another_certificate_is_critical(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    _, key = ed25519_pair(node, (node.pki / "apiserver.crt").read_bytes())
    write(node.pki / "apiserver.key", key, 0o600)
    (finding,) = node.findings()
    assert (finding.subject, finding.severity.name) == ("apiserver", "CRITICAL")

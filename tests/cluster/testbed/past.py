"""Certificates made in the past: what is on a node, signed again by its own CAs with dates that are over.

Keys, subjects, names and usages stay, so that nothing but the time is wrong.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from testbed.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from testbed.node import Node

BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)
END = datetime(2025, 1, 1, tzinfo=timezone.utc)

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
_EMBEDDED = re.compile(r"client-certificate-data: (\S+)")


def expire(node: Node, owner: Node) -> list[str]:
    """Let every certificate of a node be over but those of CAs and the kubelet's serving one; return the files.

    `owner` is a node with the CAs' keys.
    """
    authorities = list(_authorities(owner))
    changed = []
    for path in _files(node):
        text = path.read_bytes()
        if path.suffix == ".conf":
            new = _EMBEDDED.sub(lambda found: _embedded(found, authorities), text.decode()).encode()
        else:
            # Of a chain the leaf is the first.
            new = _CERTIFICATE.sub(lambda found: _signed_again(found[0], authorities), text, count=1)
        if new != text:
            path.write_bytes(new)
            changed.append(path.name)
    return changed


def refuse_to_start(node: Node) -> None:
    """Start the kubelet anew, and see it refuse its certificate."""
    node.run("systemctl", "stop", "kubelet")
    before = len(node.log("kubelet"))
    node.run("systemctl", "start", "kubelet")
    eventually(lambda: "is expired" in node.log("kubelet")[before:], "the kubelet refuses to start")


def client_file(node: Node) -> Path:
    """Return the file that the kubelet's link leads to, as this machine sees it."""
    folder = node.root / "var/lib/kubelet/pki"
    return folder / (folder / "kubelet-client-current.pem").readlink().name


def _files(node: Node) -> Iterator[Path]:
    for path in sorted((node.kubernetes / "pki").rglob("*.crt")):
        if not path.stem.endswith("ca"):
            yield path
    yield from sorted(node.kubernetes.glob("*.conf"))
    # Older ones would be a way back.
    yield from sorted((node.root / "var/lib/kubelet/pki").glob("kubelet-client-2*.pem"))


def _authorities(owner: Node) -> Iterator[tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]]:
    for path in sorted((owner.kubernetes / "pki").rglob("*ca.crt")):
        key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
        yield x509.load_pem_x509_certificate(path.read_bytes()), key  # type: ignore[misc]


def _embedded(
    found: re.Match[str],
    authorities: list[tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]],
) -> str:
    signed = _signed_again(base64.b64decode(found[1]), authorities)
    return f"client-certificate-data: {base64.b64encode(signed).decode()}"


def _signed_again(
    pem: bytes, authorities: list[tuple[x509.Certificate, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]]
) -> bytes:
    old = x509.load_pem_x509_certificate(pem)
    (signer,) = [one for one in authorities if _signed_by(old, one[0])]
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(signer[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # whatever the reason, it is signed by another
        return False
    return True

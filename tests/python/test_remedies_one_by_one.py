"""Findings that a node has for one reason alone: the remedy is followed as it is printed, and the finding is gone."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import kubepki
from trees import kubepki as command
from walker import Bases, Issued, Node, asks, make_bases, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return make_bases(tmp_path_factory.mktemp("bases"))


def of_code(node: Node, code: str, findings: Callable[[], list[kubepki.Finding]] | None = None) -> kubepki.Finding:
    """Return the finding of that code, the only one."""
    (finding,) = (each for each in (findings or node.findings)() if each.code == code)
    return finding


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", ["pki/sa.key", "pki/etcd/ca.key", "admin.conf"])
def test_a_key_that_belongs_to_another_user(name: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    os.chown(node.kubernetes / name, 4711, 4711)
    assert of_code(node, "file.other_owner").path
    node.walk(node.findings)
    assert (node.kubernetes / name).stat().st_uid == 0


@pytest.mark.parametrize("kind", ["control-plane", "external-ca"])
def test_a_key_that_is_published(kind: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node(kind, tmp_path)
    key = serialization.load_pem_private_key((node.pki / "apiserver.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    numbers = [key.public_key().public_numbers().x, *range(3, 5000)]
    digests = (hashlib.sha256(each.to_bytes((each.bit_length() + 7) // 8, "big")).digest() for each in numbers)
    blocklist = tmp_path / "blocklist.dat"
    blocklist.write_bytes(b"".join(sorted(digest[:15] + b"\x01" for digest in digests)))

    def findings() -> list[kubepki.Finding]:
        return list(kubepki.check(node.config, rootfs=node.root, key_blocklist=blocklist).findings)

    assert of_code(node, "key.published", findings).subject == "apiserver"
    node.walk(findings)


def be_replaced(node: Node) -> None:
    """Have the cluster's CA replaced, up to where both are trusted."""
    done = command("rotate", "step", "trust-both", "--authority", "ca", "--no-restart", "--rootfs", node.root)
    assert done.returncode == 0, done.stderr


def test_a_ca_that_is_being_replaced(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    be_replaced(node)
    finding = of_code(node, "authority.replaced")
    assert not asks(finding)
    node.follow(finding.remedy)
    # It says what it finds out; when the CA has been replaced, or not, nothing is said any more.
    done = command("rotate", "step", "trust-old", "--authority", "ca", "--no-restart", "--rootfs", node.root)
    assert done.returncode == 0, done.stderr
    assert "authority.replaced" not in {each.code for each in node.findings()}


@pytest.mark.parametrize("name", ["admin.conf", "scheduler.conf"])
def test_a_kubeconfig_that_has_lost_one_of_two_cas(name: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    be_replaced(node)
    # kubeadm writes the first alone.
    first = (node.owner / "ca.crt").read_bytes()
    conf = node.kubernetes / name
    data = base64.b64encode(first).decode()
    conf.write_text(re.sub("authority-data: .*", f"authority-data: {data}", conf.read_text()))
    assert of_code(node, "kubeconfig.fewer_authorities").subject == name
    node.walk(node.findings)


@pytest.mark.parametrize("base", ["ca", "etcd/ca", "front-proxy-ca"])
def test_a_ca_that_ends_before_what_it_signs_would(base: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    certificate, key = node.pki / f"{base}.crt", node.pki / f"{base}.key"
    own = serialization.load_pem_private_key(key.read_bytes(), None)
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    write(certificate, Issued(certificate, None, is_ca=True, key=own, end=timedelta(days=200), names=False).pem, 0o644)
    finding = of_code(node, "authority.ends_early")
    assert not asks(finding) or finding.severity.name == "INFO"
    node.follow(finding.remedy)
    assert "authority.ends_early" not in {each.code for each in node.findings()}
    node.walk(node.findings)

"""`kubepki ca renew`, as a process and from Python: openssl finds the renewed CA, and killed runs leave no mixture."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import subprocess
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import kubepki
from kubepki import Action, ConfigurationError
from trees import PROGRAM, golden, state
from trees import kubepki as command

if TYPE_CHECKING:
    from pathlib import Path

CONFS = ["admin.conf", "controller-manager.conf", "kubelet.conf", "scheduler.conf", "super-admin.conf"]


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a root directory with a control-plane node's tree."""
    root = tmp_path / "node"
    root.mkdir()
    golden(root, "ecdsa-p256")
    return root


def authority(root: Path) -> bytes:
    return (root / "etc/kubernetes/pki/ca.crt").read_bytes()


def trusted(root: Path, name: str) -> bytes:
    found = re.search(r"certificate-authority-data: (\S+)", (root / "etc/kubernetes" / name).read_text())
    assert found
    return base64.b64decode(found[1])


def copies(root: Path) -> set[bytes]:
    return {authority(root), *(trusted(root, name) for name in CONFS)}


def test_the_renewed_ca_vouches_for_what_was_signed_before(node: Path) -> None:
    before = authority(node)
    done = command("ca", "renew", "all", "--rootfs", node)
    assert done.returncode == 0, done.stderr
    assert "renewed 3: ca, front-proxy-ca, etcd-ca" in done.stderr
    for said in ("copy /etc/kubernetes/pki/ca.crt", "kube-root-ca.crt", "kubepki restart etcd kube-apiserver"):
        assert said in done.stderr.replace(f"{node}/", "/").replace("`", ""), done.stderr
    assert copies(node) == {authority(node)} != {before}
    old, new = (x509.load_pem_x509_certificate(pem) for pem in (before, authority(node)))
    public = [one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in (old, new)]
    assert public[0] == public[1]
    assert [one.value for one in old.extensions] == [one.value for one in new.extensions]
    assert old.subject.public_bytes() == new.subject.public_bytes()
    assert old.serial_number != new.serial_number
    pki = node / "etc/kubernetes/pki"
    pairs = [("ca", "apiserver"), ("etcd/ca", "etcd/server"), ("front-proxy-ca", "front-proxy-client")]
    for ca, leaf in pairs:
        verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(pki / f"{ca}.crt"), str(pki / f"{leaf}.crt")]
        verified = subprocess.run(verify, capture_output=True, text=True, check=False, timeout=60)
        assert verified.returncode == 0, verified.stderr
    assert command("check", "--rootfs", node).returncode == 0


def test_a_dry_run_changes_nothing_and_a_restore_takes_it_back(node: Path) -> None:
    before = state(node / "etc")
    shown = command("ca", "renew", "ca", "--dry-run", "-o", "json", "--rootfs", node)
    artefact = json.loads(shown.stdout)["plan"]["artefacts"][0]
    assert (artefact["action"], artefact["certificate"]["from"]) == ("renew_authority", "signed")
    assert "PRIVATE KEY" not in shown.stdout
    assert state(node / "etc") == before
    assert command("ca", "renew", "ca", "--rootfs", node).returncode == 0
    assert command("backup", "restore", "latest", "--rootfs", node).returncode == 0
    assert state(node / "etc") == before


def test_a_worker_takes_it_from_a_file_and_says_what_is_missing_without_one(node: Path, tmp_path: Path) -> None:
    worker = tmp_path / "worker"
    (worker / "etc/kubernetes/pki").mkdir(parents=True)
    for name in ("pki/ca.crt", "kubelet.conf"):
        (worker / "etc/kubernetes" / name).write_bytes((node / "etc/kubernetes" / name).read_bytes())
    (worker / "etc/kubernetes/kubelet.conf").chmod(0o600)
    before = state(worker)
    refused = command("ca", "renew", "ca", "--rootfs", worker)
    assert (refused.returncode, state(worker)) == (1, before)
    assert "[authority.not_renewable]" in refused.stderr
    assert "--certificate FILE" in refused.stderr
    assert command("ca", "renew", "ca", "--rootfs", node).returncode == 0
    given = node / "etc/kubernetes/pki/ca.crt"
    done = command("ca", "renew", "ca", "--certificate", given, "--rootfs", worker)
    assert done.returncode == 0, done.stderr
    assert "kubepki restart kubelet" in done.stderr
    assert "kube-scheduler" not in done.stderr
    assert authority(worker) == authority(node) == trusted(worker, "kubelet.conf")
    again = command("ca", "renew", "ca", "--certificate", given, "--rootfs", worker)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


def test_from_python_a_plan_is_carried_and_applied(node: Path) -> None:
    plan = kubepki.plan_renew_ca(["ca"], validity=timedelta(days=7300), rootfs=node)
    again = type(plan).from_dict(plan.to_dict())
    assert again == plan
    assert [artefact.action for artefact in plan.changes] == [Action.RENEW_AUTHORITY]
    assert "serial: (new)" in plan.diff()
    report = kubepki.apply(again)
    assert report.backup is not None
    assert copies(node) == {authority(node)}
    kept = kubepki.plan_renew_ca("all", before=timedelta(days=30), rootfs=node)
    assert kept.is_empty
    with pytest.raises(ConfigurationError, match="unknown name"):
        kubepki.plan_renew_ca(["apiserver"], rootfs=node)
    with pytest.raises(ConfigurationError, match="sa is a key without a certificate"):
        kubepki.plan_renew_ca(["sa"], rootfs=node)
    with pytest.raises(ConfigurationError, match="--validity"):
        kubepki.plan_renew_ca(["ca"], validity=timedelta(days=1), certificates=["x.crt"], rootfs=node)


def test_a_killed_run_leaves_one_certificate_in_all_files_after_the_next_look(node: Path) -> None:
    chance = random.Random(18)  # noqa: S311 (moments, not secrets)
    began = time.monotonic()
    assert command("ca", "renew", "ca", "--no-backup", "--rootfs", node).returncode == 0
    duration = time.monotonic() - began
    for _ in range(12):
        arguments = [*PROGRAM, "ca", "renew", "ca", "--no-backup", "--rootfs", str(node)]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 1.1) * duration)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
        assert command("recover", "--rootfs", node).returncode == 0
        assert copies(node) == {authority(node)}
    assert command("check", "--rootfs", node).returncode == 0

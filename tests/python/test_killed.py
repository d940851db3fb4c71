"""`init` and renewals killed at random moments: files are whole at any instant, and the next run ends the matter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from trees import GOLDEN, KUBECONFIGS, LEAVES, PROGRAM, kubepki, make_tree, run

ROUNDS = 300
PARTS = 6  # so that several processors can share the rounds
CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
PUBLIC = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def start(rootfs: Path) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, "init", "--config", str(CONFIG), "--rootfs", str(rootfs)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def assert_no_file_is_half_written(kubernetes: Path) -> int:
    """Every file that has its final name is whole, and what stands in pairs matches; return how many there are."""
    pki = kubernetes / "pki"
    seen = 0
    for base in (*LEAVES, "ca", "front-proxy-ca", "etcd/ca"):
        certificate, key = (pki / f"{base}{ending}" for ending in (".crt", ".key"))
        public = []
        if certificate.exists():
            public.append(x509.load_pem_x509_certificate(certificate.read_bytes()).public_key().public_bytes(*PUBLIC))
        if key.exists():
            assert key.stat().st_mode & 0o777 == 0o600
            public.append(load_pem_private_key(key.read_bytes(), None).public_key().public_bytes(*PUBLIC))
        assert len(set(public)) <= 1, f"{base} is a mismatched pair"
        seen += len(public)
    for name in KUBECONFIGS:
        file = kubernetes / name
        if file.exists():
            assert "client-key-data: " in file.read_text(), f"{name} is cut off"
            assert file.stat().st_mode & 0o777 == 0o600
            seen += 1
    return seen


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_moment_the_tree_is_old_or_new_and_the_next_run_completes_it(part: int, tmp_path: Path) -> None:
    chance = random.Random(20261125 + part)  # noqa: S311 (moments, not secrets)
    (tmp_path / "whole").mkdir()
    began = time.monotonic()
    assert start(tmp_path / "whole").wait(60) == 0
    duration = time.monotonic() - began
    complete = assert_no_file_is_half_written(tmp_path / "whole/etc/kubernetes")
    killed = 0
    for round_number in range(ROUNDS // PARTS):
        rootfs = tmp_path / f"round-{round_number}"
        rootfs.mkdir()
        process = start(rootfs)
        time.sleep(chance.uniform(0.3, 1.3) * duration)
        process.kill()
        process.wait(60)
        killed += process.returncode == -9
        assert_no_file_is_half_written(rootfs / "etc/kubernetes")
        again = kubepki("init", "--config", CONFIG, "--rootfs", rootfs)
        assert again.returncode == 0, again.stderr
        assert assert_no_file_is_half_written(rootfs / "etc/kubernetes") == complete
        leftovers = [path for path in rootfs.rglob("*") if path.name.startswith(".")]
        assert leftovers == []
        assert kubepki("check", "--config", CONFIG, "--rootfs", rootfs).returncode == 0
    assert killed > 0, "every run had ended before it was killed"


@pytest.mark.parametrize("part", range(PARTS))
def test_a_renewal_killed_at_any_moment_leaves_one_generation(part: int, tmp_path: Path) -> None:
    make_tree(tmp_path / "node", "ecdsa-p256")
    program = Path(__file__).parent / "renew_and_kill.py"
    done = run(sys.executable, program, tmp_path / "node", str(ROUNDS // PARTS), str(20261125 + part))
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout)
    assert sum(killed.values()) > 0, "every run had ended before it was killed"

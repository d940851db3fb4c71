"""Auditing 2,000 trees with 30,000 certificates: kubepki against pyca/cryptography, the files alone, and peak memory.

python tests/bench/bench_audit.py [TREES]
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from measure import report, side_by_side

CLUSTERS = 20
GOLDEN = Path(__file__).parent.parent / "golden"
KUBEPKI = str(Path(sys.executable).with_name("kubepki"))
# Each file with the CA that signs it, below pki/.
SIGNED = {
    "apiserver": "ca",
    "apiserver-kubelet-client": "ca",
    "front-proxy-client": "front-proxy-ca",
    "etcd/server": "etcd/ca",
    "etcd/peer": "etcd/ca",
    "etcd/healthcheck-client": "etcd/ca",
    "apiserver-etcd-client": "etcd/ca",
}
CONFS = ("admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf")


def fleet(folder: Path, trees: int) -> None:
    """Make trees: copies of the nodes of some clusters, which is what reading and judging take as long for."""
    for number in range(CLUSTERS):
        root = folder / f"model-{number}"
        root.mkdir()
        subprocess.run(
            [KUBEPKI, "init", "--rootfs", root, "--config", GOLDEN / "minimal/config.yaml"],
            check=True,
            capture_output=True,
        )
    for number in range(CLUSTERS, trees):
        shutil.copytree(folder / f"model-{number % CLUSTERS}", folder / f"node-{number:05}")


def with_pyca(root: Path) -> int:
    """Read what a check reads of one tree: certificates, their keys, and whether each chains to its CA."""
    pki = root / "etc/kubernetes/pki"
    authorities = {}
    for name in ("ca", "front-proxy-ca", "etcd/ca"):
        authorities[name] = x509.load_pem_x509_certificate((pki / f"{name}.crt").read_bytes())
        load_pem_private_key((pki / f"{name}.key").read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    seen = len(authorities)
    pairs = [
        ((pki / f"{name}.crt").read_bytes(), (pki / f"{name}.key").read_bytes(), ca) for name, ca in SIGNED.items()
    ]
    for name in CONFS:
        text = (root / "etc/kubernetes" / name).read_text()
        fields = [re.search(rf"{field}: (\S+)", text) for field in ("client-certificate-data", "client-key-data")]
        embedded, own_key = (base64.b64decode(field[1]) for field in fields if field)
        pairs.append((embedded, own_key, "ca"))
    for pem, key, ca in pairs:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(authorities[ca])
        own = load_pem_private_key(key, None, unsafe_skip_rsa_key_validation=True)
        assert own.public_key() == certificate.public_key()
        certificate.subject.rfc4514_string()
        certificate.issuer.rfc4514_string()
        assert certificate.not_valid_after_utc > certificate.not_valid_before_utc
        list(certificate.extensions)
        seen += 1
    return seen


def files_alone(folder: Path) -> int:
    """Open, look at and read every file: the least that the system calls take."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:  # noqa: PTH118, PTH123 (no more than that)
                os.fstat(file.fileno())
                total += len(file.read())
    return total


def peak_memory(folder: Path) -> float:
    """Return the largest resident set of an audit, in MB."""
    program = (
        "import atexit, re, runpy, sys; "
        "told = lambda: print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr); "
        "atexit.register(told); runpy.run_module('kubepki', run_name='__main__')"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, "audit", folder, "-o", "jsonl"],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return int(told.stderr.split()[-1]) / 1024


def main() -> None:
    """Print the tables."""
    trees = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "fleet")
        folder.mkdir()
        fleet(folder, trees)
        roots = sorted(folder.iterdir())
        audit = [KUBEPKI, "audit", str(folder), "-o", "jsonl"]
        lines = subprocess.run(audit, check=False, capture_output=True, text=True).stdout.splitlines()
        certificates = int(re.search(r'"certificates":(\d+),"clusters"', lines[-1])[1])  # type: ignore[index]
        with ProcessPoolExecutor(2) as pool:
            contestants = {
                "`kubepki audit`, a process": lambda: subprocess.run(audit, check=False, stdout=subprocess.DEVNULL),
                "pyca/cryptography, two processes": lambda: sum(pool.map(with_pyca, roots, chunksize=50)),
                "the files opened and read, one thread": lambda: files_alone(folder),
            }
            report(
                f"Auditing {trees:,} trees, {certificates:,} certificates",
                side_by_side(contestants, 3),
                next(iter(contestants)),
            )
        few = Path(name, "few")
        few.mkdir()
        for root in roots[: trees // 10]:
            root.rename(few / root.name)
        small = peak_memory(few)
        for root in few.iterdir():
            root.rename(folder / root.name)
        large = peak_memory(folder)
        print(f"\nLargest resident set: {small:.1f} MB with {trees // 10:,} trees, {large:.1f} MB with {trees:,}")


if __name__ == "__main__":
    main()

"""Auditing many trees beside pyca/cryptography and beside reading their files alone, and peak memory.

Copies of some nodes have the same keys; nodes that are all different take longer, as the keys of a fleet
are compared. Both are measured, by processor time.

python tests/bench/bench_audit.py [COPIES [DIFFERENT]]; KUBEPKI= another program than the package's
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from measure import of_processes, report, side_by_side

CLUSTERS = 20
GOLDEN = Path(__file__).parent.parent / "golden"
KUBEPKI = os.environ.get("KUBEPKI") or str(Path(sys.executable).with_name("kubepki"))
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


def nodes(folder: Path, number: int) -> list[Path]:
    """Make control-plane nodes, each of a cluster of its own."""
    roots = [folder / f"model-{place:04}" for place in range(number)]
    for root in roots:
        root.mkdir(parents=True)
        subprocess.run(
            [KUBEPKI, "init", "--rootfs", root, "--config", GOLDEN / "minimal/config.yaml"],
            check=True,
            capture_output=True,
        )
    return roots


def fleet(folder: Path, trees: int) -> None:
    """Make trees: a few nodes, and copies of them."""
    models = nodes(folder, min(CLUSTERS, trees))
    for number in range(len(models), trees):
        shutil.copytree(models[number % CLUSTERS], folder / f"node-{number:05}")


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


def files_alone_natively(folder: Path) -> Path:
    """Build the same in Rust: a process, as `kubepki audit` is one."""
    program = folder / "files_alone"
    source = str(Path(__file__).with_name("files_alone.rs"))
    subprocess.run(["rustc", "--edition", "2024", "-O", "-o", program, source], check=True)
    return program


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


def system_calls(audit: list[str]) -> int | None:
    """Return how many there are in an audit, where strace is installed."""
    if not shutil.which("strace"):
        return None
    traced = subprocess.run(
        ["strace", "-f", "-c", "-U", "calls,name", *audit], check=False, capture_output=True, text=True
    )
    return int(traced.stderr.split()[-2])


def processor_time() -> float:
    """Return that of this process and of those that it ran: other things run on the machine too."""
    return time.process_time() + of_processes()


def compare(what: str, folder: Path, reader: Path) -> None:
    """Print the table of one fleet."""
    roots = sorted(folder.iterdir())
    audit = [KUBEPKI, "audit", str(folder), "-o", "jsonl"]
    lines = subprocess.run(audit, check=False, capture_output=True, text=True).stdout.splitlines()
    certificates = int(re.search(r'"certificates":(\d+),"clusters"', lines[-1])[1])  # type: ignore[index]
    contestants = {
        "`kubepki audit`, with its start": lambda: subprocess.run(audit, check=False, stdout=subprocess.DEVNULL),
        "pyca/cryptography, without": lambda: sum(map(with_pyca, roots)),
        "the files opened and read by Python, without": lambda: files_alone(folder),
        "the files opened and read by Rust, with its start": lambda: subprocess.run(
            [reader, folder], check=True, stdout=subprocess.DEVNULL
        ),
    }
    title = f"Auditing {len(roots):,} {what}, {certificates:,} certificates: processor time"
    report(title, side_by_side(contestants, 3, processor_time), next(iter(contestants)))
    print(f"\nSystem calls of the audit: {system_calls(audit) or 'not counted (strace)'}")


def main() -> None:
    """Print the tables."""
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    different = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as name:
        own, reader = Path(name, "own"), files_alone_natively(Path(name))
        nodes(own, different)
        compare("different nodes", own, reader)
        folder, few = Path(name, "fleet"), Path(name, "few")
        folder.mkdir()
        fleet(folder, copies)
        compare("copies of nodes", folder, reader)
        few.mkdir()
        for root in sorted(folder.iterdir())[: copies // 10]:
            root.rename(few / root.name)
        small = peak_memory(few)
        for root in few.iterdir():
            root.rename(folder / root.name)
        large = peak_memory(folder)
        print(f"\nLargest resident set: {small:.1f} MB with {copies // 10:,} trees, {large:.1f} MB with {copies:,}")


if __name__ == "__main__":
    main()

"""Renewing a node's eleven certificates with new RSA-2048 keys: kubepki against the openssl command line.

kubeadm makes the same keys one after the other in one process; it is not here, so openssl stands for it twice: as a
process a step, which is how scripts do it, and `genrsa` alone, the least that any way through openssl can take.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import kubepki
from measure import report, side_by_side

CONFIG = Path(__file__).parent.parent / "golden" / "minimal" / "config.yaml"
# base name -> CA: what `kubeadm certs renew all` renews; the four kubeconfigs are certificates of `ca` too.
LEAVES = {
    "apiserver": "ca",
    "apiserver-kubelet-client": "ca",
    "admin": "ca",
    "super-admin": "ca",
    "controller-manager": "ca",
    "scheduler": "ca",
    "front-proxy-client": "front-proxy-ca",
    "etcd/server": "etcd/ca",
    "etcd/peer": "etcd/ca",
    "etcd/healthcheck-client": "etcd/ca",
    "apiserver-etcd-client": "etcd/ca",
}


def with_openssl(pki: Path, folder: Path) -> None:
    """As scripts do it: a key, a request and a certificate, each by a process."""

    def openssl(*arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    for leaf, ca in LEAVES.items():
        base = folder / leaf.replace("/", "-")
        key, request, certificate = (base.with_suffix(ending) for ending in (".key", ".csr", ".crt"))
        openssl("genrsa", "-out", key, "2048")
        openssl("req", "-new", "-key", key, "-subj", f"/CN={base.name}", "-out", request)
        signer = ("-CA", pki / f"{ca}.crt", "-CAkey", pki / f"{ca}.key", "-set_serial", "1", "-days", "365")
        openssl("x509", "-req", "-in", request, *signer, "-out", certificate)


def only_keys() -> None:
    """Eleven keys by openssl, thrown away."""
    for _ in LEAVES:
        subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as folder:
        kubepki.apply(kubepki.plan(CONFIG, rootfs=root))
        command = [sys.executable, "-m", "kubepki", "certs", "renew", "all", "--no-backup", "--rootfs", root]
        pki = Path(root, "etc/kubernetes/pki")
        contestants = {
            "kubepki, from Python": lambda: kubepki.apply(kubepki.plan_renew(rootfs=root, no_backup=True)),
            "`kubepki certs renew all`, a process": lambda: subprocess.run(command, check=True, capture_output=True),
            "openssl, a process a step": lambda: with_openssl(pki, Path(folder)),
            "`openssl genrsa` alone, eleven times": only_keys,
        }
        medians = side_by_side(contestants, 15)
    report("Renewing all: 11 RSA-2048 keys, 11 certificates", medians, "kubepki, from Python")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Make the files of many clusters, some of them broken: something to try an audit on.

python3 examples/make_fleet.py fleet --clusters 300
"""

from __future__ import annotations

import argparse
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import kubepki

# Elliptic curves: three hundred clusters have five thousand keys, and they are there in seconds.
CONFIGURATION = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
"""

# Of every hundred, the one whose disk was cloned.
CLONED = 77


def make_fleet(folder: Path, clusters: int, now: datetime) -> None:
    """Make a folder `cluster-NNN` with the root of a control-plane node for each cluster, and break some."""
    for number in range(1, clusters + 1):
        make_cluster(folder, number, now)
    for number in range(1, clusters + 1):
        damage(folder, number)


def make_cluster(folder: Path, number: int, now: datetime) -> None:
    """Make a node, as old as its number has it: the oldest are renewed too late."""
    root = folder / f"cluster-{number:03}"
    root.mkdir(parents=True)
    if number % 100 == CLONED:
        # It has the CA of its neighbour.
        shutil.copytree(folder / f"cluster-{number - 1:03}/etc/kubernetes/pki", root / "etc/kubernetes/pki")
        for path in (root / "etc/kubernetes/pki").rglob("*"):
            if path.is_file() and path.stem not in {"ca", "front-proxy-ca", "sa"}:
                path.unlink()
    # A clone is as old as what it was cloned from.
    made_at = now - timedelta(days=(number - (number % 100 == CLONED)) * 7 % 320)
    if number % 23 == 0:
        made_at = now - timedelta(days=365 + number % 5)
    elif number % 29 == 0:
        made_at = now - timedelta(days=345 + number % 10)
    name = f"cp1-{number:03}"
    plan = kubepki.plan(config_text=CONFIGURATION, node_name=name, rootfs=root, now=made_at)
    kubepki.apply(plan)


def damage(folder: Path, number: int) -> None:
    """Break a node in one of the ways that nodes are broken."""
    kubernetes = folder / f"cluster-{number:03}/etc/kubernetes"
    if number % 17 == 0:
        (kubernetes / "admin.conf").chmod(0o644)
    if number % 61 == 0:
        (kubernetes / "pki/apiserver-kubelet-client.key").unlink()
    if number % 97 == 0:
        other = folder / f"cluster-{number - 1:03}/etc/kubernetes/pki"
        shutil.copy(other / "apiserver.crt", kubernetes / "pki/apiserver.crt")
        shutil.copy(other / "apiserver.key", kubernetes / "pki/apiserver.key")
    if number % 149 == 0:
        (kubernetes / "pki/etcd/server.crt").write_text("no certificate\n")


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clusters", type=int, default=300)
    given = parser.parse_args()
    make_fleet(given.folder, given.clusters, datetime.now(timezone.utc))
    print(f"{given.clusters} clusters are in {given.folder}")


if __name__ == "__main__":
    main()

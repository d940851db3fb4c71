"""Control planes of one cluster as folders, and `kubepki rotate` over them."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import yaml

from trees import PROGRAM, embedded, kubepki, run

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

AUTHORITIES = {"ca": "ca", "front-proxy-ca": "front-proxy-ca", "etcd-ca": "etcd/ca"}
KUBECONFIGS = ("admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf")
MANIFEST = """apiVersion: v1
kind: Pod
metadata: {name: kube-controller-manager, namespace: kube-system}
spec:
  containers:
  - name: kube-controller-manager
    image: registry.k8s.io/kube-controller-manager:v1.36.2
    command:
    - kube-controller-manager
    # What signs.
    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt
    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key
    - --root-ca-file=/etc/kubernetes/pki/ca.crt
    volumeMounts: [{mountPath: /etc/kubernetes/pki, name: certs}]
  volumes: [{hostPath: {path: /etc/kubernetes/pki}, name: certs}]
"""
# The cluster itself is not here: its step says that all is well.
RUN = """[ "$5" != cluster ] || {
  echo '{"phase":"cluster","node":null,"changed":[],"settings":[],"restarted":[],"backups":[],"authorities":[]}'
  exit
}
log=$1; root=$2; shift 2
# Nor is etcd.
[ "$1" != etcd ] || exec cat "$log.etcd"
printf '%s %s\\n' "$root" "$*" >> "$log"
exec {program} "$@" --rootfs "$root"
"""


@dataclass
class Cluster:
    """Nodes as folders, and the file that names them."""

    folder: Path
    nodes: list[str]

    @property
    def file(self) -> Path:
        return self.folder / "nodes.yaml"

    def pki(self, node: str) -> Path:
        return self.folder / node / "etc/kubernetes/pki"

    def rotate(self, verb: str, *arguments: str) -> CompletedProcess[str]:
        kept = () if verb != "start" or "--etcd-snapshot" in arguments else ("--no-etcd-snapshot",)
        return kubepki("rotate", verb, "--nodes", self.file, *kept, *arguments)

    def step(self, node: str, phase: str, *arguments: str | Path) -> CompletedProcess[str]:
        return kubepki("rotate", "step", phase, "--rootfs", self.folder / node, *arguments)

    def stages(self) -> dict[str, dict[str, str]]:
        seen = json.loads(self.rotate("status", "-o", "json").stdout)
        return {node["name"]: {one["name"]: one["stage"] for one in node["rotation"]["authorities"]} for node in seen}

    def phases(self) -> list[tuple[str, str]]:
        """Return each step that was done, with its node."""
        lines = [line.split() for line in (self.folder / "log").read_text().splitlines()]
        steps = [words for words in lines if words[2] == "step" and "--dry-run" not in words]
        return [(words[0].rsplit("/", 1)[1], words[3]) for words in steps]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two control-plane nodes of one cluster, once."""
    folder = tmp_path_factory.mktemp("made")
    for number, node in enumerate(("cp1", "cp2"), start=10):
        config = folder / f"{node}.yaml"
        config.write_text(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
            f"localAPIEndpoint: {{advertiseAddress: 192.0.2.{number}}}\nnodeRegistration: {{name: {node}}}\n---\n"
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n"
            "encryptionAlgorithm: ECDSA-P256\n"
        )
        root = folder / node
        root.mkdir()
        if node != "cp1":
            shared = folder / "cp1/etc/kubernetes/pki"
            for name in ("ca", "front-proxy-ca", "etcd/ca"):
                for ending in (".crt", ".key"):
                    target = root / "etc/kubernetes/pki" / (name + ending)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(shared / (name + ending), target)
            for name in ("sa.key", "sa.pub"):
                shutil.copy2(shared / name, root / "etc/kubernetes/pki" / name)
        done = kubepki("init", "--config", config, "--rootfs", root)
        assert done.returncode == 0, done.stderr
        manifests = root / "etc/kubernetes/manifests"
        manifests.mkdir()
        (manifests / "kube-controller-manager.yaml").write_text(MANIFEST)
    return folder


@pytest.fixture
def cluster(made: Path, tmp_path: Path) -> Cluster:
    folder = tmp_path / "cluster"
    shutil.copytree(made, folder)
    nodes = ["cp1", "cp2"]
    script = RUN.replace("{program}", " ".join(PROGRAM))
    entries = [
        {
            "name": node,
            "role": "control-plane",
            "run": ["sh", "-c", script, "sh", str(folder / "log"), str(folder / node)],
        }
        for node in nodes
    ]
    made_cluster = Cluster(folder, nodes)
    made_cluster.file.write_text(yaml.safe_dump({"nodes": entries}))
    return made_cluster


def certificates(pem: bytes | str) -> list[str]:
    text = pem.decode() if isinstance(pem, bytes) else pem
    return ["-----BEGIN CERTIFICATE-----" + part for part in text.split("-----BEGIN CERTIFICATE-----")[1:]]


def ca_of(pki: Path, name: str) -> list[str]:
    return certificates((pki / f"{name}.crt").read_text())


def verifies(folder: Path, trusted: str, pem: str, *rest: str) -> bool:
    """Ask openssl whether the certificate chains to `trusted`, with the others of the server between."""
    (folder / "trusted.pem").write_text(trusted)
    (folder / "rest.pem").write_text("".join(rest))
    (folder / "leaf.pem").write_text(pem)
    between = ("-untrusted", folder / "rest.pem") if rest else ()
    asked = run("openssl", "verify", "-CAfile", folder / "trusted.pem", *between, folder / "leaf.pem")
    return asked.returncode == 0


def set_of(kubeconfig: Path) -> list[str]:
    return certificates(embedded(kubeconfig, "certificate-authority-data"))


def fingerprint(pem: bytes | str) -> str:
    text = pem if isinstance(pem, str) else pem.decode()
    der = base64.b64decode("".join(line for line in certificates(text)[0].splitlines() if "-" not in line))
    return hashlib.sha256(der).hexdigest()


def audit_log(file: Path, *uses: tuple[str, str, float]) -> Path:
    """Write the requests of users with certificates, so many hours ago."""
    lines = []
    for user, sha256, hours in sorted(uses, key=lambda use: -use[2]):
        moment = (datetime.now(timezone.utc) - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
        extra = {"authentication.kubernetes.io/credential-id": [f"X509SHA256={sha256}"]}
        event = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "stage": "ResponseComplete",
            "user": {"username": user, "groups": ["system:authenticated"], "extra": extra},
            "sourceIPs": ["192.0.2.9"],
            "stageTimestamp": moment,
        }
        lines.append(json.dumps(event))
    file.write_text("\n".join(lines))
    return file

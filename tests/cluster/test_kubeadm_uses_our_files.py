"""What kubepki has made before kubeadm runs is what kubeadm uses: nothing is made anew, and the cluster runs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCluster
    from testbed.node import Completed, Node

pytestmark = pytest.mark.cluster


def hashes(node: Node) -> dict[str, str]:
    """Return what is in every file of the node's certificates and kubeconfigs, as digests."""
    kubernetes = node.kubernetes
    files = [path for path in kubernetes.rglob("*") if path.is_file() and "manifests" not in path.parts]
    return {str(path.relative_to(kubernetes)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def ok(done: Completed) -> Completed:
    assert done.returncode == 0, f"{done.args}: {done.stdout}\n{done.stderr}"
    return done


def assert_used(node: Node, before: dict[str, str], done: Completed) -> None:
    """Assert that kubeadm has taken the files as they were, and added none."""
    after = hashes(node)
    # At its end kubeadm points the kubelet's file to the certificate that the kubelet rotates.
    assert set(after) == set(before), f"added: {set(after) - set(before)}, gone: {set(before) - set(after)}"
    assert {name for name in before if after[name] != before[name]} <= {"kubelet.conf"}
    made = [line for line in done.stdout.splitlines() if re.search('Generating "|Writing ".*" kubeconfig', line)]
    assert made == []


def test_a_cluster_is_made_of_files_that_kubepki_made(cluster: MakeCluster) -> None:
    own = cluster(control_planes=2, workers=1, bare=True)
    first, second = own.control_planes
    (worker,) = own.workers

    ok(first.kubepki("init", "--config", own.init_file()))
    before = hashes(first)
    assert_used(first, before, own.init())

    ok(
        first.kubepki(
            "bundle", "export", "--config", own.init_file(), *sealed(first), "--out", "/etc/kubeadm/bundle.yaml"
        )
    )
    configuration = own.configuration_file(second)
    carry(first, second, "bundle.yaml", "key")
    ok(second.kubepki("bundle", "import", "/etc/kubeadm/bundle.yaml", "--config", configuration, *sealed(second)))
    ok(second.kubepki("init", "--config", configuration))
    before = hashes(second)
    assert_used(second, before, own.join(second, has_shared_files=True))

    make_worker(first, worker, own.configuration_file(worker))
    before = hashes(worker)
    assert_used(worker, before, own.join(worker))

    own.wait_until_healthy()
    for node in own.nodes:
        checked = node.kubepki("check", "--output", "json")
        assert {each["severity"] for each in json.loads(checked.stdout)["findings"]} <= {"info"}, node.name


def sealed(node: Node) -> list[str]:
    """Return the options for a certificate key; it is made where there is none."""
    key = node.root / "etc/kubeadm/key"
    if not key.exists():
        key.write_text(ok(node.kubepki("certs", "certificate-key")).stdout)
        key.chmod(0o600)
    return ["--certificate-key-file", "/etc/kubeadm/key"]


def carry(source: Node, target: Node, *names: str) -> None:
    for name in names:
        shutil.copy2(source.root / "etc/kubeadm" / name, target.root / "etc/kubeadm" / name)


def make_worker(signer: Node, worker: Node, configuration: str) -> None:
    """Make a worker's files where the CA's key is, as the guide says, and bring them to the worker."""
    carry(worker, signer, "node.yaml")
    place = signer.root / "etc/kubeadm/worker"
    (place / "etc/kubernetes/pki").mkdir(parents=True)
    for name in ("ca.crt", "ca.key"):
        shutil.copy2(signer.kubernetes / "pki" / name, place / "etc/kubernetes/pki")
    ok(signer.kubepki("init", "--config", configuration, "--rootfs", "/etc/kubeadm/worker"))
    (worker.kubernetes / "pki").mkdir()
    for name in ("pki/ca.crt", "kubelet.conf"):
        shutil.copy2(place / "etc/kubernetes" / name, worker.kubernetes / name)


def test_a_cluster_is_made_with_an_external_ca_whose_key_is_on_no_node(cluster: MakeCluster, tmp_path: Path) -> None:
    own = cluster(control_planes=1, workers=1, bare=True)
    node, worker = own.nodes
    owner = tmp_path / "owner"
    ok(
        node.kubepki(
            "certs", "init", "ca", "front-proxy-ca", "etcd-ca", "--config", own.init_file(), "--cert-dir", owner
        )
    )

    configuration = own.init_file()
    certificates = [owner / name for name in ("ca.crt", "front-proxy-ca.crt", "etcd/ca.crt")]
    ok(node.kubepki("certs", "import", *certificates, "--config", configuration))
    ok(node.kubepki("certs", "init", "sa", "--config", configuration))
    have_signed(node, configuration, owner, tmp_path / "cp1", "control-plane")
    before = hashes(node)
    assert_used(node, before, own.init())
    # kubeadm gives the controller manager no key to sign with.
    assert (
        "--cluster-signing-key-file=/" not in (node.kubernetes / "manifests/kube-controller-manager.yaml").read_text()
    )

    configuration = own.configuration_file(worker)
    ok(worker.kubepki("certs", "import", owner / "ca.crt", "--config", configuration))
    have_signed(worker, configuration, owner, tmp_path / "w1", "worker")
    before = hashes(worker)
    assert_used(worker, before, own.join(worker))

    own.wait_until_healthy()
    for each in own.nodes:
        assert not list(each.root.rglob("ca.key")), each.name
        checked = json.loads(each.kubepki("check", "--output", "json").stdout)
        assert checked["status"] == "ok", checked["findings"]
        assert {finding["severity"] for finding in checked["findings"]} <= {"info"}
    expirations = json.loads(ok(node.kubepki("certs", "check-expiration", "--output", "json")).stdout)
    assert all(authority["externallyManaged"] for authority in expirations["certificateAuthorities"])


def have_signed(node: Node, configuration: str, owner: Path, folder: Path, role: str) -> None:
    """Make keys and requests on the node, sign them where the key is, and bring the certificates back."""
    requests, signed = folder / "requests", folder / "signed"
    ok(node.kubepki("certs", "generate-csr", "--config", configuration))
    for request in node.kubernetes.rglob("*.csr"):
        place = requests / request.relative_to(node.kubernetes)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(request, place)
    folders: list[str | Path] = ["--csr-dir", requests, "--ca-dir", owner, "--out-dir", signed]
    ok(node.kubepki("certs", "sign", *folders, "--role", role, "--node-name", node.name))
    ok(node.kubepki("certs", "import", signed, "--config", configuration))
    ok(node.kubepki("kubeconfig", "embed", "all", "--config", configuration))
    ok(node.kubepki("certs", "cleanup", "--config", configuration))

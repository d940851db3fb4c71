"""The Secret kubeadm-certs, written by one of kubepki and kubeadm and read by the other."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import MakeCluster

pytestmark = pytest.mark.cluster

SHARED = (
    "ca.crt",
    "ca.key",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "sa.key",
    "sa.pub",
    "etcd/ca.crt",
    "etcd/ca.key",
)


def test_kubeadm_joins_control_planes_with_bundles_that_kubepki_exported_and_uploaded(cluster: MakeCluster) -> None:
    own = cluster(control_planes=3, bare=True)
    first, second, third = own.control_planes
    # Nothing is uploaded: kubeadm's own Secret is not there.
    own.init()
    assert "NotFound" in first.kubectl("--namespace=kube-system", "get", "secret", "kubeadm-certs").stderr
    key = first.root / "etc/kubeadm/key"
    key.write_text(f"{own.secrets.certificate_key}\n")
    key.chmod(0o600)
    options = "--certificate-key-file /etc/kubeadm/key --rbac --out /etc/kubeadm/bundle.yaml"
    exported = first.kubepki("bundle", "export", *options.split())
    assert exported.returncode == 0, exported.stderr
    applied = first.kubectl("apply", "--filename", "/etc/kubeadm/bundle.yaml")
    assert applied.returncode == 0, applied.stderr

    own.join(second)

    # What was applied stays for ever; what is uploaded takes its place, and goes with its token.
    uploaded = first.kubepki("bundle", "upload", "--certificate-key-file", "/etc/kubeadm/key", "-o", "json")
    assert uploaded.returncode == 0, uploaded.stderr
    assert json.loads(uploaded.stdout)["has_replaced"] is True
    secret = json.loads(first.kubectl("--namespace=kube-system", "get", "secret", "kubeadm-certs", "-o", "json").stdout)
    (owner,) = secret["metadata"]["ownerReferences"]
    own.join(third)
    own.wait_until_healthy()
    for node in (second, third):
        for name in SHARED:
            made, there = (each.kubernetes / "pki" / name for each in (node, first))
            assert made.read_bytes() == there.read_bytes(), f"{node.name}: {name}"

    assert first.kubectl("--namespace=kube-system", "delete", "secret", owner["name"]).returncode == 0
    end = time.monotonic() + 120
    while "NotFound" not in first.kubectl("--namespace=kube-system", "get", "secret", "kubeadm-certs").stderr:
        assert time.monotonic() < end, "the Secret outlives its token"
        time.sleep(1)
    gone = first.kubepki("bundle", "download", "--certificate-key-file", "/etc/kubeadm/key", "--dry-run")
    assert (gone.returncode, "code: bundle.not_uploaded" in gone.stderr) == (1, True), gone


def test_kubepki_imports_the_secret_that_kubeadm_uploaded(cluster: MakeCluster) -> None:
    three = cluster(control_planes=3, workers=1)
    first = three.first
    # What `kubeadm init` has uploaded is removed after two hours.
    uploaded = first.kubeadm("init", "phase", "upload-certs", "--upload-certs", "--config", three.init_file())
    assert uploaded.returncode == 0, uploaded.stderr
    place = first.root / "etc/kubeadm/imported"
    try:
        place.mkdir()
        (place / "key").write_text(f"{three.secrets.certificate_key}\n")
        (place / "key").chmod(0o600)
        got = first.kubectl("--namespace=kube-system", "get", "secret", "kubeadm-certs", "--output=yaml")
        (place / "bundle.yaml").write_text(got.stdout)
        imported = first.kubepki(
            *("bundle", "import", "/etc/kubeadm/imported/bundle.yaml"),
            *("--certificate-key-file", "/etc/kubeadm/imported/key", "--rootfs", "/etc/kubeadm/imported"),
        )
        assert imported.returncode == 0, imported.stderr
        (place / "downloaded").mkdir()
        downloaded = first.kubepki(
            *("bundle", "download", "--kubeconfig", "/etc/kubernetes/admin.conf"),
            *("--certificate-key-file", "/etc/kubeadm/imported/key", "--rootfs", "/etc/kubeadm/imported/downloaded"),
        )
        assert downloaded.returncode == 0, downloaded.stderr
        for root, name in itertools.product((place, place / "downloaded"), SHARED):
            made = root / "etc/kubernetes/pki" / name
            assert made.read_bytes() == (first.kubernetes / "pki" / name).read_bytes(), name
    finally:
        shutil.rmtree(place)

"""Bundles into a cluster and out of it, before a strict stand-in for its API server; tests/cluster has kubeadm."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import kubepki
from api_servers import ApiServer, api_server
from playbooks import ANSIBLE, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRETS = "/api/v1/namespaces/kube-system/secrets"
CONFIGURATION = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1}
localAPIEndpoint: {advertiseAddress: 192.0.2.10}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer: {certSANs: [127.0.0.1]}
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """Serve a cluster whose node is in `tmp_path / "cp1"`."""
    (tmp_path / "cp1").mkdir()
    kubepki.apply(kubepki.plan(config_text=CONFIGURATION, rootfs=tmp_path / "cp1"))
    pki = tmp_path / "cp1/etc/kubernetes/pki"
    with api_server(pki) as serving:
        (tmp_path / "kubeconfig").write_text(serving.kubeconfig((pki / "ca.crt").read_text()))
        yield serving


def test_what_python_uploads_another_node_opens(api: ApiServer, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    with pytest.raises(kubepki.FindingError, match="kubeadm-certs"):
        kubepki.download_bundle(kubeconfig=kubeconfig)
    bundle = kubepki.export_bundle(rootfs=tmp_path / "cp1")
    uploaded = kubepki.upload_bundle(bundle, ttl=timedelta(hours=1), kubeconfig=kubeconfig)
    assert (uploaded.secret, uploaded.has_replaced) == ("kube-system/kubeadm-certs", False)
    (token,) = (name for name in api.objects if name.startswith(f"{SECRETS}/bootstrap-token-"))
    (owner,) = api.objects[f"{SECRETS}/kubeadm-certs"]["metadata"]["ownerReferences"]
    assert f"{SECRETS}/{owner['name']}" == token
    expires = base64.b64decode(api.objects[token]["data"]["expiration"]).decode()
    assert expires == uploaded.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")

    (tmp_path / "cp2").mkdir()
    sealed = kubepki.download_bundle(kubeconfig=kubeconfig)
    assert "PRIVATE KEY" not in sealed
    kubepki.import_bundle(sealed, key=bundle.certificate_key(), rootfs=tmp_path / "cp2")
    for name in ("ca.key", "sa.key", "etcd/ca.crt"):
        path = f"etc/kubernetes/pki/{name}"
        assert (tmp_path / "cp2" / path).read_bytes() == (tmp_path / "cp1" / path).read_bytes()


def test_what_cannot_be_uploaded_is_refused_before_the_cluster_is_asked(api: ApiServer, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    worker = kubepki.export_bundle(role="worker", rootfs=tmp_path / "cp1")
    with pytest.raises(ValueError, match="worker"):
        kubepki.upload_bundle(worker, kubeconfig=kubeconfig)
    bundle = kubepki.export_bundle(rootfs=tmp_path / "cp1")
    with pytest.raises(kubepki.ConfigurationError, match="--ttl"):
        kubepki.upload_bundle(bundle, ttl=timedelta(days=365), kubeconfig=kubeconfig)
    assert not any(one.startswith("POST") for one in api.requests)


@pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")
def test_a_play_uploads_and_check_mode_does_not(api: ApiServer, tmp_path: Path) -> None:
    module = {
        "action": "export",
        "upload": True,
        "kubeconfig": str(tmp_path / "kubeconfig"),
        "rootfs": str(tmp_path / "cp1"),
    }
    playbook = tmp_path / "play.yml"
    tasks = [{"name": "Upload", "kubepki.kubeadm.bundle": module, "no_log": True}]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    checked = play(playbook, tmp_path / "home", "--check")
    assert (checked.returncode, checked.recap("localhost")["changed"], api.objects) == (0, 1, {}), checked.output
    done = play(playbook, tmp_path / "home")
    assert (done.returncode, f"{SECRETS}/kubeadm-certs" in api.objects) == (0, True), done.output
    module["action"] = "import"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    refused = play(playbook, tmp_path / "home")
    assert refused.returncode == 2, refused.output

"""What servers present, seen from a playbook: the module, and role renew after a renewal."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from playbooks import ANSIBLE, Played, play
from servers import server
from trees import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")

CONFIG = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer: {certSANs: [localhost]}
"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Make a node whose API server may be called localhost."""
    (tmp_path / "node").mkdir()
    kubepki.apply(kubepki.plan(config_text=CONFIG, node_name="cp1", rootfs=tmp_path / "node"))
    return tmp_path / "node"


def played(tmp_path: Path, task: dict[str, Any], *arguments: str, **variables: object) -> Played:
    playbook = tmp_path / "play.yml"
    shown = {"name": "Show", "ansible.builtin.debug": {"var": "seen"}}
    looks = task.keys() & {"kubepki.kubeadm.probe", "kubepki.kubeadm.certificate_info"}
    tasks = [{**task, "register": "seen"}, shown] if looks else [task]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return play(playbook, tmp_path / "home", *arguments, **variables)


def probe(tmp_path: Path, **options: object) -> Played:
    return played(tmp_path, {"name": "Look", "kubepki.kubeadm.probe": options})


def test_a_server_is_seen_as_its_clients_see_it(node: Path, tmp_path: Path) -> None:
    pki = node / "etc/kubernetes/pki"
    with server(pki / "apiserver.crt", pki / "apiserver.key") as port:
        place = [f"localhost:{port}"]
        well = probe(tmp_path, endpoints=place, certificate_authority=str(pki / "ca.crt"))
        assert (well.returncode, '"status": "ok"' in well.output) == (0, True), well.output
        other = probe(tmp_path, endpoints=place, certificate=str(pki / "etcd/server.crt"))
        assert (other.returncode, "endpoint.other_certificate" in other.output) == (0, True), other.output
    gone = probe(tmp_path, endpoints=place, timeout="1s")
    assert (gone.returncode, '"status": "unknown"' in gone.output, "probe.refused" in gone.output) == (0, True, True)
    wrong = probe(tmp_path, endpoints=["http://x"])
    assert (wrong.returncode, "plan.bad_request" in wrong.output, "write HOST:PORT" in wrong.output) == (2, True, True)


@pytest.mark.parametrize("way", ["modules", "program"])
def test_a_renewal_that_clients_do_not_see_fails(way: str, node: Path, tmp_path: Path) -> None:
    pki = node / "etc/kubernetes/pki"
    role = {"name": "Renew", "ansible.builtin.include_role": {"name": "kubepki.kubeadm.renew"}}
    variables: dict[str, Any] = {
        "renew_rootfs": node,
        "renew_config_content": CONFIG,
        "renew_node_name": "cp1",
        "renew_restart": False,
        "renew_kubeconfig_copies": [],
        **({"renew_binary": COMMAND} if way == "program" else {}),
    }
    with server(pki / "apiserver.crt", pki / "apiserver.key") as port:
        well = played(tmp_path, role, **variables, renew_probe=[f"localhost:{port}"])
        assert well.returncode == 0, well.output
        etcd = played(
            *(tmp_path, role),
            **variables,
            renew_probe=[f"localhost:{port}"],
            renew_probe_certificate_authority="/etc/kubernetes/pki/etcd/ca.crt",
        )
        assert (etcd.returncode, "etcd-ca" in etcd.output) == (2, True), etcd.output
    gone = played(tmp_path, role, **variables, renew_probe=[f"localhost:{port}"])
    assert (gone.returncode, "connection refused" in gone.output) == (2, True), gone.output


@pytest.fixture
def before(node: Path) -> Path:
    """Renew the API server's certificate; return the node's files as they were before."""
    old = node.with_name("old")
    shutil.copytree(node, old)
    kubepki.apply(kubepki.plan_renew(["apiserver"], rootfs=node, no_backup=True))
    return old


def api_server(node: Path, port: int) -> None:
    """Write the manifest of an API server that listens at a port."""
    pki = "/etc/kubernetes/pki"
    command = ["kube-apiserver", "--bind-address=127.0.0.1", f"--secure-port={port}", "--advertise-address=127.0.0.1"]
    command += [f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key"]
    container = {"name": "kube-apiserver", "image": "x:v1.36.2", "command": command}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kube-apiserver", "namespace": "kube-system"},
        "spec": {"hostNetwork": True, "containers": [container]},
    }
    (node / "etc/kubernetes/manifests").mkdir()
    (node / "etc/kubernetes/manifests/kube-apiserver.yaml").write_text(json.dumps(pod))


@pytest.mark.parametrize("way", ["module", "role", "program"])
def test_a_renewed_file_that_is_not_loaded_is_seen_where_components_are_asked(
    way: str, node: Path, before: Path, tmp_path: Path
) -> None:
    def looked(*, live: bool) -> str:
        options = {"rootfs": str(node), "live": live}
        if way == "module":
            done = played(tmp_path, {"name": "Look", "kubepki.kubeadm.certificate_info": options})
            assert done.returncode == 0, done.output
            return done.output
        role = {"name": "Audit", "ansible.builtin.include_role": {"name": "kubepki.kubeadm.audit"}}
        variables: dict[str, Any] = {"audit_rootfs": node, "audit_live": live, "audit_output_dir": tmp_path}
        variables |= {"audit_binary": COMMAND} if way == "program" else {}
        done = played(tmp_path, role, **variables)
        assert done.returncode == 0, done.output
        return (tmp_path / "kubepki-audit.json").read_text()

    old, new = (root / "etc/kubernetes/pki" for root in (before, node))
    with server(old / "apiserver.crt", old / "apiserver.key") as port:
        api_server(node, port)
        assert "endpoint.other_certificate" in looked(live=True)
        assert "endpoint." not in looked(live=False)
    with server(new / "apiserver.crt", new / "apiserver.key") as port:
        shutil.rmtree(node / "etc/kubernetes/manifests")
        api_server(node, port)
        assert "endpoint." not in looked(live=True)


def test_files_have_no_components_to_ask(node: Path, tmp_path: Path) -> None:
    options = {"path": [str(node / "etc/kubernetes/pki/apiserver.crt")], "live": True}
    done = played(tmp_path, {"name": "Look", "kubepki.kubeadm.certificate_info": options})
    assert (done.returncode, '"code": "ansible.bad_options"' in done.output) == (2, True), done.output

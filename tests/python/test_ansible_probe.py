"""What servers present, seen from a playbook: the module, and role renew after a renewal."""

from __future__ import annotations

import json
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
    tasks = [{**task, "register": "seen"}, shown] if "kubepki.kubeadm.probe" in task else [task]
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

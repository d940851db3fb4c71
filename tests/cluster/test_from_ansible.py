"""The collection on nodes of real clusters: a play is foretold, played while clients ask, and played again."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from playbooks import ANSIBLE, Played, play
from testbed import past
from testbed.configurations import ENDPOINT, PORT
from testbed.node import COMPONENTS, KUBEPKI
from testbed.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)"),
]

PLAYS = Path(__file__).parent / "plays"
COPY = "/etc/kubeadm/admin-copy.conf"
BINDING = GROUP = "kubepki-test-readers"


class Plays:
    """Playbooks against the nodes of one cluster; `known` has the variables of some, by name."""

    def __init__(self, cluster: Cluster, folder: Path, **known: Mapping[str, object]) -> None:
        self.cluster = cluster
        self.folder = folder
        self.inventory = folder / "inventory.yml"
        self.know(**known)

    def know(self, **known: Mapping[str, object]) -> None:
        """Write the inventory."""

        def group(nodes: Iterable[Node]) -> dict[str, object]:
            variables = {
                "ansible_connection": "node_namespaces",
                "ansible_python_interpreter": sys.executable,
                # The home folder is the machine's, this is the node's.
                "ansible_remote_tmp": "/var/tmp/ansible",  # noqa: S108
            }
            hosts = {node.name: {"node_pid": node.pid, **known.get(node.name, {})} for node in nodes}
            return {"vars": variables, "hosts": hosts}

        groups = {"control_plane": group(self.cluster.control_planes), "workers": group(self.cluster.workers)}
        self.inventory.write_text(json.dumps({"all": {"children": groups}}))

    def run(self, name: str, *arguments: str | Path, **variables: object) -> Played:
        """Run a playbook; it must end well, and show no key."""
        played = play(PLAYS / f"{name}.yml", self.folder / "home", "-i", self.inventory, *arguments, **variables)
        assert played.returncode == 0, played.output
        assert "PRIVATE KEY" not in played.output
        return played

    def changed(self, name: str, *arguments: str | Path, **variables: object) -> dict[str, int]:
        """Return how much a run has changed on each node that it reached."""
        played = self.run(name, *arguments, **variables)
        recap = played.output.rpartition("PLAY RECAP")[2]
        reached = [node.name for node in self.cluster.nodes if re.search(rf"^{node.name} ", recap, re.MULTILINE)]
        return {name: played.recap(name)["changed"] for name in reached}

    def foretold(self, name: str, **variables: object) -> dict[str, int]:
        """Return what a run would change on each node; it changes nothing on any."""
        before = [files(node) for node in self.cluster.nodes]
        changed = self.changed(name, "--check", "--diff", **variables)
        assert [files(node) for node in self.cluster.nodes] == before
        return changed


def files(node: Node) -> dict[str, str]:
    """Return what is in every file that a play may touch, as digests."""
    names = ("etc/kubeadm", "etc/kubernetes", "var/lib/kubelet/pki", "var/lib/kubepki")
    paths = [path for name in names for path in (node.root / name).rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def on_disk(node: Node, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((node.kubernetes / "pki" / f"{name}.crt").read_bytes())


def served(node: Node) -> x509.Certificate:
    """Return what clients of the node's API server see."""
    script = "import ssl,sys;print(ssl.get_server_certificate((sys.argv[1],int(sys.argv[2])),timeout=10))"
    asked = node.run("python3", "-I", "-c", script, node.address, str(PORT))
    assert asked.returncode == 0, asked.stderr
    return x509.load_pem_x509_certificate(asked.stdout.encode())


def restarted_since(node: Node, began: int) -> set[str]:
    """Return of which components a container was made since a time in nanoseconds."""
    made = {name: node.containers(name, also_ended=True) for name in COMPONENTS}
    return {name for name, all_of in made.items() if any(int(each["createdAt"]) >= began for each in all_of)}


def assert_well(node: Node) -> None:
    for words in (("check",), ("restart", "--dry-run", "--kubelet")):
        done = node.kubepki(*words)
        assert done.returncode == 0, f"{node.name}: {done.stdout}{done.stderr}"


def test_a_rolling_renewal_goes_from_node_to_node_and_no_request_fails(cluster: MakeCluster, tmp_path: Path) -> None:
    here = cluster(control_planes=3, workers=1)
    for node in here.control_planes:
        shutil.copy2(node.kubernetes / "admin.conf", node.root / COPY.lstrip("/"))
    probes = {
        node.name: {"renew_probe": [f"{ENDPOINT}:{PORT}", f"{node.address}:{PORT}"]} for node in here.control_planes
    }
    plays = Plays(here, tmp_path, **probes)
    # What kubeadm has made ends within this time; what is made for so long does not.
    wanted = {"renew_before": "400d", "renew_validity": "500d", "renew_kubeconfig_copies": [COPY]}
    old = {node.name: on_disk(node, "apiserver") for node in here.control_planes}

    foretold = plays.foretold("renew", **wanted)
    assert [name for name, count in foretold.items() if count] == [node.name for node in here.control_planes]

    began = time.time_ns()
    with here.steady_client() as client:
        played = plays.run("renew", "--diff", **wanted)
    assert played.output.count("PLAY [Renew]") == len(here.nodes)
    for node in here.control_planes:
        assert played.recap(node.name)["changed"] == 3, played.output
        assert served(node) == on_disk(node, "apiserver") != old[node.name]
        assert restarted_since(node, began) == {"kube-controller-manager", "kube-scheduler"}
        assert (node.root / COPY.lstrip("/")).read_text() == (node.kubernetes / "admin.conf").read_text()
        asked = node.run("kubectl", f"--kubeconfig={COPY}", "get", "nodes")
        assert asked.returncode == 0, asked.stderr
    # A worker has nothing that it could renew, which is said and is no fault.
    assert played.recap("w1")["changed"] == 0
    assert "not renewed, though it ends soon: kubelet-client, kubelet-server" in played.output
    for node in here.nodes:
        assert_well(node)
    assert client.count > 100
    assert not client.failures, client.report()

    assert not any(plays.changed("renew", **wanted).values())


@pytest.fixture
def readers(cluster: MakeCluster) -> Iterator[Cluster]:
    """A cluster in which a group may read."""
    made = cluster(control_planes=3, workers=1)
    bound = made.client("create", "clusterrolebinding", BINDING, "--clusterrole=view", f"--group={GROUP}")
    assert bound.returncode == 0, bound.stderr
    yield made
    made.client("delete", "clusterrolebinding", BINDING)


def test_a_user_that_a_play_makes_may_what_its_groups_may(readers: Cluster, tmp_path: Path) -> None:
    plays = Plays(readers, tmp_path)
    made, brought = readers.first.root / "etc/kubeadm/jane.conf", tmp_path / "jane.conf"

    def kubectl(*arguments: str) -> tuple[int, str]:
        done = readers.client(*arguments, kubeconfig=brought)
        return done.returncode, done.stdout + done.stderr

    visitor = {"groups_of_jane": ["visitors"], "folder": tmp_path}
    assert plays.foretold("user", **visitor) == {"cp1": 1}
    assert not made.exists()
    assert plays.changed("user", "--diff", **visitor) == {"cp1": 1}
    assert plays.changed("user", **visitor) == {"cp1": 0}
    code, said = kubectl("get", "pods")
    assert (code, 'User "jane" cannot list resource "pods"' in said) == (1, True), said

    first = made.read_bytes()
    reader = {"groups_of_jane": [GROUP], "folder": tmp_path}
    assert plays.foretold("user", **reader) == {"cp1": 1}
    assert plays.changed("user", "--diff", **reader) == {"cp1": 1}
    assert made.read_bytes() != first
    eventually(lambda: not kubectl("get", "pods", "--namespace=kube-system")[0], "jane may read", patience=60.0)
    known = json.loads(kubectl("auth", "whoami", "--output=json")[1])["status"]["userInfo"]
    assert (known["username"], set(known["groups"])) == ("jane", {GROUP, "system:authenticated"})
    code, said = kubectl("delete", "pod", "etcd-cp1", "--namespace=kube-system")
    assert (code, "Forbidden" in said) == (1, True), said
    assert plays.changed("user", **reader) == {"cp1": 0}


def test_an_audit_sees_every_node_and_the_one_that_is_gone(cluster: MakeCluster, tmp_path: Path) -> None:
    here = cluster(control_planes=3, workers=1)
    plays = Plays(here, tmp_path)
    gone = tmp_path / "gone.yml"
    # No machine counts so many processes.
    known = {"ansible_connection": "node_namespaces", "node_pid": 2**30, "ansible_python_interpreter": sys.executable}
    gone.write_text(json.dumps({"all": {"hosts": {"gone": known}}}))
    page, report = tmp_path / "report/kubepki-audit.html", tmp_path / "report/kubepki-audit.json"
    words = ("-i", gone)
    wanted = {"audit_output_dir": page.parent}

    assert not any(plays.changed("audit", *words, "--check", "--diff", **wanted).values())
    assert not page.parent.exists()
    before = [files(node) for node in here.nodes]
    for _ in range(2):
        assert plays.changed("audit", *words, **wanted) == dict.fromkeys((node.name for node in here.nodes), 0)
    assert [files(node) for node in here.nodes] == before

    said = {host["host"]: host for host in json.loads(report.read_text())["hosts"]}
    assert {name: host["status"] for name, host in said.items()} == {
        "gone": "unknown",
        **{node.name: "ok" for node in here.nodes},
    }
    assert f"no node runs as process {2**30}" in said["gone"]["reason"]
    for node in here.control_planes:
        serials = {each["name"]: int(each["serial"], 16) for each in said[node.name]["certificates"]}
        assert serials["apiserver"] == served(node).serial_number
    assert "kubelet-client-current.pem" in {each["name"] for each in said["w1"]["certificates"]}
    assert all(f"<b>{name}</b>" in page.read_text() for name in said)


@pytest.mark.long
def test_what_an_external_ca_has_signed_is_renewed_in_its_second_year(cluster: MakeCluster, tmp_path: Path) -> None:
    own = cluster(control_planes=1, workers=1, bare=True)
    node, worker = own.nodes
    first_year = {"authority": tmp_path / "ca", "external_ca_validity": "40d", "external_ca_renew_before": "35d"}
    second_year = {**first_year, "external_ca_validity": "100d", "external_ca_renew_before": "60d"}
    own.init_file()
    known = {"cp1": {"kubeadm_config": (node.root / "etc/kubeadm/init.yaml").read_text()}}
    plays = Plays(own, tmp_path, **known)
    plays.run("external_ca", "--limit", "localhost,control_plane", **first_year)
    own.init()
    own.configuration_file(worker)
    plays.know(**known, w1={"kubeadm_config": (worker.root / "etc/kubeadm/node.yaml").read_text()})
    plays.run("external_ca", "--limit", "workers", **first_year)
    own.join(worker)
    own.wait_until_healthy()
    nothing = {"cp1": 0, "w1": 0}
    assert plays.changed("external_ca", **first_year) == nothing

    def kubelets() -> list[bytes]:
        return [past.client_file(each).read_bytes() for each in own.nodes]

    old, old_kubelets = on_disk(node, "apiserver"), kubelets()
    assert all(plays.foretold("external_ca", **second_year).values())
    began = time.time_ns()
    assert all(plays.changed("external_ca", "--diff", **second_year, external_ca_restart=False).values())
    new = on_disk(node, "apiserver")
    assert (new != old, new.public_key() == old.public_key()) == (True, True)
    assert not set(kubelets()) & set(old_kubelets)
    # kubeadm has left the worker's kubelet.conf as it was, with a certificate of its own.
    assert past.client_file(worker).name.startswith("kubelet-client-2")
    assert (
        "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem"
        in (worker.kubernetes / "kubelet.conf").read_text()
    )
    # Nobody has restarted what has to be; the next run does, though there is nothing new to be signed.
    assert restarted_since(node, began) == set()
    assert plays.changed("external_ca", **second_year) == {"cp1": 1, "w1": 1}
    assert restarted_since(node, began) == {"kube-controller-manager", "kube-scheduler"}
    own.wait_until_healthy()
    assert served(node) == new
    for each in own.nodes:
        assert_well(each)
        assert not list(each.root.rglob("ca.key")), each.name
        assert not list(each.kubernetes.rglob("*.csr")), each.name
    assert plays.changed("external_ca", **second_year) == nothing


def authorities(node: Node) -> dict[str, str]:
    """Return of a node what it trusts and what signs there, as it is on disk."""
    names = (
        "ca.crt",
        "ca.key",
        "front-proxy-ca.crt",
        "front-proxy-ca.key",
        "etcd/ca.crt",
        "etcd/ca.key",
        "sa.pub",
        "sa.key",
    )
    files = {name: node.kubernetes / "pki" / name for name in names}
    return {name: file.read_text() for name, file in files.items() if file.exists()}


def stages(node: Node) -> dict[str, str]:
    """Return how far each authority of a node is."""
    asked = node.kubepki("rotate", "status", "--local", "--output=json")
    assert asked.returncode == 0, asked.stderr
    said = {one["name"]: one["stage"] for one in json.loads(asked.stdout)["authorities"]}
    return {name: stage for name, stage in said.items() if stage != "absent"}


@pytest.mark.long
def test_a_playbook_replaces_all_authorities_and_nothing_is_given_up_before_somebody_says_so(
    cluster: MakeCluster, tmp_path: Path
) -> None:
    here = cluster(control_planes=1, workers=1, fresh=True)
    node, worker = here.nodes
    plays = Plays(here, tmp_path)
    nothing = {"cp1": 0, "w1": 0}
    wanted = {"kubepki_binary": KUBEPKI}
    old = authorities(node)

    part = play(PLAYS / "rotate_ca.yml", tmp_path / "home", "-i", plays.inventory, "--limit", "cp1", **wanted)
    assert (part.returncode, "are not in this run: w1" in part.output) == (2, True), part.output
    early = play(
        PLAYS / "rotate_ca.yml", tmp_path / "home", "-i", plays.inventory, **wanted, kubepki_rotate_finish=True
    )
    assert early.returncode == 0, early.output
    assert (early.recap("cp1")["changed"], authorities(node)) == (0, old), early.output
    assert plays.foretold("rotate_ca", **wanted) == {"cp1": 1, "w1": 1}

    assert all(plays.changed("rotate_ca", **wanted).values())
    names = ("ca", "front-proxy-ca", "etcd-ca", "sa")
    assert stages(node) == dict.fromkeys(names, "trust-both/issue-new")
    assert stages(worker) == {"ca": "trust-both"}
    assert [name for name in worker.kubernetes.rglob("*.key") if "ca" in name.name] == []
    assert plays.changed("rotate_ca", **wanted) == nothing

    begun = authorities(node)
    tokens = play(
        PLAYS / "rotate_ca.yml", tmp_path / "home", "-i", plays.inventory, **wanted, kubepki_rotate_finish=True
    )
    assert (tokens.returncode, "rotate.tokens_alive" in tokens.output) == (2, True), tokens.output
    assert authorities(node) == begun

    finish = {**wanted, "kubepki_rotate_finish": True, "rotate_ca_token_life": "1s"}
    assert all(plays.changed("rotate_ca", **finish).values())
    new = authorities(node)
    assert not set(new.values()) & set(old.values())
    assert {name: begun[name].startswith(text) for name, text in new.items()} == dict.fromkeys(new, True)
    assert authorities(worker) == {"ca.crt": new["ca.crt"]}
    assert stages(node) == dict.fromkeys(names, "single")
    here.wait_until_healthy()
    for each in here.nodes:
        assert_well(each)
    assert plays.changed("rotate_ca", **finish) == nothing

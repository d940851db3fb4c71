"""The role and the playbook that replace CAs, on the folders of `examples/ansible/inventory.yml`."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from example_nodes import EXAMPLES, HOSTS, changed, example, nodes
from playbooks import ANSIBLE, COLLECTION, ROOT, Played, play
from rotated_folders import audit_log, fingerprint
from trees import COMMAND, embedded, kubepki

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["nodes"]

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


# Nobody has a token that could still be used.
NO_TOKENS: dict[str, Any] = {"rotate_ca_token_life": "0s"}


def rotating(nodes: Path, *arguments: str, shows: bool = False, without: str = "", **variables: object) -> Played:
    """Play what the collection has for CAs, as far as it is about files: nothing runs on these nodes."""
    plays = yaml.safe_load((COLLECTION / "playbooks/rotate_ca.yml").read_text())
    playbook = nodes.parent / "rotate_ca.yml"
    kept = [each for each in plays if each["roles"][0]["rotate_ca_phase"] not in ("cluster", without)]
    # Whatever a play has kept of every host.
    look = {"hosts": "cp1", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "{{ hostvars }}"}}]}
    between = [each for play in kept for each in (play, look)] if shows else kept
    playbook.write_text(json.dumps(between))
    wanted = {"nodes_dir": nodes, "kubepki_binary": COMMAND, "kubepki_workers": "none", "rotate_ca_kubectl": ""}
    wanted |= {"rotate_ca_rootfs": "{{ kubepki_rootfs }}", "rotate_ca_restart": False}
    wanted |= {"rotate_ca_etcd_snapshot": False, **variables}
    return play(playbook, nodes.parent / "home", "-i", EXAMPLES / "inventory.yml", *arguments, **wanted)


def refusing(played: Played) -> list[str]:
    """Return the hosts that say why; the others end with them."""
    return sorted(set(re.findall(r"^fatal: \[(\w+)\]", played.output, re.MULTILINE)))


def contents(nodes: Path) -> dict[Path, bytes]:
    """Return what is in every file of the nodes."""
    return {path: path.read_bytes() for path in nodes.rglob("*") if path.is_file()}


def authority_keys(nodes: Path, ending: str = "") -> dict[str, set[str]]:
    """Return what the three control planes have for each CA; one key where they have the same."""
    folders = [nodes / host / "etc/kubernetes/pki" for host in HOSTS[:3]]
    names = ("ca", "front-proxy-ca", "etcd/ca")
    return {name: {(folder / f"{name}{ending}.key").read_text() for folder in folders} for name in names}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make three control planes of one cluster, once for all tests: it is a playbook that others try."""
    nodes = tmp_path_factory.mktemp("made") / "nodes"
    nodes.mkdir()
    changed(example("cluster.yml", nodes, "--limit", "localhost,control_plane"), *HOSTS[:3])
    return nodes


@pytest.fixture
def control_planes(made: Path, nodes: Path) -> Path:
    """Three control planes of one cluster."""
    shutil.rmtree(nodes)
    shutil.copytree(made, nodes, symlinks=True)
    return nodes


@pytest.fixture
def between(control_planes: Path) -> Path:
    """Replace all CAs on the three, up to where somebody decides."""
    roots = [("--rootfs", str(control_planes / host)) for host in HOSTS[:3]]

    given = control_planes.parent / "given.json"
    for name in ("trust-both", "issue-new", "reissue"):
        for root in roots:
            material = ("--material", given) if name == "trust-both" and root != roots[0] else ()
            done = kubepki("rotate", "step", name, "--no-restart", *root, *material)
            assert done.returncode == 0, done.stderr
            given.write_text(kubepki("rotate", "export", *roots[0]).stdout)
    return control_planes


def test_control_planes_get_the_same_new_authorities_and_give_them_up_together(control_planes: Path) -> None:
    nodes, hosts = control_planes, HOSTS[:3]
    old = authority_keys(nodes)
    foretold = changed(rotating(nodes, "--check", "--diff"), *hosts)
    assert foretold == dict.fromkeys(hosts, 1)
    assert authority_keys(nodes) == old

    # A run that broke off has begun on one node, and not on the first one: its new CAs are those of all.
    begun = kubepki("rotate", "step", "trust-both", "--no-restart", "--rootfs", nodes / "cp2")
    assert begun.returncode == 0, begun.stderr
    coming = (nodes / "cp2/etc/kubernetes/pki/ca-next.key").read_text()

    changed(rotating(nodes), *hosts)
    new = authority_keys(nodes)
    assert new["ca"] == {coming}
    assert [len(keys) for keys in new.values()] == [1, 1, 1]
    assert not any(new[name] & old[name] for name in new)
    assert authority_keys(nodes, "-previous") == old

    changed(rotating(nodes, kubepki_rotate_abort=True, **NO_TOKENS), *hosts)
    assert authority_keys(nodes) == old
    for host in hosts:
        checked = kubepki("check", "--rootfs", nodes / host)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.long
def test_no_variable_and_no_output_has_a_key_or_a_token(control_planes: Path) -> None:
    nodes = control_planes
    keys = {path.read_text() for path in nodes.rglob("*.key")}
    finish = {"kubepki_rotate_finish": True, **NO_TOKENS}
    for variables in ({}, finish):
        played = rotating(nodes, "--diff", "-vvv", shows=True, **variables)
        assert played.returncode == 0, played.output
        assert "rotate_ca_seen" in played.output
        keys |= {path.read_text() for path in nodes.rglob("*.key")}
        # The middle of each, however it was quoted or cut.
        parts = ["PRIVATE KEY", *(key.splitlines()[key.count("\n") // 2] for key in keys)]
        assert [part for part in parts if part in played.output] == []
    assert len(keys) > 15


def test_what_one_control_plane_refuses_stops_all_before_the_first(between: Path) -> None:
    nodes, hosts = between, HOSTS[:3]
    # On the first one alone the tokens of the old key have had their time.
    life: dict[str, Any] = {"rotate_ca_token_life": "{{ '0s' if inventory_hostname == 'cp1' else '24h' }}"}
    begun = contents(nodes)
    for arguments in ((), ("--check",)):
        refused = rotating(nodes, *arguments, kubepki_rotate_finish=True, **life)
        assert refused.returncode == 2, refused.output
        assert "nothing was given up by this run on any node: error: sa.key was last changed" in refused.output
        assert "code: rotate.tokens_alive" in refused.output
        assert refusing(refused) == ["cp2", "cp3"]
        assert contents(nodes) == begun
    # The others need not wait.
    early: dict[str, Any] = {
        "kubepki_rotate_finish": True,
        "rotate_ca_authorities": ["ca", "front-proxy-ca", "etcd-ca"],
    }
    assert all(changed(rotating(nodes, **early), *hosts).values())
    assert not list(nodes.glob("*/etc/kubernetes/pki/ca-previous.*"))
    assert len(list(nodes.glob("*/etc/kubernetes/pki/sa-previous.key"))) == 3


@pytest.mark.long
def test_the_new_one_is_given_up_nowhere_while_one_control_plane_cannot(between: Path) -> None:
    nodes = between
    for step in ("issue-old", "reissue"):
        done = kubepki("rotate", "step", step, "--no-restart", "--rootfs", nodes / "cp1")
        assert done.returncode == 0, done.stderr
    refused = rotating(nodes, without="reissue", kubepki_rotate_abort=True, **NO_TOKENS)
    assert refused.returncode == 2, refused.output
    assert "code: rotate.leaves_left" in refused.output
    assert refusing(refused) == ["cp2", "cp3"]
    assert len(list(nodes.glob("*/etc/kubernetes/pki/ca-next.key"))) == 3


@pytest.mark.long
def test_a_step_that_gives_a_ca_up_wants_that_all_were_asked(between: Path) -> None:
    nodes = between
    begun = contents(nodes)
    finish = {"kubepki_rotate_finish": True, **NO_TOKENS}
    refused = rotating(nodes, without="rehearse", **finish)
    assert (refused.returncode, "have not agreed to it" in refused.output) == (2, True), refused.output
    assert contents(nodes) == begun


def test_no_control_plane_gives_the_old_ca_up_while_an_api_server_knows_its_certificates(between: Path) -> None:
    nodes = between
    user = nodes.parent / "alice.conf"
    made = kubepki("kubeconfig", "user", "--client-name", "alice", "--rootfs", nodes / "cp1", "--out", user)
    assert made.returncode == 0, made.stderr
    admin, alice = (
        fingerprint(embedded(conf, "client-certificate-data"))
        for conf in (nodes / "cp3/etc/kubernetes/admin.conf", user)
    )
    for host in HOSTS[:3]:
        logs = nodes / host / "var/log/kubernetes"
        logs.mkdir(parents=True)
        audit_log(
            logs / "audit.log", ("kubernetes-admin", admin, 30), ("alice", alice, 1), ("kubernetes-admin", admin, 0.1)
        )
    rotated = audit_log(nodes / "cp3/var/log/kubernetes/audit-1.log", ("carol", "ab" * 32, 3))
    begun = contents(nodes)
    finish: dict[str, Any] = {"kubepki_rotate_finish": True, "rotate_ca_token_life": "0s"}
    finish["rotate_ca_audit_log"] = ["/var/log/kubernetes/audit*.log"]

    def refused(*because: str, **variables: Any) -> list[str]:  # noqa: ANN401
        played = rotating(nodes, "-vvv", shows=True, **finish, **variables)
        assert played.returncode == 2, played.output
        assert [text for text in because if text not in played.output] == []
        assert contents(nodes) == begun
        assert embedded(user, "client-key-data").decode().splitlines()[2] not in played.output
        assert yaml.safe_load(user.read_text())["users"][0]["user"]["client-key-data"] not in played.output
        return refusing(played)

    assert refused(
        "rotate.old_credentials", f"SHA-256 {alice}", "name those that have one: rotate_ca_new_credentials;"
    ) == ["cp1", "cp2", "cp3"]
    finish["rotate_ca_new_credentials"] = [nodes.parent / "al*.conf"]
    assert refused("rotate.old_credentials", "carol on ") == ["cp3"]
    assert refused("rotate.audit_log", rotate_ca_unused_for="31h") == ["cp1", "cp2", "cp3"]
    rotated.unlink()
    (nodes / "cp2/var/log/kubernetes/audit.log").rename(nodes / "cp2/elsewhere.log")
    begun = contents(nodes)
    assert refused("rotate_ca_audit_log: there is no file /var/log/kubernetes/audit*.log here") == ["cp2"]
    (nodes / "cp2/elsewhere.log").rename(nodes / "cp2/var/log/kubernetes/audit.log")
    assert all(changed(rotating(nodes, **finish), *HOSTS[:3]).values())
    assert not list(nodes.glob("*/etc/**/*-previous.*"))


@pytest.mark.long
def test_a_control_plane_that_joins_meanwhile_gets_what_it_lacks(control_planes: Path) -> None:
    nodes, hosts = control_planes, HOSTS[:3]
    old = authority_keys(nodes)
    changed(rotating(nodes), *hosts)
    # As kubeadm leaves one that has joined: nothing beside the pairs in use. Others would ask it first.
    pki = nodes / "cp1/etc/kubernetes/pki"
    for path in pki.rglob("*-previous.*"):
        path.unlink()
    stuck = rotating(nodes, kubepki_rotate_abort=True, **NO_TOKENS)
    assert stuck.returncode != 0
    assert "cannot sign again on every control plane" in stuck.output
    changed(rotating(nodes), "cp1")
    assert authority_keys(nodes, "-previous") == old
    assert (pki / "sa-previous.key").read_text() == (nodes / "cp2/etc/kubernetes/pki/sa-previous.key").read_text()
    assert not list(pki.rglob("*-next.*"))
    changed(rotating(nodes, kubepki_rotate_abort=True, **NO_TOKENS), *hosts)
    assert authority_keys(nodes) == old


@pytest.mark.long
def test_where_the_old_authority_is_gone_on_one_node_there_is_no_way_but_on(control_planes: Path) -> None:
    nodes, hosts = control_planes, HOSTS[:3]
    changed(rotating(nodes), *hosts)
    new = authority_keys(nodes)
    step = ("rotate", "step", "trust-new", "--no-restart", "--token-life", "0s", "--rootfs", str(nodes / "cp1"))
    assert kubepki(*step).returncode == 0
    for variables in ({}, {"kubepki_rotate_abort": True, **NO_TOKENS}):
        refused = rotating(nodes, **variables)
        assert refused.returncode == 2, refused.output
        assert "the old one is gone on a control plane" in refused.output
    finish = {"kubepki_rotate_finish": True, **NO_TOKENS}
    changed(rotating(nodes, **finish), *hosts)
    assert authority_keys(nodes) == new
    assert not list(nodes.glob("*/etc/**/*-previous.*"))


@pytest.mark.long
def test_the_old_one_is_not_given_up_while_a_node_has_a_certificate_of_it(control_planes: Path) -> None:
    pair = [control_planes / "cp2/etc/kubernetes/pki" / f"front-proxy-client.{ending}" for ending in ("crt", "key")]
    before = [path.read_bytes() for path in pair]
    changed(rotating(control_planes), *HOSTS[:3])
    for path, content in zip(pair, before, strict=True):
        path.write_bytes(content)
    trusted = (control_planes / "cp1/etc/kubernetes/pki/front-proxy-ca.crt").read_bytes()
    finish = {"kubepki_rotate_finish": True, **NO_TOKENS}
    refused = rotating(control_planes, **finish)
    assert refused.returncode != 0
    assert "certificates of the old one are still in use" in refused.output
    assert (control_planes / "cp1/etc/kubernetes/pki/front-proxy-ca.crt").read_bytes() == trusted


@pytest.mark.long
def test_the_controllers_own_authority_comes_with_its_key(control_planes: Path) -> None:
    nodes, hosts = control_planes, HOSTS[:3]
    other = nodes.parent / "other"
    other.mkdir()
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", other)
    assert made.returncode == 0, made.stderr
    certificate, key = ((other / "etc/kubernetes/pki" / name).read_text() for name in ("ca.crt", "ca.key"))
    own = nodes.parent / "own.pem"
    own.write_text(certificate + key)
    several = rotating(nodes, rotate_ca_new_ca=own)
    assert (several.returncode, "rotate_ca_new_ca is one CA" in several.output) == (2, True), several.output
    changed(rotating(nodes, rotate_ca_new_ca=own, rotate_ca_authorities=["ca"]), *hosts)
    assert authority_keys(nodes)["ca"] == {key}
    for host in hosts:
        assert (nodes / host / "etc/kubernetes/pki/ca.crt").read_text().startswith(certificate)


def test_a_node_cannot_say_who_is_given_a_key(nodes: Path) -> None:
    fact = {"ansible.builtin.set_fact": {"kubepki_control_plane": "all", "cacheable": True}}
    role = {"role": "kubepki.kubeadm.rotate_ca", "rotate_ca_phase": "look"}
    playbook = nodes.parent / "lying.yml"
    playbook.write_text(json.dumps([{"hosts": "worker1", "gather_facts": False, "pre_tasks": [fact], "roles": [role]}]))
    played = play(playbook, nodes.parent / "home", "-i", EXAMPLES / "inventory.yml", nodes_dir=nodes)
    assert (played.returncode, "a fact of this host has the name of a variable" in played.output) == (2, True), (
        played.output
    )


@pytest.mark.long
def test_a_node_that_is_not_what_the_inventory_says_is_given_no_key(between: Path) -> None:
    # A worker's files on a host that stands among the control planes.
    etc = between / "cp3/etc/kubernetes"
    for path in [*etc.glob("pki/*"), *etc.glob("manifests/*"), *etc.glob("*.conf")]:
        if path.name in {"ca.crt", "kubelet.conf"}:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = contents(between)
    played = rotating(between)
    assert played.returncode != 0
    assert "it is a worker, and the inventory says otherwise" in played.output
    assert contents(between) == before


@pytest.mark.long
def test_a_control_plane_without_a_ca_is_not_left_out(between: Path) -> None:
    for path in (between / "cp3/etc/kubernetes/pki").glob("front-proxy-*"):
        path.unlink()
    before = contents(between)
    for is_finished in (False, True):
        played = rotating(between, kubepki_rotate_finish=is_finished, **NO_TOKENS)
        assert played.returncode != 0
        assert "front-proxy-ca: nodes have nothing of it, and would be cut off: cp3" in played.output
        assert contents(between) == before

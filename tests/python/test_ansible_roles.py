"""The roles and the example playbooks, on the five folders of `examples/ansible/inventory.yml`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from example_nodes import EXAMPLES, HOSTS, changed, example, nodes
from kubepki import read_certificates
from nodes import RunningNode
from playbooks import ANSIBLE, COLLECTION, ROOT, Played, play
from trees import COMMAND, kubepki

# Every certificate of kubeadm's period ends within this time; none that is made for it does.
LONGER = {"renew_before": "400d", "renew_validity": "500d"}

__all__ = ["nodes"]

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


def test_the_audit_has_every_host_and_the_host_that_is_gone(nodes: Path, tmp_path: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/ha/first.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    (nodes / "cp1/etc/kubernetes/admin.conf").chmod(0o644)
    gone = tmp_path / "gone.yml"
    # A port of this machine on which nobody listens; without ssh it is not reached either.
    gone.write_text("all: {hosts: {gone<i>: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}}\n")
    # `gone` is no kubeadm node: it has none of the groups' variables.
    variables = {"kubeadm_config": "", "audit_fail_on": "unknown"}
    played = example("audit.yml", nodes, "-i", gone, **variables)
    assert played.returncode == 2, played.output
    assert played.recap("cp1")["changed"] == 0

    report = json.loads((nodes / "kubepki-audit.json").read_text())
    assert (report["status"], report["title"]) == ("unknown", "Certificates of the cluster prod")
    states = {host["host"]: host["status"] for host in report["hosts"]}
    assert states == {"gone<i>": "unknown", **dict.fromkeys(HOSTS[1:], "unknown"), "cp1": "warning"}
    assert report["hosts"][-1]["host"] == "cp1"
    assert {each["name"] for each in report["hosts"][-1]["certificates"]} >= {"apiserver", "admin.conf", "etcd-ca"}
    assert [each["code"] for each in report["hosts"][-1]["findings"]] == ["file.mode_too_wide"]

    page = (nodes / "kubepki-audit.html").read_text()
    assert page.startswith("<!doctype html>\n<html lang=")
    assert "<title>Certificates of the cluster prod: critical</title>" in page or ": unknown</title>" in page
    assert "gone&#60;i&#62;" in page or "gone&lt;i&gt;" in page
    assert "gone<i>" not in page
    # The broken host is on it with its cause and its remedy, and the others with why nothing is known of them.
    assert 'data-code="file.mode_too_wide"' in page
    assert page.count('<details class="tree"') == len(states)


def test_the_road_of_an_external_ca_keeps_its_keys_on_the_controller(nodes: Path) -> None:
    limit = ("--limit", "localhost,cp1,worker1")
    hosts = ("cp1", "worker1")
    first = changed(example("external-ca.yml", nodes, *limit), *hosts)
    assert all(first.values()), first
    keys = {path.relative_to(nodes).as_posix() for path in nodes.rglob("*ca.key")}
    assert keys == {"authority/ca.key", "authority/front-proxy-ca.key", "authority/etcd/ca.key"}
    assert list(nodes.glob("*/etc/**/*.csr")) == []
    for host in hosts:
        checked = kubepki("check", "--rootfs", nodes / host)
        assert checked.returncode == 0, checked.stdout

    # A node loses what it has: check mode says so, and touches neither it nor the one that is well.
    shutil.rmtree(nodes / "cp1/etc")
    foretold = changed(example("external-ca.yml", nodes, *limit, "--check", "--diff"), *hosts)
    assert (foretold["cp1"] > 0, foretold["worker1"]) == (True, 0)
    assert not (nodes / "cp1/etc").exists()

    second = changed(example("external-ca.yml", nodes, *limit, "--diff"), *hosts)
    assert (second["cp1"] > 0, second["worker1"]) == (True, 0)


def test_a_node_that_lies_gets_nothing_but_what_its_place_in_the_inventory_allows(nodes: Path, tmp_path: Path) -> None:
    limit = ("--limit", "localhost,worker1")
    changed(example("external-ca.yml", nodes, *limit), "worker1")
    for path in nodes.rglob("worker1/etc/kubernetes/kubelet.conf*"):
        path.unlink()

    # The worker's own module, which answers as it likes: its copy of the collection is found before the installed one.
    playbooks = shutil.copytree(EXAMPLES, tmp_path / "playbooks")
    forged = playbooks / "collections/ansible_collections/kubepki/kubeadm"
    shutil.copytree(COLLECTION, forged)
    module = forged / "plugins/modules/csr.py"
    lie = """    import json
    import pathlib
    lie = pathlib.Path(module.params["rootfs"]) / "lie.json"
    if lie.exists():
        result = {"changed": True, **json.loads(lie.read_text())}
    module.exit_json(**result)"""
    honest = module.read_text()
    assert honest.count("    module.exit_json(**result)") == 1
    module.write_text(honest.replace("    module.exit_json(**result)", lie))

    def answering(requests: list[dict[str, str]], **others: object) -> str:
        (nodes / "worker1/lie.json").write_text(json.dumps({"requests": requests, **others}))
        played = play(
            playbooks / "external-ca.yml", tmp_path / "home", "-i", playbooks / "inventory.yml", *limit, nodes_dir=nodes
        )
        assert played.returncode == 2, played.output
        assert "BEGIN CERTIFICATE-----" not in played.output
        assert not list(nodes.rglob("worker1/**/*.crt.new"))
        (code,) = set(re.findall(r'"code": "(policy\.\w+|plan\.\w+)"', played.output)) or {played.output}
        assert code == "policy.refused", played.output
        return played.output

    def request(name: str, config: Path, *words: str) -> str:
        folder = tmp_path / f"asked-{name}-{len(list(tmp_path.iterdir()))}"
        done = kubepki("certs", "generate-csr", name, "--config", config, "--out-dir", folder, *words)
        assert done.returncode == 0, done.stderr
        return next(folder.rglob("*.csr")).read_text()

    control_plane = ROOT / "examples/single-node.yaml"
    # A worker that asks for the cluster: by its name, and under a name that it may have.
    masters = request("super-admin.conf", control_plane)
    said = answering([{"name": "super-admin.conf", "content": masters}], role="control-plane", node_name="cp1")
    assert "worker nodes have no super-admin.conf, and worker1 is one [request.other_role]" in said
    assert "CN=kubernetes-super-admin" in answering([{"name": "kubelet.conf", "content": masters}])
    for name in ("admin.conf", "apiserver", "controller-manager.conf", "etcd-peer", "front-proxy-client"):
        content = request(name, control_plane)
        assert "[request.other_role]" in answering([{"name": name, "content": content}]), name
    # In another node's name; and one bad request spoils the good one beside it.
    other = request("kubelet.conf", control_plane, "--node-name", "worker2")
    own = request("kubelet.conf", control_plane, "--node-name", "worker1")
    assert "kubelet.conf is CN=system:node:worker1," in answering([{"name": "kubelet.conf", "content": other}])
    answering([{"name": "kubelet.conf", "content": own}, {"name": "admin.conf", "content": masters}])


def test_facts_of_a_node_are_no_word_of_the_inventory(nodes: Path, tmp_path: Path) -> None:
    changed(example("external-ca.yml", nodes, "--limit", "localhost,cp1"), "cp1")
    for path in nodes.rglob("sa.key"):
        if "authority" not in path.parts:
            path.unlink()
    # The variables are where they belong, in the inventory; and the worker answers as it likes, from its first task on.
    inventory = tmp_path / "inventory.yml"
    known = {
        "external_ca_dir": "{{ nodes_dir }}/authority",
        "external_ca_node_name": "{{ inventory_hostname }}",
        "external_ca_role": "{{ kind_of_node }}",
        "kind_of_node": "worker",
        "external_ca_authorities": ["ca"],
        "external_ca_service_account": False,
        "external_ca_rootfs": "{{ nodes_dir }}/{{ inventory_hostname }}",
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"worker1": known}}}))
    forged = tmp_path / "collections/ansible_collections/kubepki/kubeadm"
    shutil.copytree(COLLECTION, forged)
    facts: dict[str, object] = {"external_ca_role": "control-plane", "external_ca_service_account": True}
    facts |= {"kind_of_node": "control-plane", "external_ca_node_name": "cp1"}
    for name in ("install", "csr"):
        module = forged / f"plugins/modules/{name}.py"
        lie = f"    module.exit_json(**result, ansible_facts={facts!r})"
        module.write_text(module.read_text().replace("    module.exit_json(**result)", lie))
    asking = forged / "plugins/modules/csr.py"
    config = ROOT / "examples/single-node.yaml"
    done = kubepki("certs", "generate-csr", "admin.conf", "--config", config, "--out-dir", tmp_path / "asked")
    assert done.returncode == 0, done.stderr
    request = {"name": "admin.conf", "content": (tmp_path / "asked/admin.conf.csr").read_text()}
    asking.write_text(
        asking.read_text().replace(
            "    module.exit_json(", f"    result['requests'] = [{request!r}]\n    module.exit_json("
        )
    )

    roles: list[object] = [{"role": "kubepki.kubeadm.external_ca"}]
    playbook = tmp_path / "sign.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": roles}]))
    played = play(playbook, tmp_path / "home", "-i", inventory, nodes_dir=nodes)
    assert "worker nodes have no admin.conf, and worker1 is one [request.other_role]" in played.output
    assert not list((nodes / "worker1").rglob("sa.key"))

    # Facts that came before the role: what has the name of one of its variables is refused.
    before = {"ansible.builtin.set_fact": {"external_ca_role": "control-plane", "cacheable": True}}
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "pre_tasks": [before], "roles": roles}]))
    played = play(playbook, tmp_path / "home", "-i", inventory, nodes_dir=nodes)
    assert played.returncode == 2, played.output
    assert "a fact of this host has the name of a variable of this role: external_ca_role" in played.output


def test_facts_of_a_node_do_not_say_where_the_controller_writes(nodes: Path, tmp_path: Path) -> None:
    forged = tmp_path / "collections/ansible_collections/kubepki/kubeadm"
    shutil.copytree(COLLECTION, forged)
    module = forged / "plugins/modules/certificate_info.py"
    target = tmp_path / "precious"
    target.write_text("precious")
    facts = {"audit_html": str(target), "audit_json": str(target), "audit_title": "$(touch /tmp/x)"}
    honest = module.read_text()
    assert "    module.exit_json(" in honest
    module.write_text(honest.replace("    module.exit_json(", f"    module.exit_json(ansible_facts={facts!r}, "))
    known = {"ansible_connection": "local", "audit_rootfs": str(nodes / "cp1"), "audit_output_dir": str(tmp_path)}
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"cp1": known}}}))
    playbook = tmp_path / "audit.yml"
    roles = [{"role": "kubepki.kubeadm.audit"}]
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": roles}]))
    played = play(playbook, tmp_path / "home", "-i", inventory)
    assert played.returncode == 0, played.output
    assert target.read_text() == "precious"
    assert json.loads((tmp_path / "kubepki-audit.json").read_text())["title"] == "Certificates of the cluster"


def test_the_inventorys_become_does_not_reach_the_controller(nodes: Path, tmp_path: Path) -> None:
    # It notes what it is asked to run, and runs it: what a node's sudo would do.
    log, program = tmp_path / "become.log", tmp_path / "sudo"
    log.touch()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n'
    )
    program.chmod(0o755)
    become = tmp_path / "become.yml"
    # Another user than the one at hand, or Ansible asks for nothing.
    variables = {"ansible_become": True, "ansible_become_user": "daemon", "ansible_become_exe": str(program)}
    become.write_text(json.dumps({"all": {"vars": variables}}))
    words = ("--limit", "cp1", "-i", become)
    done = kubepki("init", "--config", ROOT / "examples/ha/first.yaml", "--rootfs", nodes / "cp1")
    assert done.returncode == 0, done.stderr
    audited = example("audit.yml", nodes, *words, kubeadm_config="")
    assert audited.returncode == 0, audited.output
    assert "certificate_info" in log.read_text()
    for module in ("file", "copy", "template", "stat"):
        assert f"AnsiballZ_{module}.py" not in log.read_text()

    log.write_text("")
    signed = example("external-ca.yml", nodes, "--limit", "localhost,worker1", "-i", become)
    assert signed.returncode == 0, signed.output
    assert "AnsiballZ_csr.py" in log.read_text()
    assert "AnsiballZ_sign_pipe.py" not in log.read_text()


def renewed(nodes: Path, *arguments: str, **variables: object) -> Played:
    known = {"renew_rootfs": str(nodes / "cp1"), "renew_restart": False, "ansible_connection": "local"}
    playbook = nodes.parent / "renew.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["kubepki.kubeadm.renew"]}]))
    inventory = nodes.parent / "one.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"cp1": {**known, **variables}}}}))
    return play(playbook, nodes.parent / "home", "-i", inventory, *arguments)


def test_a_renewal_that_sees_nothing_is_not_green(nodes: Path) -> None:
    for words in ((), ("--check",)):
        nothing = renewed(nodes, *words)
        assert nothing.returncode == 2, nothing.output
        assert "nothing could be looked at: no certificate and no kubeconfig was found" in nothing.output
        assert "[ansible.nothing_seen]; hint: say where the node's files are, with rootfs" in nothing.output

    made = kubepki("init", "--config", ROOT / "examples/ha/first.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    assert renewed(nodes).returncode == 0
    missing = renewed(nodes, renew_rootfs=str(nodes / "cp9"))
    assert (missing.returncode, "store.rootfs_not_a_directory" in missing.output) == (2, True)


def test_an_empty_list_of_names_renews_nothing(nodes: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/ha/first.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    none = renewed(nodes, renew_names=[], renew_force=True)
    assert (none.returncode, none.recap("cp1")["changed"]) == (0, 0), none.output
    every = renewed(nodes, renew_force=True)
    assert (every.returncode, every.recap("cp1")["changed"]) == (0, 1), every.output


@pytest.mark.parametrize("binary", [None, str(COMMAND)])
def test_a_worker_has_no_static_pods_and_a_control_plane_must_have_them(binary: str | None, nodes: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    for name in ("kubelet.conf", "pki/ca.crt"):
        file = nodes / "worker1/etc/kubernetes" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(nodes / "cp1/etc/kubernetes" / name, file)
    wanted = {"renew_binary": binary, "renew_restart": True}
    for words in ((), ("--check",)):
        worker = renewed(nodes, *words, **wanted, renew_rootfs=str(nodes / "worker1"))
        assert (worker.returncode, worker.recap("cp1")["changed"]) == (0, 0), worker.output
        lost = renewed(nodes, *words, **wanted)
        said = f"has a manifest in {nodes}/cp1/etc/kubernetes/manifests"
        assert (lost.returncode, said in lost.output) == (2, True), lost.output


def old_python() -> str:
    """Return a Python that the library cannot be used with but Ansible can, where this machine has one."""
    found = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3"))
    return str(found[0]) if found else sys.executable


def test_a_node_without_the_library_is_renewed_and_audited_by_the_program(nodes: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    program: dict[str, object] = {"kubepki_binary": str(COMMAND), "ansible_python_interpreter": old_python()}
    wanted = {
        **program,
        "renew_config_content": {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration"},
        "renew_node_name": "cp1",
        "renew_add_sans": {"apiserver": ["extra.example.test"]},
    }
    before = (nodes / "cp1/etc/kubernetes/pki/apiserver.crt").read_bytes()
    foretold = renewed(nodes, "--check", **wanted)
    assert (foretold.returncode, foretold.recap("cp1")["changed"]) == (0, 1), foretold.output
    assert "to be renewed: apiserver" in foretold.output
    assert (nodes / "cp1/etc/kubernetes/pki/apiserver.crt").read_bytes() == before
    first = renewed(nodes, **wanted)
    assert (first.returncode, first.recap("cp1")["changed"]) == (0, 1), first.output
    (file,) = read_certificates(nodes / "cp1/etc/kubernetes/pki/apiserver.crt")
    assert "DNS:extra.example.test" in file.certificates[0].subject_alt_names
    again = renewed(nodes, **wanted)
    assert (again.returncode, again.recap("cp1")["changed"]) == (0, 0), again.output
    every = renewed(nodes, **wanted, renew_force=True, renew_backups_keep=1)
    assert (every.returncode, every.recap("cp1")["changed"]) == (0, 2), every.output
    assert len([path for path in (nodes / "cp1/var/lib/kubepki/backups").iterdir() if path.is_dir()]) == 1
    none = renewed(nodes, **wanted, renew_force=True, renew_names=[])
    assert (none.returncode, none.recap("cp1")["changed"]) == (0, 0), none.output
    nowhere = renewed(nodes, **program, renew_rootfs=str(nodes / "cp2"))
    assert (nowhere.returncode, "[ansible.nothing_seen]" in nowhere.output) == (2, True), nowhere.output
    broken = renewed(nodes, **program, renew_rootfs=str(nodes / "cp9"))
    assert (broken.returncode, "store.rootfs_not_a_directory" in broken.output) == (2, True), broken.output

    (nodes / "cp1/etc/kubernetes/admin.conf").chmod(0o644)
    audited = example("audit.yml", nodes, "--limit", "cp1,cp2", kubeadm_config="", **program)
    assert audited.returncode == 0, audited.output
    report = json.loads((nodes / "kubepki-audit.json").read_text())
    states = {host["host"]: host["status"] for host in report["hosts"]}
    assert states == {"cp1": "warning", "cp2": "unknown"}
    (one,) = (host for host in report["hosts"] if host["host"] == "cp1")
    assert {each["days_left"] for each in one["certificates"] if not each["is_ca"]} == {364}


def test_the_program_makes_the_page_where_the_controller_has_no_library(nodes: Path, tmp_path: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    copy = tmp_path / "collections/ansible_collections/kubepki/kubeadm"
    shutil.copytree(COLLECTION, copy)
    door = copy / "plugins/module_utils/_kubepki.py"
    door.write_text(door.read_text().replace("    import kubepki\n", "    import no_such_package as kubepki\n", 1))
    playbook = tmp_path / "audit.yml"
    role = {"role": "kubepki.kubeadm.audit"}
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "roles": [role]}]))
    wanted: dict[str, object] = {"audit_rootfs": nodes / "cp1", "audit_output_dir": tmp_path / "out"}
    wanted |= {"audit_binary": COMMAND, "audit_title": "-o text {{ 1 }} <prod>"}

    def audited(*words: str, **more: object) -> Played:
        return play(playbook, tmp_path / "home", *words, **wanted, **more)

    lacking = audited()
    assert (lacking.returncode, "[ansible.library_missing]" in lacking.output) == (2, True), lacking.output
    assert not (tmp_path / "out/kubepki-audit.html").exists()
    shutil.rmtree(tmp_path / "out")
    foretold = audited("--check", audit_controller_binary=COMMAND)
    assert (foretold.returncode, (tmp_path / "out").exists()) == (0, False), foretold.output
    done = audited(audit_controller_binary=COMMAND)
    assert done.returncode == 0, done.output
    page = (tmp_path / "out/kubepki-audit.html").read_text()
    assert page.startswith("<!doctype html>\n")
    assert page.rstrip().endswith("</html>")
    assert "&#60;prod&#62;" in page or "&lt;prod&gt;" in page
    assert "apiserver" in page
    broken = audited(audit_controller_binary="/bin/false")
    assert (broken.returncode, "Make the page with the program" in broken.output) == (2, True), broken.output


def test_a_renewal_adds_names_once_and_keeps_the_newest_backups(nodes: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    names = {"apiserver": ["extra.example.test", "192.0.2.77"], "etcd-server": ["etcd.example.test"]}
    first = renewed(nodes, renew_add_sans=names)
    assert (first.returncode, first.recap("cp1")["changed"]) == (0, 1), first.output
    assert "renewed apiserver, etcd-server;" in first.output
    (file,) = read_certificates(nodes / "cp1/etc/kubernetes/pki/apiserver.crt")
    assert {"DNS:extra.example.test", "IP:192.0.2.77"} <= set(file.certificates[0].subject_alt_names)
    again = renewed(nodes, renew_add_sans=names)
    assert (again.returncode, again.recap("cp1")["changed"]) == (0, 0), again.output
    # Those of the configuration, which has neither.
    back = renewed(nodes, renew_sans_from_config=True, renew_config=str(ROOT / "examples/single-node.yaml"))
    assert (back.returncode, back.recap("cp1")["changed"]) == (0, 1), back.output
    assert "renewed apiserver, etcd-server;" in back.output
    kept = renewed(nodes, renew_backups_keep=None)
    assert (kept.returncode, kept.recap("cp1")["changed"]) == (0, 0), kept.output
    pruned = renewed(nodes, renew_backups_keep=2)
    assert (pruned.returncode, pruned.recap("cp1")["changed"]) == (0, 1), pruned.output
    assert len([path for path in (nodes / "cp1/var/lib/kubepki/backups").iterdir() if path.is_dir()]) == 2


@pytest.mark.parametrize("binary", [None, str(COMMAND)])
def test_a_copy_of_the_administrators_kubeconfig_is_renewed_with_it(binary: str | None, nodes: Path) -> None:
    made = kubepki("init", "--config", ROOT / "examples/single-node.yaml", "--rootfs", nodes / "cp1")
    assert made.returncode == 0, made.stderr
    admin = nodes / "cp1/etc/kubernetes/admin.conf"
    copy, other = nodes / "cp1/root/.kube/config", nodes / "cp1/root/other.conf"
    copy.parent.mkdir(parents=True)
    copy.write_text(admin.read_text())
    copy.chmod(0o400)
    other.write_text(admin.read_text().replace("server: https://", "server: https://elsewhere."))
    before = other.read_text()
    wanted = {
        "renew_kubeconfig_copies": ["/root/.kube/config", "/root/other.conf", "/root/none"],
        "renew_binary": binary,
    }
    first = renewed(nodes, "--diff", **wanted, renew_force=True)
    assert (first.returncode, first.recap("cp1")["changed"]) == (0, 2), first.output
    assert "PRIVATE KEY" not in first.output
    assert "client-key-data" not in first.output
    assert copy.read_text() == admin.read_text()
    assert (copy.stat().st_mode & 0o777, other.read_text()) == (0o400, before)
    again = renewed(nodes, **wanted)
    assert (again.returncode, again.recap("cp1")["changed"]) == (0, 0), again.output


def test_a_signer_is_always_told_of_the_node(nodes: Path) -> None:
    for lacking in ("external_ca_role", "external_ca_node_name"):
        played = example("external-ca.yml", nodes, "--limit", "localhost,worker1", **{lacking: None})
        assert played.returncode == 2, played.output
        kubeconfig = nodes / "worker1/etc/kubernetes/kubelet.conf"
        assert not kubeconfig.exists() or "client-certificate-data" not in kubeconfig.read_text()


def test_a_cluster_from_nothing_then_its_renewal(nodes: Path) -> None:
    for host in HOSTS:
        (nodes / host).rmdir()
    made = changed(example("cluster.yml", nodes), *HOSTS)
    assert all(made.values()), made
    authority = (nodes / "cp1/etc/kubernetes/pki/ca.crt").read_bytes()
    assert {(nodes / host / "etc/kubernetes/pki/ca.crt").read_bytes() for host in HOSTS} == {authority}
    assert list(nodes.glob("worker*/etc/**/ca.key")) == []
    assert {path.stat().st_mode & 0o777 for path in nodes.rglob("*.conf")} == {0o600}
    again = changed(example("cluster.yml", nodes), *HOSTS)
    assert not any(again.values()), again

    before = serials(nodes)
    early = changed(example("renew.yml", nodes), *HOSTS[:3])
    assert not any(early.values()), early
    foretold = changed(example("renew.yml", nodes, "--check", "--diff", **LONGER), *HOSTS[:3])
    assert all(foretold.values()), foretold
    assert serials(nodes) == before
    renewed = changed(example("renew.yml", nodes, **LONGER), *HOSTS[:3])
    assert all(renewed.values()), renewed
    assert serials(nodes).isdisjoint(before)
    late = changed(example("renew.yml", nodes, **LONGER), *HOSTS[:3])
    assert not any(late.values()), late


def test_a_kubelets_certificate_is_asked_for_on_the_worker_and_signed_where_the_key_is(nodes: Path) -> None:
    for host in HOSTS:
        (nodes / host).rmdir()
    changed(example("cluster.yml", nodes), *HOSTS)
    workers = HOSTS[3:]
    foretold = changed(example("kubelet.yml", nodes, "--check", "--diff"), *workers)
    assert all(foretold.values()), foretold
    assert not list(nodes.rglob("kubelet-client*"))

    def holds() -> dict[str, str]:
        return {
            host: (nodes / host / "var/lib/kubelet/pki/kubelet-client-current.pem").readlink().name for host in workers
        }

    first = changed(example("kubelet.yml", nodes), *workers)
    assert all(first.values()), first
    made = holds()
    for host in workers:
        conf = (nodes / host / "etc/kubernetes/kubelet.conf").read_text()
        assert conf.count(": /var/lib/kubelet/pki/kubelet-client-current.pem\n") == 2
        assert not list((nodes / host / "etc/kubernetes").rglob("*.key"))
        checked = kubepki("check", "--rootfs", nodes / host)
        assert checked.returncode == 0, checked.stdout
    assert not list(nodes.glob("cp*/**/kubelet-client*"))
    again = changed(example("kubelet.yml", nodes), *workers)
    assert not any(again.values()), again
    assert holds() == made
    later = changed(example("kubelet.yml", nodes, kubelet_renew_before="400d"), *workers)
    assert all(later.values()), later
    assert all(now > before for now, before in zip(holds().values(), made.values(), strict=True))


def serials(nodes: Path) -> set[str]:
    files = read_certificates(nodes.glob("cp*/etc/kubernetes/pki/apiserver.crt"))
    return {each.serial for file in files for each in file.certificates}


def test_a_renewal_stops_at_the_first_node_that_is_not_well(nodes: Path) -> None:
    for host in ("cp1", "cp2", "cp3"):
        made = kubepki("init", "--config", ROOT / "examples/ha/first.yaml", "--rootfs", nodes / host)
        assert made.returncode == 0, made.stderr
    # The key of another certificate: nothing can be renewed there.
    shutil.copy(nodes / "cp2/etc/kubernetes/pki/sa.key", nodes / "cp2/etc/kubernetes/pki/ca.key")
    played = example("renew.yml", nodes, kubeadm_config="", **LONGER)
    assert played.returncode == 2, played.output
    assert played.recap("cp1")["changed"] == 1
    assert played.recap("cp2")["failed"] == 1
    assert "key.mismatch" in played.output
    assert "cp3 " not in played.output.rpartition("PLAY RECAP")[2]


@pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed (make system-tools)")
def test_a_renewal_restarts_what_must_be_and_sees_what_is_served(tmp_path: Path) -> None:
    play_renewal = ROOT / "tests/ansible/roles/renew.yml"
    with RunningNode(tmp_path / "node").running() as node:
        old = node.served("kube-apiserver")
        variables = {"root": node.root, "examples": ROOT / "examples"}
        first = play(play_renewal, tmp_path / "home", "--diff", **variables)
        assert changed(first, "localhost")["localhost"] > 0
        assert f"{node.served('kube-apiserver'):x}" == f"{node.on_disk('apiserver'):x}"
        assert node.served("kube-apiserver") != old
        node.assert_manifests_are_in_place()
        node.assert_never_two_down()

"""The roles and the example playbooks, on the five folders of `examples/ansible/inventory.yml`."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from playbooks import ANSIBLE, ROOT, Played, play
from trees import kubepki

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples/ansible"
HOSTS = ("cp1", "cp2", "cp3", "worker1", "worker2")

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Make the folders that stand for the nodes, empty."""
    for host in HOSTS:
        (tmp_path / "nodes" / host).mkdir(parents=True)
    return tmp_path / "nodes"


def example(name: str, nodes: Path, *arguments: str | Path, **variables: object) -> Played:
    return play(
        EXAMPLES / name,
        nodes.parent / "home",
        "-i",
        EXAMPLES / "inventory.yml",
        *arguments,
        nodes_dir=nodes,
        **variables,
    )


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
    assert "gone&lt;i&gt;" in page
    assert "gone<i>" not in page
    # It fetches nothing, and says in words what it says in colours.
    assert re.findall(r"(?:src|href)=\"(?!#)|@import|url\(", page) == []
    badges = re.findall(r'<span class="badge (\w+)"><span aria-hidden="true">.</span> (\w+)</span>', page)
    assert badges
    assert all(colour == word for colour, word in badges)
    assert page.count("<th scope=") > 20


def changed(played: Played, *hosts: str) -> dict[str, int]:
    """Return how much changed on each host, of a run that ended well."""
    assert played.returncode == 0, played.output
    assert "PRIVATE KEY" not in played.output
    return {host: played.recap(host)["changed"] for host in hosts}


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

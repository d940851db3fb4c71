"""`kubepki rotate` on a living cluster of three control planes and two workers under load: no request fails."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from testbed.asking import ask
from testbed.load import load
from testbed.rotation import AUTHORITIES, PAIRS, Rotation, first_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.load import Load
    from testbed.node import Completed, Node

pytestmark = [pytest.mark.cluster, pytest.mark.long]

# Each kind of request was made so often that some met every moment of a rotation.
_ENOUGH = 30
# While etcd's members of three nodes are restarted, one after the other, once before and once after.
_MOST_LEADERS = 6


def three_and_two(make: MakeCluster) -> Cluster:
    """The cluster of these tests; kubelets start a container again at once, however often it has ended."""
    return make(control_planes=3, workers=2, most_back_off=1)


def assert_nothing_failed(under: Load) -> None:
    """No request has failed, of any kind; streams were there all the time.

    Left out are writes that etcd itself loses when its leader ends: with each leader one of each of the two writers.
    """
    client = under.client
    lost, others = client.split()
    assert not others, under.report()
    assert len(lost) <= 2 * _MOST_LEADERS, under.report()
    assert not under.of_pod(), under.report()
    assert min(client.requests.values()) > _ENOUGH, under.report()
    assert {*client.pieces} == {"exec", "log", "watch"}, under.report()


def rotate(here: Cluster, authorities: Sequence[str]) -> Rotation:
    """Rotate, under load, to the end.

    Tokens of the old key end with it: whoever has one gets another before. So there the load begins anew between.
    """
    rotation = Rotation(here, authorities)
    with load(here) as under:
        rotation.succeed("start")
        assert rotation.are("both, new first"), {name: rotation.states(name) for name in authorities}
        assert not under.client.old_pod, under.report()
        here.wait_until_healthy()
        for node in here.nodes:
            checked = json.loads(node.kubepki("check", "--output=json").stdout)
            assert not [each for each in checked["findings"] if each["severity"] == "critical"], (node.name, checked)
        if "sa" not in authorities:
            rotation.finish()
    assert_nothing_failed(under)
    if "sa" in authorities:
        with load(here) as afterwards:
            rotation.finish()
        assert_nothing_failed(afterwards)
    elif "ca" in authorities:
        assert under.client.old_pod, "whoever trusts the old CA alone is served until it goes, and then no more"
    return rotation


def assert_is_new(rotation: Rotation) -> None:
    """Every node and every object has the new ones alone, and kubepki finds nothing."""
    here = rotation.cluster
    assert rotation.are("new"), {name: rotation.states(name) for name in rotation.authorities}
    for name in {*AUTHORITIES} - {*rotation.authorities}:
        assert {*rotation.states(name).values()} == {"old"}, name
    assert not rotation.leftovers()
    here.wait_until_healthy()
    for node in here.nodes:
        checked = node.kubepki("check")
        assert checked.returncode == 0, f"{node.name}: {checked.stdout}{checked.stderr}"
    for node in here.control_planes:
        due = json.loads(node.kubepki("restart", "--dry-run", "--output=json").stdout)
        assert not [each for each in due["plan"]["components"] if each["action"] == "restart"], (node.name, due)
    assert rotation.run("status").returncode == 0


@pytest.mark.parametrize("authority", ["front-proxy-ca", "etcd-ca", "sa", "ca"])
def test_one_authority_is_rotated_without_a_failed_request(cluster: MakeCluster, authority: str) -> None:
    rotation = rotate(three_and_two(cluster), [authority])
    assert_is_new(rotation)


def old_credentials(here: Cluster) -> dict[str, Path]:
    """Keep what clients had before: the kubeconfig, and etcd's client."""
    kept = here.folder / "before"
    kept.mkdir()
    found = {}
    for name, file in {
        "admin.conf": "admin.conf",
        "crt": "pki/apiserver-etcd-client.crt",
        "key": "pki/apiserver-etcd-client.key",
    }.items():
        found[name] = kept / name
        found[name].write_bytes((here.first.kubernetes / file).read_bytes())
    return found


def assert_only_the_new_is_accepted(here: Cluster, old: dict[str, Path]) -> None:
    """Who trusts the new CAs alone is served at every address; who shows a certificate of an old one is refused."""
    pki = here.first.kubernetes / "pki"
    authority, etcd = pki / "ca.crt", pki / "etcd/ca.crt"
    new_client = (pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key")
    peer = (pki / "etcd/peer.crt", pki / "etcd/peer.key")
    for node in here.control_planes:
        assert " 200 " in ask(here, node.address, 6443, authority)
        assert " 200 " in ask(here, node.address, 2379, etcd, new_client)
        # A peer's certificate must have the address that it comes from: this one is shown who serves, and no more.
        assert "Error" not in ask(here, node.address, 2380, etcd, peer)
        assert " 200 " not in ask(here, node.address, 2379, etcd, (old["crt"], old["key"]))
        server = (f"--server=https://{node.address}:6443", f"--certificate-authority={authority}")
        refused = here.client(*server, "get", "namespaces", kubeconfig=old["admin.conf"])
        assert refused.returncode == 1
        # kubectl's words for 401.
        assert "must be logged in" in refused.stderr, refused.stderr
        served = here.client(*server, "get", "namespaces", kubeconfig=here.first.kubernetes / "admin.conf")
        assert served.returncode == 0, served.stderr


def joins(here: Cluster, node: Node) -> Completed:
    """Try `kubeadm join` on a node, by another name, with the hash of the CA that signs now; nothing is changed."""
    file = here.join_file(node)
    text = node.root / file.lstrip("/")
    text.write_text(text.read_text().replace(f'"name": "{node.name}"', f'"name": "{node.name}-again"'))
    return node.kubeadm("join", "--dry-run", "--config", file, timeout=600)


def test_all_four_are_rotated_at_once_and_kubeadm_works_on(cluster: MakeCluster) -> None:
    here = cluster(control_planes=3, workers=3, most_back_off=1, bare=True)
    # One worker comes later.
    late = here.workers.pop()
    here.bring_up()
    old = old_credentials(here)
    assert joins(here, late).returncode == 0

    rotation = rotate(here, AUTHORITIES)

    assert_is_new(rotation)
    assert_only_the_new_is_accepted(here, old)
    here.join(late)
    here.workers.append(late)
    here.wait_until_healthy()
    renewed = here.first.kubeadm("certs", "renew", "all")
    assert renewed.returncode == 0, renewed.stderr
    assert here.first.kubepki("restart").returncode == 0
    for node in (here.control_planes[1], here.workers[0]):
        upgraded = node.kubeadm("upgrade", "node", "--dry-run", "--ignore-preflight-errors=all", timeout=600)
        assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    here.wait_until_healthy()
    for node in here.nodes:
        checked = node.kubepki("check")
        assert checked.returncode == 0, f"{node.name}: {checked.stdout}"


def trust_both(rotation: Rotation) -> None:
    """Do the first step alone, on every node, as other tools than kubepki itself do it."""
    here = rotation.cluster
    chosen = [word for name in rotation.authorities for word in ("--authority", name)]
    made = here.first.kubepki("rotate", "step", "trust-both", *chosen)
    assert made.returncode == 0, made.stderr
    for node in here.nodes[1:]:
        role = "control-plane" if node in here.control_planes else "worker"
        material = here.first.kubepki("rotate", "export", "--to", role, *chosen)
        assert material.returncode == 0, material.stderr
        file = node.root / "etc/kubeadm/material"
        file.touch(mode=0o600)
        file.write_text(material.stdout)
        done = node.kubepki("rotate", "step", "trust-both", *chosen, "--material=/etc/kubeadm/material")
        assert done.returncode == 0, f"{node.name}: {done.stderr}"
        file.unlink()


@pytest.mark.parametrize("state", ["trust-both", "issue-new"])
def test_a_rotation_is_given_up_without_a_failed_request(cluster: MakeCluster, state: str) -> None:
    here = three_and_two(cluster)
    rotation = Rotation(here, ["ca", "front-proxy-ca", "etcd-ca"])
    keys = {name: (here.first.kubernetes / f"pki/{PAIRS[name]}.key").read_bytes() for name in AUTHORITIES}
    with load(here) as under:
        if state == "trust-both":
            trust_both(rotation)
            assert rotation.are("both, old first")
        else:
            rotation.succeed("start")
            assert rotation.are("both, new first")
        assert joins(here, here.workers[1]).returncode == 0

        rotation.succeed("abort", "--token-life=1s")

    assert_nothing_failed(under)
    assert not under.client.old_pod, under.report()
    for name in AUTHORITIES:
        assert {*rotation.states(name).values()} == {"old"}
        assert (here.first.kubernetes / f"pki/{PAIRS[name]}.key").read_bytes() == keys[name]
    assert not rotation.leftovers()
    here.wait_until_healthy()
    for node in here.nodes:
        checked = node.kubepki("check")
        assert checked.returncode == 0, f"{node.name}: {checked.stdout}"


def test_what_is_done_is_not_done_again(cluster: MakeCluster) -> None:
    here = three_and_two(cluster)
    rotation = Rotation(here, ["front-proxy-ca"])
    rotation.succeed("start")
    began = time.time()
    signing = first_certificate(here.first.kubernetes / "pki/front-proxy-ca.crt")

    rotation.succeed("resume")

    assert rotation.are("both, new first")
    assert {run.phase for run in rotation.runs() if run.began >= began and "--dry-run" not in run.command} <= {
        "rotate status",
        "rotate reserve",
        "cluster",
    }
    assert first_certificate(here.first.kubernetes / "pki/front-proxy-ca.crt") == signing
    again = rotation.run("start")
    assert again.returncode != 0
    assert "code: rotate.under_way" in again.stderr
    rotation.finish()
    assert_is_new(rotation)

"""On nodes as kubeadm has made them, `check` finds where a fresh kubeadm is weak, and no more; it needs no route."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster


def nodes(make: MakeCluster) -> list[Node]:
    return [*make().nodes, *make(control_planes=3, workers=1).nodes]


# The API server takes any certificate of a kubelet, and kubelets make theirs themselves.
WEAK = {("kube-apiserver", "flag.absent", "info"), ("kubelet", "flag.absent", "info")}


def test_check_finds_what_a_fresh_kubeadm_leaves_out_and_no_more(cluster: MakeCluster) -> None:
    for node in nodes(cluster):
        assert node.run("ip", "route", "show", "default").stdout == ""
        done = node.kubepki("check", "--output", "json")
        assert (done.returncode, done.stderr) == (0, ""), f"{node.name}: {done.stdout}{done.stderr}"
        report = json.loads(done.stdout)
        found = {(each["subject"], each["code"], each["severity"]) for each in report["findings"]}
        expected = WEAK if node.name.startswith("cp") else {one for one in WEAK if one[0] == "kubelet"}
        assert (report["status"], found) == ("ok", expected), node.name
        assert report["certificates"], node.name


def test_check_says_so_in_words_too(cluster: MakeCluster) -> None:
    for node in nodes(cluster):
        done = node.kubepki("check")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[-1].startswith("OK: ")


def test_expirations_are_those_that_kubeadm_prints(cluster: MakeCluster) -> None:
    for node in (*cluster().control_planes, *cluster(control_planes=3, workers=1).control_planes):
        ours = node.kubepki("certs", "check-expiration", "--output", "json")
        assert (ours.returncode, ours.stderr) == (0, ""), node.name
        theirs = node.kubeadm("certs", "check-expiration", "--output", "json")
        assert theirs.returncode == 0, theirs.stderr
        assert expirations(ours.stdout) == expirations(theirs.stdout), node.name


def expirations(printed: str) -> dict[str, tuple[str, str, bool]]:
    """Return of each certificate its end, its CA, and whether it is managed elsewhere."""
    # kubeadm may say in front of it that the cluster's configuration is read.
    report = json.loads(printed[printed.index("{") :])
    return {
        each["name"]: (each["expirationDate"], each.get("caName", ""), each["externallyManaged"])
        for each in (*report["certificates"], *report["certificateAuthorities"])
        if not each.get("missing")
    }


def test_expirations_of_a_worker_are_those_of_what_it_has(cluster: MakeCluster) -> None:
    (worker,) = cluster(control_planes=3, workers=1).workers
    done = worker.kubepki("certs", "check-expiration", "--output", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ca" in expirations(done.stdout)


def test_nothing_is_due_for_a_restart(cluster: MakeCluster) -> None:
    for node in nodes(cluster):
        if node.name.startswith("cp"):
            done = node.kubepki("restart", "--dry-run")
            assert done.returncode == 0, f"{node.name}: {done.stdout}{done.stderr}"
            assert "nothing to restart" in done.stderr

"""`kubepki rotate` on the files of several nodes; tests/cluster/test_ca_rotation.py has living ones."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rotated_folders import (
    AUTHORITIES,
    KUBECONFIGS,
    MANIFEST,
    Cluster,
    ca_of,
    certificates,
    cluster,
    made,
    set_of,
    verifies,
)
from trees import PROGRAM, kubepki, run, state

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cluster", "made"]


def test_a_rotation_goes_through_every_node_and_ends_with_the_new_one_alone(cluster: Cluster, tmp_path: Path) -> None:
    old = {name: ca_of(cluster.pki("cp1"), file)[0] for name, file in AUTHORITIES.items()}
    started = cluster.rotate("start")
    assert started.returncode == 0, started.stderr
    assert set(cluster.stages()["cp2"].values()) == {"trust-both/issue-new"}
    assert cluster.phases() == [
        (node, phase) for phase in ("trust-both", "issue-new", "reissue") for node in ("cp1", "cp2")
    ]
    for name, file in AUTHORITIES.items():
        both = ca_of(cluster.pki("cp1"), file)
        assert len(both) == 2
        assert both[1] == old[name]
        assert both == ca_of(cluster.pki("cp2"), file)
    for node in cluster.nodes:
        pki = cluster.pki(node)
        new, previous = ca_of(pki, "ca")
        for conf in KUBECONFIGS[:1] if node == "cp2" else KUBECONFIGS:
            assert sorted(set_of(pki.parent / conf)) == sorted([new, previous])
        # Whoever trusts the old CA alone goes on, by what the old one says of the new one.
        leaf, *rest = ca_of(pki, "apiserver")
        assert len(rest) == 1
        assert verifies(tmp_path, new, leaf)
        assert verifies(tmp_path, previous, leaf, *rest)
        assert not verifies(tmp_path, previous, leaf)
        for file, authority in {"etcd/server": "etcd/ca", "front-proxy-client": "front-proxy-ca"}.items():
            assert verifies(tmp_path, ca_of(pki, authority)[0], ca_of(pki, file)[0])
        manifest = (pki.parent / "manifests/kube-controller-manager.yaml").read_text()
        assert manifest == MANIFEST.replace(
            "cert-file=/etc/kubernetes/pki/ca.crt", "cert-file=/etc/kubernetes/pki/ca-signing.crt"
        )
        assert ca_of(pki, "ca-signing") == [new]
        keys = list(pki.rglob("*.key"))
        assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}

    finished = cluster.rotate("finish", "--token-life", "0s")
    assert finished.returncode == 0, finished.stderr
    assert set(cluster.stages()["cp1"].values()) == {"single"}
    for node in cluster.nodes:
        pki = cluster.pki(node)
        for name, file in AUTHORITIES.items():
            (only,) = ca_of(pki, file)
            assert only != old[name]
        assert len(ca_of(pki, "apiserver")) == 1
        assert set_of(pki.parent / "admin.conf") == ca_of(pki, "ca")
        assert (pki.parent / "manifests/kube-controller-manager.yaml").read_text() == MANIFEST
        left = [
            path.name for path in pki.rglob("*") if any(word in path.name for word in ("next", "previous", "signing"))
        ]
        assert left == []
        checked = kubepki("check", "--rootfs", cluster.folder / node, "-o", "json")
        critical = [one for one in json.loads(checked.stdout)["findings"] if one["severity"] == "critical"]
        assert critical == []
    # The hash that `kubeadm join` takes is the new CA's.
    hashed = run(
        "sh",
        "-c",
        f"openssl x509 -pubkey -noout -in {cluster.pki('cp1')}/ca.crt | openssl pkey -pubin -outform der | sha256sum",
    )
    assert f"sha256:{hashed.stdout.split()[0]}" in finished.stderr


@pytest.mark.parametrize("authority", ["ca", "etcd-ca", "sa"])
def test_one_authority_alone_leaves_the_others_as_they_are(cluster: Cluster, authority: str) -> None:
    before = {node: state(cluster.pki(node)) for node in cluster.nodes}
    assert cluster.rotate("start", "--authority", authority).returncode == 0
    for node, stages in cluster.stages().items():
        assert stages.pop(authority) == "trust-both/issue-new"
        assert set(stages.values()) == {"single"}
        files = state(cluster.pki(node))
        other = {"ca": "front-proxy-ca.crt", "etcd-ca": "ca.crt", "sa": "ca.crt"}[authority]
        same = [
            path
            for path in before[node]
            if path.name in (other, other.replace(".crt", ".key")) and "etcd" not in path.parts
        ]
        assert same
        assert all(files[path] == before[node][path] for path in same)


@pytest.mark.parametrize("begun", ["trust-both", "start"])
def test_what_is_given_up_trusts_and_signs_as_before(cluster: Cluster, begun: str, tmp_path: Path) -> None:
    old = {
        file: (cluster.pki("cp1") / f"{file}.{end}").read_bytes()
        for file in ("ca", "etcd/ca")
        for end in ("crt", "key")
    }
    public = (cluster.pki("cp1") / "sa.pub").read_bytes()
    if begun == "start":
        assert cluster.rotate("start").returncode == 0
    else:
        assert cluster.step("cp1", "trust-both").returncode == 0
    given_up = cluster.rotate("abort")
    assert given_up.returncode == 0, given_up.stderr
    for node in cluster.nodes:
        pki = cluster.pki(node)
        assert set(cluster.stages()[node].values()) == {"single"}
        assert all((pki / f"{file}.key").read_bytes() == content for file, content in old.items())
        assert (pki / "sa.pub").read_bytes() == public
        assert verifies(tmp_path, ca_of(pki, "ca")[0], ca_of(pki, "apiserver")[0])
        assert len(ca_of(pki, "apiserver")) == 1
        assert (pki.parent / "manifests/kube-controller-manager.yaml").read_text() == MANIFEST


def test_every_step_can_be_run_again_and_then_changes_nothing(cluster: Cluster) -> None:
    for phase in ("trust-both", "issue-new", "reissue", "trust-new"):
        first = cluster.step("cp1", phase, "--token-life", "0s", "-o", "json")
        assert first.returncode == 0, first.stderr
        assert json.loads(first.stdout)["changed"]
        before = state(cluster.folder / "cp1/etc")
        if phase == "trust-new":
            # It would be the first step of another rotation.
            assert set(cluster.stages()["cp1"].values()) == {"single"}
        again = cluster.step("cp1", phase, "--token-life", "0s", "-o", "json")
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["changed"] == []
        assert state(cluster.folder / "cp1/etc") == before


def test_a_rotation_that_broke_off_on_one_node_is_gone_on_with(cluster: Cluster) -> None:
    assert cluster.step("cp1", "trust-both").returncode == 0
    refused = cluster.rotate("start")
    assert refused.returncode == 4
    assert "rotate.under_way" in refused.stderr
    resumed = cluster.rotate("resume")
    assert resumed.returncode == 0, resumed.stderr
    assert set(cluster.stages()["cp2"].values()) == {"trust-both/issue-new"}
    assert ca_of(cluster.pki("cp1"), "ca") == ca_of(cluster.pki("cp2"), "ca")
    # And the end of it, from the node on where it broke off.
    assert cluster.step("cp2", "trust-new", "--token-life", "0s").returncode == 0
    assert "rotate.too_late" in cluster.rotate("abort").stderr
    ended = cluster.rotate("resume", "--token-life", "0s")
    assert ended.returncode == 0, ended.stderr
    assert set(cluster.stages()["cp1"].values()) == {"single"}
    nothing = cluster.rotate("resume")
    assert nothing.returncode == 1
    assert "rotate.none" in nothing.stderr


def test_a_step_that_does_not_follow_is_refused_and_changes_nothing(cluster: Cluster) -> None:
    before = state(cluster.folder / "cp1/etc")
    for phase in ("issue-new", "issue-old"):
        refused = cluster.step("cp1", phase)
        assert refused.returncode == 4
        assert "rotate.wrong_stage" in refused.stderr
    assert state(cluster.folder / "cp1/etc") == before
    assert cluster.step("cp1", "trust-both").returncode == 0
    assert cluster.step("cp1", "issue-new").returncode == 0
    before = state(cluster.folder / "cp1/etc")
    early = cluster.step("cp1", "trust-new", "--authority", "ca")
    assert early.returncode == 4
    assert "rotate.leaves_left" in early.stderr
    alive = cluster.step("cp1", "trust-new", "--authority", "sa")
    assert "rotate.tokens_alive" in alive.stderr
    assert state(cluster.folder / "cp1/etc") == before
    assert cluster.rotate("finish").returncode == 4


def test_what_kubeadm_undoes_is_seen_and_repaired(cluster: Cluster) -> None:
    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    pki = cluster.pki("cp1")
    leaf = ca_of(pki, "apiserver")[0]
    (pki / "apiserver.crt").write_text(leaf)
    conf = pki.parent / "scheduler.conf"
    first = ca_of(pki, "ca")[0]
    document = yaml.safe_load(conf.read_text())
    document["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(first.encode()).decode()
    conf.write_text(yaml.safe_dump(document))
    told = cluster.rotate("status")
    assert told.returncode == 1
    assert "scheduler.conf trusts 1 CAs, not 2" in told.stdout
    assert "that the old one has signed" in told.stdout
    assert cluster.rotate("resume").returncode == 0
    assert len(ca_of(pki, "apiserver")) == 2
    assert len(set_of(conf)) == 2


def test_a_ca_of_our_own_is_taken(cluster: Cluster, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    made = run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "3000",
        "-subj",
        "/CN=Corporate",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout",
        tmp_path / "own.key",
        "-out",
        own,
    )
    assert made.returncode == 0, made.stderr
    certificate = own.read_text()
    own.write_text(certificate + (tmp_path / "own.key").read_text())
    assert cluster.rotate("start", "--new-ca", str(own)).returncode == 2
    started = cluster.rotate("start", "--authority", "ca", "--new-ca", str(own))
    assert started.returncode == 0, started.stderr
    assert cluster.rotate("finish", "--authority", "ca").returncode == 0
    assert ca_of(cluster.pki("cp2"), "ca") == certificates(certificate)
    assert verifies(tmp_path, certificate, ca_of(cluster.pki("cp2"), "apiserver")[0])


def test_a_dry_run_says_the_steps_and_changes_nothing(cluster: Cluster) -> None:
    before = state(cluster.folder / "cp1")
    shown = cluster.rotate("start", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == ["trust-both", "issue-new", "reissue"]
    assert cluster.step("cp1", "trust-both", "--dry-run").returncode == 0
    assert state(cluster.folder / "cp1") == before


def test_nothing_is_begun_before_what_etcd_holds_is_kept(cluster: Cluster) -> None:
    begin = ("rotate", "start", "--nodes", cluster.file, "--authority", "front-proxy-ca")
    before = state(cluster.folder / "cp1")
    refused = kubepki(*begin)
    assert refused.returncode == 3, refused.stderr
    assert "code: rotate.no_snapshot" in refused.stderr
    assert state(cluster.folder / "cp1") == before
    shown = kubepki(*begin, "--dry-run")
    assert shown.stdout.splitlines()[1].split() == ["etcd", "snapshot", "cp1"]

    kept = {"file": "/there.db", "size": 7, "sha256": "ab", "server": "127.0.0.1:2379", "etcd_version": "3.6.8"}
    (cluster.folder / "log.etcd").write_text(json.dumps(kept))
    started = kubepki(*begin, "-o", "json")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["etcd_snapshot"] == kept
    assert "cp1: snapshot of etcd: /there.db (7 bytes, SHA-256 ab)" in started.stderr
    # Who goes on has it from the start.
    (cluster.folder / "log.etcd").unlink()
    assert cluster.rotate("abort", "--authority", "front-proxy-ca").returncode == 0


def test_no_private_key_is_said_anywhere(cluster: Cluster) -> None:
    started = cluster.rotate("start", "-o", "json")
    assert "PRIVATE KEY" not in started.stdout + started.stderr
    assert "PRIVATE KEY" not in (cluster.folder / "log").read_text()
    told = cluster.rotate("status", "-o", "json")
    assert "PRIVATE KEY" not in told.stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nodes: [{name: cp1}]", "rotate.bad_nodes"),
        ("nodes: []", "rotate.bad_nodes"),
        ("nodes: [{name: w1, role: worker, run: [kubepki]}]", "rotate.bad_nodes"),
        ("nodes: [{name: a, role: control-plane, run: [x]}, {name: a, role: worker, run: [x]}]", "rotate.bad_nodes"),
        ("nodes: [{name: cp1, role: control-plane, run: [/no/such/program]}]", "rotate.node_failed"),
        ("nodes: [{name: cp1, role: control-plane, run: [echo, nothing]}]", "rotate.bad_answer"),
    ],
)
def test_a_file_of_nodes_that_cannot_be_used_is_refused(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text(text)
    refused = kubepki("rotate", "start", "--nodes", file)
    assert refused.returncode != 0
    assert code in refused.stderr


def test_a_node_that_is_somebody_else_is_refused(cluster: Cluster) -> None:
    entries: dict[str, Any] = yaml.safe_load(cluster.file.read_text())
    entries["nodes"][1]["name"] = "cp9"
    cluster.file.write_text(yaml.safe_dump(entries))
    refused = cluster.rotate("start")
    assert refused.returncode == 4
    assert "rotate.other_node" in refused.stderr
    told = cluster.rotate("status")
    assert told.returncode == 3


@pytest.mark.parametrize("moment", [0.15, 0.4, 0.8, 1.3, 2.0])
def test_killed_at_any_moment_it_is_gone_on_with(cluster: Cluster, moment: float) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "rotate", "start", "--no-etcd-snapshot", "--nodes", str(cluster.file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        # The steps run in groups of their own; they end with what they have begun.
        os.killpg(process.pid, 9)
        process.wait()
    # A step that was under way may begin its work after the first look.
    goals = cluster.rotate("resume")
    for verb in ("start", "resume"):
        if goals.returncode != 0:
            goals = cluster.rotate(verb)
    assert goals.returncode == 0, goals.stderr
    assert set(cluster.stages()["cp1"].values()) == {"trust-both/issue-new"}
    assert set(cluster.stages()["cp2"].values()) == {"trust-both/issue-new"}


def test_private_keys_are_not_printed_on_a_terminal(cluster: Cluster) -> None:
    assert cluster.step("cp1", "trust-both").returncode == 0
    export = [*PROGRAM, "rotate", "export", "--rootfs", str(cluster.folder / "cp1")]
    shown = run("script", "--quiet", "--return", "--command", " ".join(export), "/dev/null")
    assert shown.returncode == 2
    assert "through a pipe" in shown.stdout
    assert "PRIVATE KEY" not in shown.stdout
    assert "PRIVATE KEY" in run(*export).stdout
    for_worker = run("script", "--quiet", "--return", "--command", " ".join([*export, "--to", "worker"]), "/dev/null")
    assert "BEGIN CERTIFICATE" in for_worker.stdout

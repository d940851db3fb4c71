"""`kubepki rotate` on the files of several nodes; tests/cluster/test_ca_rotation.py has living ones."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
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
            "cert-file=/etc/kubernetes/pki/ca.crt", "cert-file=/etc/kubernetes/pki/ca-rotation-signing.crt"
        )
        assert ca_of(pki, "ca-rotation-signing") == [new]
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
    given_up = cluster.rotate("abort", "--token-life", "0s")
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


def test_check_warns_when_clients_of_the_old_ca_are_refused_and_its_remedy_lets_them_in(cluster: Cluster) -> None:
    def found() -> dict[str, str]:
        checked = kubepki("check", "--rootfs", cluster.folder / "cp1", "-o", "json")
        findings: list[dict[str, str]] = json.loads(checked.stdout)["findings"]
        (replaced,) = (one for one in findings if one["code"] == "authority.replaced")
        return replaced

    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    assert found()["severity"] == "info"
    pki = cluster.pki("cp1")
    (pki / "apiserver.crt").write_text(ca_of(pki, "apiserver")[0])
    lost = found()
    assert lost["severity"] == "warning"
    remedy = re.search(r"`(kubepki certs renew [^`]*)`", lost["remedy"])
    assert remedy, lost
    done = kubepki(*shlex.split(remedy[1])[1:])
    assert done.returncode == 0, done.stderr
    assert found()["severity"] == "info"
    assert len(ca_of(pki, "apiserver")) == 2


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


def make_ca(folder: Path, name: str, *arguments: str | Path) -> Path:
    """Make a CA's certificate and key, in one file."""
    made = run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3000"),
        *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", *arguments),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"),
    )
    assert made.returncode == 0, made.stderr
    both = folder / f"{name}.pem"
    both.write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    both.chmod(0o600)
    return both


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("no key", "rotate.bad_authority"),
        ("encrypted", "key.encrypted"),
        ("constrained", "rotate.bad_authority"),
        ("below", "rotate.bad_authority"),
        ("writable", "rotate.foreign_material"),
    ],
)
def test_a_ca_that_cannot_sign_here_is_refused_before_anything_changes(
    cluster: Cluster, tmp_path: Path, fault: str, code: str
) -> None:
    constraints = ("-addext", "nameConstraints=critical,permitted;DNS:example.org") if fault == "constrained" else ()
    pki = cluster.pki("cp1")
    signer = ("-CA", pki / "ca.crt", "-CAkey", pki / "ca.key") if fault == "below" else ()
    own = make_ca(tmp_path, "own", *constraints, *signer)
    if fault == "no key":
        own = tmp_path / "own.crt"
    elif fault == "encrypted":
        key = run("openssl", "pkcs8", "-topk8", "-passout", "pass:secret", "-in", tmp_path / "own.key")
        assert key.returncode == 0
        own.write_text((tmp_path / "own.crt").read_text() + key.stdout)
    elif fault == "writable":
        own.chmod(0o666)
    before = state(cluster.folder / "cp1/etc")
    refused = cluster.rotate("start", "--authority", "ca", "--new-ca", str(own))
    assert refused.returncode != 0
    assert code in refused.stderr
    assert "PRIVATE KEY" not in refused.stderr
    assert state(cluster.folder / "cp1/etc") == before


def test_a_key_that_was_missing_is_taken_when_it_is_given(cluster: Cluster, tmp_path: Path) -> None:
    own = make_ca(tmp_path, "own")
    assert cluster.step("cp1", "trust-both", "--authority", "ca", "--new-ca", own).returncode == 0
    key = cluster.pki("cp1") / "ca-next.key"
    content = key.read_bytes()
    key.unlink()
    assert cluster.step("cp1", "issue-new", "--authority", "ca").returncode != 0
    given = cluster.step("cp1", "trust-both", "--authority", "ca", "--new-ca", own)
    assert given.returncode == 0, given.stderr
    assert key.read_bytes() == content
    assert cluster.step("cp1", "issue-new", "--authority", "ca").returncode == 0


def test_a_key_that_others_can_read_is_warned_of(cluster: Cluster, tmp_path: Path) -> None:
    own = make_ca(tmp_path, "own")
    quiet = cluster.step("cp1", "trust-both", "--authority", "ca", "--new-ca", own, "--dry-run")
    assert "others can read it" not in quiet.stderr
    own.chmod(0o644)
    told = cluster.step("cp1", "trust-both", "--authority", "ca", "--new-ca", own, "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "others can read it" in told.stderr


def test_a_signing_pair_of_an_administrator_stays_as_it_is(cluster: Cluster, tmp_path: Path) -> None:
    make_ca(tmp_path, "signing")
    manifest = MANIFEST.replace("cert-file=/etc/kubernetes/pki/ca.crt", "cert-file=/etc/kubernetes/pki/ca-signing.crt")
    manifest = manifest.replace("key-file=/etc/kubernetes/pki/ca.key", "key-file=/etc/kubernetes/pki/ca-signing.key")
    for node in cluster.nodes:
        pki = cluster.pki(node)
        (pki.parent / "manifests/kube-controller-manager.yaml").write_text(manifest)
        for end in ("crt", "key"):
            shutil.copy2(tmp_path / f"signing.{end}", pki / f"ca-signing.{end}")
    pki = cluster.pki("cp1")

    def is_as_it_was() -> bool:
        pairs = [(pki / f"ca-signing.{end}", tmp_path / f"signing.{end}") for end in ("crt", "key")]
        same = all(one.read_bytes() == other.read_bytes() for one, other in pairs)
        return same and (pki.parent / "manifests/kube-controller-manager.yaml").read_text() == manifest

    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    assert is_as_it_was()
    finished = cluster.rotate("finish", "--authority", "ca")
    assert finished.returncode == 0, finished.stderr
    assert is_as_it_was()


def test_a_certificate_that_signs_alone_with_the_clusters_key_makes_way(cluster: Cluster) -> None:
    manifest = MANIFEST.replace("cert-file=/etc/kubernetes/pki/ca.crt", "cert-file=/etc/kubernetes/pki/alone.crt")
    pki = cluster.pki("cp1")
    (pki.parent / "manifests/kube-controller-manager.yaml").write_text(manifest)
    (pki / "alone.crt").write_bytes((pki / "ca.crt").read_bytes())
    for phase in ("trust-both", "issue-new"):
        assert cluster.step("cp1", phase, "--authority", "ca").returncode == 0
    told = (pki.parent / "manifests/kube-controller-manager.yaml").read_text()
    assert "cert-file=/etc/kubernetes/pki/ca-rotation-signing.crt" in told
    assert ca_of(pki, "ca-rotation-signing") == ca_of(pki, "ca")[:1]


API_SERVER = """apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    command: [kube-apiserver, %s]
    volumeMounts: [{mountPath: /etc/kubernetes, name: all}]
  volumes: [{hostPath: {path: /etc/kubernetes}, name: all}]
"""


@pytest.mark.parametrize(
    ("authority", "flag", "file"),
    [
        ("ca", "client-ca-file", "ca.crt"),
        ("front-proxy-ca", "requestheader-client-ca-file", "front-proxy-ca.crt"),
        ("etcd-ca", "etcd-cafile", "etcd/ca.crt"),
        ("sa", "service-account-key-file", "sa.pub"),
    ],
)
def test_a_file_that_is_not_kubeadms_has_to_hold_the_ca_that_comes(
    cluster: Cluster, authority: str, flag: str, file: str
) -> None:
    pki = cluster.pki("cp2")
    other = pki.parent / "clients.pem"
    other.write_bytes((pki / file).read_bytes())
    manifest = pki.parent / "manifests/kube-apiserver.yaml"
    manifest.write_text(API_SERVER % f"--{flag}=/etc/kubernetes/clients.pem")
    before = state(cluster.folder)
    refused = cluster.rotate("start", "--authority", authority)
    assert refused.returncode == 4, refused.stderr
    assert "rotate.trusted_elsewhere" in refused.stderr
    assert f"cp2: {authority}" in refused.stderr
    assert "/etc/kubernetes/clients.pem" in refused.stderr
    (cluster.folder / "log").unlink()
    assert state(cluster.folder) == before
    # The same file by another way is kubeadm's.
    other.unlink()
    other.symlink_to(f"pki/{file}")
    assert cluster.rotate("start", "--authority", authority).returncode == 0


def test_a_ca_that_is_in_the_other_file_already_is_taken_and_the_old_one_has_to_leave_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    own = make_ca(tmp_path, "own")
    new = (tmp_path / "own.crt").read_text()
    others = {}
    for node in cluster.nodes:
        pki = cluster.pki(node)
        others[node] = pki.parent / "clients.pem"
        others[node].write_text((pki / "ca.crt").read_text() + new)
        told = API_SERVER % "--client-ca-file=/etc/kubernetes/clients.pem"
        (pki.parent / "manifests/kube-apiserver.yaml").write_text(told)
    old = ca_of(cluster.pki("cp1"), "ca")[0]
    # Taken out in the middle: nothing is signed by it.
    assert cluster.step("cp1", "trust-both", "--authority", "ca", "--new-ca", own).returncode == 0
    others["cp1"].write_text(old)
    assert "clients.pem (kube-apiserver --client-ca-file) does not hold" in cluster.rotate("status").stdout
    stopped = cluster.rotate("resume")
    assert stopped.returncode == 4
    assert "does not hold" in stopped.stderr
    others["cp1"].write_text(old + new)
    resumed = cluster.rotate("resume")
    assert resumed.returncode == 0, resumed.stderr
    refused = cluster.rotate("finish", "--authority", "ca")
    assert refused.returncode == 4
    assert "still holds" in refused.stderr
    for other in others.values():
        other.write_text(new)
    finished = cluster.rotate("finish", "--authority", "ca")
    assert finished.returncode == 0, finished.stderr
    assert all(other.read_text() == new for other in others.values())


def test_the_kubelets_other_file_counts_too(cluster: Cluster) -> None:
    kubelet = cluster.folder / "cp2/var/lib/kubelet"
    kubelet.mkdir(parents=True, exist_ok=True)
    (kubelet / "config.yaml").write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        "authentication: {x509: {clientCAFile: /etc/kubelet-clients.pem}}\n"
    )
    refused = cluster.rotate("start", "--authority", "ca")
    assert refused.returncode == 4
    assert "clientCAFile of the kubelet names /etc/kubelet-clients.pem" in refused.stderr


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

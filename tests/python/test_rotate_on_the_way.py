"""What a rotation meets on its way: nodes that join, a CA with limits, users who still have the old one."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from rotated_folders import (
    AUTHORITIES,
    KUBECONFIGS,
    Cluster,
    audit_log,
    ca_of,
    cluster,
    fingerprint,
    made,
    set_of,
    verifies,
)
from trees import PROGRAM, embedded, kubepki, run, state

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

__all__ = ["cluster", "made"]


def join(cluster: Cluster, node: str, *, source: str = "cp1") -> None:
    """Copy what `kubeadm join --control-plane` copies, the pairs in use, and make the rest anew as it does."""
    root = cluster.folder / node
    pki = root / "etc/kubernetes/pki"
    (pki / "etcd").mkdir(parents=True)
    for name in [*AUTHORITIES.values(), "sa"]:
        for ending in (".pub" if name == "sa" else ".crt", ".key"):
            shutil.copy2(cluster.pki(source) / (name + ending), pki / (name + ending))
    config = cluster.folder / f"{node}.yaml"
    config.write_text(
        (cluster.folder / "cp2.yaml").read_text().replace("cp2", node).replace("192.0.2.11", "192.0.2.12")
    )
    done = kubepki("init", "--config", config, "--rootfs", root)
    assert done.returncode == 0, done.stderr
    # kubeadm embeds the first CA alone.
    first = ca_of(pki, "ca")[0]
    for name in KUBECONFIGS:
        conf = root / "etc/kubernetes" / name
        document = yaml.safe_load(conf.read_text())
        document["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(first.encode()).decode()
        conf.write_text(yaml.safe_dump(document))
    shutil.copytree(cluster.pki(source).parent / "manifests", root / "etc/kubernetes/manifests")
    entries = yaml.safe_load(cluster.file.read_text())
    entry = json.loads(json.dumps(entries["nodes"][0]).replace(f"{cluster.folder}/cp1", str(root)))
    entries["nodes"].append({**entry, "name": node})
    cluster.file.write_text(yaml.safe_dump(entries))
    cluster.nodes.append(node)


@pytest.mark.parametrize("begun", [["trust-both"], ["trust-both", "issue-new"], ["start"]])
@pytest.mark.parametrize("goal", ["finish", "abort"])
def test_a_control_plane_that_joins_meanwhile_gets_what_it_lacks(
    cluster: Cluster, begun: list[str], goal: str, tmp_path: Path
) -> None:
    old = {file: (cluster.pki("cp1") / file).read_bytes() for file in ("ca.key", "etcd/ca.key", "sa.key", "sa.pub")}
    for phase in begun:
        done = cluster.rotate("start") if phase == "start" else cluster.step("cp1", phase)
        assert done.returncode == 0, done.stderr
    join(cluster, "cp3")
    if goal == "finish":
        early = cluster.rotate("finish", "--token-life", "0s")
        assert early.returncode == 4
        assert "rotate.not_ready" in early.stderr
        foreseen = cluster.rotate("resume", "--dry-run")
        assert foreseen.returncode == 0, foreseen.stderr
        assert "cp3" in foreseen.stdout
        resumed = cluster.rotate("resume")
        assert resumed.returncode == 0, resumed.stderr
        for node in cluster.nodes:
            assert set(cluster.stages()[node].values()) == {"trust-both/issue-new"}
            for name in ("ca-previous.key", "sa-previous.key", "front-proxy-ca-previous.key", "etcd/ca-previous.key"):
                assert (cluster.pki(node) / name).read_bytes() == (cluster.pki("cp1") / name).read_bytes()
            assert not list(cluster.pki(node).rglob("*-next.*"))
            leaf, *rest = ca_of(cluster.pki(node), "apiserver")
            assert verifies(tmp_path, ca_of(cluster.pki(node), "ca")[1], leaf, *rest)
    ended = cluster.rotate(goal, "--token-life", "0s")
    assert ended.returncode == 0, ended.stderr
    for node in cluster.nodes:
        pki = cluster.pki(node)
        assert set(cluster.stages()[node].values()) == {"single"}
        for file, content in old.items():
            assert ((pki / file).read_bytes() == content) == (goal == "abort")
            assert (pki / file).read_bytes() == (cluster.pki("cp1") / file).read_bytes()
        assert verifies(tmp_path, ca_of(pki, "ca")[0], ca_of(pki, "apiserver")[0])
        assert set_of(pki.parent / "admin.conf") == ca_of(pki, "ca")
        assert not [path for path in pki.rglob("*") if "next" in path.name or "previous" in path.name]


def test_a_key_that_signs_here_already_is_not_laid_down_as_the_one_that_comes(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    join(cluster, "cp3")
    exported = json.loads(run(*PROGRAM, "rotate", "export", "--rootfs", str(cluster.folder / "cp1")).stdout)
    assert exported["sa"]["previous"]["key"] == (cluster.pki("cp1") / "sa-previous.key").read_text()
    alone = cluster.folder / "alone.json"
    alone.write_text(json.dumps({"sa": {**exported["sa"], "previous": None}}))
    before = state(cluster.folder / "cp3/etc")
    refused = cluster.step("cp3", "trust-both", "--authority", "sa", "--material", alone)
    assert refused.returncode == 2
    assert "rotate.not_here" in refused.stderr
    assert "sa-previous.key" in refused.stderr
    foreign = {**exported["sa"], "previous": {**exported["sa"]["previous"]}}
    made = run("openssl", "genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    foreign["previous"]["key"] = made.stdout
    (cluster.folder / "key.pem").write_text(made.stdout)
    foreign["previous"]["certificates"] = run("openssl", "pkey", "-in", cluster.folder / "key.pem", "-pubout").stdout
    alone.write_text(json.dumps({"sa": foreign}))
    refused = cluster.step("cp3", "trust-both", "--authority", "sa", "--material", alone)
    assert refused.returncode == 4
    assert "rotate.other_authority" in refused.stderr
    assert state(cluster.folder / "cp3/etc") == before


def test_no_control_plane_steps_back_before_all_can(cluster: Cluster) -> None:
    assert cluster.rotate("start", "--authority", "etcd-ca,sa").returncode == 0
    (cluster.pki("cp2") / "etcd/ca-previous.key").unlink()
    before = state(cluster.folder / "cp1/etc")
    refused = cluster.rotate("abort")
    assert refused.returncode == 4
    assert "rotate.one_way" in refused.stderr
    assert "cp2: etcd-ca" in refused.stderr
    assert state(cluster.folder / "cp1/etc") == before
    assert cluster.rotate("finish", "--token-life", "0s").returncode == 0


def test_what_an_operator_calls_a_ca_reaches_no_remote_shell(cluster: Cluster) -> None:
    entries = yaml.safe_load(cluster.file.read_text())
    for entry in entries["nodes"]:
        # As SSH does: the words are joined, and a shell reads them.
        entry["run"] = ["sh", "-c", 'words=$0; shift 0; exec sh -c "$words $*"', shlex.join(entry["run"])]
    cluster.file.write_text(yaml.safe_dump(entries))
    name = "New CA; touch $(pwd)/x 'of' \"us\""
    started = cluster.rotate("start", "--authority", "ca", "--common-name", name)
    assert started.returncode == 0, started.stderr
    assert 'of\' "us"' not in (cluster.folder / "log").read_text()
    (cluster.folder / "new.pem").write_text(ca_of(cluster.pki("cp2"), "ca")[0])
    shown = run(
        "openssl", "x509", "-in", cluster.folder / "new.pem", "-noout", "-subject", "-nameopt", "multiline,-esc_msb"
    )
    assert shown.stdout.splitlines()[-1].split("= ", 1)[1] == name


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("basicConstraints=critical,CA:TRUE,pathlen:0", "path"),
        ("nameConstraints=critical,permitted;DNS:example.org", "kube"),
        ("extendedKeyUsage=clientAuth", "usage"),
    ],
)
def test_a_ca_that_cannot_vouch_for_a_new_one_is_replaced_only_where_that_is_accepted(
    cluster: Cluster, tmp_path: Path, limit: str, said: str
) -> None:
    limit_ca(cluster, limit)
    before = state(cluster.folder / "cp1/etc")
    planned = cluster.rotate("plan")
    assert planned.returncode == 0, planned.stderr
    assert "warning: the old CA cannot vouch for the new one" in planned.stderr
    assert said in planned.stderr
    refused = cluster.rotate("start")
    assert refused.returncode == 4
    assert "rotate.cannot_vouch" in refused.stderr
    assert said in refused.stderr
    by_hand = cluster.step("cp1", "trust-both", "--authority", "ca")
    assert by_hand.returncode == 4
    assert "rotate.cannot_vouch" in by_hand.stderr
    assert state(cluster.folder / "cp1/etc") == before
    if "clientAuth" in limit:
        # One that is made like it signs no server's certificate either.
        return
    # What it is not about goes on.
    assert cluster.rotate("start", "--authority", "etcd-ca").returncode == 0
    assert cluster.rotate("finish", "--authority", "etcd-ca").returncode == 0
    # To openssl, not to Go, the path is not longer by a CA of the same name.
    accepted = ("--authority", "ca", "--allow-failing-clients", "--common-name", "kubernetes 2")
    started = cluster.rotate("start", *accepted)
    assert started.returncode == 0, started.stderr
    assert cluster.rotate("resume").returncode == 0
    new, old = ca_of(cluster.pki("cp2"), "ca")
    leaf, *rest = ca_of(cluster.pki("cp2"), "apiserver")
    assert verifies(tmp_path, new, leaf)
    # openssl says the same of such clients.
    assert not verifies(tmp_path, old, leaf, *rest)


def limit_ca(cluster: Cluster, limit: str) -> None:
    """Make the cluster's CA again with its key and a limit."""
    made = cluster.folder / "limited.crt"
    done = run(
        *("openssl", "req", "-x509", "-new", "-key", cluster.pki("cp1") / "ca.key", "-subj", "/CN=kubernetes"),
        *("-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign", "-addext", limit),
        *([] if "basicConstraints" in limit else ["-addext", "basicConstraints=critical,CA:TRUE"]),
        *("-days", "3000", "-config", "/dev/null", "-out", made),
    )
    assert done.returncode == 0, done.stderr
    encoded = base64.b64encode(made.read_bytes()).decode()
    for node in cluster.nodes:
        shutil.copyfile(made, cluster.pki(node) / "ca.crt")
        for conf in cluster.pki(node).parent.glob("*.conf"):
            document = yaml.safe_load(conf.read_text())
            document["clusters"][0]["cluster"]["certificate-authority-data"] = encoded
            conf.write_text(yaml.safe_dump(document))


def test_the_old_ca_is_not_given_up_while_the_audit_log_knows_its_certificates(
    cluster: Cluster, tmp_path: Path
) -> None:
    conf = cluster.pki("cp1").parent / "admin.conf"
    old = fingerprint(embedded(conf, "client-certificate-data"))
    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    new = fingerprint(embedded(conf, "client-certificate-data"))
    user = tmp_path / "alice.conf"
    made = kubepki("kubeconfig", "user", "--client-name", "alice", "--rootfs", cluster.folder / "cp1", "--out", user)
    assert made.returncode == 0, made.stderr
    alice = fingerprint(embedded(user, "client-certificate-data"))
    before = state(cluster.folder / "cp1/etc")

    def finish(log: Path, *more: str | Path) -> CompletedProcess[str]:
        return cluster.rotate("finish", "--authority", "ca", "--audit-log", str(log), *map(str, more))

    log = tmp_path / "audit.log"
    seen: list[tuple[str, str, float]] = [("kubernetes-admin", old, 30), ("kubernetes-admin", new, 0.1)]
    used = finish(audit_log(log, *seen, ("carol\x1b[31m", old, 23)))
    assert used.returncode == 4
    assert "rotate.old_credentials" in used.stderr
    assert f"SHA-256 {old}" in used.stderr
    assert "\x1b" not in used.stderr
    assert new not in used.stderr
    short = finish(audit_log(log, *seen[1:], ("kubernetes-admin", new, 23)))
    assert short.returncode == 4
    assert "rotate.audit_log" in short.stderr
    assert "they reach from" in short.stderr
    stale = finish(audit_log(log, *seen[:1], ("kubernetes-admin", new, 2)))
    assert "rotate.audit_log" in stale.stderr
    # A user's new certificate is on no node.
    both = audit_log(log, *seen, ("alice", alice, 1))
    assert alice in finish(both).stderr
    named = finish(both, "--new-credential", cluster.folder / "cp1/etc/kubernetes/admin.conf", "--new-credential", user)
    assert named.returncode == 0, named.stderr
    assert "no certificate of the old CA was used" in named.stderr
    assert state(cluster.folder / "cp1/etc") != before
    assert set(cluster.stages()["cp2"].values()) == {"single"}


def test_an_old_kubeconfig_does_not_pass_for_a_new_one(cluster: Cluster, tmp_path: Path) -> None:
    user = tmp_path / "alice.conf"
    assert (
        kubepki(
            "kubeconfig", "user", "--client-name", "alice", "--rootfs", cluster.folder / "cp1", "--out", user
        ).returncode
        == 0
    )
    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    alice = fingerprint(embedded(user, "client-certificate-data"))
    log = audit_log(tmp_path / "audit.log", ("alice", alice, 30), ("alice", alice, 0.1))
    options = ("--authority", "ca", "--audit-log", str(log), "--new-credential", str(user))
    refused = cluster.rotate("finish", *options)
    assert refused.returncode == 2
    assert "not signed by the new CA" in refused.stderr
    assert "rotate.old_credentials" in cluster.rotate("finish", *options[:-2]).stderr
    # An hour in which nobody came: the log reaches as far, and the span is the operator's.
    log = audit_log(tmp_path / "audit.log", ("alice", alice, 30), ("nobody", fingerprint_of_new(cluster), 0.1))
    assert cluster.rotate("finish", "--authority", "ca", "--audit-log", str(log), "--unused-for", "29h").returncode == 0


def test_one_api_server_is_asked_alone_with_what_others_have(cluster: Cluster, tmp_path: Path) -> None:
    log, known = tmp_path / "audit.log", tmp_path / "known.json"

    def asked(*more: str | Path) -> CompletedProcess[str]:
        return kubepki("rotate", "unused", "--rootfs", cluster.folder / "cp1", "--audit-log", log, *more)

    def user(name: str) -> str:
        file = tmp_path / f"{name}.conf"
        done = kubepki("kubeconfig", "user", "--client-name", name, "--rootfs", cluster.folder / "cp1", "--out", file)
        assert done.returncode == 0, done.stderr
        return embedded(file, "client-certificate-data").decode()

    old = user("alice")
    audit_log(log, ("alice", fingerprint(old), 30), ("alice", fingerprint(old), 0.1))
    early = asked()
    assert (early.returncode, "code: rotate.none" in early.stderr) == (1, True), early.stderr

    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    new = user("bob")
    others = embedded(cluster.pki("cp2").parent / "admin.conf", "client-certificate-data")
    begin = ("alice", fingerprint(old), 30.0)
    audit_log(log, begin, ("bob", fingerprint(new), 2), ("kubernetes-admin", fingerprint(others), 0.1))
    alone = asked()
    assert alone.returncode == 4
    assert "bob" in alone.stderr
    assert "kubernetes-admin" in alone.stderr
    seen = kubepki("rotate", "status", "--local", "--rootfs", cluster.folder / "cp2", "-o", "json")
    told = {"authorities": json.loads(seen.stdout)["authorities"], "certificates": new}
    known.write_text(json.dumps(told))
    answered = asked("--known", known)
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout == "no certificate of the old CA was used in the audit logs (3 events)\n"
    # A worker vouches for its own user alone.
    known.write_text(json.dumps({"workers": {"w1": told["authorities"]}, "certificates": new}))
    forged = asked("--known", known)
    assert (forged.returncode, "kubernetes-admin on " in forged.stderr) == (4, True), forged.stderr
    audit_log(log, begin, ("bob", fingerprint(new), 2), ("system:node:w1", fingerprint(others), 0.1))
    assert asked("--known", known).returncode == 0
    known.write_text(json.dumps({**told, "certificates": old}))
    refused = asked("--known", known)
    assert (refused.returncode, "is not signed by the new CA" in refused.stderr) == (2, True), refused.stderr
    known.write_text("-----BEGIN PRIVATE KEY-----")
    odd = asked("--known", known)
    assert (odd.returncode, "line 1, column" in odd.stderr, "PRIVATE" in odd.stderr) == (2, True, False), odd.stderr


def fingerprint_of_new(cluster: Cluster) -> str:
    return fingerprint(embedded(cluster.pki("cp1").parent / "admin.conf", "client-certificate-data"))


def test_a_step_on_another_disk_restarts_nothing_here(cluster: Cluster) -> None:
    done = cluster.step("cp1", "trust-both", "--authority", "ca", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["restarted"] == []
    assert "below --rootfs nothing is restarted" in done.stderr


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        ("status", "--timeout=1s"),
        ("plan", "--token-life=1s"),
        ("start", "--restart-pods"),
        ("resume", "--new-ca=ca.pem"),
        ("finish", "--no-etcd-snapshot"),
        ("abort", "--restart-pods"),
        ("finish", "--unused-for=1h"),
        ("status", "--certificates-dir=/etc/pki"),
    ],
)
def test_a_verb_refuses_what_it_would_not_use(cluster: Cluster, verb: str, option: str) -> None:
    refused = kubepki("rotate", verb, "--nodes", cluster.file, option)
    assert refused.returncode == 2
    missing = {"--unused-for=1h": "--audit-log", "--certificates-dir=/etc/pki": "--local"}
    assert missing.get(option, option.partition("=")[0]) in refused.stderr

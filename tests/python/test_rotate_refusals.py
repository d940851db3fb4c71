"""What a rotation refuses, and lets go of: nodes that hang or lie, another cluster, files that are one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from api_servers import api_server
from rotated_folders import MANIFEST, Cluster, ca_of, cluster, made
from trees import PROGRAM, kubepki, make_tree, run, state

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cluster", "made"]

LONG = 60
# What a node says of itself, with something else in it.
FORGE = """import json, subprocess, sys
done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE)
out = done.stdout
if "status" in sys.argv:
    out = json.dumps({**json.loads(out), **json.loads(sys.argv[1])}).encode()
sys.stdout.buffer.write(out)
sys.exit(done.returncode)
"""


def set_words(cluster: Cluster, number: int, change: Callable[[list[str]], list[str]]) -> None:
    """Change the words of a node in the file."""
    entries = yaml.safe_load(cluster.file.read_text())
    entries["nodes"][number]["run"] = change(entries["nodes"][number]["run"])
    cluster.file.write_text(yaml.safe_dump(entries))


def forge(cluster: Cluster, number: int, **says: object) -> None:
    set_words(cluster, number, lambda words: [sys.executable, "-c", FORGE, json.dumps(says), *words])


def steps(cluster: Cluster) -> list[str]:
    """Return what nodes were asked for but looks."""
    log = cluster.folder / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if "status" not in line and "reserve" not in line]


def serve_here(root: Path) -> None:
    """Let the API server's certificate be good for a server of this machine."""
    renewed = kubepki("certs", "renew", "apiserver", "--add-san", "127.0.0.1", "--rootfs", root)
    assert renewed.returncode == 0, renewed.stderr


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("verb", "ends"),
    [
        (["status"], signal.SIGINT),
        (["status"], signal.SIGTERM),
        (["start", "--dry-run"], signal.SIGINT),
        (["finish", "--dry-run"], signal.SIGTERM),
        (["resume"], signal.SIGINT),
        (["abort"], signal.SIGTERM),
    ],
)
@pytest.mark.parametrize("hangs", ["sleep 1000 & wait", "yes >&2"])
def test_a_node_that_hangs_is_let_go_of_where_nothing_is_half_done(
    cluster: Cluster, verb: list[str], ends: signal.Signals, hangs: str
) -> None:
    noted = cluster.folder / "pid"
    set_words(cluster, 1, lambda _: ["sh", "-c", f"echo $$ > {noted}; {hangs}"])
    command = [*PROGRAM, "rotate", verb[0], "--nodes", str(cluster.file), *verb[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: noted.exists() and noted.read_text().endswith("\n"))
            process.send_signal(ends)
            _, said = process.communicate(timeout=LONG)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "interrupted; no step is half done" in said

    def is_gone() -> bool:
        try:
            os.killpg(int(noted.read_text()), 0)
        except ProcessLookupError:
            return True
        return False

    wait_for(is_gone)


def test_a_node_that_prints_for_ever_is_ended(cluster: Cluster) -> None:
    set_words(cluster, 1, lambda _: ["sh", "-c", "yes"])
    told = cluster.rotate("status")
    assert told.returncode == 3
    assert "prints more than 16 MiB" in told.stderr


def test_a_node_that_hangs_in_a_step_is_let_go_of_by_whoever_insists(cluster: Cluster) -> None:
    noted = cluster.folder / "pid"
    script = (
        'case "$*" in *--dry-run*) ;; *"rotate step "*) '
        f"echo $$ > {noted}; seq -f 'line %.0f' 1200 >&2; sleep 1000 & wait;; esac; exec \"$@\""
    )
    set_words(cluster, 0, lambda words: ["sh", "-c", script, "sh", *words])
    words = ["rotate", "start", "--authority", "front-proxy-ca", "--no-etcd-snapshot", "--nodes", str(cluster.file)]
    command = [*PROGRAM, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: noted.exists() and noted.read_text().endswith("\n"))
            # Told after two seconds what is waited for; the next one insists.
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
                time.sleep(0.5)
            _, said = process.communicate(timeout=LONG)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "still at work" in said
    assert "cp1 was not waited for: what had begun there goes on, or has broken off" in said
    assert "kubepki rotate start" in said
    # However much a node says, no more than so many lines are shown.
    assert "line 999\n" in said
    assert "line 1000\n" not in said
    wait_for(lambda: not Path(f"/proc/{int(noted.read_text())}").exists())


def test_what_asks_on_the_terminal_fails_at_once(cluster: Cluster) -> None:
    set_words(cluster, 1, lambda _: ["sh", "-c", "read answer < /dev/tty; echo after: $? >&2; exit 9"])
    command = " ".join([*PROGRAM, "rotate", "status", "--nodes", str(cluster.file)])
    # It waits for no answer, so none is given.
    shown = run("script", "--quiet", "--return", "--command", command, "/dev/null")
    assert shown.returncode == 3
    assert "/dev/tty" in shown.stdout


@pytest.mark.parametrize("held", [["$(touch /tmp/x)", "--rootfs=/"], ["--rootfs=/"], ["kube-apiserver; id"]])
def test_what_a_node_says_becomes_no_word_of_a_command(cluster: Cluster, held: list[str]) -> None:
    forge(cluster, 1, held=held)
    refused = cluster.rotate("start")
    assert refused.returncode == 3
    assert "rotate.bad_answer" in refused.stderr
    assert steps(cluster) == []


@pytest.mark.parametrize("name", ["/backup/$(id).db", "/backup/a b.db", "a;id", "~/it.db"])
def test_a_snapshots_name_is_nothing_to_a_shell(cluster: Cluster, name: str) -> None:
    for more in ([], ["--dry-run"]):
        refused = cluster.rotate("start", "--etcd-snapshot", name, *more)
        assert refused.returncode == 2
        assert "--etcd-snapshot" in refused.stderr
    assert not (cluster.folder / "log").exists()


def test_a_node_without_a_name_is_not_taken_for_any(cluster: Cluster) -> None:
    forge(cluster, 1, node=None)
    refused = cluster.rotate("start")
    assert refused.returncode == 4
    assert "rotate.other_node" in refused.stderr
    assert steps(cluster) == []


@pytest.mark.parametrize("authority", [[], ["--authority", "ca"], ["--authority", "etcd-ca"]])
def test_authorities_in_one_file_are_separated_first(cluster: Cluster, authority: list[str]) -> None:
    links = [cluster.pki(node) / f"etcd/ca.{ending}" for node in cluster.nodes for ending in ("crt", "key")]
    for link in links:
        link.unlink()
        link.symlink_to(f"../{link.name}")
    before = state(cluster.folder / "cp2/etc")
    for more in ([], ["--dry-run"]):
        refused = cluster.rotate("start", *authority, *more)
        assert refused.returncode == 4, refused.stderr
        assert "rotate.one_file" in refused.stderr
        assert "cp1: ca and etcd-ca are one file" in refused.stderr
    assert steps(cluster) == []
    by_hand = cluster.step("cp2", "trust-both", *authority)
    assert "rotate.one_file" in by_hand.stderr
    assert state(cluster.folder / "cp2/etc") == before
    assert cluster.rotate("start", "--authority", "front-proxy-ca", "--dry-run").returncode == 0
    # As the hint has it.
    for link in links:
        copied = run("cp", "--remove-destination", link.parent.parent / link.name, link)
        assert copied.returncode == 0, copied.stderr
    assert not any(link.is_symlink() for link in links)
    assert cluster.rotate("start", *authority, "--dry-run").returncode == 0


@pytest.mark.parametrize("signer", ["kubelet-client", "kubelet-serving", "kube-apiserver-client", "legacy-unknown"])
@pytest.mark.parametrize("path", ["/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/keys/ca.crt"])
def test_a_single_signer_with_the_clusters_ca_is_refused_before_it_signs_nothing(
    cluster: Cluster, signer: str, path: str
) -> None:
    pki = cluster.pki("cp2")
    (pki.parent / "keys").symlink_to("pki")
    manifest = pki.parent / "manifests/kube-controller-manager.yaml"
    told = MANIFEST.replace("cluster-signing-", f"cluster-signing-{signer}-").replace(
        "/etc/kubernetes/pki/ca.crt", path
    )
    manifest.write_text(
        told.replace("mountPath: /etc/kubernetes/pki", "mountPath: /etc/kubernetes").replace(
            "path: /etc/kubernetes/pki}", "path: /etc/kubernetes}"
        )
    )
    before = state(cluster.folder / "cp2/etc")
    refused = cluster.rotate("start", "--authority", "ca")
    assert refused.returncode == 4, refused.stderr
    assert "rotate.signs_with_bundle" in refused.stderr
    assert f"cp2: kube-controller-manager --cluster-signing-{signer}-cert-file" in refused.stderr
    assert steps(cluster) == []
    assert state(cluster.folder / "cp2/etc") == before
    assert cluster.rotate("start", "--authority", "etcd-ca", "--dry-run").returncode == 0
    # As the hint has it.
    manifest.write_text(MANIFEST)
    assert cluster.rotate("start", "--authority", "ca", "--dry-run").returncode == 0


def test_a_signing_file_by_another_path_is_kubeadms(cluster: Cluster) -> None:
    manifest = MANIFEST.replace("/etc/kubernetes/pki", "/data/pki")
    for node in cluster.nodes:
        pki = cluster.pki(node)
        data = cluster.folder / node / "data"
        data.mkdir()
        shutil.move(pki, data / "pki")
        pki.symlink_to("/data/pki")
        (pki.parent / "manifests/kube-controller-manager.yaml").write_text(manifest)
    started = cluster.rotate("start", "--authority", "ca")
    assert started.returncode == 0, started.stderr
    for node in cluster.nodes:
        kubernetes = cluster.folder / node / "etc/kubernetes"
        told = (kubernetes / "manifests/kube-controller-manager.yaml").read_text()
        assert "--cluster-signing-cert-file=/data/pki/ca-rotation-signing.crt" in told
        data = cluster.folder / node / "data/pki"
        assert ca_of(data, "ca-rotation-signing") == ca_of(data, "ca")[:1]
    finished = cluster.rotate("finish", "--authority", "ca")
    assert finished.returncode == 0, finished.stderr
    for node in cluster.nodes:
        kubernetes = cluster.folder / node / "etc/kubernetes"
        assert (kubernetes / "manifests/kube-controller-manager.yaml").read_text() == manifest
        assert not (cluster.folder / node / "data/pki/ca-rotation-signing.crt").exists()


def test_a_signing_file_that_the_pod_would_not_see_is_said_before(cluster: Cluster) -> None:
    pki = cluster.pki("cp1")
    shutil.move(pki / "ca.crt", cluster.folder / "cp1/elsewhere.crt")
    (pki / "ca.crt").symlink_to("/elsewhere.crt")
    shutil.move(pki / "ca.key", cluster.folder / "cp1/elsewhere.key")
    (pki / "ca.key").symlink_to("/elsewhere.key")
    manifest = MANIFEST.replace("/etc/kubernetes/pki/ca.", "/elsewhere.").replace("/etc/kubernetes/pki", "/elsewhere")
    (pki.parent / "manifests/kube-controller-manager.yaml").write_text(manifest)
    refused = cluster.rotate("start", "--authority", "ca")
    assert refused.returncode == 4, refused.stderr
    assert "rotate.signs_with_bundle" in refused.stderr
    assert "/etc/kubernetes/pki/ca-rotation-signing.crt" in refused.stderr


def test_a_nodes_cas_are_written_to_no_cluster_that_nobody_named(cluster: Cluster, tmp_path: Path) -> None:
    other = make_tree(tmp_path / "other", "ecdsa-p256")
    serve_here(tmp_path / "other")
    with api_server(other / "pki") as api:
        (tmp_path / "config").write_text(api.kubeconfig((other / "pki/ca.crt").read_text()))
        command = [*PROGRAM, "rotate", "step", "cluster", "--rootfs", str(cluster.folder / "cp1")]
        environment = {**os.environ, "KUBECONFIG": str(tmp_path / "config")}
        for more in ([], ["--dry-run"]):
            refused = subprocess.run(
                [*command, *more], env=environment, capture_output=True, text=True, check=False, timeout=LONG
            )
            assert refused.returncode == 2, refused.stderr
            assert "rotate.no_kubeconfig" in refused.stderr
        assert api.requests == []


def test_a_nodes_cas_are_not_written_to_another_cluster(cluster: Cluster, tmp_path: Path) -> None:
    other = make_tree(tmp_path / "other", "ecdsa-p256")
    serve_here(tmp_path / "other")
    with api_server(other / "pki") as api:
        authority = (other / "pki/ca.crt").read_text()
        api.put("/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt", {"data": {"ca.crt": authority}})
        named = tmp_path / "config"
        named.write_text(api.kubeconfig(authority))
        refused = cluster.step("cp1", "cluster", "--kubeconfig", named)
        assert refused.returncode == 4, refused.stderr
        assert "rotate.other_cluster" in refused.stderr
        assert {request.split()[0] for request in api.requests} == {"GET"}
        # Behind a proxy with a certificate of its own it is the node's.
        own = (cluster.pki("cp1") / "ca.crt").read_text()
        api.put("/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt", {"data": {"ca.crt": own}})
        assert "rotate.other_cluster" not in cluster.step("cp1", "cluster", "--kubeconfig", named).stderr
    serve_here(cluster.folder / "cp1")
    with api_server(cluster.pki("cp1")) as api:
        named.write_text(api.kubeconfig(own))
        assert "rotate.other_cluster" not in cluster.step("cp1", "cluster", "--kubeconfig", named).stderr
        assert any("cluster-info" in request for request in api.requests)


def test_a_workers_request_below_a_root_directory_needs_a_kubeconfig(cluster: Cluster) -> None:
    root = cluster.folder / "w1"
    pki = root / "etc/kubernetes/pki"
    pki.mkdir(parents=True)
    old = (cluster.pki("cp1") / "ca.crt").read_text()
    shutil.copy2(cluster.pki("cp1").parent / "kubelet.conf", root / "etc/kubernetes/kubelet.conf")
    assert cluster.step("cp1", "trust-both", "--authority", "ca").returncode == 0
    assert cluster.step("cp1", "issue-new", "--authority", "ca").returncode == 0
    shutil.copy2(cluster.pki("cp1") / "ca.crt", pki / "ca.crt")
    assert len(ca_of(pki, "ca")) == 2
    assert old in (pki / "ca.crt").read_text()
    before = state(root)
    refused = cluster.step("w1", "reissue", "--authority", "ca")
    assert refused.returncode == 2, refused.stderr
    assert "rotate.not_here" in refused.stderr
    assert "--kubeconfig" in refused.stderr
    assert state(root) == before


def test_material_that_is_no_export_is_named(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    file.chmod(0o600)
    refused = cluster.step("cp1", "trust-both", "--authority", "ca", "--material", file)
    assert refused.returncode == 2
    assert "rotate.bad_material" in refused.stderr
    assert "--new-ca" in refused.stderr
    assert "make the plan" not in refused.stderr


def test_sa_pub_is_not_made_anew_while_its_key_is_replaced(cluster: Cluster) -> None:
    pki = cluster.pki("cp1")

    def remedy() -> str:
        checked = json.loads(kubepki("check", "--rootfs", cluster.folder / "cp1", "-o", "json").stdout)
        (found,) = [one for one in checked["findings"] if one["code"] == "service_account.mismatch"]
        return str(found["remedy"])

    other = (pki / "sa.pub").read_bytes()
    assert cluster.step("cp1", "trust-both", "--authority", "sa").returncode == 0
    assert cluster.step("cp1", "issue-new", "--authority", "sa").returncode == 0
    (pki / "sa.pub").write_bytes(other)
    assert "kubepki rotate status" in remedy()
    assert "certs init sa" not in remedy()
    for name in ("sa-previous.pub", "sa-previous.key"):
        (pki / name).unlink()
    assert "certs init sa" in remedy()

"""What is said leads on: paths as this machine has them, hints that fit, and why there is nothing to do."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from trees import GOLDEN, kubepki, make_tree

if TYPE_CHECKING:
    from pathlib import Path

CASE = "ecdsa-p256"
CONFIGURATION = GOLDEN / CASE / "config.yaml"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Give a node's tree."""
    make_tree(tmp_path / "node", CASE)
    return tmp_path / "node"


def test_a_relative_path_that_is_not_there_is_shown_as_it_was_looked_for(node: Path) -> None:
    embedded = kubepki("kubeconfig", "embed", "jane.conf", "--rootfs", node)
    assert f"the file is missing: {node}/jane.conf" in embedded.stderr
    signed = kubepki(
        "certs",
        "sign",
        "requests/apiserver.csr",
        "--role",
        "control-plane",
        "--config",
        CONFIGURATION,
        "--rootfs",
        node,
    )
    assert f"the request is not there: {node}/requests/apiserver.csr" in signed.stderr


def test_what_is_no_copy_of_a_kubeconfig_is_not_said_to_be_up_to_date(node: Path) -> None:
    shutil.copy(node / "etc/kubernetes/scheduler.conf", node / "other.conf")
    for path, why in (
        ("/root/.kube/config", "not there: /root/.kube/config"),
        ("/other.conf", "/other.conf: no copy of "),
    ):
        done = kubepki("kubeconfig", "embed", path, "--copies-of", "admin.conf", "--rootfs", node)
        assert (done.returncode, f"nothing to do: {why}" in done.stderr) == (0, True), done.stderr
        assert "already embedded" not in done.stderr


def test_where_nothing_was_found_it_is_said_where_and_what_to_do(tmp_path: Path) -> None:
    for words in (("check",), ("certs", "renew", "all")):
        done = kubepki(*words, "--rootfs", tmp_path)
        assert f"was found in {tmp_path}/etc/kubernetes/pki and {tmp_path}/etc/kubernetes: " in done.stderr
        assert "--rootfs" in done.stderr
    # One that is asked for by name says so itself.
    assert "was found in" not in kubepki("certs", "renew", "apiserver", "--rootfs", tmp_path).stderr


def test_paths_of_the_node_have_the_root_directory_in_front(node: Path) -> None:
    renewed = kubepki("certs", "renew", "apiserver", "--rootfs", node)
    assert f"the previous files are kept in {node}/var/lib/kubepki/backups/" in renewed.stderr
    assert f"in {node}/var/lib/kubepki/backups/" in kubepki("backup", "show", "latest", "--rootfs", node).stdout
    for words, path in (
        (("restart",), "etc/kubernetes/manifests"),
        (("restart", "etcd"), "etc/kubernetes/manifests/etcd.yaml"),
        (("signer", "show"), "etc/kubernetes/manifests/kube-controller-manager.yaml"),
        (("kubelet", "enable-serving-certs", "--local"), "var/lib/kubelet/config.yaml"),
        (("kubelet", "require-serving-certs"), "etc/kubernetes/manifests/kube-apiserver.yaml"),
    ):
        done = kubepki(*words, "--rootfs", node)
        assert done.returncode != 0
        assert f" {node}/{path}" in " " + done.stderr.removeprefix("error: "), done.stderr


def test_hints_fit_what_was_asked_for(node: Path, tmp_path: Path) -> None:
    user = kubepki(
        "kubeconfig", "user", "--client-name", "jane", "--server", "https://192.0.2.1:6443", "--rootfs", tmp_path
    )
    assert "ca: the file is missing: /etc/kubernetes/pki/ca.crt" in user.stderr
    assert "--certificates-dir or --rootfs" in user.stderr
    required = kubepki("kubelet", "require-serving-certs", "--rootfs", node)
    assert "hint: run it on a control-plane node" in required.stderr
    named = kubepki("metrics", "--textfile", tmp_path / "foo.txt", "--rootfs", node)
    assert f"name it {tmp_path}/foo.prom" in named.stderr
    folder = kubepki("access", "--audit-log", tmp_path, "--rootfs", node)
    assert f"name a file, as {tmp_path}/audit.log" in folder.stderr
    kept = kubepki("backup", "prune", "--keep", "two", "--rootfs", node)
    assert "'two' cannot be used: it is not a number" in kept.stderr


def test_requests_say_what_comes_next_and_twice_what_else_there_is(tmp_path: Path) -> None:
    asked = ("certs", "generate-csr", "--config", CONFIGURATION, "--rootfs", tmp_path)
    first = kubepki(*asked)
    assert first.returncode == 0, first.stderr
    assert "next: have them signed" in first.stderr
    assert "`kubepki certs import " in first.stderr
    again = kubepki(*asked)
    assert "--only-lacking" in again.stderr
    assert "for renewal (--renew)" in again.stderr


def test_a_renewed_ca_says_what_the_other_nodes_do_a_line_each(node: Path) -> None:
    shown = kubepki("ca", "renew", "all", "--rootfs", node, "--dry-run")
    assert "this node only: " in shown.stderr
    assert "renew authority" in shown.stdout
    done = kubepki("ca", "renew", "all", "--rootfs", node)
    for name, file in (("ca", "ca"), ("front-proxy-ca", "front-proxy-ca"), ("etcd-ca", "etcd/ca")):
        line = f"  copy `{node}/etc/kubernetes/pki/{file}.crt` there, then `kubepki ca renew {name} --certificate FILE`"
        assert line in done.stderr.splitlines()
    data = json.loads(kubepki("ca", "renew", "all", "--rootfs", node, "--dry-run", "-o", "json").stdout)
    assert {one["action"] for one in data["plan"]["artefacts"]} == {"renew_authority"}

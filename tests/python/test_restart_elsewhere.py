"""Below a root directory that is another machine's, nothing of this machine is restarted or looked at."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from trees import KUBECONFIGS, kubepki, make_tree, state, with_programs

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = ("env", "-u", "KUBEPKI_NODE_RUNS_HERE")


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Give a node's tree whose kubelet has its configuration."""
    make_tree(tmp_path / "node", "ecdsa-p256")
    kubelet = tmp_path / "node/var/lib/kubelet"
    kubelet.mkdir(parents=True, exist_ok=True)
    (kubelet / "config.yaml").write_text("kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n")
    return tmp_path / "node"


def systemctl(folder: Path) -> tuple[str, ...]:
    """Return the command before another for which `systemctl` notes what it is asked for."""
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n')
    program.chmod(0o755)
    return with_programs(folder)


@pytest.mark.parametrize(
    "words",
    [
        ("restart",),
        ("restart", "kubelet"),
        ("restart", "kubelet", "--dry-run"),
        ("certs", "renew", "all", "--kubelet", "--restart"),
        ("certs", "renew", "kubelet.conf", "--restart", "--dry-run"),
        ("kubelet", "enable-serving-certs", "--local", "--restart"),
    ],
    ids=" ".join,
)
def test_nothing_is_restarted_and_nothing_changed_below_another_machines_root(
    node: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    before = state(node)
    done = kubepki(*words, "--rootfs", node, before=(*systemctl(tmp_path / "programs"), *ELSEWHERE))
    assert (done.returncode, "code: restart.not_this_machine" in done.stderr) == (2, True), done.stderr
    assert f"below {node} does not run on this machine" in done.stderr
    assert state(node) == before
    assert not (tmp_path / "programs/asked").exists()


def test_what_is_to_be_restarted_is_said_for_that_node(node: Path) -> None:
    for words in (
        ("certs", "renew", "kubelet.conf"),
        ("backup", "restore", "latest"),
        ("kubelet", "enable-serving-certs", "--local"),
    ):
        done = kubepki(*words, "--rootfs", node, before=ELSEWHERE)
        assert done.returncode == 0, done.stderr
        assert "(on that node, once it runs)" in done.stderr
        assert "kubepki restart --rootfs" not in done.stderr


def test_the_root_of_this_machine_is_known_by_any_name(tmp_path: Path) -> None:
    (tmp_path / "host").symlink_to("/")
    for root in ("/", tmp_path / "host"):
        done = kubepki("restart", "--rootfs", root, "--manifests-dir", tmp_path, before=ELSEWHERE)
        assert "code: restart.no_static_pods" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root can make a root directory")
def test_a_container_with_the_hosts_processes_restarts_the_host(tmp_path: Path) -> None:
    """Its own root directory is another than that of the machine's first process."""
    other = tmp_path / "container"
    script = 'mount --rbind / "$0" && mount --bind / "$0/mnt" && exec chroot "$0" "$@"'
    other.mkdir()
    before = ("unshare", "--mount", "sh", "-c", script, str(other))
    done = kubepki("restart", "--rootfs", "/mnt", "--manifests-dir", "/nowhere", before=(*before, *ELSEWHERE))
    assert "code: restart.no_static_pods" in done.stderr, done.stderr


def test_a_renewal_of_the_kubelets_certificate_does_not_wait_for_itself(node: Path, tmp_path: Path) -> None:
    """Without a folder of manifests, the right to restart is the lock of the folder that is changed."""
    shutil.rmtree(node / "etc/kubernetes/manifests", ignore_errors=True)
    before = systemctl(tmp_path / "programs")
    done = kubepki("certs", "renew", KUBECONFIGS[2], "--restart", "--timeout", "1s", "--rootfs", node, before=before)
    assert "renewed 1: kubelet.conf" in done.stderr
    assert "store.locked" not in done.stderr
    assert (tmp_path / "programs/asked").read_text() == "restart kubelet\n"

"""`kubepki rotate` twice at once: a run that goes on and one that gives up would undo each other's work."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from rotated_folders import Cluster, cluster, made
from trees import PROGRAM, kubepki, run, state

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cluster", "made"]

# Runs the rest of its arguments; a step waits until it may begin, or is not to begin any more.
WAITS = """case "$*" in
*--dry-run*) ;;
*"step trust-both "*)
  touch "$PLACE/asked"
  until [ -e "$PLACE/answer" ]; do
    [ ! -e "$PLACE/gone" ] || exit 1
    sleep 0.05
  done ;;
esac
exec "$@"
"""


@contextlib.contextmanager
def under_way(cluster: Cluster) -> Iterator[subprocess.Popen[str]]:
    """Begin a rotation that waits in its step on the second node, for `answer` in the cluster's folder."""
    intact = cluster.file.read_text()
    nodes = yaml.safe_load(intact)
    nodes["nodes"][1]["run"] = ["env", f"PLACE={cluster.folder}", "sh", "-c", WAITS, "sh", *nodes["nodes"][1]["run"]]
    cluster.file.write_text(yaml.safe_dump(nodes))
    options = ("--authority", "front-proxy-ca", "--no-etcd-snapshot", "--nodes", cluster.file)
    words = (*PROGRAM, "rotate", "start", *options)
    command = list(map(str, words))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        try:
            while not (cluster.folder / "asked").exists():
                assert first.poll() is None, first.communicate()
                time.sleep(0.05)
            cluster.file.write_text(intact)
            yield first
        finally:
            (cluster.folder / "gone").touch()
            first.kill()


def keepers(cluster: Cluster) -> list[int]:
    """Return the processes that keep nodes of this cluster for a run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = status.read_bytes().split(b"\0")
            folder = str(cluster.folder).encode()
            if b"reserve" in words and b"--rootfs" in words and any(word.startswith(folder) for word in words):
                found.append(int(status.parent.name))
    return found


def test_another_run_is_refused_wherever_its_file_is_and_nothing_stays_behind(cluster: Cluster, tmp_path: Path) -> None:
    with under_way(cluster) as first:
        # As on another machine.
        file = tmp_path / "nodes.yaml"
        file.write_text(cluster.file.read_text())
        said = ""
        for verb in ("resume", "abort"):
            second = kubepki("rotate", verb, "--nodes", file)
            assert second.returncode == 3, (verb, second.stdout, second.stderr)
            assert "code: rotate.busy" in second.stderr
            assert "cp1: another run has reserved this node: process " in second.stderr
            said = second.stderr
        (printed,) = re.findall("`(ps .*?)`", said)
        assert f":{first.pid} " in run(*printed.split()).stdout
        (cluster.folder / "answer").touch()
        assert first.wait() == 0
    assert {stages["front-proxy-ca"] for stages in cluster.stages().values()} == {"trust-both/issue-new"}
    assert not list(cluster.folder.glob("*/etc/kubernetes/.*"))


def test_a_run_that_was_killed_keeps_no_node(cluster: Cluster) -> None:
    with under_way(cluster) as first:
        assert len(keepers(cluster)) == 2
        first.kill()
        first.wait()
        (cluster.folder / "gone").touch()
        done = cluster.rotate("resume")
        assert done.returncode == 0, done.stderr
    assert {stages["front-proxy-ca"] for stages in cluster.stages().values()} == {"trust-both/issue-new"}


def test_nodes_that_are_not_reserved_any_more_are_reserved_again(cluster: Cluster) -> None:
    """A connection can break that nothing has gone through for long."""
    with under_way(cluster) as first:
        for pid in keepers(cluster):
            os.kill(pid, signal.SIGKILL)
        (cluster.folder / "answer").touch()
        assert first.wait() == 0, first.communicate()
    lines = (cluster.folder / "log").read_text().splitlines()
    assert sum(" rotate reserve " in line for line in lines) == 4


def test_no_step_begins_on_nodes_that_another_run_has_reserved_meanwhile(cluster: Cluster) -> None:
    with under_way(cluster) as first:
        for pid in keepers(cluster):
            os.kill(pid, signal.SIGKILL)
        words = (*PROGRAM, "rotate", "reserve", "--by", "somebody", "--rootfs", cluster.folder / "cp1")
        command = list(map(str, words))
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) as other:
            assert other.stdin is not None
            assert other.stderr is not None
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stderr.readline() == "reserved\n"
            (cluster.folder / "answer").touch()
            said = first.communicate()[1]
            assert first.returncode == 3
            assert "code: rotate.busy" in said
            assert cluster.phases() == [("cp1", "trust-both"), ("cp2", "trust-both")]
            other.stdin.close()
            assert other.wait() == 0
    done = cluster.rotate("resume")
    assert done.returncode == 0, done.stderr


def test_words_that_hand_no_stdin_on_are_named(cluster: Cluster) -> None:
    nodes = yaml.safe_load(cluster.file.read_text())
    nodes["nodes"][0]["run"] = ["sh", "-c", 'exec "$@" < /dev/null', "sh", *nodes["nodes"][0]["run"]]
    cluster.file.write_text(yaml.safe_dump(nodes))
    before = {node: state(cluster.folder / node / "etc") for node in cluster.nodes}
    refused = cluster.rotate("start")
    assert refused.returncode == 3
    assert "cp1: rotate reserve: " in refused.stderr
    assert "nothing comes through stdin" in refused.stderr
    assert {node: state(cluster.folder / node / "etc") for node in cluster.nodes} == before


def test_where_no_node_is_nothing_is_reserved(tmp_path: Path) -> None:
    refused = kubepki("rotate", "reserve", "--rootfs", tmp_path)
    assert refused.returncode == 2
    assert "code: rotate.nothing_here" in refused.stderr
    assert not list(tmp_path.iterdir())
    assert not list(tmp_path.parent.glob(".*kubepki*"))


def test_a_node_that_refuses_something_else_is_not_busy(cluster: Cluster) -> None:
    nodes = yaml.safe_load(cluster.file.read_text())
    script = 'case "$*" in *reserve*) echo "error: refused by policy" >&2; exit 4 ;; esac; exec "$@"'
    nodes["nodes"][0]["run"] = ["sh", "-c", script, "sh", *nodes["nodes"][0]["run"]]
    cluster.file.write_text(yaml.safe_dump(nodes))
    refused = cluster.rotate("start")
    assert refused.returncode == 4
    assert "refused by policy" in refused.stderr
    assert "rotate.busy" not in refused.stderr


def test_a_node_whose_lock_cannot_be_had_is_named(cluster: Cluster) -> None:
    folder = cluster.folder / "cp1/etc/kubernetes"
    lock = folder / ".pki.kubepki.lock"
    lock.touch(mode=0o600)
    os.chown(lock, 65534, 65534)
    folder.chmod(0o777)
    words = (*PROGRAM, "rotate", "reserve", "--rootfs", cluster.folder / "cp1")
    done = subprocess.run(list(map(str, words)), input="\n", capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "not reserved: no lock can be taken here"
    told = cluster.rotate("resume").stderr
    assert "cp1: no lock can be taken there, and nothing keeps another run away" in told
    assert "cp2: no lock" not in told


@pytest.mark.long
def test_a_run_that_was_asleep_reserves_its_nodes_anew(cluster: Cluster) -> None:
    """Others may have them by then, before the end of a connection has been heard of."""
    with under_way(cluster) as first:
        first.send_signal(signal.SIGSTOP)
        time.sleep(32)
        first.send_signal(signal.SIGCONT)
        (cluster.folder / "answer").touch()
        assert first.wait() == 0, first.communicate()
    lines = (cluster.folder / "log").read_text().splitlines()
    assert sum(" rotate reserve " in line for line in lines) == 4


@pytest.mark.long
def test_a_node_is_not_kept_for_whoever_says_nothing(cluster: Cluster) -> None:
    """A minute: the run that has it may be on a machine that cannot be reached any more."""
    words = (*PROGRAM, "rotate", "reserve", "--rootfs", cluster.folder / "cp1")
    pipe = subprocess.PIPE
    with subprocess.Popen(list(map(str, words)), stdin=pipe, stderr=pipe, text=True) as silent:
        assert silent.stdin is not None
        silent.stdin.write("\n")
        silent.stdin.flush()
        assert silent.wait() == 3
        assert silent.stderr is not None
        assert "nothing came through stdin for 60 s" in silent.stderr.read()

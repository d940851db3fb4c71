"""A rotation that breaks off, wherever: `kubepki rotate status` says what is, and `resume` ends it well."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from test_ca_rotation import assert_is_new, assert_nothing_failed, three_and_two
from testbed.load import load
from testbed.node import KUBEPKI
from testbed.processes import beside
from testbed.rotation import AUTHORITIES, PAIRS, Rotation, trusted
from testbed.waiting import eventually

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

# Fifty take an hour.
_KILLS = int(os.environ.get("KUBEPKI_KILLS", "50"))
# Every so many runs all four are rotated; in between the one whose rotation restarts nothing, and the two others.
_ALL_EVERY = 10
_ONE = (["front-proxy-ca"], ["ca"], ["sa"], ["front-proxy-ca"], ["etcd-ca"])


def status(rotation: Rotation) -> dict[str, Any]:
    """Return what `rotate status` says of each node; it answers whatever has happened."""
    asked = rotation.run("status", "--output=json")
    assert asked.returncode in (0, 1), asked.stderr
    nodes = json.loads(asked.stdout)
    assert [each["name"] for each in nodes] == [node.name for node in rotation.cluster.nodes]
    return {each["name"]: each["rotation"] for each in nodes}


def is_under_way(rotation: Rotation) -> bool:
    """Whether `rotate status` says that something is left to do."""
    return rotation.run("status").returncode == 1


# ---- kills ---------------------------------------------------------------------------------------------------------


def steps_on_nodes(here: Cluster) -> list[int]:
    """Return the processes of kubepki's steps that run on nodes now."""
    found = []
    for node in here.nodes:
        for pid in beside(node.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"rotate" in words and b"step" in words and str(KUBEPKI).encode() in words:
                found.append(pid)
    return found


def kill_something(here: Cluster, run: subprocess.Popen[str], moments: random.Random) -> str:
    """Kill the step on a node, the run over all nodes, or both; return which, or nothing where it had ended."""
    if run.poll() is not None:
        return ""
    steps = steps_on_nodes(here)
    kill_run, kill_step = moments.choice([(True, False), (False, True), (True, True)])
    if kill_run or not steps:
        run.kill()
    killed = steps if kill_step else []
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return "step" if killed else "run"


def wait_for_steps(here: Cluster) -> None:
    """Wait until what an ended run has left on the nodes has ended, as an operator does."""
    end = time.monotonic() + 300
    while steps_on_nodes(here):
        assert time.monotonic() < end
        time.sleep(0.5)


@pytest.mark.long
def test_kills_at_random_moments_leave_what_resume_ends(cluster: MakeCluster) -> None:
    here = three_and_two(cluster)
    seed = random.SystemRandom().getrandbits(32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    # How long a verb takes with these authorities when nobody kills it; the first guess is a step's.
    takes: dict[tuple[str, str], float] = {}
    killed: list[str] = []
    number = 0
    # Each rotation has two chances.
    while len(killed) < _KILLS:
        assert number < _KILLS, f"{killed} of {2 * number} were killed: the moments are too late"
        authorities = list(AUTHORITIES) if number % _ALL_EVERY == _ALL_EVERY - 1 else _ONE[number % len(_ONE)]
        rotation = Rotation(here, authorities)
        for verb in ("start", moments.choice(["finish", "abort"])):
            said = f"{verb} of {authorities}, run {number} of seed {seed}"
            more = tokens(verb)
            guess = takes.get((verb, ",".join(authorities)), 20.0)
            run = rotation.popen(verb, *more)
            time.sleep(moments.uniform(0.3, guess))
            what = kill_something(here, run, moments)
            run.communicate()
            killed += [what] if what else []
            wait_for_steps(here)

            status(rotation)
            began = time.monotonic()
            # Where it was killed before it had changed anything, or when it had changed all, nothing is left to resume.
            if is_under_way(rotation) and verb in ("start", "finish"):
                resumed = rotation.run("resume", "--token-life=1s")
                assert resumed.returncode == 0, f"{said}: {resumed.stdout}{resumed.stderr}"
            wanted = {"start": "both, new first", "finish": "new", "abort": "old"}[verb]
            if not rotation.are(wanted) or (verb == "abort" and is_under_way(rotation)):
                # It had not begun; or `finish` and `abort` are asked for again, as `resume` goes forward.
                again = rotation.run(verb, *more)
                assert again.returncode == 0, f"{said}: {again.stdout}{again.stderr}"
            takes[verb, ",".join(authorities)] = max(5.0, time.monotonic() - began)
            assert rotation.are(wanted), f"{said}: {[rotation.states(name) for name in authorities]}"
        left = rotation.leftovers()
        assert not left, f"run {number} of seed {seed}: {left}"
        assert not is_under_way(rotation), f"run {number} of seed {seed}"
        for node in here.nodes:
            checked = node.kubepki("check")
            assert checked.returncode == 0, f"run {number} of seed {seed}, {node.name}: {checked.stdout}"
        number += 1
    assert set(killed) == {"run", "step"}
    here.wait_until_healthy()


def tokens(verb: str) -> tuple[str, ...]:
    """Say that no token lives longer; a rotation begins without asking."""
    return () if verb == "start" else ("--token-life=1s",)


def break_off_after_the_first(rotation: Rotation, verb: str, phase: str) -> None:
    """Kill the run over all nodes, and what it has begun on the next one, when the first node has done a step."""
    began = time.time()

    def is_done() -> bool:
        steps = [run for run in rotation.runs() if run.began >= began and "--dry-run" not in run.command]
        return run.poll() is not None or any(step.phase == phase for step in steps)

    run = rotation.popen(verb, *tokens(verb))
    eventually(is_done, f"{phase} is done on a node", patience=600, pause=0.02)
    assert run.poll() is None
    run.kill()
    for pid in steps_on_nodes(rotation.cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.communicate()
    wait_for_steps(rotation.cluster)


_CLIENT_TRUST = ("--namespace=kube-system", "extension-apiserver-authentication")


def held(cluster: Cluster, field: str) -> str:
    """Return what the cluster says of whose clients may come."""
    asked = cluster.client("get", "configmap", *_CLIENT_TRUST, f"--output=jsonpath={{.data.{field}}}")
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


def add_again(cluster: Cluster, field: str, bundle: str) -> None:
    """Do what an API server does that has not read its disk yet: it adds what is not there."""
    patch = json.dumps({"data": {field: bundle}})
    done = cluster.client("patch", "configmap", *_CLIENT_TRUST, "--type=merge", f"--patch={patch}")
    assert done.returncode == 0, done.stderr


def test_objects_that_do_not_follow_are_named_and_made_to_follow(cluster: MakeCluster) -> None:
    """They are written last: a run that broke off before is past every file; API servers add what was taken away."""
    here = cluster(most_back_off=1)
    rotation = Rotation(here, ["front-proxy-ca"])
    field, in_time = "requestheader-client-ca-file", []
    for verb, wanted, again in (("abort", "old", "abort"), ("finish", "new", "resume")):
        rotation.succeed("start")
        both = held(here, field)
        run = rotation.popen(verb, *tokens(verb))

        def is_taken_away(both: str = both) -> bool:
            return held(here, field) != both

        eventually(is_taken_away, "the one that goes is taken away", patience=120, pause=0)
        add_again(here, field, both)
        in_time.append(run.poll() is None)
        out, error = run.communicate(timeout=300)
        assert run.returncode == 0, f"{out}{error}"
        assert rotation.are(wanted)
        if in_time[-1]:
            assert not rotation.leftovers()
            assert not is_under_way(rotation)

        add_again(here, field, both)
        told = rotation.run("status")
        assert told.returncode == 1, told
        assert field in told.stderr
        assert "kubepki rotate resume" in told.stderr
        rotation.succeed(again, *tokens(again))
        assert not rotation.leftovers()
        assert not is_under_way(rotation)
    # It is waited for what API servers add.
    assert any(in_time)


@pytest.mark.long
def test_a_step_that_one_control_plane_has_done_is_done_on_the_next(cluster: MakeCluster) -> None:
    """The cluster hands out what the one or the other has on disk: a gate that asks one of them would never open."""
    here = cluster(control_planes=2, most_back_off=1)
    rotation = Rotation(here, ["ca"])
    for verb, phase, then, wanted in [
        ("start", "issue-new", "resume", "both, new first"),
        ("abort", "trust-old", "abort", "old"),
        ("start", "", "start", "both, new first"),
        ("finish", "trust-new", "resume", "new"),
    ]:
        if phase:
            break_off_after_the_first(rotation, verb, phase)
            assert len({*rotation.states("ca").values()}) == 2, rotation.states("ca")
        rotation.succeed(then, *tokens(then))
        assert rotation.are(wanted), rotation.states("ca")
    assert_is_new(rotation)


# ---- a node that is off, a full disk -------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("kind", ["worker", "control plane"])
def test_no_step_is_done_while_a_node_is_off_and_resume_ends_it(cluster: MakeCluster, kind: str) -> None:
    here = three_and_two(cluster)
    node = here.workers[1] if kind == "worker" else here.control_planes[2]
    rotation = Rotation(here, ["ca", "front-proxy-ca"])
    rotation.switch(node, off=True)
    try:
        refused = rotation.run("start")
        assert refused.returncode != 0
        assert node.name in refused.stderr
        assert "No route to host" in refused.stderr
        assert rotation.are("old")
    finally:
        rotation.switch(node, off=False)
    here.wait_until_healthy()
    with load(here) as under:
        rotation.succeed("start")
        # It goes off when the rest is to be ended.
        rotation.switch(node, off=True)
        try:
            refused = rotation.run("finish")
            assert refused.returncode != 0
            assert node.name in refused.stderr
            asked = rotation.run("status")
            assert asked.returncode == 3
            assert node.name in asked.stderr
        finally:
            rotation.switch(node, off=False)
        assert "old" not in rotation.states("ca").values()
        here.wait_until_healthy()
        rotation.finish()
    if kind == "worker":
        assert_nothing_failed(under)
    assert_is_new(rotation)


def fill(node: Node, folder: str) -> None:
    """Mount a disk over a folder of the node, and leave no room on it."""
    script = f"mount -t tmpfs -o size=64k tmpfs {folder} && dd if=/dev/zero of={folder}/full bs=1k 2>/dev/null; true"
    done = node.run("sh", "-c", f"mkdir -p {folder} && {script}")
    assert done.returncode == 0, done.stderr
    assert node.run("test", "-s", f"{folder}/full").returncode == 0


@pytest.mark.long
def test_a_full_disk_stops_it_before_anything_is_changed_there(cluster: MakeCluster) -> None:
    here = three_and_two(cluster)
    node = here.control_planes[1]
    rotation = Rotation(here, ["ca", "front-proxy-ca", "etcd-ca"])
    before = {name: trusted(node, name) for name in AUTHORITIES}
    with load(here) as under:
        fill(node, "/var/lib/kubepki")
        try:
            stopped = rotation.run("start")
            assert stopped.returncode != 0
            assert node.name in stopped.stderr
            assert "store.disk_full" in stopped.stderr
            assert {name: trusted(node, name) for name in AUTHORITIES} == before
            assert is_under_way(rotation)
        finally:
            assert node.run("umount", "/var/lib/kubepki").returncode == 0

        rotation.succeed("resume")

        assert rotation.are("both, new first")
        rotation.finish()
    assert_nothing_failed(under)
    assert_is_new(rotation)


# ---- by hand -------------------------------------------------------------------------------------------------------


def make_authority(folder: Path, name: str) -> tuple[bytes, bytes]:
    """Make a CA with openssl; return its certificate and its key."""
    usage = "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "3650"]
    files = ["-keyout", str(folder / "new.key"), "-out", str(folder / "new.crt")]
    subprocess.run([*command, "-addext", usage, *files], check=True, capture_output=True)
    return (folder / "new.crt").read_bytes(), (folder / "new.key").read_bytes()


def put(file: Path, content: bytes) -> None:
    """Put a file in another's place at once, with its mode."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=file.stat().st_mode & 0o777)
    fresh.write_bytes(content)
    fresh.rename(file)


def test_restarts_that_broke_off_at_the_end_are_made_up_for(cluster: MakeCluster) -> None:
    """Until the restarts etcd accepts what is of the old CA, and the API server what is of the old key."""
    here = cluster(most_back_off=1)
    rotation = Rotation(here, ["etcd-ca", "sa"])
    rotation.succeed("start")
    words = ("rotate", "step", "trust-new", "--authority", "etcd-ca,sa", "--token-life", "1s", "--no-restart")
    broken_off = here.first.kubepki(*words)
    assert broken_off.returncode == 0, broken_off
    assert rotation.are("new")
    assert is_under_way(rotation)
    rotation.succeed("resume", *tokens("resume"))
    assert_is_new(rotation)


@pytest.mark.long
def test_what_was_begun_by_hand_is_named_and_ended(cluster: MakeCluster) -> None:
    here = three_and_two(cluster)
    rotation = Rotation(here, ["front-proxy-ca"])
    new, key = make_authority(here.folder, "front-proxy-ca")
    pki = [node.kubernetes / "pki" for node in here.control_planes]
    with load(here) as under:
        for folder in pki:
            put(folder / "front-proxy-ca.crt", (folder / "front-proxy-ca.crt").read_bytes() + new)
        time.sleep(3)
        # On the first the new one signs; there the manual ended.
        old = (pki[1] / "front-proxy-ca.crt").read_bytes().removesuffix(new)
        put(pki[0] / "front-proxy-ca.key", key)
        put(pki[0] / "front-proxy-ca.crt", new + old)

        stages = {name: each for name, each in status(rotation).items() if name.startswith("cp")}
        assert is_under_way(rotation)
        said = {name: each["authorities"][0]["stage"] for name, each in stages.items()}
        assert said["cp1"] != said["cp2"] == said["cp3"]

        rotation.succeed("resume")

        assert rotation.are("both, new first")
        for folder in pki:
            assert (folder / "front-proxy-ca.key").read_bytes() == key
        rotation.finish()
    assert_nothing_failed(under)
    assert_is_new(rotation)
    assert (pki[0] / f"{PAIRS['front-proxy-ca']}.crt").read_bytes() == new

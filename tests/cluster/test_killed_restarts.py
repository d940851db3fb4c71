"""kubepki is killed while it renews and restarts: the next run leaves a healthy node, and no manifest is missing."""

from __future__ import annotations

import hashlib
import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import MakeCluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

# Fifty take ten minutes.
_RUNS = int(os.environ.get("KUBEPKI_KILLS", "50"))
# Every so many runs each component is restarted, whether it is due or not.
_ALL_EVERY = 10
_RENEW = ("certs", "renew", "all", "--restart")
_RESTART = ("restart", "--all")


def _manifests(node: Node) -> dict[str, str]:
    folder = node.kubernetes / "manifests"
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def _seconds(node: Node, command: Sequence[str]) -> float:
    """How long the command takes when nobody kills it."""
    began = time.monotonic()
    done = node.kubepki(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def test_kills_at_random_moments_leave_nothing_that_the_next_run_does_not_mend(cluster: MakeCluster) -> None:
    here = cluster(fresh=True, most_back_off=1)
    node = here.first
    manifests = _manifests(node)
    assert len(manifests) == 4
    takes = {command: _seconds(node, command) for command in (_RENEW, _RESTART)}
    seed = random.SystemRandom().getrandbits(32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    killed = 0
    for number in range(_RUNS):
        command = _RESTART if number % _ALL_EVERY == 0 else _RENEW
        said = f"run {number} of seed {seed}"
        run = node.popen(KUBEPKI, *command)
        time.sleep(moments.uniform(0.05, takes[command]))
        if run.entering.poll() is None:
            run.kill()
            killed += 1
        run.wait()

        done = node.kubepki(*_RENEW)

        assert done.returncode == 0, f"{said}: {done.stdout}{done.stderr}"
        assert _manifests(node) == manifests, said
        held = node.root / "var/lib/kubepki/restart"
        assert not [file for file in held.glob("*") if file.suffix == ".yaml"], said
        assert node.kubepki("check").returncode == 0, said
    assert killed > _RUNS // 2
    here.wait_until_healthy()

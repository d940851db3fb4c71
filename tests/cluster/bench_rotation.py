"""How long a rotation of all authorities takes, and how long each component is away meanwhile: `make bench-rotation`.

Three control planes with stacked etcd behind an endpoint, two workers, the whole load of `testbed.load`. A component is
away from the first probe that fails to the first that succeeds again; it is probed ten times a second, inside its node.
What is away on one node is there on two others: the load says whether a client noticed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from bench_restart import PROBED, Probed
from testbed import machine
from testbed.cluster import Cluster
from testbed.configurations import Shape
from testbed.load import load
from testbed.rotation import AUTHORITIES, Rotation

if TYPE_CHECKING:
    from testbed.node import Node
    from testbed.rotation import Run

# Prints a list of seconds, how long it was away each time, when its input ends.
PROBE = """
import http.client, json, select, ssl, sys, time
host, port, scheme, path = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
trusting = ssl._create_unverified_context()

def is_well():
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    more = {"context": trusting} if scheme == "https" else {}
    connection = kind(host, port, timeout=1, **more)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

gaps, gone = [], None
while not select.select([sys.stdin], [], [], 0.1)[0]:
    well, now = is_well(), time.monotonic()
    if not well:
        gone = gone or now
    elif gone:
        gaps.append(now - gone)
        gone = None
print(json.dumps(gaps))
"""


class Away(NamedTuple):
    """A component of all nodes: how long it was away, each time."""

    name: str
    seconds: list[float]


class Watched:
    """The probes of every component of every node."""

    def __init__(self, cluster: Cluster) -> None:
        """Start them."""
        self._probes = [
            (probed.name, self._probe(node, probed))
            for node in cluster.nodes
            for probed in PROBED.values()
            if probed.name == "kubelet" or node in cluster.control_planes
        ]

    @staticmethod
    def _probe(node: Node, probed: Probed) -> subprocess.Popen[str]:
        words = ("127.0.0.1", str(probed.port), probed.scheme, probed.path)
        command = node.entering(sys.executable, "-I", "-c", PROBE, *words)
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self) -> list[Away]:
        """End them; return what they saw."""
        found: dict[str, list[float]] = {name: [] for name in PROBED}
        for name, probe in self._probes:
            found[name] += json.loads(probe.communicate(timeout=60)[0])
        return [Away(name, seconds) for name, seconds in found.items()]


def phases(runs: list[Run]) -> dict[str, list[float]]:
    """Return how long each step took, node by node; what is only looked at is one row."""
    found: dict[str, list[float]] = {}
    for run in runs:
        # It lasts as long as the whole.
        if run.phase == "rotate reserve":
            continue
        found.setdefault(run.phase if "step" in run.command else "looking at a node", []).append(run.seconds)
    return found


def table(head: str, rows: dict[str, list[float]]) -> str:
    """Return rows of numbers as a table of the documentation."""
    lines = [f"| {head} | times | each | at most | in all |", "|---|---|---|---|---|"]
    for name, seconds in rows.items():
        mean, most = sum(seconds) / max(1, len(seconds)), max(seconds, default=0.0)
        lines.append(f"| {name} | {len(seconds)} | {mean:.1f} s | {most:.1f} s | {sum(seconds):.0f} s |")
    return "\n".join(lines)


def measured(cluster: Cluster) -> str:
    """Rotate all four; return the tables."""
    parts = []
    for verb in ("start", "finish"):
        rotation = Rotation(cluster, AUTHORITIES)
        with load(cluster) as under:
            watched = Watched(cluster)
            began = time.monotonic()
            if verb == "start":
                rotation.succeed("start")
            else:
                rotation.finish()
            seconds = time.monotonic() - began
            away = watched.end()
        client = under.client
        streams = {kind: sum(each.kind == kind for each in client.resumed) for kind in client.pieces}
        parts += [
            f"## `kubepki rotate {verb}`: {seconds:.0f} s",
            table("step", phases(rotation.runs())),
            table("component, of all nodes", {each.name: each.seconds for each in away}),
            f"{len(client.failures)} of {client.count} requests failed; streams went on: {streams}",
            *(str(each) for each in client.failures),
        ]
        cluster.wait_until_healthy()
    return "\n\n".join(parts)


def main() -> int:
    """Bring a cluster up, measure, take it down."""
    if complaint := machine.complaint():
        print(complaint, file=sys.stderr)
        return 1
    cluster = Cluster(f"bench-{os.getpid()}", Shape(3, 2, most_back_off=1))
    try:
        cluster.start()
        cluster.bring_up()
        print(measured(cluster))
    finally:
        cluster.down()
    average = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\nload of the machine at the end: {average}; {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failure:
        sys.exit(str(failure))

"""How long each component is away when kubepki restarts it, beside a signal sent by hand: `make bench-restart`.

Both take turns on one real cluster with one control-plane node. The kubelet there waits one second at most before it
starts a container again; by itself it waits longer with every restart, and only the first one of a component would
count. A component is away from the first probe that fails to the first that succeeds again; it is probed fifty times a
second, inside the node.

The floor of the API server is its own start: it is ended by SIGKILL, with no time for requests that are under way.
Around etcd its manifest is moved out, it is ended, etcd is asked to end, and the manifest goes back when etcd is well.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from testbed import machine
from testbed.cluster import Cluster
from testbed.configurations import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.node import InNode, Node

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SETTLING = 5.0

# Prints how long it was away, once it has been back for two seconds.
PROBE = """
import http.client, json, ssl, sys, time
host, port, scheme, path, limit = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])
trusting = ssl._create_unverified_context()

def is_well():
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    more = {"context": trusting} if scheme == "https" else {}
    connection = kind(host, port, timeout=1, **more)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()

print("probing" if is_well() else "not well", flush=True)
gone = back = None
end = time.monotonic() + limit
while time.monotonic() < end:
    well, now = is_well(), time.monotonic()
    if not well:
        gone, back = gone or now, None
    elif gone and not back:
        back = now
    if back and now - back > 2:
        print(json.dumps(back - gone), flush=True)
        sys.exit(0)
    time.sleep(0.02)
print("null", flush=True)
"""


class Probed(NamedTuple):
    """A component: where it is asked whether it is well."""

    name: str
    port: int
    scheme: str
    path: str


PROBED = {
    each.name: each
    for each in (
        Probed("etcd", 2381, "http", "/health?serializable=true"),
        Probed("kube-apiserver", 6443, "https", "/readyz"),
        Probed("kube-controller-manager", 10257, "https", "/healthz"),
        Probed("kube-scheduler", 10259, "https", "/healthz"),
        Probed("kubelet", 10248, "http", "/healthz"),
    )
}


def away(node: Node, names: tuple[str, ...], act: Callable[[], object]) -> dict[str, float]:
    """Do something, and return how long each component was away, in seconds."""
    probes = {name: _probe(node, PROBED[name]) for name in names}
    for name, probe in probes.items():
        assert probe.entering.stdout is not None
        said = probe.entering.stdout.readline().strip()
        assert said == "probing", f"{name}: {said}"
    time.sleep(0.5)
    act()
    found = {name: json.loads(probe.wait(180).stdout) for name, probe in probes.items()}
    time.sleep(SETTLING)
    return found


def _probe(node: Node, probed: Probed) -> InNode:
    # A kubeadm API server listens everywhere; the others at this address alone.
    words = ("127.0.0.1", str(probed.port), probed.scheme, probed.path, "120")
    return node.popen(sys.executable, "-I", "-c", PROBE, *words)


def signalled(node: Node, name: str, number: signal.Signals) -> Callable[[], None]:
    """Return what sends a component's process a signal."""

    def send() -> None:
        (pid,) = node.processes(name)
        os.kill(pid, number)

    return send


def around_etcd(node: Node) -> Callable[[], None]:
    """Return what restarts etcd by hand while the API server is stopped."""

    def restart() -> None:
        manifest = node.kubernetes / "manifests/kube-apiserver.yaml"
        held = node.kubernetes / "kube-apiserver.yaml.held"
        (server,), (etcd,) = node.processes("kube-apiserver"), node.processes("etcd")
        manifest.rename(held)
        os.kill(server, signal.SIGKILL)
        while server in node.processes("kube-apiserver"):
            time.sleep(0.02)
        os.kill(etcd, signal.SIGTERM)
        while etcd in node.processes("etcd") or '"true"' not in node.etcd_health():
            time.sleep(0.02)
        held.rename(manifest)

    return restart


def by_kubepki(node: Node, name: str) -> Callable[[], None]:
    """Return what restarts a component with kubepki."""

    def restart() -> None:
        done = node.kubepki("restart", name, "--all")
        assert done.returncode == 0, done.stderr

    return restart


def by_systemd(node: Node) -> Callable[[], object]:
    """Return what restarts the kubelet."""
    return lambda: node.run("systemctl", "restart", "kubelet")


def measure(node: Node) -> dict[str, tuple[list[float], list[float]]]:
    """Return for each component the seconds by hand and by kubepki, round by round."""
    found: dict[str, tuple[list[float], list[float]]] = {}

    def turn(name: str, hand: Callable[[], object], ours: Callable[[], object]) -> None:
        by_hand, by_us = found.setdefault(name, ([], []))
        by_hand.append(away(node, (name,), hand)[name])
        by_us.append(away(node, (name,), ours)[name])

    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        for name in ("kube-scheduler", "kube-controller-manager"):
            turn(name, signalled(node, name, signal.SIGTERM), by_kubepki(node, name))
        turn(
            "kube-apiserver",
            signalled(node, "kube-apiserver", signal.SIGKILL),
            by_kubepki(node, "kube-apiserver"),
        )
        turn("kubelet", by_systemd(node), by_kubepki(node, "kubelet"))
        names = ("etcd", "kube-apiserver")
        by_hand, by_us = away(node, names, around_etcd(node)), away(node, names, by_kubepki(node, "etcd"))
        for row, name in (("etcd", "etcd"), ("kube-apiserver, around etcd", "kube-apiserver")):
            seconds = found.setdefault(row, ([], []))
            seconds[0].append(by_hand[name])
            seconds[1].append(by_us[name])
    return found


def table(found: dict[str, tuple[list[float], list[float]]]) -> str:
    """Return the medians as a table of the documentation."""
    lines = ["| component | by hand | `kubepki restart` | times | more |", "|---|---|---|---|---|"]
    for name, seconds in found.items():
        by_hand, by_us = map(statistics.median, seconds)
        lines.append(f"| {name} | {by_hand:.1f} s | {by_us:.1f} s | {by_us / by_hand:.1f} | {by_us - by_hand:+.1f} s |")
    return "\n".join(lines)


def main() -> int:
    """Bring a cluster up, measure, take it down."""
    if complaint := machine.complaint():
        print(complaint, file=sys.stderr)
        return 1
    cluster = Cluster(f"bench-{os.getpid()}", Shape(1, 0, most_back_off=1))
    try:
        cluster.start()
        cluster.bring_up()
        # All that kubeadm's API server has to say is said.
        time.sleep(SETTLING)
        found = measure(cluster.first)
    finally:
        cluster.down()
    print(table(found))
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\nload of the machine at the end: {load}; {os.cpu_count()} processors")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failure:
        sys.exit(str(failure))

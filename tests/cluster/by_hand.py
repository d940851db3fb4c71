"""A cluster by hand: brought up here, and left running until it is taken down.

    python tests/cluster/by_hand.py up try --control-planes 3 --workers 1
    python tests/cluster/by_hand.py run try cp1 kubepki check
    python tests/cluster/by_hand.py run try cp1 bash
    python tests/cluster/by_hand.py client try get nodes
    python tests/cluster/by_hand.py list
    python tests/cluster/by_hand.py down try

Several can be side by side. Files of a node are where `up` and `list` say: `.../nodes/cp1/root/etc/kubernetes`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from testbed import cluster as clusters
from testbed import machine
from testbed.cluster import Cluster
from testbed.configurations import Shape
from testbed.node import KUBEPKI


def up(arguments: argparse.Namespace) -> int:
    """Bring a cluster up."""
    if complaint := machine.complaint():
        print(complaint, file=sys.stderr)
        return 1
    began = time.monotonic()
    shape = Shape(arguments.control_planes, arguments.workers, arguments.most_back_off, arguments.shutdown_delay)
    cluster = Cluster(arguments.name, shape)
    cluster.start(outlives_this_process=True)
    if not arguments.bare:
        cluster.bring_up()
    print(f"up after {time.monotonic() - began:.0f} s: {cluster.folder}")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Take a cluster down."""
    clusters.take_down(clusters.runs() / arguments.name)
    return 0


def shown(_: argparse.Namespace) -> int:
    """List what runs."""
    for folder in sorted(clusters.runs().iterdir()) if clusters.runs().exists() else ():
        owner = "a test run's" if (folder / "owner").exists() else "by hand"
        print(f"{folder.name} ({owner}): {folder}")
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Run a program in a node, in place of this process."""
    nodes = {node.name: node for node in clusters.attached(arguments.name).nodes}
    words = [str(KUBEPKI) if word == "kubepki" else word for word in arguments.command]
    node = nodes[arguments.node]
    command = node.entering(*words)
    os.execvpe(command[0], command, {**os.environ, **node.environment()})  # noqa: S606


def client(arguments: argparse.Namespace) -> int:
    """Run kubectl in the cluster's network."""
    done = clusters.attached(arguments.name).client(*arguments.arguments)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)

    verb = verbs.add_parser("up", help="bring a cluster up")
    verb.add_argument("name")
    verb.add_argument("--control-planes", type=int, default=1)
    verb.add_argument("--workers", type=int, default=0)
    verb.add_argument(
        "--most-back-off", type=int, help="seconds that the kubelet waits at most to start a container again"
    )
    verb.add_argument(
        "--shutdown-delay", type=int, default=Shape().shutdown_delay, help="of API servers behind an endpoint"
    )
    verb.add_argument("--bare", action="store_true", help="nodes only, no kubeadm")
    verb.set_defaults(do=up)

    verb = verbs.add_parser("down", help="take a cluster down, whatever state it is in")
    verb.add_argument("name")
    verb.set_defaults(do=down)

    verb = verbs.add_parser("list", help="list what runs")
    verb.set_defaults(do=shown)

    verb = verbs.add_parser("run", help="run a program in a node")
    verb.add_argument("name")
    verb.add_argument("node")
    verb.add_argument("command", nargs=argparse.REMAINDER)
    verb.set_defaults(do=run)

    verb = verbs.add_parser("client", help="run kubectl in the cluster's network")
    verb.add_argument("name")
    verb.add_argument("arguments", nargs=argparse.REMAINDER)
    verb.set_defaults(do=client)

    arguments = parser.parse_args()
    return int(arguments.do(arguments))


if __name__ == "__main__":
    sys.exit(main())

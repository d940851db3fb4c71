"""A network for pods: each has an address of its own, reaches the nodes, and the API server by its service's address.

A node's container runtime runs this file as its network plugin (CNI); the testbed calls `connect`. It is no
kube-proxy: of services there is only `kubernetes`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.cluster import Cluster

# kubeadm's own range of services.
_SERVICE = "10.96.0.1"
_NETWORK = "10.244"
_PLUGINS = "/opt/cni/bin"
_TAKEN = Path("/run/pod-addresses")
_VERSION = "0.4.0"


def connect(cluster: Cluster) -> None:
    """Give a network to the pods that start from now on."""
    for node in cluster.nodes:
        subnet = _subnet(node.address)
        network = {"cniVersion": _VERSION, "name": "pods", "plugins": [{"type": "pods", "subnet": subnet}]}
        program = f"#!/bin/sh\nexec {shlex.join([sys.executable, '-I', str(Path(__file__).absolute())])}\n"
        lines = ["set -e", f"mkdir -p {_PLUGINS}"]
        for name in ("loopback", "pods"):
            lines += [f"printf %s {shlex.quote(program)} > {_PLUGINS}/{name}", f"chmod 755 {_PLUGINS}/{name}"]
        lines += ["echo 1 > /proc/sys/net/ipv4/ip_forward", f"ip address add {_SERVICE}/32 dev lo"]
        lines += [
            f"ip route add {_subnet(other.address)}.0/24 via {other.address}"
            for other in cluster.nodes
            if other is not node
        ]
        lines += [f"printf %s {shlex.quote(json.dumps(network))} > /etc/cni/net.d/10-none.conflist"]
        # It ends with the node.
        passed_on = f"socat TCP-LISTEN:443,bind={_SERVICE},fork,reuseaddr TCP:{cluster.first.address}:6443"
        lines += [f"{passed_on} < /dev/null > /run/socat.log 2>&1 &"]
        done = node.run("sh", "-c", "\n".join(lines))
        assert done.returncode == 0, done


def _subnet(address: str) -> str:
    """The three numbers with which the addresses of a node's pods begin."""
    return f"{_NETWORK}.{address.rpartition('.')[2]}"


def _ip(*arguments: str, namespace: str | None = None) -> None:
    enter = ["nsenter", f"--net={namespace}"] if namespace else []
    subprocess.run([*enter, "ip", *arguments], check=True, stdout=sys.stderr)


def _add(subnet: str, namespace: str, interface: str) -> str:
    """Join the pod to its node; return its address."""
    _TAKEN.mkdir(exist_ok=True)
    # The first is the node's own.
    number = 1
    while True:
        number += 1
        try:
            (_TAKEN / str(number)).touch(exist_ok=False)
            break
        except FileExistsError:
            continue
    here, gateway, address = f"pod{number}", f"{subnet}.1", f"{subnet}.{number}"
    _ip("link", "add", here, "type", "veth", "peer", "name", interface, "netns", namespace)
    _ip("address", "add", f"{gateway}/32", "dev", here)
    _ip("link", "set", here, "up")
    _ip("route", "add", f"{address}/32", "dev", here)
    _ip("address", "add", f"{address}/32", "dev", interface, namespace=namespace)
    _ip("link", "set", interface, "up", namespace=namespace)
    _ip("route", "add", gateway, "dev", interface, namespace=namespace)
    _ip("route", "add", "default", "via", gateway, namespace=namespace)
    return address


def main() -> None:
    """Be the plugin. Source: the CNI specification, 0.4.0; interfaces go with the pod's namespace."""
    wanted = json.load(sys.stdin)
    version = wanted["cniVersion"]
    answer: dict[str, object] = {"cniVersion": version}
    if os.environ["CNI_COMMAND"] == "VERSION":
        answer["supportedVersions"] = ["0.3.1", _VERSION]
    elif os.environ["CNI_COMMAND"] == "ADD":
        namespace, interface = os.environ["CNI_NETNS"], os.environ["CNI_IFNAME"]
        if interface == "lo":
            _ip("link", "set", "lo", "up", namespace=namespace)
            address = "127.0.0.1/8"
        else:
            address = f"{_add(wanted['subnet'], namespace, interface)}/32"
        answer["interfaces"] = [{"name": interface, "sandbox": namespace}]
        answer["ips"] = [{"version": "4", "address": address, "interface": 0}]
    else:
        return
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

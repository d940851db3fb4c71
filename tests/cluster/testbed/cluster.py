"""A cluster: a network, its nodes and what kubeadm makes of them; and how it is taken down, by whoever does it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from testbed import cgroups, configurations, endpoint, machine, tools
from testbed.configurations import ENDPOINT, NETWORK, PORT, Secrets, Shape
from testbed.node import COMPONENTS, Completed, Node
from testbed.processes import Process, Record
from testbed.steady import SteadyClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_FIRST_CONTROL_PLANE = 10
_FIRST_WORKER = 20
_SHAPE = "shape.json"
_PATIENCE = 180.0
_UNMOUNT_PATIENCE = 30.0
# `kubeadm init` takes a quarter of a minute on two idle cores.
_KUBEADM_TIMEOUT = 600.0


class Cluster:
    """A cluster on this machine; several can be side by side, each in a network of its own."""

    def __init__(self, name: str, shape: Shape, *, prefix: str = "", kubelet_restart_seconds: float = 10.0) -> None:
        """Know the nodes; nothing is started."""
        self.name = name
        self.shape = shape
        self.folder = runs() / name
        built = tools.build()

        def node(kind: str, number: int, first: int) -> Node:
            node_name = f"{prefix}{kind}{number + 1}"
            return Node(
                name=node_name,
                address=f"{NETWORK}.{first + number}",
                folder=self.folder / "nodes" / node_name,
                cgroup=f"kubepki-{name}-{node_name}",
                tools=built,
                kubelet_restart_seconds=kubelet_restart_seconds,
            )

        self.control_planes = [node("cp", number, _FIRST_CONTROL_PLANE) for number in range(shape.control_planes)]
        self.workers = [node("w", number, _FIRST_WORKER) for number in range(shape.workers)]
        self.secrets = Secrets(f"{secrets.token_hex(3)}.{secrets.token_hex(8)}", secrets.token_hex(32))
        self._record = Record(self.folder / "processes")
        self._life_line: int | None = None

    @property
    def nodes(self) -> list[Node]:
        """All nodes, control planes first."""
        return [*self.control_planes, *self.workers]

    @property
    def first(self) -> Node:
        """The control plane on which `kubeadm init` runs."""
        return self.control_planes[0]

    @property
    def network_pid(self) -> int:
        """The process in whose network namespace the bridge and the endpoint are."""
        return int((self.folder / "network.pid").read_text())

    # ---- life ----------------------------------------------------------------------------------------------------

    def start(self, *, outlives_this_process: bool = False) -> None:
        """Start the network and the nodes, without Kubernetes."""
        if self.folder.exists():
            raise FileExistsError(f"a cluster is at {self.folder}")
        machine.allow_enough_watchers()
        self.folder.mkdir(parents=True)
        (self.folder / _SHAPE).write_text(json.dumps(dataclasses.asdict(self.shape)))
        line: int | None = None
        if not outlives_this_process:
            line, self._life_line = os.pipe()
            owner = Process.of(os.getpid())
            (self.folder / "owner").write_text(f"{owner.pid} {owner.started}\n")
        try:
            self._start_network(line)
            hosts = {node.name: node.address for node in self.nodes}
            for node in self.nodes:
                node.start(self._record, hosts, line)
                self._connect(node)
            for node in self.nodes:
                node.wait_for_runtime()
        finally:
            if line is not None:
                os.close(line)

    def down(self) -> None:
        """End all that was started, and remove its files."""
        if self._life_line is not None:
            os.close(self._life_line)
            self._life_line = None
        take_down(self.folder, self._record)

    def _start_network(self, line: int | None) -> None:
        servers = [node.address for node in self.control_planes]
        command = ["unshare", "--net", sys.executable, "-I", endpoint.__file__, ENDPOINT, str(PORT), *servers]
        file = self.folder / "endpoint.log"
        process = self._record.start(command, "network and endpoint", file, line)
        (self.folder / "network.pid").write_text(str(process.pid))
        end = time.monotonic() + _PATIENCE
        while "listening" not in file.read_text():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no endpoint: {file.read_text()}")
            time.sleep(0.05)

    def _connect(self, node: Node) -> None:
        link = f"v-{node.name}"
        self.in_network("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(node.pid))
        self.in_network("ip", "link", "set", link, "master", "br0", "up")
        enter = ["nsenter", "--target", str(node.pid), "--net", "ip"]
        for words in ("link set lo up", f"address add {node.address}/24 dev eth0", "link set eth0 up"):
            subprocess.run([*enter, *words.split()], check=True)

    # ---- Kubernetes ------------------------------------------------------------------------------------------------

    def bring_up(self) -> None:
        """Run `kubeadm init`, then `kubeadm join` on the other nodes; wait until the cluster is healthy."""
        self.init(*(["--upload-certs"] if len(self.control_planes) > 1 else []))
        for node in self.control_planes[1:]:
            self.join(node)
        with ThreadPoolExecutor() as threads:
            list(threads.map(self.join, self.workers))
        self.wait_until_healthy()

    def init_file(self) -> str:
        """Write the configuration of `kubeadm init` where the first node sees it; return its path there."""
        node = self.first
        text = configurations.init(self.shape, node.name, node.address, self.secrets)
        (node.root / "etc/kubeadm/init.yaml").write_text(text)
        return "/etc/kubeadm/init.yaml"

    def init(self, *arguments: str) -> Completed:
        """Run `kubeadm init` on the first node; add-ons are left out."""
        return self._kubeadm(self.first, "init", "--config", self.init_file(), "--skip-phases=addon", *arguments)

    def join_file(self, node: Node, *, has_shared_files: bool = False) -> str:
        """Write the configuration of `kubeadm join` where the node sees it; return its path there.

        A control plane that has the shared files already does not ask the cluster for them.
        """
        authority = x509.load_pem_x509_certificate((self.first.kubernetes / "pki/ca.crt").read_bytes())
        key = authority.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        known = Secrets(
            self.secrets.token,
            None if has_shared_files else self.secrets.certificate_key,
            [f"sha256:{hashlib.sha256(key).hexdigest()}"],
        )
        text = configurations.join(
            self.shape,
            node.name,
            node.address,
            known,
            self.first.address,
            is_control_plane=node in self.control_planes,
        )
        (node.root / "etc/kubeadm/join.yaml").write_text(text)
        return "/etc/kubeadm/join.yaml"

    def join(self, node: Node, *, has_shared_files: bool = False) -> Completed:
        """Run `kubeadm join` on a node."""
        return self._kubeadm(node, "join", "--config", self.join_file(node, has_shared_files=has_shared_files))

    def configuration_file(self, node: Node) -> str:
        """Write what kubepki needs to know to make a joining node's files; return its path in the node.

        kubeadm asks the cluster for its ClusterConfiguration, kubepki reads it beside the JoinConfiguration.
        """
        self.join_file(node, has_shared_files=True)
        folder = node.root / "etc/kubeadm"
        text = "---\n".join([(folder / "join.yaml").read_text(), json.dumps(configurations.cluster(self.shape))])
        (folder / "node.yaml").write_text(text)
        return "/etc/kubeadm/node.yaml"

    def _kubeadm(self, node: Node, *arguments: str) -> Completed:
        done = node.kubeadm(*arguments, timeout=_KUBEADM_TIMEOUT)
        if done.returncode:
            raise RuntimeError(f"kubeadm on {node.name}: {done.stdout}\n{done.stderr}\n{self.logs()}")
        return done

    def wait_until_healthy(self, patience: float = _PATIENCE) -> None:
        """Wait until every node is ready, every component runs and every etcd has a leader."""
        end = time.monotonic() + patience
        while (faults := self.faults()) and time.monotonic() < end:
            time.sleep(0.5)
        if faults:
            raise TimeoutError("the cluster is not healthy: " + "; ".join(faults) + f"\n{self.logs()}")

    def faults(self) -> list[str]:
        """Return what is wrong with the cluster."""
        asked = self.client("get", "nodes,pods", "--all-namespaces", "--output=json", "--request-timeout=10s")
        if asked.returncode:
            return [f"the API server does not answer: {asked.stderr.strip()}"]
        items = json.loads(asked.stdout)["items"]
        ready_nodes = {
            item["metadata"]["name"]
            for item in items
            if item["kind"] == "Node"
            and any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"]["conditions"])
        }
        ready_pods = {
            item["metadata"]["name"]
            for item in items
            if item["kind"] == "Pod"
            and all(each["ready"] for each in item["status"].get("containerStatuses", [{"ready": False}]))
        }
        wanted = [f"{name}-{node.name}" for node in self.control_planes for name in COMPONENTS]
        faults = [f"node {node.name} is not ready" for node in self.nodes if node.name not in ready_nodes]
        faults += [f"pod {name} is not ready" for name in wanted if name not in ready_pods]
        faults += [
            f"etcd of {name} says: {said or 'nothing'}"
            for name, said in self.etcd_health().items()
            if '"true"' not in said
        ]
        return faults

    def etcd_health(self) -> dict[str, str]:
        """Return what each etcd says of itself."""
        return {node.name: node.etcd_health() for node in self.control_planes}

    # ---- clients ---------------------------------------------------------------------------------------------------

    def in_network(self, *command: str | Path, timeout: float = 120.0, check: bool = True) -> Completed:
        """Run a program of this machine in the cluster's network; it must succeed, unless nobody checks that."""
        entering = self._entering(*command)
        return subprocess.run(entering, capture_output=True, text=True, check=check, timeout=timeout)

    def client(self, *arguments: str | Path, kubeconfig: Path | None = None, timeout: float = 120.0) -> Completed:
        """Run kubectl in the cluster's network, with the first node's admin.conf, which goes through the endpoint."""
        file = kubeconfig or self.first.kubernetes / "admin.conf"
        command = self._entering(self.first.tools.program("kubectl"), f"--kubeconfig={file}", *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)

    @contextlib.contextmanager
    def steady_client(self, pause_milliseconds: int = 50, *, pod: str | None = None) -> Iterator[SteadyClient]:
        """Ask the API server all the time, until the block ends.

        With a pod it asks for everything (`testbed.load`), and follows the first node's admin.conf as it changes.
        """
        file = self.first.kubernetes / "admin.conf"
        if pod is None:
            # Certificates of the client itself may be renewed meanwhile; it goes on with what it has read.
            copied = self.folder / "steady.conf"
            shutil.copy(file, copied)
            file = copied
        program = self.first.tools.program("steady")
        more = [f"--pod={pod}", "--follow"] if pod else []
        command = self._entering(program, f"--kubeconfig={file}", f"--pause={pause_milliseconds}ms", *more)
        client = SteadyClient(command, self._record)
        try:
            yield client
        finally:
            client.stop()

    def _entering(self, *command: str | Path) -> list[str]:
        return ["nsenter", "--target", str(self.network_pid), "--net", "--", *map(str, command)]

    def logs(self) -> str:
        """Return where logs are, and the last lines of each node's."""
        return "\n".join(node.logs() for node in self.nodes if node.folder.exists())


def runs() -> Path:
    """Return the folder in which each cluster that runs has its own."""
    return machine.cache() / "runs"


def attached(name: str) -> Cluster:
    """Return a cluster that runs, whoever has started it."""
    return Cluster(name, Shape(**json.loads((runs() / name / _SHAPE).read_text())))


def take_down(folder: Path, record: Record | None = None) -> None:
    """End what was started for the cluster of that folder, and remove what it left."""
    (record or Record(folder / "processes")).end_all()
    nodes = folder / "nodes"
    for node in nodes.iterdir() if nodes.exists() else ():
        cgroups.remove(f"kubepki-{folder.name}-{node.name}")
    # The kernel may still unmount what the node's last process held.
    end = time.monotonic() + _UNMOUNT_PATIENCE
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < end)


def take_down_orphans() -> list[str]:
    """Take down the clusters of runs that have died; return their names."""
    orphans = list(_orphans())
    for folder in orphans:
        take_down(folder)
    return [folder.name for folder in orphans]


def _orphans() -> Iterable[Path]:
    for folder in sorted(runs().iterdir()) if runs().exists() else ():
        owner = folder / "owner"
        if owner.exists():
            pid, started = map(int, owner.read_text().split())
            if not Process(pid, started).is_alive():
                yield folder

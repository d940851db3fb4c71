"""A node of a cluster: namespaces in which a kubelet and a container runtime run, and what is asked of them."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed import cgroups, store, supervisor
from testbed.processes import Process, descendants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.processes import Record
    from testbed.tools import Tools

# The folders that are the node's own; the rest of /etc, /opt, /usr and /var is the machine's, with the node's changes.
OWN = (
    "etc/cni/net.d",
    "etc/kubeadm",
    "etc/kubernetes",
    "var/backups",
    "var/lib/cni",
    "var/lib/containerd",
    "var/lib/etcd",
    "var/lib/kubelet",
    "var/lib/kubepki",
    "var/log/containers",
    "var/log/pods",
)
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
COMPONENTS = ("etcd", *CONTROL_PLANE)
# The stand-alone program, where the variable names one.
KUBEPKI = Path(os.environ.get("KUBEPKI") or Path(sys.executable).parent / "kubepki").absolute()

_SOCKET = "/run/containerd/containerd.sock"
_PATIENCE = 60.0
# No process in a node lives longer than this when nobody says otherwise.
_TIMEOUT = 300.0

Completed = subprocess.CompletedProcess[str]


class InNode:
    """A process in a node that is not waited for."""

    def __init__(self, entering: subprocess.Popen[str]) -> None:
        """`entering` is the `nsenter` that started it."""
        self.entering = entering

    @property
    def pid(self) -> int:
        """Its id as the machine counts it."""
        end = time.monotonic() + _PATIENCE
        while not (children := _children(self.entering.pid)):
            if self.entering.poll() is not None or time.monotonic() > end:
                raise ProcessLookupError(self.entering.pid)
        return children[0]

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, it and not the program that entered the node for it."""
        os.kill(self.pid, with_signal)

    def wait(self, timeout: float = _TIMEOUT) -> Completed:
        """Wait for its end; return what it said. After a signal the exit code is the signal, negative."""
        try:
            out, error = self.entering.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return subprocess.CompletedProcess(self.entering.args, self.entering.returncode, out, error)


@dataclasses.dataclass
class Node:
    """A node: its name, its address in the cluster's network, and its folder on this machine."""

    name: str
    address: str
    folder: Path
    cgroup: str
    tools: Tools
    kubelet_restart_seconds: float = 10.0

    @property
    def root(self) -> Path:
        """Where this machine sees the node's own folders: `node.root / "etc/kubernetes"`."""
        return self.folder / "root"

    @property
    def kubernetes(self) -> Path:
        """The node's /etc/kubernetes as this machine sees it."""
        return self.root / "etc/kubernetes"

    @property
    def pid(self) -> int:
        """The node's first process as this machine counts it."""
        return int((self.folder / "pid").read_text())

    # ---- life ----------------------------------------------------------------------------------------------------

    def start(self, record: Record, hosts: Mapping[str, str], life_line: int | None) -> None:
        """Make the folders, start the first process and wait until it has made the node's file system."""
        self._make_folders(hosts)
        cgroups.make(self.cgroup)
        spec = supervisor.Spec(
            self.name, str(self.folder), list(OWN), str(self.tools.installed()), self.kubelet_restart_seconds
        )
        file = self.folder / "spec.json"
        file.write_text(json.dumps(dataclasses.asdict(spec)))
        command = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]
        command += [sys.executable, "-I", supervisor.__file__, str(file)]
        log = self.folder / "log/supervisor.log"
        process = record.start(command, self.name, log, life_line)
        end = time.monotonic() + _PATIENCE
        while not (self.folder / "pid").exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start: {log.read_text()}")
            time.sleep(0.02)
        record.add(Process.of(self.pid), f"{self.name}'s first process")

    def wait_for_runtime(self) -> None:
        """Wait until the container runtime answers."""
        end = time.monotonic() + _PATIENCE
        while (asked := self.run("crictl", "version")).returncode:
            if time.monotonic() > end:
                raise RuntimeError(f"no container runtime on {self.name}: {asked.stderr}\n{self.logs()}")
            time.sleep(0.1)

    def _make_folders(self, hosts: Mapping[str, str]) -> None:
        for name in OWN:
            (self.root / name).mkdir(parents=True)
        (self.root / "var/lib/etcd").chmod(0o700)
        # Every pod is on the node's own network; this is read by the runtime, which then says that it is ready.
        network = {"cniVersion": "0.4.0", "name": "none", "plugins": [{"type": "loopback"}]}
        (self.root / "etc/cni/net.d/10-none.conflist").write_text(json.dumps(network))
        store.copy(store.unpacked(self.tools), self.root / "var/lib/containerd")
        (self.folder / "log").mkdir()
        overlay = self.folder / "overlay"
        for name in supervisor.OVERLAID:
            (overlay / name).mkdir(parents=True)
            (overlay / f"{name}.work").mkdir()
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
        for name, text in {
            "containerd/config.toml": store.configuration("/var/lib/containerd", "/run/containerd", _SOCKET),
            "crictl.yaml": f"runtime-endpoint: unix://{_SOCKET}\nimage-endpoint: unix://{_SOCKET}\n",
            "default/kubelet": f"KUBELET_EXTRA_ARGS=--node-ip={self.address} --cgroup-root=/{self.cgroup}\n",
            "hostname": f"{self.name}\n",
            "hosts": "".join(f"{line}\n" for line in lines),
            # Nobody answers, and says so at once.
            "resolv.conf": "nameserver 127.0.0.1\n",
        }.items():
            file = overlay / "etc" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    # ---- programs in the node --------------------------------------------------------------------------------------

    def entering(self, *command: str | Path) -> list[str]:
        """Return the command that runs a command in the node."""
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        return [*enter, *map(str, command)]

    def environment(self) -> dict[str, str]:
        """Return the variables of a root shell of the node."""
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "KUBECONFIG": "/etc/kubernetes/admin.conf"}

    def run(self, *command: str | Path, timeout: float = _TIMEOUT, **variables: str) -> Completed:
        """Run a command in the node to its end, whatever its exit code."""
        return self.popen(*command, **variables).wait(timeout)

    def popen(self, *command: str | Path, **variables: str) -> InNode:
        """Start a command in the node, and do not wait for it."""
        environment = {**self.environment(), **variables}
        return InNode(
            subprocess.Popen(
                self.entering(*command),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def kubepki(self, *arguments: str | Path, timeout: float = _TIMEOUT) -> Completed:
        """Run this project's kubepki in the node."""
        return self.run(KUBEPKI, *arguments, timeout=timeout)

    def kubeadm(self, *arguments: str | Path, timeout: float = _TIMEOUT) -> Completed:
        """Run kubeadm in the node."""
        return self.run("kubeadm", *arguments, timeout=timeout)

    def kubectl(self, *arguments: str | Path, timeout: float = _TIMEOUT) -> Completed:
        """Run kubectl in the node, with admin.conf; on a worker, which has none, with kubelet.conf."""
        names = ("admin.conf", "kubelet.conf")
        file = next((name for name in names if (self.kubernetes / name).exists()), names[0])
        return self.run("kubectl", f"--kubeconfig=/etc/kubernetes/{file}", *arguments, timeout=timeout)

    # ---- what runs in it -------------------------------------------------------------------------------------------

    def processes(self, program: str) -> list[int]:
        """Return the ids of the node's processes of that program, as this machine counts them."""
        return [pid for pid in descendants(self.pid) if _program(pid) == program]

    def containers(self, component: str, *, also_ended: bool = False) -> list[dict[str, Any]]:
        """Return what the container runtime says of a component's containers, the newest first."""
        state = ["--all"] if also_ended else ["--state", "Running"]
        asked = self.run("crictl", "ps", *state, "--name", f"^{component}$", "--output", "json")
        assert asked.returncode == 0, asked.stderr
        found: list[dict[str, Any]] = json.loads(asked.stdout)["containers"]
        return sorted(found, key=lambda container: int(container["createdAt"]), reverse=True)

    def starts(self, component: str) -> int:
        """Return how often the kubelet has started the component's container in the pod that it has now."""
        return max(
            (int(each["metadata"]["attempt"]) + 1 for each in self.containers(component, also_ended=True)), default=0
        )

    def log(self, component: str) -> str:
        """Return the texts of a component's logs, the oldest first."""
        if component == "kubelet":
            return self._text("log/kubelet.log")
        files = (self.root / "var/log/pods").glob(f"kube-system_{component}-{self.name}_*/{component}/*.log")
        return "".join(
            file.read_text(errors="replace") for file in sorted(files, key=lambda file: file.stat().st_mtime)
        )

    def etcd_health(self) -> str:
        """Return what this node's etcd says of itself; an empty text when it does not answer."""
        script = "import urllib.request as r;print(r.urlopen('http://127.0.0.1:2381/health',timeout=5).read().decode())"
        return self.run(sys.executable, "-I", "-c", script).stdout.strip()

    def logs(self, lines: int = 12) -> str:
        """Return where the logs of the node are, and the last lines of its services'."""
        parts = [f"---- {self.name}: logs are in {self.folder / 'log'} and {self.root / 'var/log/pods'}"]
        for name in ("supervisor", "containerd", "kubelet"):
            last = self._text(f"log/{name}.log").splitlines()[-lines:]
            parts += [f"-- {name}, the last lines", *(line[:300] for line in last)]
        return "\n".join(parts)

    def _text(self, name: str) -> str:
        file = self.folder / name
        return file.read_text(errors="replace") if file.exists() else ""


def _children(pid: int) -> Sequence[int]:
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


def _program(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return Path(command.split(b"\0")[0].decode(errors="replace")).name

"""The first process of a node: makes its file system, runs its services, and answers its `systemctl`.

`python supervisor.py SPEC`, in new mount, UTS, IPC, PID and network namespaces. SPEC is a JSON file: see `Spec`. When
this process ends the kernel ends everything else in the node. Nothing is imported from outside the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SOCKET = Path("/run/kubepki-node/supervisor.sock")
# Folders of the machine that a node sees, and whose changes it keeps to itself.
OVERLAID = ("usr", "etc", "opt", "var")
# What kubeadm's package for Debian has in its unit.
_KUBELET_ENVIRONMENT = ("/var/lib/kubelet/kubeadm-flags.env", "/etc/default/kubelet")
_KUBELET_ARGUMENTS = (
    "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
    "--kubeconfig=/etc/kubernetes/kubelet.conf",
    "--config=/var/lib/kubelet/config.yaml",
)
_STOP_PATIENCE = 30.0
_INACTIVE = 3
_UNKNOWN = 4


@dataclass(frozen=True)
class Spec:
    """What a node is made of.

    Its folder holds `overlay` (what it changes in the machine's folders), `root` (its own folders, below the path that
    they have in the node), `log`, and in the end `pid`: this process's id as the machine counts it.
    """

    name: str
    folder: str
    own: list[str]
    # Laid over /usr: what a node's packages would have installed.
    programs: str
    kubelet_restart_seconds: float


@dataclass
class Service:
    """A program that is kept running."""

    name: str
    log: Path
    restart_seconds: float
    pid: int | None = None
    wanted: bool = False
    # When it is started again after it ended by itself.
    due: float | None = None
    restarts: int = 0
    since: float = field(default_factory=time.time)

    def command(self) -> list[str]:
        """Return the program and its arguments as they are now."""
        if self.name == "containerd":
            return ["containerd"]
        words = [word for file in _KUBELET_ENVIRONMENT for word in _words(Path(file))]
        return ["kubelet", *_KUBELET_ARGUMENTS, *words]

    def start(self) -> None:
        """Start it, unless it runs."""
        self.wanted, self.due = True, None
        if self.pid is not None:
            return
        with self.log.open("a") as log:
            # Its end is seen by waiting for any child, so nothing else waits for it.
            process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self.pid, self.since = process.pid, time.time()
        process.returncode = 0

    def stop(self) -> None:
        """Stop it as systemd does, and wait until it is gone."""
        self.wanted, self.due = False, None
        if self.pid is None:
            return
        for each, patience in ((signal.SIGTERM, _STOP_PATIENCE), (signal.SIGKILL, _STOP_PATIENCE)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, each)
            end = time.monotonic() + patience
            while time.monotonic() < end:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    self.pid, self.since = None, time.time()
                    return
                time.sleep(0.01)

    def has_ended(self) -> None:
        """Note the end of the process; `stop` has not asked for it."""
        self.pid, self.since = None, time.time()
        if self.wanted:
            self.due, self.restarts = time.monotonic() + self.restart_seconds, self.restarts + 1

    @property
    def state(self) -> str:
        """What `systemctl is-active` prints."""
        if self.pid is not None:
            return "active"
        return "activating" if self.due is not None else "inactive"

    def properties(self) -> dict[str, str]:
        """Return what `systemctl show` prints."""
        sub = {"active": "running", "activating": "auto-restart", "inactive": "dead"}[self.state]
        return {
            "Id": f"{self.name}.service",
            "LoadState": "loaded",
            "ActiveState": self.state,
            "SubState": sub,
            "UnitFileState": "enabled",
            "MainPID": str(self.pid or 0),
            "NRestarts": str(self.restarts),
            "StateChangeTimestamp": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since)),
        }


class Supervisor:
    """The services of a node, and the socket at which they are asked for."""

    def __init__(self, spec: Spec, logs: Path) -> None:
        """Know the services; none runs."""
        self._services = {
            "containerd": Service("containerd", logs / "containerd.log", 1.0),
            "kubelet": Service("kubelet", logs / "kubelet.log", spec.kubelet_restart_seconds),
        }
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Start the container runtime, and serve until the life line ends."""
        SOCKET.parent.mkdir(parents=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(SOCKET))
        listener.listen()
        self._selector.register(listener, selectors.EVENT_READ, "listener")
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            self._selector.register(0, selectors.EVENT_READ, "life line")
        self._wake_by_children()
        self._services["containerd"].start()
        while True:
            for key, _ in self._selector.select(timeout=0.5):
                if key.data == "life line":
                    return
                if key.data == "children":
                    os.read(key.fd, 1024)
                else:
                    self._answer(listener.accept()[0])
            self._reap()
            for service in self._services.values():
                if service.due is not None and service.due <= time.monotonic():
                    service.start()

    def _wake_by_children(self) -> None:
        out, into = os.pipe()
        for each in (out, into):
            os.set_blocking(each, False)
        signal.set_wakeup_fd(into)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(out, selectors.EVENT_READ, "children")

    def _reap(self) -> None:
        """Wait for whatever has ended: this is the parent of all orphans."""
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                for service in self._services.values():
                    if service.pid == pid:
                        service.has_ended()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            with connection.makefile() as reader:
                arguments = json.loads(reader.readline())
            code, out, error = self.systemctl(arguments)
            connection.sendall(json.dumps({"code": code, "stdout": out, "stderr": error}).encode() + b"\n")

    def systemctl(self, arguments: list[str]) -> tuple[int, str, str]:
        """Do what `systemctl` was asked for; return its exit code, its output and its complaint."""
        verb, units, options, properties = _parsed(arguments)
        if verb in ("daemon-reload", "enable", "disable", "reset-failed"):
            return 0, "", ""
        lines: list[str] = []
        code = 0
        for unit in units:
            service = self._services.get(unit.removesuffix(".service"))
            if service is None:
                return _UNKNOWN, "", f"Unit {unit} could not be found.\n"
            if verb == "show":
                known = service.properties()
                chosen = {name: known.get(name, "") for name in properties} or known
                lines += [value if "--value" in options else f"{name}={value}" for name, value in chosen.items()]
            elif verb in _QUESTIONS:
                lines.append(_QUESTIONS[verb](service))
                code = code if verb == "is-enabled" or service.state == "active" else _INACTIVE
            elif verb in _ORDERS:
                _ORDERS[verb](service)
            else:
                return 1, "", f"Unknown command verb {verb}.\n"
        if options & {"--quiet", "-q"}:
            lines = []
        return code, "".join(f"{line}\n" for line in lines), ""


def _restart(service: Service) -> None:
    service.stop()
    service.start()


def _try_restart(service: Service) -> None:
    if service.pid is not None:
        _restart(service)


def _status(service: Service) -> str:
    shown = service.properties()
    active = f"{shown['ActiveState']} ({shown['SubState']})"
    return f"● {shown['Id']}\n     Loaded: loaded (enabled)\n     Active: {active}\n   Main PID: {shown['MainPID']}"


_ORDERS: dict[str, Callable[[Service], None]] = {
    "start": Service.start,
    "stop": Service.stop,
    "restart": _restart,
    "reload-or-restart": _restart,
    "try-restart": _try_restart,
}
_QUESTIONS: dict[str, Callable[[Service], str]] = {
    "is-active": lambda service: service.state,
    "is-enabled": lambda _: "enabled",
    "status": _status,
}


def _parsed(arguments: list[str]) -> tuple[str, list[str], set[str], list[str]]:
    """Return the verb, the units, the options, and the properties that are asked for."""
    words: list[str] = []
    options: set[str] = set()
    properties: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word in ("-p", "--property"):
            properties += next(rest, "").split(",")
        elif word.startswith(("-p", "--property=")):
            properties += word.removeprefix("-p").removeprefix("--property=").split(",")
        elif word.startswith("-"):
            options.add(word)
        else:
            words.append(word)
    return (words[0] if words else ""), words[1:], options, properties


def _words(file: Path) -> list[str]:
    """The arguments in an environment file such as kubeadm writes."""
    if not file.exists():
        return []
    values = [line.partition("=")[2] for line in file.read_text().splitlines() if line.startswith("KUBELET_")]
    return [word for value in values for part in shlex.split(value) for word in part.split()]


def _make_file_system(spec: Spec, folder: int) -> None:
    """The machine's programs and libraries, seen through overlays; the node's own folders and /run over them.

    The node's folder is reached by its descriptor: an overlay may hide its path.
    """
    here = f"/proc/self/fd/{folder}"

    def mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, pass_fds=[folder])

    mount("--make-rprivate", "/")
    for name in OVERLAID:
        lower = f"{spec.programs}:/{name}" if name == "usr" else f"/{name}"
        layers = f"lowerdir={lower},upperdir={here}/overlay/{name},workdir={here}/overlay/{name}.work"
        mount("-t", "overlay", "overlay", "-o", layers, f"/{name}")
    for name in spec.own:
        there = Path("/", name)
        there.mkdir(parents=True, exist_ok=True)
        mount("--no-canonicalize", "--bind", f"{here}/root/{name}", str(there))
    # Pods see what is mounted for them below this folder.
    mount("--make-shared", "/var/lib/kubelet")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    mount("-t", "proc", "proc", "/proc")
    for name in ("/run/lock", "/run/systemd/system"):
        Path(name).mkdir(parents=True)


def main(spec: Spec) -> None:
    """Be the node."""
    folder = os.open(spec.folder, os.O_PATH | os.O_DIRECTORY)
    # /proc is still the machine's, which tells this process's id there.
    pid = str(Path("/proc/self").readlink())
    # Programs of the node are found where a package would have put them.
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    _make_file_system(spec, folder)
    socket.sethostname(spec.name)
    here = Path(f"/proc/self/fd/{folder}")
    (here / "pid.new").write_text(pid)
    (here / "pid.new").rename(here / "pid")
    Supervisor(spec, here / "log").run()


if __name__ == "__main__":
    main(Spec(**json.loads(Path(sys.argv[1]).read_text())))

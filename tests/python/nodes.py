"""A node that runs: a tree of certificates, manifests with free ports, and the stand-in kubelet that runs them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from cryptography import x509

import standin
from pods import control_group
from trees import GOLDEN, PROGRAM, kubepki, make_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CASE = "ecdsa-p256"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")

# A minute is for a machine under load: what is waited for comes in about a second, and nothing is measured.
SOON = 60.0


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


class RunningNode:
    """A control-plane node below a folder, with its servers."""

    def __init__(self, root: Path, file_check_frequency: str = "100ms") -> None:
        """Make the tree, the manifests and the kubelet's configuration; nothing runs yet."""
        self.root = root
        self.kubernetes = make_tree(root, CASE)
        self.manifests = self.kubernetes / "manifests"
        self.manifests.mkdir()
        names = ("clients", "peers", "metrics", *COMPONENTS[1:])
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        for name, command in self._commands().items():
            manifest = self.manifests / f"{name}.yaml"
            manifest.write_text(json.dumps(self._manifest(name, command), indent=2))
            manifest.chmod(0o600)
        self.kubelet_config = root / "var/lib/kubelet/config.yaml"
        self.kubelet_config.parent.mkdir(parents=True)
        # Nothing of the host's kubelet, if it has one, shall be met.
        kubelet_port, healthz_port = free_ports(2)
        self.kubelet_config.write_text(
            f"kind: KubeletConfiguration\nfileCheckFrequency: {file_check_frequency}\n"
            f"staticPodPath: /etc/kubernetes/manifests\nport: {kubelet_port}\nhealthzPort: {healthz_port}\n"
        )
        etcd = root / "var/lib/etcd"
        etcd.mkdir()
        etcd.chmod(0o700)
        self.before = {path: path.read_bytes() for path in self.manifests.iterdir()}

    @contextlib.contextmanager
    def running(self) -> Iterator[RunningNode]:
        """Start the stand-in kubelet, wait until everything is up, and end it all afterwards."""
        with control_group() as pods:
            command = [sys.executable, standin.__file__, str(self.root), *([str(pods)] if pods else [])]
            kubelet = subprocess.Popen(command, start_new_session=True)
            self.kubelet = kubelet
            try:
                self.wait_until_up()
                yield self
            finally:
                # The servers are of the kubelet's session, which is ended as a whole.
                os.killpg(kubelet.pid, signal.SIGKILL)
                kubelet.wait()

    def wait_until_up(self) -> None:
        """Wait until every component answers."""
        eventually(lambda: all(self._is_up(name) for name in COMPONENTS), "every component is up")

    def _is_up(self, name: str) -> bool:
        events = [event for component, event in self.events() if component == name]
        return events[-1:] == ["up"]

    def events(self) -> list[tuple[str, str]]:
        """Return what the stand-in kubelet noted: component, event."""
        record = self.root / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        return [(name, event) for name, _, event in (line.partition(" ") for line in lines)]

    def starts(self) -> dict[str, int]:
        """Return how often each component has come up."""
        return {name: self.events().count((name, "up")) for name in COMPONENTS}

    def restart(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run `kubepki restart`."""
        return kubepki("restart", *arguments, "--rootfs", self.root, before=before)

    def start_restart(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `kubepki restart`, and do not wait for it."""
        command = [*PROGRAM, "restart", *arguments, "--rootfs", str(self.root)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def replace(self, *files: str) -> None:
        """Replace certificates (`pki/apiserver`) and kubeconfigs (`scheduler.conf`) by new ones."""
        for file in files:
            for ending in ("",) if file.endswith(".conf") else (".crt", ".key"):
                (self.kubernetes / f"{file}{ending}").unlink()
        made = kubepki("init", "--config", GOLDEN / CASE / "config.yaml", "--rootfs", self.root)
        assert made.returncode == 0, made.stderr

    def on_disk(self, file: str) -> int:
        """Return the serial number of the certificate in a file."""
        return x509.load_pem_x509_certificate((self.kubernetes / "pki" / f"{file}.crt").read_bytes()).serial_number

    def served(self, port: str) -> int:
        """Return the serial number of the certificate that is served at a port, as Python's TLS sees it."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.ports[port]))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    def assert_manifests_are_in_place(self) -> None:
        """Every manifest is where it was, as it was, and nothing is beside it."""
        held = self.root / "var/lib/kubepki/restart"
        beside = [*self.manifests.iterdir(), *(held.iterdir() if held.exists() else ())]
        # A run that was killed leaves its empty lock file for the next one.
        assert {path: path.read_bytes() for path in beside if path.name != ".kubepki.lock"} == self.before
        assert {oct(path.stat().st_mode & 0o777) for path in self.before} == {"0o600"}

    def assert_never_two_down(self) -> None:
        """At no moment since everything had come up first was more than one component down.

        etcd is down with the API server, and never under one that is up.
        """
        down = set(COMPONENTS)
        was_complete = False
        for name, event in self.events():
            if event == "up":
                down.discard(name)
            elif event in ("out", "down"):
                down.add(name)
            was_complete = was_complete or not down
            allowed = len(down) <= 1 or down == {"etcd", "kube-apiserver"}
            assert not was_complete or allowed, f"down at once: {sorted(down)}"
            assert not was_complete or down != {"etcd"}, "etcd is down under the API server"
        assert not down

    def _manifest(self, name: str, command: list[str]) -> dict[str, object]:
        probe: dict[str, object] = {
            "host": "127.0.0.1",
            "path": "/livez" if name == "kube-apiserver" else "/healthz",
            "port": self.ports.get(name),
            "scheme": "HTTPS",
        }
        if name == "etcd":
            probe = {"host": "127.0.0.1", "path": "/health?serializable=true", "port": self.ports["metrics"]}
        container = {"name": name, "command": command, "livenessProbe": {"httpGet": probe}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {"containers": [container], "hostNetwork": True},
        }

    def _commands(self) -> dict[str, list[str]]:
        pki = "/etc/kubernetes/pki"
        clients, peers = (f"https://127.0.0.1:{self.ports[name]}" for name in ("clients", "peers"))
        etcd = [
            "etcd",
            "--name=cp1",
            "--data-dir=/var/lib/etcd",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=cp1={peers}",
            f"--listen-metrics-urls=http://127.0.0.1:{self.ports['metrics']}",
            "--client-cert-auth=true",
            f"--cert-file={pki}/etcd/server.crt",
            f"--key-file={pki}/etcd/server.key",
            f"--trusted-ca-file={pki}/etcd/ca.crt",
            "--peer-client-cert-auth=true",
            f"--peer-cert-file={pki}/etcd/peer.crt",
            f"--peer-key-file={pki}/etcd/peer.key",
            f"--peer-trusted-ca-file={pki}/etcd/ca.crt",
        ]
        api_server = [
            "kube-apiserver",
            f"--secure-port={self.ports['kube-apiserver']}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            f"--etcd-cafile={pki}/etcd/ca.crt",
            f"--service-account-signing-key-file={pki}/sa.key",
            f"--service-account-key-file={pki}/sa.pub",
            f"--etcd-servers={clients}",
            f"--etcd-certfile={pki}/apiserver-etcd-client.crt",
            f"--etcd-keyfile={pki}/apiserver-etcd-client.key",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        ]
        commands = {"etcd": etcd, "kube-apiserver": api_server}
        for name in COMPONENTS[2:]:
            kubeconfig = f"/etc/kubernetes/{name.removeprefix('kube-')}.conf"
            commands[name] = [
                name,
                "--bind-address=127.0.0.1",
                f"--secure-port={self.ports[name]}",
                f"--kubeconfig={kubeconfig}",
                f"--authentication-kubeconfig={kubeconfig}",
            ]
        return commands

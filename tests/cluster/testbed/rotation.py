"""A rotation of a cluster's authorities by `kubepki rotate`, and what is looked at to know how far it is.

What is on the nodes and in the cluster is read here by other means than kubepki's own.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from testbed import transport
from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from testbed.cluster import Cluster
    from testbed.node import Completed, Node

# Name -> the pair, without its ending, below pki.
PAIRS = {"ca": "ca", "front-proxy-ca": "front-proxy-ca", "etcd-ca": "etcd/ca", "sa": "sa"}
AUTHORITIES = tuple(PAIRS)
_CONFIGURATIONS = ("admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf")
_KUBELET_CLIENT = "var/lib/kubelet/pki/kubelet-client-current.pem"
_LEAVES = {
    "ca": ("pki/apiserver.crt", "pki/apiserver-kubelet-client.crt"),
    "front-proxy-ca": ("pki/front-proxy-client.crt",),
    "etcd-ca": (
        "pki/etcd/server.crt",
        "pki/etcd/peer.crt",
        "pki/etcd/healthcheck-client.crt",
        "pki/apiserver-etcd-client.crt",
    ),
    "sa": (),
}
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
# A rotation of everything on five nodes takes minutes.
_TIMEOUT = 1500.0


@dataclass(frozen=True)
class Run:
    """A run of kubepki on a node, as the transport noted it."""

    node: str
    command: list[str]
    began: float
    ended: float
    code: int

    @property
    def phase(self) -> str:
        """Return the phase of `kubepki rotate step PHASE`, or the words after `kubepki`."""
        words = self.command[self.command.index(str(KUBEPKI)) + 1 :]
        return words[2] if words[:2] == ["rotate", "step"] else " ".join(words[:2])

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Rotation:
    """`kubepki rotate` from this machine, which reaches the nodes as an operator's does."""

    def __init__(self, cluster: Cluster, authorities: Sequence[str] = AUTHORITIES) -> None:
        """Write the file of nodes, and remember what is trusted now."""
        self.cluster = cluster
        self.authorities = tuple(authorities)
        self.folder = cluster.folder / "rotation"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "runs").write_text("")
        self.before = {name: trusted(cluster.first, name) for name in AUTHORITIES}
        through = [sys.executable, "-I", transport.__file__, str(self.folder)]
        nodes = [
            {
                "name": node.name,
                "role": "control-plane" if node in cluster.control_planes else "worker",
                "run": [*through, node.name, *node.entering(KUBEPKI)],
            }
            for node in cluster.nodes
        ]
        self.nodes = self.folder / "nodes.yaml"
        self.nodes.write_text(json.dumps({"nodes": nodes}, indent=2))

    # ---- kubepki ---------------------------------------------------------------------------------------------------

    def popen(self, verb: str, *more: str) -> subprocess.Popen[str]:
        """Start `kubepki rotate VERB`, and do not wait for it."""
        chosen = [word for name in self.authorities for word in ("--authority", name)]
        command = [str(KUBEPKI), "rotate", verb, f"--nodes={self.nodes}", *chosen, *more]
        return subprocess.Popen(
            command,
            env=self.cluster.first.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, verb: str, *more: str, timeout: float = _TIMEOUT) -> Completed:
        """Run `kubepki rotate VERB` to its end, whatever its exit code."""
        process = self.popen(verb, *more)
        try:
            out, error = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def succeed(self, verb: str, *more: str) -> Completed:
        """Run `kubepki rotate VERB`, which must succeed."""
        done = self.run(verb, *more)
        assert done.returncode == 0, f"rotate {verb}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def finish(self) -> Completed:
        """Take the old trust away. Tokens of the old key are not waited for: whoever calls this has new ones."""
        return self.succeed("finish", "--token-life=1s")

    def runs(self) -> list[Run]:
        """Return what ran on the nodes, in the order in which it ended."""
        return [Run(**json.loads(line)) for line in (self.folder / "runs").read_text().splitlines()]

    def switch(self, node: Node, *, off: bool) -> None:
        """Take a node's network away, or give it back."""
        self.cluster.in_network("ip", "link", "set", f"v-{node.name}", "down" if off else "up")
        file = self.folder / f"{node.name}.off"
        if off:
            file.touch()
        else:
            file.unlink()

    # ---- what is -----------------------------------------------------------------------------------------------------

    def states(self, authority: str) -> dict[str, str]:
        """Return for each node that has it how far it is: `old`, `both, old first`, `both, new first`, `new`."""
        return {node.name: self._state(node, authority) for node in self.cluster.nodes if _has(node, authority)}

    def are(self, state: str) -> bool:
        """Whether every node is in one state with all that is rotated."""
        return all({*self.states(name).values()} == {state} for name in self.authorities)

    def _state(self, node: Node, authority: str) -> str:
        old = [each in self.before[authority] for each in trusted(node, authority)]
        if len(old) == 1:
            return "old" if old[0] else "new"
        assert sorted(old) == [False, True], f"{authority} on {node.name}: {old}"
        return "both, old first" if old[0] else "both, new first"

    def leftovers(self) -> list[str]:
        """Return what of a rotation is still there when one has ended."""
        return [*self._of_nodes(), *self._of_cluster()]

    def _of_nodes(self) -> Iterator[str]:
        for node in self.cluster.nodes:
            pki = node.kubernetes / "pki"
            for pattern in ("*-next.*", "*-previous.*", "*-signing.*", "*-cross.*"):
                for file in pki.rglob(pattern):
                    yield f"{node.name} still has {file.name}"
            for name in AUTHORITIES:
                if _has(node, name) and len(trusted(node, name)) != 1:
                    yield f"{node.name} trusts {len(trusted(node, name))} of {name}"
            for name, leaf in leaves(node):
                if name != "sa" and not is_issued_by(leaf, first_certificate(pki / f"{PAIRS[name]}.crt")):
                    yield f"{node.name}: {leaf.subject.rfc4514_string()} is not by {name}"
            yield from _of_configuration(node)

    def _of_cluster(self) -> Iterator[str]:
        pki = self.cluster.first.kubernetes / "pki"
        authority, proxy = (certificates((pki / f"{name}.crt").read_bytes()) for name in ("ca", "front-proxy-ca"))
        for where, bundle in object_bundles(self.cluster).items():
            wanted = proxy if "requestheader" in where else authority
            if certificates(bundle.encode()) != wanted:
                yield f"{where} holds {len(certificates(bundle.encode()))} certificates, or another one"
        configuration = self.cluster.client("get", "configmap", "--namespace=kube-system", "kubeadm-config", "-o=json")
        if "cluster-signing-cert-file" in configuration.stdout:
            yield "kubeadm-config names the controller manager's file to sign with"


def _of_configuration(node: Node) -> Iterator[str]:
    authority = certificates((node.kubernetes / "pki/ca.crt").read_bytes())
    for conf in _CONFIGURATIONS:
        file = node.kubernetes / conf
        if file.exists() and certificates(_authority_of(file)) != authority:
            yield f"{node.name}: {conf} trusts something else than ca.crt"
    manifest = node.kubernetes / "manifests/kube-controller-manager.yaml"
    signing = "--cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt"
    if manifest.exists() and signing not in manifest.read_text():
        yield f"{node.name}: the controller manager signs with another file"


def object_bundles(cluster: Cluster) -> dict[str, str]:
    """Return where the cluster's objects hold a bundle, and the bundle."""

    def data(*arguments: str) -> dict[str, Any]:
        asked = cluster.client("get", "configmap", *arguments, "--output=json")
        assert asked.returncode == 0, asked.stderr
        read: dict[str, Any] = json.loads(asked.stdout)
        return read

    roots = data("--all-namespaces", "--field-selector=metadata.name=kube-root-ca.crt")["items"]
    found = {f"kube-root-ca.crt of {each['metadata']['namespace']}": each["data"]["ca.crt"] for each in roots}
    shared = data("--namespace=kube-system", "extension-apiserver-authentication")["data"]
    for field in ("client-ca-file", "requestheader-client-ca-file"):
        found[f"extension-apiserver-authentication, {field}"] = shared[field]
    text = data("--namespace=kube-public", "cluster-info")["data"]["kubeconfig"]
    found["cluster-info"] = _authority_in(text).decode()
    return found


def trusted(node: Node, authority: str) -> list[bytes]:
    """Return what identifies each CA that a node's file holds, the first first; of `sa` each public key."""
    pki = node.kubernetes / "pki"
    if authority == "sa":
        parts = (pki / "sa.pub").read_text().split(_BEGIN)[1:]
        keys = [serialization.load_pem_public_key(f"{_BEGIN}{part.split(_END)[0]}{_END}\n".encode()) for part in parts]
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return [key.public_bytes(serialization.Encoding.DER, form) for key in keys]
    return [each.fingerprint(hashes.SHA256()) for each in certificates((pki / f"{PAIRS[authority]}.crt").read_bytes())]


def certificates(text: bytes) -> list[x509.Certificate]:
    """Return the certificates of a text."""
    return x509.load_pem_x509_certificates(text)


def first_certificate(file: Path) -> x509.Certificate:
    """Return the first certificate of a file."""
    return certificates(file.read_bytes())[0]


def leaves(node: Node) -> Iterator[tuple[str, x509.Certificate]]:
    """Return each certificate of a node that a rotated CA has issued, and whose it should be."""
    for name, files in _LEAVES.items():
        for file in files:
            if (node.kubernetes / file).exists():
                yield name, first_certificate(node.kubernetes / file)
    for conf in _CONFIGURATIONS:
        if (node.kubernetes / conf).exists() and (content := _client_of(node.kubernetes / conf)) is not None:
            yield "ca", certificates(content)[0]
    # The link is the node's own; seen from outside it leads out of the node.
    link = node.root / _KUBELET_CLIENT
    yield "ca", first_certificate(link.parent / link.readlink().name)


def is_issued_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the CA's key has signed it."""
    try:
        leaf.verify_directly_issued_by(authority)
    except Exception:
        return False
    return True


def _has(node: Node, authority: str) -> bool:
    ending = ".pub" if authority == "sa" else ".crt"
    return (node.kubernetes / "pki" / f"{PAIRS[authority]}{ending}").exists()


def _field(text: str, name: str) -> bytes | None:
    for line in text.splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if key == name:
            return base64.b64decode(value)
    return None


def _authority_in(kubeconfig: str) -> bytes:
    found = _field(kubeconfig, "certificate-authority-data")
    assert found is not None
    return found


def _authority_of(file: Path) -> bytes:
    return _authority_in(file.read_text())


def _client_of(file: Path) -> bytes | None:
    return _field(file.read_text(), "client-certificate-data")

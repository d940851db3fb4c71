"""A walker that follows remedies, nodes for it, and certificates that are wrong.

It knows the form of remedies (docs/reference/findings.md) and nothing about any finding: it runs their commands in a
shell, puts back the files that have to come from elsewhere, and signs what the owner of a CA is asked to sign.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import kubepki
from trees import SEARCH_PATH, embedded
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Callable

CONTROL_PLANE = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 6443}
nodeRegistration: {name: cp1}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
"""
EXTERNAL_ETCD = CONTROL_PLANE + (
    "etcd: {external: {endpoints: ['https://203.0.113.21:2379'], caFile: /etc/etcd/ca.crt, "
    "certFile: /etc/etcd/client.crt, keyFile: /etc/etcd/client.key}}\n"
)
WORKER = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration: {name: w1}
discovery:
  bootstrapToken: {token: abcdef.0123456789abcdef, apiServerEndpoint: "192.0.2.10:6443", unsafeSkipCAVerification: true}
"""

NOW = datetime.now(timezone.utc)
# No more than: follow what is named, and what comes to light then.
ROUNDS = 3

# In code, quotes may hold backquotes.
STEP = re.compile(r"`((?:[^'`]|'[^']*')*)`|let the owner of (\S+) sign (\S+)")


# ---- the walker ----------------------------------------------------------------------------------------------


@dataclass
class Node:
    """A node below a folder, a copy of it as it was when all was well, and how kubepki is asked about it."""

    root: Path
    saved: Path
    # The configuration, whether it is given or not.
    config: Path
    # The folder with the keys of all CAs, wherever they are.
    owner: Path
    has_config: bool = True
    now: datetime | None = None
    done: list[str] = field(default_factory=list)

    @property
    def kubernetes(self) -> Path:
        return self.root / "etc/kubernetes"

    @property
    def pki(self) -> Path:
        return self.kubernetes / "pki"

    @property
    def kubelet(self) -> Path:
        return self.root / "var/lib/kubelet/pki"

    def findings(self) -> list[kubepki.Finding]:
        """Return what `check` finds."""
        config = self.config if self.has_config else None
        return list(kubepki.check(config, rootfs=self.root).findings)

    def walk(self, findings: Callable[[], list[kubepki.Finding]]) -> None:
        """Follow all remedies, round by round, until nothing is left that asks for something."""
        for _ in range(ROUNDS):
            left = [each for each in findings() if asks(each)]
            if not left:
                return
            for remedy in dict.fromkeys(each.remedy for each in left):
                self.follow(remedy)
        left = [each for each in findings() if asks(each)]
        assert not left, "\n".join([*map(str, left), "after:", *self.done])

    def follow(self, remedy: str) -> None:
        """Do what a remedy says."""
        steps = list(STEP.finditer(remedy))
        assert steps, f"a remedy that says nothing that can be done: {remedy}"
        self.done.append(f"# {remedy}")
        for step in steps:
            code, authority, request = step.groups()
            if code is None:
                self.sign(authority, request)
            elif len(words := shlex.split(code)) == 1 and words[0].startswith("/"):
                self.restore(Path(words[0]))
            elif words[0] != "kubectl":
                self.run(code)

    def run(self, code: str) -> None:
        """Run a command as it is printed."""
        code = re.sub(r"\bFILE\b", str(self.config), code)
        self.done.append(code)
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True, check=False, timeout=120, cwd="/", env=environment()
        )
        report = [code, done.stdout, done.stderr, "before:", *self.done]
        assert done.returncode == 0, "\n".join(report)

    def restore(self, path: Path) -> None:
        """Put back a file that has to come from elsewhere."""
        self.done.append(f"restore {path}")
        source = self.saved / path.relative_to(self.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        shutil.copy2(source, path)

    def sign(self, authority: str, request: str) -> None:
        """Sign a request where the CA's key is; the name stands in the file's."""
        assert authority in {"ca", "etcd-ca", "front-proxy-ca"}
        path = self.root / request.lstrip("/")
        self.done.append(f"sign {path}")
        name = path.stem if path.parent.name != "etcd" else f"etcd-{path.stem}"
        kind = ("worker", "w1") if self.saved.name == "worker" else ("control-plane", "cp1")
        where = ("--role", kind[0], "--node-name", kind[1], "--ca-dir", self.owner)
        signed = command("certs", "sign", f"{name}={path}", *where)
        assert signed.returncode == 0, signed.stderr


def asks(finding: kubepki.Finding) -> bool:
    """Whether something has to be done."""
    return finding.severity.name != "INFO" and not finding.remedy.startswith("nothing")


def environment() -> dict[str, str]:
    """Return an environment in which `kubepki` is this one, and `systemctl` one that only says what it was told."""
    return {**os.environ, "PATH": f"{PROGRAMS}:{SEARCH_PATH}"}


PROGRAMS = Path(__file__).parent / "programs"


# ---- nodes ---------------------------------------------------------------------------------------------------


@dataclass
class Bases:
    """The trees that nodes are copies of."""

    folder: Path

    def node(self, kind: str, to: Path, *, has_config: bool = True) -> Node:
        """Return a fresh node."""
        saved, config = self.folder / kind, self.folder / f"{kind}.yaml"
        root = to / "node 1"
        shutil.copytree(saved, root, symlinks=True)
        return Node(root, saved, config, self.folder / "owner", has_config)


def make_bases(folder: Path) -> Bases:
    """Make one node of each kind, all of the same cluster."""
    for kind, text in {
        "control-plane": CONTROL_PLANE,
        "external-ca": CONTROL_PLANE,
        "external-etcd": EXTERNAL_ETCD,
        "worker": WORKER,
    }.items():
        (folder / f"{kind}.yaml").write_text(text)
    made = folder / "control-plane"
    made.mkdir()
    done = command("init", "--config", folder / "control-plane.yaml", "--rootfs", made)
    assert done.returncode == 0, done.stderr
    shutil.copytree(made / "etc/kubernetes/pki", folder / "owner")
    kubelet_files(made)
    for kind in ("external-ca", "external-etcd"):
        shutil.copytree(made, folder / kind, symlinks=True)
    for key in ("ca.key", "etcd/ca.key", "front-proxy-ca.key"):
        (folder / "external-ca/etc/kubernetes/pki" / key).unlink()
    etcd = folder / "external-etcd/etc/etcd"
    etcd.mkdir()
    pki = folder / "external-etcd/etc/kubernetes/pki"
    (pki / "etcd/ca.crt").rename(etcd / "ca.crt")
    shutil.rmtree(pki / "etcd")
    for ending in ("crt", "key"):
        (pki / f"apiserver-etcd-client.{ending}").rename(etcd / f"client.{ending}")
    worker = folder / "worker/etc/kubernetes"
    (worker / "pki").mkdir(parents=True)
    shutil.copy2(made / "etc/kubernetes/pki/ca.crt", worker / "pki")
    node = Node(folder / "worker", folder / "worker", folder / "worker.yaml", folder / "owner")
    node.walk(node.findings)
    return Bases(folder)


def kubelet_files(root: Path) -> None:
    """Put there what the kubelet makes for itself."""
    pki = root / "var/lib/kubelet/pki"
    pki.mkdir(parents=True)
    conf = root / "etc/kubernetes/kubelet.conf"
    pair = b"".join(embedded(conf, f"client-{part}-data") for part in ("certificate", "key"))
    write(pki / "kubelet-client-2026-01-01-00-00-00.pem", pair, 0o600)
    (pki / "kubelet-client-current.pem").symlink_to("/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem")
    text = conf.read_text()
    link = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    text = re.sub(r"client-(certificate|key)-data: .*", rf"client-\1: {link}", text)
    conf.write_text(text)
    own = Issued(issuer=None, subject="cp1@1", usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    own.put(pki / "kubelet.crt", pki / "kubelet.key")


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file with a mode."""
    path.write_bytes(content)
    path.chmod(mode)


# ---- certificates that are wrong -----------------------------------------------------------------------------


class Issued:
    """A certificate like another one, but for what is asked for."""

    def __init__(
        self,
        like: Path | None = None,
        issuer: Path | None = None,
        *,
        subject: str | None = None,
        names: bool = True,
        usages: list[x509.ObjectIdentifier] | None = None,
        begin: timedelta = -timedelta(hours=1),
        end: timedelta = timedelta(days=300),
        is_ca: bool = False,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
        signs: bool = True,
        authority_key: bytes | None = None,
    ) -> None:
        """Issue it."""
        old = x509.load_pem_x509_certificate(like.read_bytes()) if like else None
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self_signed = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject or "other")])
        name = old.subject if old and subject is None else self_signed
        signer: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = self.key
        signer_name = name
        if issuer is not None:
            signer_name = x509.load_pem_x509_certificate(issuer.read_bytes()).subject
            loaded = serialization.load_pem_private_key(issuer.with_suffix(".key").read_bytes(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            signer = loaded
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(signer_name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + begin)
            .not_valid_after(NOW + end)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=signs,
                    key_encipherment=True,
                    key_cert_sign=is_ca,
                    content_commitment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    crl_sign=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if usages is None and old is not None and not is_ca:
            usages = list(old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        if authority_key is not None:
            named = x509.AuthorityKeyIdentifier(authority_key, None, None)
            builder = builder.add_extension(named, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if old is not None and names:
            for extension in old.extensions:
                if isinstance(extension.value, x509.SubjectAlternativeName):
                    builder = builder.add_extension(extension.value, critical=False)
        self.certificate = builder.sign(signer, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def put(self, certificate: Path, key: Path) -> None:
        """Put the pair into its place."""
        write(certificate, self.pem, 0o644)
        write(key, self.key_pem, 0o600)

    def embed(self, kubeconfig: Path) -> None:
        """Put the pair into a kubeconfig."""
        import base64

        text = kubeconfig.read_text()
        for part, content in (("certificate", self.pem), ("key", self.key_pem)):
            data = base64.b64encode(content).decode()
            text = re.sub(rf"client-{part}(-data)?: .*", f"client-{part}-data: {data}", text)
        kubeconfig.write_text(text)

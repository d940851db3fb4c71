"""Every remedy leads somewhere: nodes are broken in many ways, each remedy is followed as it is printed, and all is well.

`check` or `init` names the findings. A walker that knows the form of remedies (docs/reference/findings.md) and nothing
about any finding runs their commands in a shell, puts back the files that have to come from elsewhere, and signs what
the owner of a CA is asked to sign. A few rounds later the state must be OK.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import kubepki
from trees import LEAVES, embedded
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

NOW = datetime.now(UTC)
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
        signed = command("certs", "sign", f"{name}={path}", "--ca-dir", self.owner)
        assert signed.returncode == 0, signed.stderr


def asks(finding: kubepki.Finding) -> bool:
    """Whether something has to be done."""
    return finding.severity.name != "INFO" and not finding.remedy.startswith("nothing")


def environment() -> dict[str, str]:
    """Return an environment in which `kubepki` is this one, and `systemctl` one that only says what it was told."""
    return {**os.environ, "PATH": f"{PROGRAMS}:{Path(sys.executable).parent}:{os.environ['PATH']}"}


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


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    folder = tmp_path_factory.mktemp("bases")
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
    pair = b"".join(embedded(root / "etc/kubernetes/kubelet.conf", f"client-{part}-data") for part in ("certificate", "key"))
    for name in ("kubelet-client-2026-01-01-00-00-00.pem",):
        write(pki / name, pair, 0o600)
    (pki / "kubelet-client-current.pem").symlink_to("/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem")
    conf = root / "etc/kubernetes/kubelet.conf"
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
    ) -> None:
        """Issue it."""
        old = x509.load_pem_x509_certificate(like.read_bytes()) if like else None
        self.key = ec.generate_private_key(ec.SECP256R1())
        self_signed = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject or "other")])
        name = old.subject if old and subject is None else self_signed
        signer, signer_name = self.key, name
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
                    digital_signature=True,
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


def leaf(node: Node, base: str) -> tuple[Path, Path, Path]:
    """Return certificate, key and CA of a leaf."""
    return node.pki / f"{base}.crt", node.pki / f"{base}.key", node.owner / f"{LEAVES[base]}.crt"


def reissue(node: Node, base: str, **differences: object) -> None:
    """Replace a leaf."""
    certificate, key, authority = leaf(node, base)
    Issued(certificate, differences.pop("issuer", authority), **differences).put(certificate, key)  # type: ignore[arg-type]


def truncate(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def into_folder(path: Path) -> None:
    """Put a folder in a file's place."""
    path.unlink()
    path.mkdir()


def into_dangling_link(path: Path) -> None:
    """Put a link that leads nowhere in a file's place."""
    path.unlink()
    path.symlink_to("nowhere")


def wait_for_signature(node: Node, base: str, *flags: str) -> None:
    """Ask for a certificate, and wait."""
    name = base.replace("/", "-")
    done = command("certs", "generate-csr", name, "--config", node.config, "--rootfs", node.root, *flags)
    assert done.returncode == 0, done.stderr


def wait_for_first_signature(node: Node, base: str) -> None:
    """Have a key and its request, and no certificate yet."""
    for path in leaf(node, base)[:2]:
        path.unlink()
    wait_for_signature(node, base)


def wait_for_renewal(node: Node, base: str) -> None:
    """Have an expired certificate whose successor's request waits."""
    reissue(node, base, begin=-timedelta(days=9), end=-timedelta(days=1))
    wait_for_signature(node, base, "--renew")


def have_signed_renewal(node: Node, base: str) -> None:
    """Have an expired certificate whose successor is signed and not imported."""
    wait_for_renewal(node, base)
    path = node.kubernetes / f"renewal/pki/{base}.csr"
    node.sign("ca", f"/{path.relative_to(node.root)}")


LEAF_BREAKS: dict[str, Callable[[Node, str], object]] = {
    "both removed": lambda node, base: [path.unlink() for path in leaf(node, base)[:2]],
    "certificate removed": lambda node, base: leaf(node, base)[0].unlink(),
    "key removed": lambda node, base: leaf(node, base)[1].unlink(),
    "certificate truncated": lambda node, base: truncate(leaf(node, base)[0]),
    "key truncated": lambda node, base: truncate(leaf(node, base)[1]),
    "certificate empty": lambda node, base: leaf(node, base)[0].write_bytes(b""),
    "key empty": lambda node, base: leaf(node, base)[1].write_bytes(b""),
    "certificate a folder": lambda node, base: into_folder(leaf(node, base)[0]),
    "key a folder": lambda node, base: into_folder(leaf(node, base)[1]),
    "certificate a dangling link": lambda node, base: into_dangling_link(leaf(node, base)[0]),
    "key a dangling link": lambda node, base: into_dangling_link(leaf(node, base)[1]),
    "expired": lambda node, base: reissue(node, base, begin=-timedelta(days=9), end=-timedelta(days=1)),
    "expires soon": lambda node, base: reissue(node, base, end=timedelta(days=3)),
    "not yet valid": lambda node, base: reissue(node, base, begin=timedelta(days=3)),
    "signed by nobody": lambda node, base: reissue(node, base, issuer=None),
    "without names": lambda node, base: reissue(node, base, names=False),
    "other usage": lambda node, base: reissue(node, base, usages=[ExtendedKeyUsageOID.CODE_SIGNING]),
    "other subject": lambda node, base: reissue(node, base, subject="somebody"),
    "outlives its CA": lambda node, base: reissue(node, base, end=timedelta(days=9000)),
    "other key": lambda node, base: shutil.copy(node.pki / "sa.key", leaf(node, base)[1]),
    "wide mode": lambda node, base: leaf(node, base)[1].chmod(0o644),
    "first request waits": wait_for_first_signature,
    "renewal waits": wait_for_renewal,
    "renewal is signed": have_signed_renewal,
}
LEAF_NAMES = ("apiserver", "etcd/server", "front-proxy-client")


@pytest.mark.parametrize("broken", LEAF_BREAKS)
@pytest.mark.parametrize("kind", ["control-plane", "external-ca"])
@pytest.mark.parametrize("base", LEAF_NAMES[:1])
def test_a_leaf(base: str, kind: str, broken: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node(kind, tmp_path)
    LEAF_BREAKS[broken](node, base)
    node.walk(node.findings)


@pytest.mark.parametrize("broken", ["both removed", "key truncated", "expired", "other usage", "first request waits"])
@pytest.mark.parametrize("has_config", [True, False])
@pytest.mark.parametrize("base", LEAF_NAMES[1:])
def test_a_leaf_of_another_ca(base: str, has_config: bool, broken: str, bases: Bases, tmp_path: Path) -> None:  # noqa: FBT001
    node = bases.node("control-plane", tmp_path, has_config=has_config)
    LEAF_BREAKS[broken](node, base)
    node.walk(node.findings)


# ---- CAs -----------------------------------------------------------------------------------------------------


def authority(node: Node, base: str) -> tuple[Path, Path]:
    """Return certificate and key of a CA."""
    return node.pki / f"{base}.crt", node.pki / f"{base}.key"


def replace_authority(node: Node, base: str, **differences: object) -> None:
    """Put another CA in its place, with all its leaves of old."""
    certificate, key = authority(node, base)
    Issued(certificate, None, is_ca=True, **differences).put(certificate, key)  # type: ignore[arg-type]


AUTHORITY_BREAKS: dict[str, Callable[[Node, str], object]] = {
    "certificate removed": lambda node, base: authority(node, base)[0].unlink(),
    "both removed": lambda node, base: [path.unlink() for path in authority(node, base)],
    "certificate truncated": lambda node, base: truncate(authority(node, base)[0]),
    "key truncated": lambda node, base: truncate(authority(node, base)[1]),
    "certificate a folder": lambda node, base: into_folder(authority(node, base)[0]),
    "key of another": lambda node, base: shutil.copy(node.pki / "sa.key", authority(node, base)[1]),
    "expired": lambda node, base: replace_authority(node, base, begin=-timedelta(days=9), end=-timedelta(days=1)),
    "expires soon": lambda node, base: replace_authority(node, base, end=timedelta(days=3)),
    "not yet valid": lambda node, base: replace_authority(node, base, begin=timedelta(days=3)),
    "a leaf in its place": lambda node, base: shutil.copy(node.pki / "apiserver.crt", authority(node, base)[0]),
    "wide mode": lambda node, base: authority(node, base)[1].chmod(0o640),
}


@pytest.mark.parametrize("broken", AUTHORITY_BREAKS)
@pytest.mark.parametrize("base", ["ca", "etcd/ca"])
def test_a_ca(base: str, broken: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    AUTHORITY_BREAKS[broken](node, base)
    findings = node.findings()
    for each in findings:
        if each.code == "key.mismatch" and each.subject in {"ca", "etcd-ca"}:
            assert "rm" not in each.remedy.split()
    node.walk(node.findings)


# ---- kubeconfigs ---------------------------------------------------------------------------------------------


def kubeconfig(node: Node, name: str) -> Path:
    """Return a kubeconfig's path."""
    return node.kubernetes / name


def reembed(node: Node, name: str, **differences: object) -> None:
    """Put another client certificate into a kubeconfig."""
    path = kubeconfig(node, name)
    old = node.root / "old.crt"
    old.write_bytes(embedded(path, "client-certificate-data"))
    Issued(old, differences.pop("issuer", node.owner / "ca.crt"), **differences).embed(path)  # type: ignore[arg-type]
    old.unlink()


def edit(node: Node, name: str, pattern: str, text: str) -> None:
    """Replace a line."""
    path = kubeconfig(node, name)
    changed = re.sub(pattern, text, path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)


def wait_for_kubeconfig(node: Node, name: str) -> None:
    """Have a kubeconfig whose request waits."""
    for path in node.kubernetes.glob(f"{name}*"):
        path.unlink()
    wait_for_signature(node, name)


KUBECONFIG_BREAKS: dict[str, Callable[[Node, str], object]] = {
    "removed": lambda node, name: kubeconfig(node, name).unlink(),
    "truncated": lambda node, name: truncate(kubeconfig(node, name)),
    "empty": lambda node, name: kubeconfig(node, name).write_bytes(b""),
    "a folder": lambda node, name: into_folder(kubeconfig(node, name)),
    "a dangling link": lambda node, name: into_dangling_link(kubeconfig(node, name)),
    "expired": lambda node, name: reembed(node, name, begin=-timedelta(days=9), end=-timedelta(days=1)),
    "signed by nobody": lambda node, name: reembed(node, name, issuer=None),
    "other usage": lambda node, name: reembed(node, name, usages=[ExtendedKeyUsageOID.CODE_SIGNING]),
    "other subject": lambda node, name: reembed(node, name, subject="somebody"),
    "no key": lambda node, name: edit(node, name, r" +client-key-data: .*\n", ""),
    "junk for a key": lambda node, name: edit(node, name, "client-key-data: .*", "client-key-data: eHg="),
    "junk for a certificate": lambda node, name: edit(
        node, name, "client-certificate-data: .*", "client-certificate-data: eHg="
    ),
    "a certificate that is not there": lambda node, name: edit(
        node, name, "client-certificate-data: .*", "client-certificate: nowhere.crt"
    ),
    "no CA": lambda node, name: edit(node, name, r" +certificate-authority-data: .*\n", ""),
    "junk for a CA": lambda node, name: edit(node, name, "authority-data: .*", "authority-data: eHg="),
    "a CA that is not there": lambda node, name: edit(node, name, "authority-data: .*", "authority: nowhere.crt"),
    "wide mode": lambda node, name: kubeconfig(node, name).chmod(0o640),
    "request waits": wait_for_kubeconfig,
}


@pytest.mark.parametrize("broken", KUBECONFIG_BREAKS)
@pytest.mark.parametrize(
    ("kind", "name"), [("control-plane", "admin.conf"), ("external-ca", "admin.conf"), ("worker", "kubelet.conf")]
)
def test_a_kubeconfig(kind: str, name: str, broken: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node(kind, tmp_path)
    KUBECONFIG_BREAKS[broken](node, name)
    node.walk(node.findings)


@pytest.mark.parametrize("broken", ["removed", "truncated", "expired", "no CA"])
def test_a_kubeconfig_without_a_configuration(broken: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path, has_config=False)
    KUBECONFIG_BREAKS[broken](node, "scheduler.conf")
    node.walk(node.findings)


# ---- sa, the kubelet, etcd of others, the whole node ---------------------------------------------------------


OTHER_BREAKS: dict[str, tuple[str, Callable[[Node], object]]] = {
    "sa removed": ("control-plane", lambda node: [(node.pki / f"sa.{each}").unlink() for each in ("key", "pub")]),
    "sa.key removed": ("control-plane", lambda node: (node.pki / "sa.key").unlink()),
    "sa.key truncated": ("control-plane", lambda node: truncate(node.pki / "sa.key")),
    "sa.pub removed": ("control-plane", lambda node: (node.pki / "sa.pub").unlink()),
    "sa.pub truncated": ("control-plane", lambda node: truncate(node.pki / "sa.pub")),
    "sa.key of another": ("control-plane", lambda node: shutil.copy(node.pki / "apiserver.key", node.pki / "sa.key")),
    "sa.key wide": ("control-plane", lambda node: (node.pki / "sa.key").chmod(0o604)),
    "everything removed": ("control-plane", lambda node: shutil.rmtree(node.kubernetes)),
    "all but the CAs removed": (
        "control-plane",
        lambda node: [each.unlink() for each in node.pki.rglob("*") if each.is_file() and "ca." not in each.name],
    ),
    "etcd folder removed": ("control-plane", lambda node: shutil.rmtree(node.pki / "etcd")),
    "a worker's CA removed": ("worker", lambda node: (node.pki / "ca.crt").unlink()),
    "a worker's CA truncated": ("worker", lambda node: truncate(node.pki / "ca.crt")),
    "etcd's CA removed": ("external-etcd", lambda node: (node.root / "etc/etcd/ca.crt").unlink()),
    "etcd's CA truncated": ("external-etcd", lambda node: truncate(node.root / "etc/etcd/ca.crt")),
    "etcd's client removed": (
        "external-etcd",
        lambda node: [(node.root / f"etc/etcd/client.{each}").unlink() for each in ("crt", "key")],
    ),
    "etcd's client of another": (
        "external-etcd",
        lambda node: shutil.copy(node.pki / "apiserver.key", node.root / "etc/etcd/client.key"),
    ),
    "etcd's client expired": (
        "external-etcd",
        lambda node: Issued(
            node.root / "etc/etcd/client.crt",
            node.owner / "etcd/ca.crt",
            begin=-timedelta(days=9),
            end=-timedelta(days=1),
        ).put(node.root / "etc/etcd/client.crt", node.root / "etc/etcd/client.key"),
    ),
    "kubelet's link dangles": ("control-plane", lambda node: dated(node).unlink()),
    "kubelet's link dangles and an older one is valid": ("control-plane", lambda node: dangle(node)),
    "kubelet's link removed": ("control-plane", lambda node: (node.kubelet / "kubelet-client-current.pem").unlink()),
    "kubelet's client truncated": ("control-plane", lambda node: truncate(dated(node))),
    "kubelet's client expired": ("control-plane", lambda node: expire_kubelet(node)),
    "kubelet's client expired, external CA": ("external-ca", lambda node: expire_kubelet(node)),
    "kubelet's link dangles, external CA": ("external-ca", lambda node: dated(node).unlink()),
    "kubelet's own expired": (
        "control-plane",
        lambda node: Issued(
            None, None, subject="cp1@1", begin=-timedelta(days=9), end=-timedelta(days=1)
        ).put(node.kubelet / "kubelet.crt", node.kubelet / "kubelet.key"),
    ),
    "kubelet's own key removed": ("control-plane", lambda node: (node.kubelet / "kubelet.key").unlink()),
    "kubelet's own truncated": ("control-plane", lambda node: truncate(node.kubelet / "kubelet.crt")),
    "kubelet's server truncated": (
        "control-plane",
        lambda node: write(node.kubelet / "kubelet-server-current.pem", b"x", 0o600),
    ),
}


def dated(node: Node) -> Path:
    """Return the file behind the kubelet's link."""
    return next(node.kubelet.glob("kubelet-client-2*.pem"))


def dangle(node: Node) -> None:
    """Let the link lead to a file that is gone; another one is still there."""
    link = node.kubelet / "kubelet-client-current.pem"
    link.unlink()
    link.symlink_to("/var/lib/kubelet/pki/kubelet-client-2026-02-02-00-00-00.pem")


def expire_kubelet(node: Node) -> None:
    """Give the kubelet a client certificate that has expired."""
    path = dated(node)
    like = node.root / "old.crt"
    like.write_bytes(path.read_bytes())
    pair = Issued(like, node.owner / "ca.crt", begin=-timedelta(days=9), end=-timedelta(days=1))
    write(path, pair.pem + pair.key_pem, 0o600)
    like.unlink()


@pytest.mark.parametrize("broken", OTHER_BREAKS)
@pytest.mark.parametrize("has_config", [True, False], ids=["with --config", "without"])
def test_other_states(has_config: bool, broken: str, bases: Bases, tmp_path: Path) -> None:  # noqa: FBT001
    kind, break_it = OTHER_BREAKS[broken]
    node = bases.node(kind, tmp_path, has_config=has_config)
    break_it(node)
    node.walk(node.findings)

"""Every remedy leads somewhere: nodes are broken in many ways, and each remedy is followed as it is printed.

`check` or `init` names the findings; `walker` follows their remedies. A few rounds later the state must be OK.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

import kubepki
from trees import LEAVES, embedded
from trees import kubepki as command
from walker import CONTROL_PLANE, Bases, Issued, Node, asks, kubelet_files, make_bases, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return make_bases(tmp_path_factory.mktemp("bases"))


# ---- leaves --------------------------------------------------------------------------------------------------


def leaf(node: Node, base: str) -> tuple[Path, Path, Path]:
    """Return certificate, key and CA of a leaf."""
    return node.pki / f"{base}.crt", node.pki / f"{base}.key", node.owner / f"{LEAVES[base]}.crt"


def reissue(node: Node, base: str, **differences: object) -> None:
    """Replace a leaf."""
    certificate, key, authority = leaf(node, base)
    Issued(certificate, differences.pop("issuer", authority), **differences).put(certificate, key)  # type: ignore[arg-type]


def remove(*paths: Path) -> None:
    for path in paths:
        path.unlink()


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
    "both removed": lambda node, base: remove(*leaf(node, base)[:2]),
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
    "weak key": lambda node, base: reissue(node, base, key=rsa.generate_private_key(65537, 1024)),  # noqa: S505
    "other key identifier": lambda node, base: reissue(node, base, authority_key=b"other"),
    "key usage that signs nothing": lambda node, base: reissue(node, base, signs=False),
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


def widen(*files: Path) -> None:
    for file in files:
        file.chmod(0o666)


def replace_authority(node: Node, base: str, **differences: object) -> None:
    """Put another CA in its place, with all its leaves of old."""
    certificate, key = authority(node, base)
    Issued(certificate, None, is_ca=True, **differences).put(certificate, key)  # type: ignore[arg-type]


AUTHORITY_BREAKS: dict[str, Callable[[Node, str], object]] = {
    "certificate removed": lambda node, base: authority(node, base)[0].unlink(),
    "both removed": lambda node, base: remove(*authority(node, base)),
    "certificate truncated": lambda node, base: truncate(authority(node, base)[0]),
    "key truncated": lambda node, base: truncate(authority(node, base)[1]),
    "certificate a folder": lambda node, base: into_folder(authority(node, base)[0]),
    "key of another": lambda node, base: shutil.copy(node.pki / "sa.key", authority(node, base)[1]),
    "expired": lambda node, base: replace_authority(node, base, begin=-timedelta(days=9), end=-timedelta(days=1)),
    "expires soon": lambda node, base: replace_authority(node, base, end=timedelta(days=3)),
    "not yet valid": lambda node, base: replace_authority(node, base, begin=timedelta(days=3)),
    "a leaf in its place": lambda node, base: shutil.copy(node.pki / "apiserver.crt", authority(node, base)[0]),
    "wide mode": lambda node, base: authority(node, base)[1].chmod(0o640),
    "another with its key": replace_authority,
}


@pytest.mark.parametrize("base", ["ca", "etcd/ca"])
def test_what_a_foreign_ca_did_not_sign_is_not_signed_with_it(base: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    replace_authority(node, base)
    untrusted = [each for each in node.findings() if each.code == "certificate.untrusted"]
    assert len(untrusted) > 1
    for each in untrusted:
        assert "`kubepki" not in each.remedy
        assert f"{node.root}/etc/kubernetes/pki/{base}.crt" in each.remedy


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


def be_of_another_cluster(node: Node, name: str) -> None:
    """Have a kubeconfig whose certificate and CA are not this node's."""
    reembed(node, name, issuer=None)
    other = base64.b64encode((node.owner / "front-proxy-ca.crt").read_bytes()).decode()
    edit(node, name, "authority-data: .*", f"authority-data: {other}")


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
    "of another cluster": be_of_another_cluster,
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


@pytest.mark.parametrize("broken", ["removed", "truncated", "expired", "no CA", "of another cluster"])
def test_a_kubeconfig_without_a_configuration(broken: str, bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path, has_config=False)
    KUBECONFIG_BREAKS[broken](node, "scheduler.conf")
    node.walk(node.findings)


def test_a_certificate_of_another_node_without_a_configuration(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path, has_config=False)
    reissue(node, "etcd/server", subject="cp2")
    assert [each.code for each in node.findings() if asks(each)] == ["certificate.other_node"]
    node.walk(node.findings)


# ---- sa, the kubelet, etcd of others, the whole node ---------------------------------------------------------


def dated(node: Node) -> Path:
    """Return the file behind the kubelet's link."""
    return node.kubelet / (node.kubelet / "kubelet-client-current.pem").readlink().name


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


def expire_all(node: Node) -> None:
    """Let all that kubeadm renews be over."""
    for base in LEAVES:
        reissue(node, base, begin=-timedelta(days=9), end=-timedelta(days=1))
    for name in ("admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf"):
        reembed(node, name, begin=-timedelta(days=9), end=-timedelta(days=1))


def spoil_all(node: Node) -> None:
    """Let all be over, and the CA be of no use."""
    expire_all(node)
    truncate(node.pki / "ca.crt")


OTHER_BREAKS: dict[str, tuple[str, Callable[[Node], object]]] = {
    "sa removed": ("control-plane", lambda node: remove(node.pki / "sa.key", node.pki / "sa.pub")),
    "sa.key removed": ("control-plane", lambda node: (node.pki / "sa.key").unlink()),
    "sa.key truncated": ("control-plane", lambda node: truncate(node.pki / "sa.key")),
    "sa.pub removed": ("control-plane", lambda node: (node.pki / "sa.pub").unlink()),
    "sa.pub truncated": ("control-plane", lambda node: truncate(node.pki / "sa.pub")),
    "sa.key of another": ("control-plane", lambda node: shutil.copy(node.pki / "apiserver.key", node.pki / "sa.key")),
    "sa.key wide": ("control-plane", lambda node: (node.pki / "sa.key").chmod(0o604)),
    "everything removed": ("control-plane", lambda node: shutil.rmtree(node.kubernetes)),
    "all but the CAs removed": (
        "control-plane",
        lambda node: remove(*(each for each in list(node.pki.rglob("*")) if each.is_file() and "ca." not in each.name)),
    ),
    "etcd folder removed": ("control-plane", lambda node: shutil.rmtree(node.pki / "etcd")),
    "certificates that are all expired": ("control-plane", expire_all),
    "certificates that are all expired, and garbage for a CA": ("control-plane", spoil_all),
    "a folder of keys where others may write": ("control-plane", lambda node: node.pki.chmod(0o777)),
    "a worker's CA removed": ("worker", lambda node: (node.pki / "ca.crt").unlink()),
    "a worker with the CA's key": ("worker", lambda node: shutil.copy(node.owner / "ca.key", node.pki / "ca.key")),
    "the cluster's CA replaced": (
        "control-plane",
        lambda node: write(node.pki / "ca.crt", Issued(node.pki / "ca.crt", None, is_ca=True).pem, 0o644),
    ),
    "certificates that all may change": (
        "control-plane",
        lambda node: widen(node.pki / "ca.crt", node.pki / "etcd/peer.crt"),
    ),
    "a worker's CA truncated": ("worker", lambda node: truncate(node.pki / "ca.crt")),
    "etcd's CA removed": ("external-etcd", lambda node: (node.root / "etc/etcd/ca.crt").unlink()),
    "etcd's CA truncated": ("external-etcd", lambda node: truncate(node.root / "etc/etcd/ca.crt")),
    "etcd's client removed": (
        "external-etcd",
        lambda node: remove(node.root / "etc/etcd/client.crt", node.root / "etc/etcd/client.key"),
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
    "kubelet's link dangles and an older one is valid": ("control-plane", dangle),
    "kubelet's link removed": ("control-plane", lambda node: (node.kubelet / "kubelet-client-current.pem").unlink()),
    "kubelet's client truncated": ("control-plane", lambda node: truncate(dated(node))),
    "kubelet's client expired": ("control-plane", expire_kubelet),
    "kubelet's client expired, external CA": ("external-ca", expire_kubelet),
    "kubelet's link dangles, external CA": ("external-ca", lambda node: dated(node).unlink()),
    "kubelet's own expired": (
        "control-plane",
        lambda node: Issued(None, None, subject="cp1@1", begin=-timedelta(days=9), end=-timedelta(days=1)).put(
            node.kubelet / "kubelet.crt", node.kubelet / "kubelet.key"
        ),
    ),
    "kubelet's own key removed": ("control-plane", lambda node: (node.kubelet / "kubelet.key").unlink()),
    "kubelet's own truncated": ("control-plane", lambda node: truncate(node.kubelet / "kubelet.crt")),
    "kubelet's server truncated": (
        "control-plane",
        lambda node: write(node.kubelet / "kubelet-server-current.pem", b"x", 0o600),
    ),
}


@pytest.mark.parametrize("broken", OTHER_BREAKS)
@pytest.mark.parametrize("has_config", [True, False], ids=["with --config", "without"])
def test_other_states(has_config: bool, broken: str, bases: Bases, tmp_path: Path) -> None:  # noqa: FBT001
    kind, break_it = OTHER_BREAKS[broken]
    node = bases.node(kind, tmp_path, has_config=has_config)
    break_it(node)
    node.walk(node.findings)


def expire_both(node: Node) -> None:
    """Let the kubelet's own certificate be over, and one that an earlier remedy embedded."""
    expire_kubelet(node)
    conf = node.kubernetes / "kubelet.conf"
    like = node.root / "old.crt"
    like.write_bytes(dated(node).read_bytes())
    Issued(like, node.owner / "ca.crt", begin=-timedelta(days=9), end=-timedelta(days=1)).embed(conf)
    like.unlink()


WORKER_BREAKS: dict[str, Callable[[Node], object]] = {
    "expired": expire_kubelet,
    "expired, and kubelet.conf has one of its own": expire_both,
    "truncated": lambda node: truncate(dated(node)),
    "the link dangles": lambda node: dated(node).unlink(),
    "link and file are removed": lambda node: remove(dated(node), node.kubelet / "kubelet-client-current.pem"),
}


@pytest.mark.parametrize("broken", WORKER_BREAKS)
@pytest.mark.parametrize("has_config", [True, False], ids=["with --config", "without"])
def test_a_workers_kubelet_rotates_again(has_config: bool, broken: str, bases: Bases, tmp_path: Path) -> None:  # noqa: FBT001
    node = bases.node("worker", tmp_path, has_config=has_config)
    kubelet_files(node.root)
    conf = node.kubernetes / "kubelet.conf"
    WORKER_BREAKS[broken](node)
    node.walk(node.findings)
    assert any("certs generate-csr kubelet-client" in step for step in node.done)
    assert conf.read_text().count(": /var/lib/kubelet/pki/kubelet-client-current.pem\n") == 2
    assert "-data" not in conf.read_text().rpartition("users:")[2]
    # What other messages say is the same.
    WORKER_BREAKS["expired"](node)
    config = node.config if has_config else None
    (named,) = {each.remedy for each in node.findings() if asks(each)}
    for names, kubelet in ((["kubelet-client"], False), ("all", False), ("all", True)):
        plan = kubepki.plan_renew(names, config=config, kubelet=kubelet, rootfs=node.root)
        remedies = {each.remedy for each in plan.findings if asks(each)}
        assert remedies == {named}, (names, kubelet)
        assert all(each.name.startswith("kubelet") for each in plan.artefacts)


def test_a_file_with_certificate_and_key_has_one_finding(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    dated(node).unlink()
    found = [(each.code, each.path, each.evidence) for each in node.findings()]
    assert len(found) == len(set(found))
    assert [code for code, _, _ in found].count("store.dangling_symlink") == 1


# ---- many nodes ------------------------------------------------------------------------------------------------


def audited(*roots: Path) -> dict[str, str]:
    """Return the codes and remedies of what an audit finds between trees."""
    done = command("audit", "-o", "json", *roots)
    assert done.returncode in {0, 1, 2}, done.stderr
    return {each["code"]: each["remedy"] for each in json.loads(done.stdout)["findings"]}


def test_a_key_that_two_nodes_share_is_renewed_as_the_audit_prints_it(bases: Bases, tmp_path: Path) -> None:
    one, two = (bases.node("control-plane", tmp_path / name) for name in ("a", "b"))
    kept = {path: path.read_bytes() for path in two.pki.rglob("*") if "ca." in path.name or path.stem == "sa"}
    shutil.rmtree(two.root)
    for path, content in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, content, 0o600 if path.suffix == ".key" else 0o644)
    config = tmp_path / "cp2.yaml"
    config.write_text(CONTROL_PLANE.replace("cp1", "cp2").replace("192.0.2.10", "192.0.2.11"))
    done = command("init", "--config", config, "--rootfs", two.root)
    assert done.returncode == 0, done.stderr
    assert not audited(one.root, two.root)
    for ending in ("crt", "key"):
        shutil.copy2(one.pki / f"front-proxy-client.{ending}", two.pki)
    found = audited(one.root, two.root)
    assert list(found) == ["fleet.shared_key"]
    assert f"--rootfs '{two.root}'`" in found["fleet.shared_key"]
    two.follow(found["fleet.shared_key"])
    assert not audited(one.root, two.root)


def test_a_copied_kubeconfig_is_no_second_node(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        shutil.copy2(node.kubernetes / "admin.conf", tmp_path / name)
    assert not audited(node.root, tmp_path / "mine", tmp_path / "theirs")


# ---- other ways to ask -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("control-plane", lambda node: LEAF_BREAKS["without names"](node, "apiserver")),
        ("control-plane", lambda node: LEAF_BREAKS["certificate removed"](node, "apiserver")),
        ("control-plane", lambda node: LEAF_BREAKS["first request waits"](node, "apiserver")),
        ("control-plane", lambda node: AUTHORITY_BREAKS["key of another"](node, "etcd/ca")),
        ("control-plane", lambda node: KUBECONFIG_BREAKS["no CA"](node, "admin.conf")),
        ("external-ca", lambda node: LEAF_BREAKS["both removed"](node, "apiserver")),
        ("external-ca", lambda node: KUBECONFIG_BREAKS["request waits"](node, "admin.conf")),
        ("worker", lambda node: KUBECONFIG_BREAKS["expired"](node, "kubelet.conf")),
    ],
)
def test_what_init_says(kind: str, broken: Callable[[Node], object], bases: Bases, tmp_path: Path) -> None:
    node = bases.node(kind, tmp_path)
    broken(node)

    def planned() -> list[kubepki.Finding]:
        return [
            each for each in kubepki.plan(node.config, rootfs=node.root).findings if each.severity.name == "CRITICAL"
        ]

    assert planned()
    node.walk(planned)
    assert command("init", "--config", node.config, "--rootfs", node.root).returncode == 0
    node.walk(node.findings)


def test_folders_of_ones_own_are_in_the_commands(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    LEAF_BREAKS["expired"](node, "apiserver")
    KUBECONFIG_BREAKS["truncated"](node, "admin.conf")
    (node.pki / "sa.key").chmod(0o644)

    def found() -> list[kubepki.Finding]:
        report = kubepki.check(
            node.config,
            certificates_dir=node.pki,
            kubeconfig_dir=node.kubernetes,
            node_name="cp1",
            kubelet_dir=node.root / "var/lib/kubelet",
        )
        # Without a root directory the kubelet's link is this machine's.
        return [each for each in report.findings if not each.code.startswith("store.")]

    node.walk(found)


def test_a_waiting_request_is_not_thrown_away(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("external-ca", tmp_path)
    wait_for_first_signature(node, "apiserver")
    plan = kubepki.plan(node.config, rootfs=node.root)
    for finding in [*node.findings(), *plan.findings]:
        if finding.subject == "apiserver":
            assert "waits" in finding.remedy
            assert "`rm" not in finding.remedy


def test_a_manifest_that_is_held_is_put_back_by_a_command(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    holding = node.root / "var/lib/kubepki/restart"
    holding.mkdir(parents=True)
    (holding / "kube-scheduler.yaml").write_text("apiVersion: v1\nkind: Pod\n")
    (finding,) = (each for each in node.findings() if each.code == "restart.manifest_held")
    # That it does is shown with a running node, in test_restart.py.
    assert f"`kubepki restart --rootfs '{node.root}'`" in finding.remedy


def test_a_kubelet_is_renewed_twice_within_a_second(bases: Bases, tmp_path: Path) -> None:
    node = bases.node("control-plane", tmp_path)
    # One moment, and not before the CA's first.
    now = datetime.now(timezone.utc)
    made = []
    for _ in range(3):
        kubepki.apply(kubepki.plan_renew(["kubelet-client"], rootfs=node.root, now=now))
        made.append(dated(node))
    assert len({path.name for path in made}) == 3
    assert len({path.read_bytes() for path in made}) == 3
    # Something may be there that is no file.
    link = node.kubelet / "kubelet-client-current.pem"
    remove(made[-1], link)
    made[-1].symlink_to("nowhere")
    link.symlink_to(f"/var/lib/kubelet/pki/{made[0].name}")
    kubepki.apply(kubepki.plan_renew(["kubelet-client"], rootfs=node.root, now=now))
    assert dated(node).name not in {path.name for path in made}

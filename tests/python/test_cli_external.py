"""An external CA as a process: kubeadm's requests, signed by openssl, imported, embedded, cleaned up."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest

import kubepki as library
from trees import GOLDEN, KUBECONFIGS, LEAVES, kubepki, make_tree, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

CASE = "ecdsa-p256"
CONFIG = GOLDEN / CASE / "config.yaml"
AUTHORITIES = ("ca", "front-proxy-ca", "etcd/ca")
# request below /etc/kubernetes without its ending -> the CA that signs it, likewise below pki
REQUESTS = {f"pki/{leaf}": ca for leaf, ca in LEAVES.items()} | dict.fromkeys(KUBECONFIGS, "ca")

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> list[bytes]:
    return [content for _, content in snapshot(folder).values()]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `pki` of the owner of the CAs."""
    return make_tree(tmp_path_factory.mktemp("owner"), CASE) / "pki"


@pytest.fixture
def node(owner: Path, tmp_path: Path) -> Path:
    """Return the root of a node with kubeadm's own requests, and CAs without keys."""
    kubernetes = shutil.copytree(GOLDEN / CASE / "csr", tmp_path / "node/etc/kubernetes")
    for name in AUTHORITIES:
        shutil.copy(owner / f"{name}.crt", kubernetes / f"pki/{name}.crt")
    for name in ("sa.key", "sa.pub"):
        shutil.copy(owner / name, kubernetes / "pki" / name)
    for path in kubernetes.rglob("*"):
        if path.is_file():
            path.chmod(0o644 if path.suffix == ".crt" else 0o600)
    return tmp_path / "node"


def sign(owner: Path, node: Path, request: str, into: Path, *options: str) -> None:
    """Sign as the script of the kubeadm documentation does."""
    ca = owner / REQUESTS[request]
    into.parent.mkdir(parents=True, exist_ok=True)
    source, serial = node / f"etc/kubernetes/{request}.csr", into.parent / "ca.srl"
    done = run(
        *("openssl", "x509", "-req", "-days", "365", "-in", str(source), "-out", str(into)),
        *("-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-CAserial", str(serial)),
        *options,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def signed(owner: Path, node: Path, tmp_path: Path) -> Path:
    """Return a folder with the certificates that openssl made of the requests."""
    folder = tmp_path / "signed"
    for request in REQUESTS:
        sign(owner, node, request, folder / f"{request}.crt", "-copy_extensions", "copy")
    return folder


def on(node: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return kubepki(*arguments, "--rootfs", node)


def test_the_whole_road_with_the_documented_script(node: Path, signed: Path) -> None:
    # Of a request without extensions openssl before 3.2 makes a certificate of version 1: Kubernetes takes it.
    before = snapshot(node)
    dry = on(node, "certs", "import", signed, "--config", CONFIG, "--dry-run")
    assert (dry.returncode, dry.stderr) == (0, "dry run: nothing was changed; 12 would be imported\n")
    assert snapshot(node) == before

    imported = on(node, "certs", "import", signed, "--config", CONFIG)
    assert (imported.returncode, imported.stderr.split(":")[0]) == (0, "imported 12")
    assert "next: `kubepki kubeconfig embed admin.conf " in imported.stderr
    for request in REQUESTS:
        assert (node / f"etc/kubernetes/{request}.crt").read_bytes() == (signed / f"{request}.crt").read_bytes()

    embedded = on(node, "kubeconfig", "embed", "all", "--config", CONFIG)
    assert (embedded.returncode, embedded.stderr.split(":")[0]) == (0, "embedded 5")
    assert embedded.stderr.splitlines()[-2:] == [
        f"to use them: `kubepki restart kube-controller-manager kube-scheduler kubelet --rootfs {node}`",
        f"next: `kubepki certs cleanup --config {CONFIG} --rootfs {node}` removes what is not needed any more",
    ]
    cleaned = on(node, "certs", "cleanup", "--config", CONFIG)
    assert (cleaned.returncode, cleaned.stderr.split(":")[0]) == (0, "cleaned up 12")
    kubernetes = node / "etc/kubernetes"
    assert [
        path.name for path in kubernetes.rglob("*") if path.suffix == ".csr" or path.name.endswith(".conf.crt")
    ] == []

    checked = on(node, "check", "--config", CONFIG)
    assert checked.returncode == 0, checked.stdout
    report = json.loads(on(node, "certs", "check-expiration", "--config", CONFIG, "-o", "json").stdout)
    rows = report["certificates"] + report["certificateAuthorities"]
    assert [row["externallyManaged"] for row in rows] == [True] * 14
    again = on(node, "init", "--config", CONFIG)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (0, "nothing to do: everything is there")

    before = snapshot(node)
    for verb in (("certs", "import", signed), ("kubeconfig", "embed"), ("certs", "cleanup")):
        twice = on(node, *verb, "--config", CONFIG)
        assert (twice.returncode, twice.stderr.split(":")[0]) == (0, "nothing to do"), twice.stderr
    assert snapshot(node) == before


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_kubectl_reads_what_was_embedded(node: Path, signed: Path) -> None:
    assert on(node, "certs", "import", signed).returncode == 0
    admin = node / "etc/kubernetes/admin.conf"
    user, cluster = "kubernetes-admin", "kubernetes"
    by_kubectl = shutil.copy(admin, node / "by-kubectl.conf")
    for arguments in (
        ("set-credentials", user, f"--client-certificate={admin}.crt", "--embed-certs"),
        ("set-cluster", cluster, f"--certificate-authority={node}/etc/kubernetes/pki/ca.crt", "--embed-certs"),
    ):
        done = run("kubectl", "--kubeconfig", by_kubectl, "config", *arguments)
        assert done.returncode == 0, done.stderr
    assert on(node, "kubeconfig", "embed", "admin").returncode == 0
    views = [
        run("kubectl", "--kubeconfig", file, "config", "view", "--raw", "-o", "json") for file in (admin, by_kubectl)
    ]
    ours, theirs = (json.loads(view.stdout) for view in views)
    assert ours == theirs
    assert (
        base64.b64decode(ours["users"][0]["user"]["client-certificate-data"])
        == (signed / "admin.conf.crt").read_bytes()
    )


def test_names_that_the_script_drops_are_missed_and_every_fault_is_told(owner: Path, node: Path, signed: Path) -> None:
    sign(owner, node, "pki/etcd/server", signed / "pki/etcd/server.crt")
    shutil.copy(signed / "admin.conf.crt", signed / "kubelet.conf.crt")
    (signed / "pki/front-proxy-client.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    before = snapshot(node)
    refused = on(node, "certs", "import", signed)
    assert refused.returncode == 1
    faults = re.findall(r"^critical: (\S+): .*\[(\S+)\]$", refused.stderr, re.MULTILINE)
    assert sorted(faults) == [
        ("etcd-server", "certificate.missing_names"),
        ("front-proxy-client", "x509.damaged"),
        ("kubelet.conf", "key.mismatch"),
    ]
    assert "it belongs to admin.conf" in refused.stderr
    assert refused.stderr.endswith("nothing was changed: 3 critical findings\n")
    assert snapshot(node) == before

    forced = on(node, "certs", "import", signed, "--force")
    assert (forced.returncode, forced.stderr.count("critical:")) == (1, 2)
    lost = on(node, "certs", "import", signed / "pki/etcd", "--force")
    assert lost.returncode == 0, lost.stderr
    missing = on(node, "certs", "import", "no/such/folder")
    assert (missing.returncode, missing.stderr.splitlines()[-1]) == (3, "  code: store.missing")


def test_what_is_replaced_is_kept_unless_told_otherwise(owner: Path, node: Path, signed: Path) -> None:
    assert on(node, "certs", "import", signed).returncode == 0
    first = (node / "etc/kubernetes/pki/apiserver.crt").read_bytes()
    new = signed / "pki/apiserver.crt"
    sign(owner, node, "pki/apiserver", new, "-copy_extensions", "copy")
    kept = on(node, "certs", "import", new, "-o", "json")
    assert kept.returncode == 0, kept.stderr
    report: dict[str, Any] = json.loads(kept.stdout)["report"]
    assert [one["name"] for one in report["changed"]] == ["apiserver"]
    assert report["changed"][0]["previous_serial"]
    assert report["backup"].startswith("/var/lib/kubepki/backups/")
    assert first in contents(node / report["backup"].lstrip("/"))

    sign(owner, node, "pki/apiserver", new, "-copy_extensions", "copy")
    bare = on(node, "certs", "import", new, "--no-backup", "-o", "json")
    assert json.loads(bare.stdout)["report"]["backup"] is None


def test_a_ca_key_goes_only_when_somebody_says_where_it_stays(tmp_path: Path) -> None:
    node = tmp_path / "node"
    key = make_tree(node, CASE) / "pki/ca.key"
    content = key.read_bytes()
    vault = tmp_path / "vault"
    unsaid = on(node, "certs", "cleanup", "--ca-key")
    assert (unsaid.returncode, unsaid.stderr.splitlines()[-1]) == (2, "  code: cleanup.ca_key_backup")
    pod = node / "etc/kubernetes/manifests/kube-controller-manager.yaml"
    pod.parent.mkdir()
    pod.write_text("    - --cluster-signing-key-file=/etc/kubernetes/pki/ca.key\n")
    needed = on(node, "certs", "cleanup", "--ca-key", "--no-backup")
    assert needed.returncode == 1
    assert "kube-controller-manager.yaml names it [authority.key_needed]" in needed.stderr
    pod.unlink()
    before = snapshot(node)
    # The node's own folders are no place for it, by whatever way.
    (tmp_path / "link").symlink_to(node / "etc")
    for own in (node, node / "media/safe", node / "etc/kubernetes/pki/old", tmp_path / "link/kubernetes/old"):
        refused = on(node, "certs", "cleanup", "--ca-key", "--ca-key-backup", own, "--config", CONFIG)
        assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, "  code: store.backup_place"), own
        assert snapshot(node) == before
    local = ("--cert-dir", tmp_path / "link/kubernetes/pki", "--kubeconfig-dir", node / "etc/kubernetes")
    for own in (node / "etc/kubernetes/pki", node / "etc/kubernetes/x", tmp_path / "usual/x"):
        more = ("--ca-key", "--ca-key-backup", own, "--backup-dir", tmp_path / "usual")
        refused = kubepki("certs", "cleanup", *local, *more)
        assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, "  code: store.backup_place"), own
    done = on(node, "certs", "cleanup", "--ca-key=ca,etcd-ca", "--ca-key-backup", vault, "--config", CONFIG)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "cleaned up 2: ca, etcd-ca")
    assert not key.exists()
    assert content in contents(vault)
    assert [stat.S_IMODE(path.stat().st_mode) for path in vault.rglob("*.key")] == [0o600, 0o600]
    assert f"the previous files are kept in {vault}/" in done.stderr
    assert "kubelets' certificates are not renewed" in done.stderr
    assert not (node / "var/lib/kubepki").exists()
    assert list(snapshot(node)) == [name for name in before if not name.endswith("/ca.key")]
    checked = on(node, "check", "--config", CONFIG)
    assert checked.returncode == 0, checked.stdout
    assert "external CA mode" in checked.stdout
    assert checked.stdout.count("\n  path: ") == 2


def test_what_is_still_on_its_way_is_kept(node: Path) -> None:
    kept = on(node, "certs", "cleanup")
    assert (kept.returncode, kept.stderr.count("\n  path: ")) == (0, 12)
    named = on(node, "certs", "cleanup", "apiserver")
    assert named.returncode == 1
    assert "its certificate is not in place" in named.stderr
    typo = on(node, "certs", "cleanup", "apisever")
    assert (typo.returncode, typo.stderr.splitlines()[1]) == (2, "  hint: did you mean apiserver?")
    unsigned = on(node, "kubeconfig", "embed", "admin.conf")
    assert unsigned.returncode == 1
    assert "not signed yet, or not imported [file.missing]" in unsigned.stderr


def test_requests_that_nobody_has_signed_are_not_in_their_place(node: Path, tmp_path: Path) -> None:
    nothing = on(node, "certs", "import", "--config", CONFIG)
    assert (nothing.returncode, nothing.stderr.count("\n")) == (0, 1)
    assert nothing.stderr.startswith("nothing to import: apiserver, ")
    assert "have no signed certificate yet" in nothing.stderr
    # A folder that came back with the request alone: by its name, or by its key.
    came = tmp_path / "came/pki"
    came.mkdir(parents=True)
    other = make_tree(tmp_path / "other", CASE)
    for name in ("apiserver.csr", "anything.csr"):
        shutil.copy(node / "etc/kubernetes/pki/apiserver.csr", came / name)
        shutil.copy(node / "etc/kubernetes/pki/apiserver.key", other / "pki/apiserver.key")
        for file in other.rglob("apiserver.c*"):
            file.unlink()
        alone = on(tmp_path / "other", "certs", "import", came)
        assert alone.returncode == 0, alone.stderr
        assert alone.stderr == "nothing to import: apiserver: its request has no signed certificate yet\n"
        (came / name).unlink()
    empty = on(tmp_path / "other", "certs", "import", came)
    assert (empty.returncode, empty.stderr) == (0, "nothing to import: no certificate for this node was found\n")


@pytest.mark.parametrize("found", ["by name", "by key"])
def test_keys_that_wait_for_a_renewal_are_found_by_name_and_by_key(
    found: str, owner: Path, node: Path, signed: Path, tmp_path: Path
) -> None:
    assert on(node, "certs", "import", signed, "--config", CONFIG).returncode == 0
    assert on(node, "kubeconfig", "embed", "all").returncode == 0
    assert on(node, "certs", "cleanup").returncode == 0
    asked = on(node, "certs", "generate-csr", "--renew", "apiserver", "admin.conf", "--config", CONFIG)
    assert asked.returncode == 0, asked.stderr
    waiting = node / "etc/kubernetes/renewal"
    new = tmp_path / "new"
    for name in ("pki/apiserver", "admin.conf"):
        shutil.copy(waiting / f"{name}.csr", node / f"etc/kubernetes/{name}.csr")
        sign(owner, node, name, new / f"{name}.crt", "-copy_extensions", "copy")
        (node / f"etc/kubernetes/{name}.csr").unlink()
    (new / "ca.srl").unlink()
    (new / "pki/ca.srl").unlink()
    if found == "by key":
        (new / "pki/apiserver.crt").rename(new / "pki/one.pem")
        (new / "admin.conf.crt").rename(new / "two.pem")
    key = (waiting / "pki/apiserver.key").read_bytes()
    done = on(node, "certs", "import", new)
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "imported 2: apiserver, admin.conf"), done.stderr
    assert (node / "etc/kubernetes/pki/apiserver.key").read_bytes() == key
    assert on(node, "kubeconfig", "embed", "admin.conf").returncode == 0
    cleaned = on(node, "certs", "cleanup")
    assert (cleaned.returncode, "[cleanup.still_needed]" in cleaned.stderr) == (0, False)
    assert not waiting.exists()
    checked = on(node, "check", "--config", CONFIG)
    assert checked.returncode == 0, checked.stdout


def test_ca_key_stands_before_a_name(node: Path) -> None:
    for more in (("--ca-key", "apiserver"), ("--ca-key", "ca", "apiserver"), ("apiserver", "--ca-key")):
        done = on(node, "certs", "cleanup", "--no-backup", *more)
        assert done.returncode == 1
        assert "critical: apiserver: " in done.stderr
        assert "unknown" not in done.stderr
    typo = on(node, "certs", "cleanup", "--no-backup", "--ca-key", "etcd_ca")
    assert (typo.returncode, typo.stderr.splitlines()[-1]) == (2, "  code: plan.unknown_name")


def test_an_empty_host_and_a_read_only_one(tmp_path: Path, node: Path, signed: Path) -> None:
    (tmp_path / "empty").mkdir()
    for verb, words in (("import", "nothing to import"), ("cleanup", "nothing to do")):
        nothing = on(tmp_path / "empty", "certs", verb)
        assert (nothing.returncode, nothing.stderr.split(":")[0]) == (0, words), nothing.stderr
    nothing = on(tmp_path / "empty", "kubeconfig", "embed")
    assert (nothing.returncode, "[authority.missing]" in nothing.stderr) == (1, True)
    assert list((tmp_path / "empty").iterdir()) == []
    several = on(node, "kubeconfig", "embed", "all", "--client-certificate", signed / "admin.conf.crt")
    assert (several.returncode, several.stderr.splitlines()[-1]) == (2, "  code: embed.one_kubeconfig")


def test_the_same_from_python(node: Path, signed: Path) -> None:
    plan = library.plan_import([signed], rootfs=node, config=CONFIG)
    assert (plan.operation, len(plan.changes), plan.findings) == ("certs import", 12, ())
    assert {change.action for change in plan.changes} == {library.Action.INSTALL}
    again = library.Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert len(library.apply(again).changed) == 12
    assert library.plan_import(signed, rootfs=node, config=CONFIG).is_empty

    assert library.plan_embed((), rootfs=node).is_empty
    one = library.plan_embed("admin.conf", rootfs=node, no_backup=True)
    assert [artefact.name for artefact in one.artefacts] == ["admin.conf"]
    assert library.apply(library.plan_embed(rootfs=node)).backup is not None

    names = [artefact.name for artefact in library.plan_cleanup(["apiserver", "admin.conf"], rootfs=node).changes]
    assert names == ["apiserver", "admin.conf"]
    report = library.apply(library.plan_cleanup(rootfs=node, config=CONFIG))
    assert {changed.action for changed in report.changed} == {library.Action.REMOVE}
    assert library.check(CONFIG, rootfs=node).status is library.Status.OK
    with pytest.raises(library.ConfigurationError) as caught:
        library.plan_cleanup(ca_keys=["ca"], rootfs=node)
    assert caught.value.code == "cleanup.ca_key_backup"
    assert library.plan_cleanup(ca_keys=["ca"], no_backup=True, rootfs=node).is_empty

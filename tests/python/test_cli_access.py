"""`kubepki access`: who gets in with a certificate, and by the API server's audit log, who has used which."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import kubepki as library
from trees import BINARY, kubepki, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root folder of a control-plane node."""
    folder = tmp_path / "node"
    folder.mkdir()
    library.apply(library.plan(node_name="cp1", rootfs=folder))
    return folder


def embedded(kubeconfig: Path) -> str:
    """Return the SHA-256 of the certificate in a kubeconfig, as an API server logs it."""
    (data,) = re.findall(r"client-certificate-data: (\S+)", kubeconfig.read_text())
    certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def event(
    digest: str | None,
    *,
    user: str = "kubernetes-admin",
    groups: tuple[str, ...] = ("kubeadm:cluster-admins",),
    at: str = "2026-11-26T10:00:00",
    address: str = "192.0.2.10",
    stage: str = "ResponseComplete",
) -> dict[str, Any]:
    """Return an event as the API server 1.36 writes it (`k8s.io/apiserver/pkg/apis/audit/v1`)."""
    who: dict[str, Any] = {"username": user, "groups": [*groups, "system:authenticated"]}
    if digest:
        who["extra"] = {"authentication.kubernetes.io/credential-id": [f"X509SHA256={digest}"]}
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "8ee17730-f830-446e-bd22-ce212d2536a9",
        "stage": stage,
        "requestURI": "/api/v1/namespaces/default/secrets/one",
        "verb": "get",
        "user": who,
        "sourceIPs": [address],
        "userAgent": "kubectl/v1.36.2 (linux/amd64) kubernetes/1c2e10a",
        "objectRef": {"resource": "secrets", "namespace": "default", "name": "one", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": f"{at}.611127Z",
        "stageTimestamp": f"{at}.621127Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }


def lines(*events: dict[str, Any]) -> str:
    return "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in events)


def shown(root: Path, *arguments: str | Path) -> dict[str, Any]:
    done = kubepki("access", "--rootfs", root, *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_every_client_certificate_is_listed_with_what_it_can_do(root: Path) -> None:
    report = shown(root)
    assert {each["name"]: each["power"] for each in report["credentials"]} == {
        "super-admin.conf": "unrestricted",
        "front-proxy-client": "any_user",
        "etcd-server": "etcd",
        "etcd-peer": "etcd",
        "etcd-healthcheck-client": "etcd",
        "apiserver-etcd-client": "etcd",
        "admin.conf": "cluster_admin",
        "apiserver-kubelet-client": "component",
        "controller-manager.conf": "component",
        "scheduler.conf": "component",
        "kubelet.conf": "node",
    }
    assert report["credentials"][0]["name"] == "super-admin.conf"
    assert all(each["has_key"] for each in report["credentials"])
    assert (report["findings"], report["log"], report["unknown"]) == ([], None, [])
    kubelet = next(each for each in report["credentials"] if each["name"] == "kubelet.conf")
    assert (kubelet["user"], kubelet["groups"], kubelet["authority"]) == ("system:node:cp1", ["system:nodes"], "ca")
    text = kubepki("access", "--rootfs", root).stdout
    assert "everything, unrestricted" in text
    assert "PRIVATE" not in text


def test_the_log_says_who_has_used_which_certificate_and_which_nobody_has(root: Path, tmp_path: Path) -> None:
    admin = embedded(root / "etc/kubernetes/admin.conf")
    stranger = "ab" * 32
    day = datetime.now(timezone.utc)
    at = [(day + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S") for minute in range(3)]
    (tmp_path / "audit.log").write_text(
        lines(
            event(admin, at=at[0], stage="RequestReceived"),
            event(admin, at=at[0]),
            event(admin, at=at[2], address="192.0.2.99"),
            event(stranger, user="eve", groups=("system:masters",), at=at[1]),
            event(None, user="system:serviceaccount:kube-system:coredns", groups=(), at=at[1]),
        )
        + '{"kind":"Event","stage":"Resp'
    )
    older = lines(event(admin, at=at[0], address="192.0.2.11"))
    (tmp_path / "audit-1.log.gz").write_bytes(gzip.compress(older.encode()))
    logs = ("--audit-log", tmp_path / "audit.log", "--audit-log", tmp_path / "audit-1.log.gz")
    report = shown(root, *logs)
    used = {each["name"]: each["used"] for each in report["credentials"] if each["used"]}
    assert list(used) == ["admin.conf"]
    assert used["admin.conf"]["requests"] == 3
    assert used["admin.conf"]["addresses"] == {"192.0.2.10": 1, "192.0.2.11": 1, "192.0.2.99": 1}
    assert used["admin.conf"]["last_at"].startswith(at[2])
    assert (report["log"]["events"], report["log"]["without_certificate"], report["log"]["damaged_lines"]) == (6, 1, 1)
    (unknown,) = report["unknown"]
    assert (unknown["sha256"], unknown["used"]["user"], unknown["power"]) == (stranger, "eve", "unrestricted")
    found = {(finding["code"], finding["subject"]): finding["severity"] for finding in report["findings"]}
    assert found.pop(("access.unknown", "eve")) == "warning"
    # etcd and front proxies write no such log.
    unused = {
        "super-admin.conf",
        "apiserver-kubelet-client",
        "controller-manager.conf",
        "scheduler.conf",
        "kubelet.conf",
    }
    assert found == {("access.unused", name): "info" for name in unused}
    text = kubepki("access", "--rootfs", root, *logs).stdout
    assert re.search(r"^abababababababab +eve +system:masters +everything, unrestricted", text, re.MULTILINE)
    assert re.search(r"^front-proxy-client .*not logged", text, re.MULTILINE)
    assert "audit log: 6 events" in text


def test_what_is_no_log_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_text("2026-11-26 AUDIT: id=1 in the legacy format\n")
    done = kubepki("access", "--rootfs", root, "--audit-log", tmp_path / "audit.log")
    assert (done.returncode, "plan.bad_request" in done.stderr) == (2, True), done.stderr
    absent = kubepki("access", "--rootfs", root, "--audit-log", tmp_path / "absent.log")
    assert (absent.returncode, "store.missing" in absent.stderr) == (3, True), absent.stderr


def test_credentials_that_are_not_the_nodes_own_are_findings(root: Path) -> None:
    home = root / "home"
    home.mkdir()

    def give(name: str, user: str, *groups: str, validity: timedelta = timedelta(days=30)) -> None:
        made = library.user_kubeconfig(
            user,
            organizations=groups,
            rootfs=root,
            validity=validity,
            server="https://192.0.2.10:6443",
            allow_masters=True,
        )
        (home / name).write_text(made.to_yaml())

    give("root.conf", "root", "system:masters")
    give("other.conf", "system:node:cp2", "system:nodes")
    give("odd.conf", "alice", "system:nodes")
    give("long.conf", "bob", validity=timedelta(days=500))
    give("fine.conf", "carol", "developers")
    report = shown(root, "/home")
    found = {finding["code"]: finding["subject"] for finding in report["findings"]}
    assert {(finding["code"], finding["subject"]) for finding in report["findings"]} == {
        ("access.unrestricted", "/home/root.conf"),
        ("access.other_node", "/home/other.conf"),
        ("access.other_node", "/home/odd.conf"),
        ("access.long_lived", "/home/long.conf"),
    }, found
    powers = {each["name"]: each["power"] for each in report["credentials"] if each["name"].startswith("/home")}
    assert powers["/home/fine.conf"] == powers["/home/long.conf"] == "bound"
    assert {each["code"] for each in shown(root, "/home", "--longest", "10d")["findings"]} >= {"access.long_lived"}


def test_every_user_of_a_kubeconfig_gets_in_and_a_copy_is_the_same_credential(root: Path) -> None:
    home = root / "home"
    home.mkdir()
    shutil.copy(root / "etc/kubernetes/admin.conf", home / "config")
    several = (root / "etc/kubernetes/admin.conf").read_text()
    more = (root / "etc/kubernetes/super-admin.conf").read_text()
    (entry,) = re.findall(r"^- name: kubernetes-super-admin\n(?:  .*\n)+", more, re.MULTILINE) or [None]
    assert entry is not None, more[:200]
    (home / "several").write_text(several.replace("users:\n", f"users:\n{entry}", 1))
    report = library.access(rootfs=root, extra=["/home"])
    paths = {each.name: sorted(map(str, each.paths)) for each in report.credentials}
    assert paths["admin.conf"] == ["/etc/kubernetes/admin.conf", "/home/config", "/home/several"]
    assert paths["super-admin.conf"] == ["/etc/kubernetes/super-admin.conf", "/home/several"]


def test_what_may_not_be_read_is_said_and_its_key_is_not_taken_for_elsewhere(root: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becomes another user with setpriv, as root")
    if not BINARY:
        pytest.skip("the package may lie where others cannot read it: with KUBEPKI= alone")
    program = tmp_path / "kubepki"
    shutil.copy(BINARY, program)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(program))
    done = run(*as_nobody, "access", "--rootfs", root, "-o", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (unread,) = [one for one in report["findings"] if one["code"] == "store.no_permission"]
    assert "admin.conf" in unread["evidence"]
    assert "sudo kubepki access" in unread["remedy"]
    assert {(one["has_key"], one["is_key_unreadable"]) for one in report["credentials"]} == {(False, True)}
    text = run(*as_nobody, "access", "--rootfs", root).stdout
    assert "not readable" in text
    assert "elsewhere" not in text


def test_a_folder_that_is_named_is_judged_by_the_cas_in_it(root: Path, tmp_path: Path) -> None:
    """What a certificate can do is what its CA is for, also where that is in no tree of a node."""
    whole = {one["sha256"]: one["power"] for one in shown(root)["credentials"]}
    assert set(whole.values()) >= {"any_user", "etcd", "component"}
    pki = root / "etc/kubernetes/pki"
    loose = tmp_path / "loose"
    loose.mkdir()
    for file in ("front-proxy-ca.crt", "front-proxy-client.crt"):
        shutil.copy(pki / file, loose / file)
    alone = tmp_path / "alone.crt"
    shutil.copy(pki / "etcd/server.crt", alone)
    for place in (root / "etc/kubernetes", pki / "etcd", loose, alone):
        done = kubepki("access", place, "--rootfs", "/", "-o", "json")
        found = json.loads(done.stdout)["credentials"]
        assert found, done.stderr
        assert {one["sha256"]: one["power"] for one in found}.items() <= whole.items(), place

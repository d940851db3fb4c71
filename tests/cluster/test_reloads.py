"""What a running component takes from a changed file by itself, and what only its restart does."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from testbed.asking import ask
from testbed.rotation import Rotation, certificates, first_certificate, is_issued_by
from testbed.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

# What is loaded by itself is used within a second or two here; nothing is expected to come after these.
_LONG_ENOUGH = 8.0


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


def another_authority(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a CA with a client's certificate; return the CA's file, and the client's, whose key is beside it."""
    folder.mkdir()
    authority, client = folder / "ca.crt", folder / "client.crt"
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
    extension = ("-addext", "keyUsage=critical,keyCertSign,digitalSignature")
    openssl(*new, "-subj", f"/CN={name}", *extension, "-keyout", folder / "ca.key", "-out", authority)
    by = ("-CA", authority, "-CAkey", folder / "ca.key")
    usage = ("-addext", "basicConstraints=CA:FALSE", "-addext", "extendedKeyUsage=clientAuth")
    openssl(*new, *by, "-subj", "/CN=tests", *usage, "-keyout", client.with_suffix(".key"), "-out", client)
    return authority, client


def replace(file: Path, content: bytes) -> None:
    """Put another content in a file's place, as kubepki does."""
    made = file.with_name(f".{file.name}.new")
    made.write_bytes(content)
    shutil.copymode(file, made)
    made.rename(file)


def restart(node: Node, component: str) -> None:
    done = node.kubepki("restart", component, "--force")
    assert done.returncode == 0, done.stderr


def test_etcd_reads_whom_it_trusts_at_its_start(cluster: MakeCluster) -> None:
    here = cluster(control_planes=1, fresh=True, most_back_off=1)
    trusted = here.first.kubernetes / "pki/etcd/ca.crt"
    old = trusted.read_bytes()
    authority, client = another_authority(here.folder / "etcd", "another etcd-ca")

    def answer() -> str:
        return ask(here, here.first.address, 2379, trusted, (client, client.with_suffix(".key")))

    replace(trusted, old + authority.read_bytes())
    time.sleep(_LONG_ENOUGH)
    assert " 200 " not in answer()
    restart(here.first, "etcd")
    assert " 200 " in answer()

    replace(trusted, old)
    time.sleep(_LONG_ENOUGH)
    assert " 200 " in answer()
    restart(here.first, "etcd")
    assert " 200 " not in answer()


def token(here: Cluster) -> str:
    made = here.client("create", "token", "default", "--duration=1h")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def key_id(text: str) -> str:
    head = text.split(".", maxsplit=1)[0]
    found: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return found


def is_let_in(here: Cluster, bearer: str) -> bool:
    """Whether the API server knows who brings this token. It is not asked by admin.conf, which has a certificate."""
    bare = here.folder / "bare.conf"
    authority = here.first.kubernetes / "pki/ca.crt"
    server = {"server": f"https://{here.first.address}:6443", "certificate-authority": str(authority)}
    bare.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "tests", "cluster": server}],
                "users": [{"name": "tests", "user": {"token": bearer}}],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
                "current-context": "tests",
            }
        )
    )
    asked = here.client("auth", "whoami", kubeconfig=bare)
    assert asked.returncode == 0 or "must be logged in" in asked.stderr or "Unauthorized" in asked.stderr, asked.stderr
    return asked.returncode == 0


@pytest.mark.long
def test_api_servers_read_the_keys_of_tokens_at_their_start(cluster: MakeCluster) -> None:
    here = cluster(control_planes=1, fresh=True, most_back_off=1)
    pki = here.first.kubernetes / "pki"
    eventually(lambda: here.client("get", "serviceaccount", "default").returncode == 0, "the account is there")
    before, old = token(here), (pki / "sa.pub").read_bytes()

    openssl("genrsa", "-out", here.folder / "sa.key", "2048")
    new = openssl("pkey", "-in", here.folder / "sa.key", "-pubout")
    replace(pki / "sa.pub", new + old)
    replace(pki / "sa.key", (here.folder / "sa.key").read_bytes())
    time.sleep(_LONG_ENOUGH)
    assert key_id(token(here)) == key_id(before)
    restart(here.first, "kube-apiserver")
    after = token(here)
    assert key_id(after) != key_id(before)
    assert is_let_in(here, before)
    assert is_let_in(here, after)

    replace(pki / "sa.pub", new)
    time.sleep(_LONG_ENOUGH)
    assert is_let_in(here, before)
    restart(here.first, "kube-apiserver")
    # What it has found good is remembered for seconds, and by the process that has ended.
    assert not is_let_in(here, before)
    assert is_let_in(here, after)


@pytest.mark.long
def test_the_controller_manager_reads_what_pods_are_to_trust_at_its_start(cluster: MakeCluster) -> None:
    signing = [
        {"name": "cluster-signing-cert-file", "value": "/etc/kubernetes/pki/signing.crt"},
        {"name": "cluster-signing-key-file", "value": "/etc/kubernetes/pki/ca.key"},
    ]
    here = cluster(
        control_planes=1,
        most_back_off=1,
        bare=True,
        configuration={"controllerManager": {"extraArgs": signing}},
    )
    node = here.first
    pki = node.kubernetes / "pki"
    made = node.kubeadm("init", "phase", "certs", "ca", "--config", here.init_file())
    assert made.returncode == 0, made.stderr
    shutil.copy(pki / "ca.crt", pki / "signing.crt")
    here.bring_up()
    authority, _ = another_authority(here.folder / "ca", "another CA")

    def handed_out() -> int:
        asked = here.client("get", "configmap", "kube-root-ca.crt", "--output=json")
        assert asked.returncode == 0, asked.stderr
        return len(certificates(json.loads(asked.stdout)["data"]["ca.crt"].encode()))

    eventually(lambda: handed_out() == 1, "the namespace has its CAs")
    replace(pki / "ca.crt", (pki / "ca.crt").read_bytes() + authority.read_bytes())
    time.sleep(_LONG_ENOUGH)
    assert handed_out() == 1
    restart(node, "kube-controller-manager")
    eventually(lambda: handed_out() == 2, "the namespace has both CAs")


@pytest.mark.long
def test_a_kubelet_that_renews_by_itself_meanwhile_gets_a_certificate_of_the_new_ca(cluster: MakeCluster) -> None:
    # The controller manager dates certificates back by five minutes, and kubelets renew theirs at 70 to 90 per cent.
    short = [{"name": "cluster-signing-duration", "value": "2m"}]
    here = cluster(
        control_planes=1,
        workers=1,
        most_back_off=1,
        fresh=True,
        configuration={"controllerManager": {"extraArgs": short}},
    )
    (worker,) = here.workers
    folder = worker.root / "var/lib/kubelet/pki"

    def current() -> Path:
        return folder / (folder / "kubelet-client-current.pem").readlink().name

    rotation = Rotation(here, ["ca"])
    rotation.succeed("start")
    authority = first_certificate(here.first.kubernetes / "pki/ca.crt")
    (kubelet,) = worker.processes("kubelet")
    by_rotation = current()
    eventually(lambda: current() != by_rotation, "the kubelet renews by itself", patience=240)
    assert not current().name.endswith("-kubepki.pem")
    assert is_issued_by(first_certificate(current()), authority)
    assert worker.processes("kubelet") == [kubelet]
    rotation.finish()
    again = current()
    eventually(lambda: current() != again, "the kubelet renews by itself, with the new CA alone", patience=240)
    here.wait_until_healthy()
    assert not rotation.leftovers()

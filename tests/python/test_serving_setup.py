"""Kubelets that ask for their serving certificates and API servers that verify them, before a strict stand-in."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from api_servers import Answer, ApiServer, api_server, once, status
from servers import server
from trees import PROGRAM, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAPS = "/api/v1/namespaces/kube-system/configmaps"
NODES = "/api/v1/nodes"
KUBELET = """\
# of this node
apiVersion: kubelet.config.k8s.io/v1beta1
authentication: {anonymous: {enabled: false}} # nobody
kind: KubeletConfiguration
rotateCertificates: true

# where pods are
staticPodPath: /etc/kubernetes/manifests
"""
ASKING = KUBELET.replace("rotateCertificates: true\n", "rotateCertificates: true\nserverTLSBootstrap: true\n")
CLUSTER = """\
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
certificatesDir: /etc/kubernetes/pki
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
"""
VERIFYING = CLUSTER.replace(
    "apiServer: {}\n",
    "apiServer:\n  extraArgs:\n  - name: kubelet-certificate-authority\n    value: /etc/kubernetes/pki/ca.crt\n",
)
MANIFEST = """\
# made by kubeadm
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - command:
    - kube-apiserver
    - --client-ca-file=/etc/kubernetes/pki/ca.crt # who
    - --kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt
    - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
    volumeMounts:
    - {mountPath: /etc/kubernetes/pki, name: pki}
  volumes:
  - {name: pki, hostPath: {path: /etc/kubernetes/pki}}
"""
FLAG = "    - --kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt\n"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """Serve a cluster; the folder is a control-plane node of it."""
    config = tmp_path / "kubeadm.yaml"
    config.write_text(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {name: cp1}\n"
        "localAPIEndpoint: {advertiseAddress: 192.0.2.10}\n---\n"
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer: {certSANs: [127.0.0.1]}\n"
    )
    kubepki.apply(kubepki.plan(config, rootfs=tmp_path))
    pki = tmp_path / "etc/kubernetes/pki"
    for path, text in ((own(tmp_path), KUBELET), (manifest(tmp_path), MANIFEST)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    with api_server(pki) as serving:
        metadata = {"name": "kubelet-config", "namespace": "kube-system", "annotations": {"kept": "as it is"}}
        data = {"kubelet": KUBELET, "other": "text"}
        serving.put(f"{MAPS}/kubelet-config", {"metadata": metadata, "data": data})
        metadata = {"name": "kubeadm-config", "namespace": "kube-system"}
        serving.put(f"{MAPS}/kubeadm-config", {"metadata": metadata, "data": {"ClusterConfiguration": CLUSTER}})
        (tmp_path / "kubeconfig").write_text(serving.kubeconfig((pki / "ca.crt").read_text()))
        yield serving


def own(folder: Path) -> Path:
    """Return the path of the kubelet's configuration."""
    return folder / "var/lib/kubelet/config.yaml"


def manifest(folder: Path) -> Path:
    """Return the path of the API server's manifest."""
    return folder / "etc/kubernetes/manifests/kube-apiserver.yaml"


def enable(folder: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `kubelet enable-serving-certs`."""
    options = ("--rootfs", folder, "--kubeconfig", folder / "kubeconfig")
    return run(*PROGRAM, "kubelet", "enable-serving-certs", *options, *more)


def require(folder: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `kubelet require-serving-certs`."""
    options = ("--rootfs", folder, "--kubeconfig", folder / "kubeconfig", "--no-wait")
    return run(*PROGRAM, "kubelet", "require-serving-certs", *options, *more)


def said(api: ApiServer, name: str, key: str) -> str:
    """Return a text of the cluster."""
    return str(api.objects[f"{MAPS}/{name}"]["data"][key])


def told(api: ApiServer, folder: Path) -> tuple[bool, bool]:
    """Return whether the cluster says it, and whether the node does; each says one or the other, to the byte."""
    texts = (said(api, "kubelet-config", "kubelet"), own(folder).read_text())
    assert set(texts) <= {KUBELET, ASKING}
    return texts[0] == ASKING, texts[1] == ASKING


def backups(folder: Path) -> list[Path]:
    """Return the backups."""
    return sorted((folder / "var/lib/kubepki/backups").glob("*"))


def test_both_documents_say_it_and_every_other_byte_stays(api: ApiServer, tmp_path: Path) -> None:
    """The second run changes nothing."""
    own(tmp_path).chmod(0o644)
    done = enable(tmp_path, "-o", "json")
    assert (done.returncode, told(api, tmp_path)) == (0, (True, True)), done
    there = api.objects[f"{MAPS}/kubelet-config"]
    assert (there["metadata"]["annotations"], there["data"]["other"]) == ({"kept": "as it is"}, "text")
    assert own(tmp_path).stat().st_mode & 0o777 == 0o644
    setup = json.loads(done.stdout)
    assert [one["says"] for one in setup["settings"]] == ["serverTLSBootstrap: true"] * 2
    (backup,) = backups(tmp_path)
    assert backup.name.endswith("-kubelet-enable-serving-certs")
    assert KUBELET in {file.read_text() for file in backup.iterdir()}

    before = (api.requests.count(f"PUT {MAPS}/kubelet-config"), own(tmp_path).stat().st_mtime_ns)
    again = enable(tmp_path)
    assert again.returncode == 0
    assert "nothing to change" in again.stderr
    assert before == (api.requests.count(f"PUT {MAPS}/kubelet-config"), own(tmp_path).stat().st_mtime_ns)
    assert backups(tmp_path) == [backup]


def test_a_dry_run_and_a_diff_write_nothing(api: ApiServer, tmp_path: Path) -> None:
    """The diff is of both documents."""
    shown = enable(tmp_path, "--diff")
    assert (shown.returncode, told(api, tmp_path)) == (0, (False, False)), shown
    assert shown.stdout.count("+serverTLSBootstrap: true\n") == 2
    removed = [line for line in shown.stdout.splitlines() if line.startswith("-") and not line.startswith("--- ")]
    assert removed == []
    dry = enable(tmp_path, "--dry-run")
    assert (dry.returncode, told(api, tmp_path)) == (0, (False, False)), dry
    assert "2 would be changed" in dry.stderr
    assert not backups(tmp_path)


def test_what_others_change_meanwhile_is_kept(api: ApiServer, tmp_path: Path) -> None:
    """409, twice: the object is read again, and edited as it is then."""
    place = f"{MAPS}/kubelet-config"

    def changed(method: str, target: str) -> Answer | None:
        if method == "PUT" and target == place:
            there = api.objects[place]
            there["data"]["other"] += "!"
            api.put(place, there)
            return 409, {}, status(409, "Conflict", "the object has been modified")
        return None

    # A trouble comes once.
    api.trouble += [changed, changed]
    done = enable(tmp_path)
    assert (done.returncode, told(api, tmp_path)) == (0, (True, True)), done
    assert said(api, "kubelet-config", "other") == "text!!"
    assert api.requests.count(f"PUT {place}") == 3


def test_a_conflict_without_end_is_an_error_and_the_node_is_as_it_was(api: ApiServer, tmp_path: Path) -> None:
    """It is tried a few times."""
    conflict: Answer = (409, {}, status(409, "Conflict", "the object has been modified"))
    api.trouble += [once("PUT", f"{MAPS}/kubelet-config", conflict) for _ in range(9)]
    failed = enable(tmp_path)
    assert (failed.returncode, told(api, tmp_path)) == (3, (False, False)), failed
    assert "code: cluster.conflict" in failed.stderr


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_who_may_not_changes_nothing_and_is_told_the_way_on(api: ApiServer, tmp_path: Path, method: str) -> None:
    """403, as a worker gets it from its own credentials."""
    forbidden: Answer = (403, {}, status(403, "Forbidden", "configmaps is forbidden"))
    api.trouble.append(once(method, f"{MAPS}/kubelet-config", forbidden))
    failed = enable(tmp_path)
    assert (failed.returncode, told(api, tmp_path)) == (4, (False, False)), failed
    assert "code: cluster.forbidden" in failed.stderr
    assert "--local" in failed.stderr


def test_without_an_api_server_nothing_is_written_unless_only_this_node_is_meant(
    api: ApiServer, tmp_path: Path
) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    authority = (tmp_path / "etc/kubernetes/pki/ca.crt").read_text()
    nobody = tmp_path / "nobody"
    nobody.write_text(ApiServer(port=port).kubeconfig(authority))
    failed = enable(tmp_path, "--kubeconfig", nobody)
    assert (failed.returncode, told(api, tmp_path)) == (3, (False, False)), failed
    assert "code: cluster.unreachable" in failed.stderr
    assert "--local" in failed.stderr
    done = enable(tmp_path, "--kubeconfig", nobody, "--local")
    assert (done.returncode, told(api, tmp_path)) == (0, (False, True)), done


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (KUBELET + "kind: KubeletConfiguration\n", "appears twice"),
        (KUBELET + "serverTLSBootstrap: &a false\nfailSwapOn: *a\n", "nothing can be changed alone"),
        (KUBELET.replace("kind: ", "kind: Other"), "it is not a KubeletConfiguration"),
        ("\tkind: [", "line 1"),
        ("", "it is not a KubeletConfiguration"),
    ],
)
def test_a_document_that_cannot_be_changed_alone_is_refused(
    api: ApiServer, tmp_path: Path, text: str, reason: str
) -> None:
    """The node's and the cluster's alike: neither is changed."""
    own(tmp_path).write_text(text)
    failed = enable(tmp_path)
    assert (failed.returncode, own(tmp_path).read_text()) == (1, text), failed
    assert "code: setting.unfit" in failed.stderr
    assert reason in failed.stderr
    assert said(api, "kubelet-config", "kubelet") == KUBELET
    own(tmp_path).write_text(KUBELET)
    api.objects[f"{MAPS}/kubelet-config"]["data"]["kubelet"] = text
    failed = enable(tmp_path)
    assert (failed.returncode, own(tmp_path).read_text()) == (1, KUBELET), failed
    assert reason in failed.stderr


def test_a_flag_that_goes_before_the_configuration_is_named(api: ApiServer, tmp_path: Path) -> None:
    """To write the file would change nothing."""
    flags = tmp_path / "var/lib/kubelet/kubeadm-flags.env"
    flags.write_text('KUBELET_KUBEADM_ARGS="--rotate-server-certificates=false"\n')
    failed = enable(tmp_path)
    assert (failed.returncode, told(api, tmp_path)) == (1, (False, False)), failed
    assert "code: serving.flag_wins" in failed.stderr
    own(tmp_path).unlink()
    assert "code: serving.no_kubelet" in enable(tmp_path).stderr


def test_what_was_done_is_said_when_the_rest_fails(api: ApiServer, tmp_path: Path) -> None:
    """Somebody else writes the file while the cluster's object is written."""

    def also(method: str, target: str) -> Answer | None:
        if method == "PUT" and target == f"{MAPS}/kubelet-config":
            own(tmp_path).write_text(KUBELET + "# by somebody else\n")
        return None

    api.trouble.append(also)
    failed = enable(tmp_path)
    assert failed.returncode == 5, failed
    assert "the ConfigMap kubelet-config is changed; " in failed.stderr
    assert own(tmp_path).read_text() == KUBELET + "# by somebody else\n"
    api.trouble.clear()
    assert enable(tmp_path).returncode == 0
    assert own(tmp_path).read_text() == ASKING + "# by somebody else\n"


def test_ctrl_c_before_anything_is_written_loses_nothing(api: ApiServer, tmp_path: Path) -> None:
    """The API server takes its time."""

    def slow(method: str, target: str) -> Answer | None:
        if method == "GET" and target == f"{MAPS}/kubelet-config":
            time.sleep(3)
        return None

    api.trouble.append(slow)
    options = ("--rootfs", str(tmp_path), "--kubeconfig", str(tmp_path / "kubeconfig"))
    with subprocess.Popen(
        [*map(str, PROGRAM), "kubelet", "enable-serving-certs", *options], stderr=subprocess.PIPE, text=True
    ) as going:
        until = time.monotonic() + 20
        while not api.requests and time.monotonic() < until:
            time.sleep(0.02)
        going.send_signal(signal.SIGINT)
        _, talk = going.communicate(timeout=20)
    assert (going.returncode, told(api, tmp_path)) == (130, (False, False)), talk


def node(name: str, port: int, address: str = "127.0.0.1", *, is_control_plane: bool = False) -> dict[str, Any]:
    """Return a node whose kubelet serves at a port of this machine."""
    labels = {"node-role.kubernetes.io/control-plane": ""} if is_control_plane else {}
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    }


@contextmanager
def kubelets(api: ApiServer, folder: Path) -> Iterator[None]:
    """Serve as the kubelets of two nodes, with a certificate of the cluster's CA for 127.0.0.1."""
    pki = folder / "etc/kubernetes/pki"
    pair = (pki / "apiserver.crt", pki / "apiserver.key")
    with server(*pair) as first, server(*pair) as second:
        api.put(f"{NODES}/cp1", node("cp1", first, is_control_plane=True))
        api.put(f"{NODES}/w1", node("w1", second))
        yield


def test_an_api_server_verifies_when_every_kubelet_can_be_verified(api: ApiServer, tmp_path: Path) -> None:
    """Manifest and kubeadm-config say it, no copy is among the manifests, and the second run changes nothing."""
    with kubelets(api, tmp_path):
        shown = require(tmp_path, "--diff")
        assert (shown.returncode, manifest(tmp_path).read_text()) == (0, MANIFEST), shown
        assert f"+{FLAG}" in shown.stdout
        done = require(tmp_path)
        assert done.returncode == 0, done
        before = "    - --kubelet-client-certificate"
        assert manifest(tmp_path).read_text() == MANIFEST.replace(before, FLAG + before)
        assert said(api, "kubeadm-config", "ClusterConfiguration") == VERIFYING
        assert [path.name for path in manifest(tmp_path).parent.glob("[!.]*")] == ["kube-apiserver.yaml"]
        (backup,) = backups(tmp_path)
        assert MANIFEST in {file.read_text() for file in backup.iterdir()}
        again = require(tmp_path)
        assert (again.returncode, "nothing to change" in again.stderr, backups(tmp_path)) == (0, True, [backup])


def test_a_node_that_would_be_cut_off_is_named_and_nothing_changes(api: ApiServer, tmp_path: Path) -> None:
    """A certificate of its own, another address, nobody there: each is named with its reason."""
    key, certificate = tmp_path / "own.key", tmp_path / "own.crt"
    made = run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key),
        *("-out", certificate, "-subj", "/CN=w2@1", "-addext", "subjectAltName=IP:127.0.0.1"),
    )
    assert made.returncode == 0, made.stderr
    pki = tmp_path / "etc/kubernetes/pki"
    with (
        kubelets(api, tmp_path),
        server(certificate, key) as selfish,
        server(pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key") as foreign,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        port = free.getsockname()[1]
        free.close()
        api.put(f"{NODES}/w2", node("w2", selfish))
        api.put(f"{NODES}/w3", node("w3", foreign))
        api.put(f"{NODES}/w4", node("w4", port))
        api.put(f"{NODES}/w5", {"metadata": {"name": "w5"}, "status": {}})
        failed = require(tmp_path)
    assert failed.returncode == 4, failed
    assert "code: serving.unverified" in failed.stderr
    assert "4 of 6 nodes" in failed.stderr
    for name, reason in (("w2", f"127.0.0.1:{selfish}"), ("w4", "refused"), ("w5", "no address")):
        assert f"{name}: " in failed.stderr
        assert reason in failed.stderr
    assert (manifest(tmp_path).read_text(), backups(tmp_path)) == (MANIFEST, [])
    assert said(api, "kubeadm-config", "ClusterConfiguration") == CLUSTER


def test_a_certificate_for_another_address_is_not_enough(api: ApiServer, tmp_path: Path) -> None:
    """The API server connects to the address of the node, and compares it."""
    with kubelets(api, tmp_path):
        port = api.objects[f"{NODES}/w1"]["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        api.put(f"{NODES}/w1", node("w1", port, "::ffff:127.0.0.1"))
        assert require(tmp_path, "--dry-run").returncode == 0, "the same address"
        api.put(f"{NODES}/w1", node("w1", port, "localhost"))
        failed = require(tmp_path, "--dry-run")
    assert failed.returncode == 4, failed
    assert "lacks DNS:localhost" in failed.stderr


def test_a_cluster_that_cannot_be_asked_or_a_node_without_an_api_server_changes_nothing(
    api: ApiServer, tmp_path: Path
) -> None:
    """Each has its code."""
    with kubelets(api, tmp_path):
        api.trouble.append(once("GET", NODES, (403, {}, status(403, "Forbidden", "nodes is forbidden"))))
        forbidden = require(tmp_path)
        assert (forbidden.returncode, "code: cluster.forbidden" in forbidden.stderr) == (4, True), forbidden
        conflict: Answer = (409, {}, status(409, "Conflict", "the object has been modified"))
        api.trouble.append(once("PUT", f"{MAPS}/kubeadm-config", conflict))
        manifest(tmp_path).write_text(MANIFEST.replace("    - kube-apiserver", "    - sh"))
        unfit = require(tmp_path)
        assert (unfit.returncode, "code: setting.unfit" in unfit.stderr) == (1, True), unfit
        manifest(tmp_path).write_text(MANIFEST)
        assert require(tmp_path).returncode == 0, "the conflict was tried again"
        assert api.requests.count(f"PUT {MAPS}/kubeadm-config") == 2
        manifest(tmp_path).unlink()
        worker = require(tmp_path)
        assert (worker.returncode, "code: serving.no_api_server" in worker.stderr) == (2, True), worker


def test_python_has_the_same(api: ApiServer, tmp_path: Path) -> None:
    """Values, and exceptions by what can be done."""
    kubeconfig = tmp_path / "kubeconfig"
    shown = kubepki.enable_serving_certs(rootfs=tmp_path, kubeconfig=kubeconfig, dry_run=True)
    assert (shown.is_set, shown.is_written, told(api, tmp_path)) == (False, False, (False, False))
    assert [one.after for one in shown.settings] == [ASKING, ASKING]
    done = kubepki.enable_serving_certs(rootfs=tmp_path, kubeconfig=kubeconfig)
    assert (done.is_written, done.request, told(api, tmp_path)) == (True, None, (True, True))
    assert done.node == "cp1"
    assert "changed" in str(done)
    assert kubepki.enable_serving_certs(rootfs=tmp_path, kubeconfig=kubeconfig).is_set
    require_all = partial(kubepki.require_serving_certs, rootfs=tmp_path, kubeconfig=kubeconfig, no_wait=True)
    with pytest.raises(kubepki.RefusedError) as empty:
        require_all()
    assert empty.value.code == "serving.no_nodes"
    with kubelets(api, tmp_path):
        requirement = require_all()
    assert [one.name for one in requirement.nodes] == ["cp1", "w1"]
    assert requirement.control_plane == ("cp1",)
    assert requirement.is_written
    assert said(api, "kubeadm-config", "ClusterConfiguration") == VERIFYING


@pytest.mark.parametrize("verb", ["enable-serving-certs", "require-serving-certs"])
def test_the_kubeconfigs_of_another_disk_are_not_used(api: ApiServer, tmp_path: Path, verb: str) -> None:
    """Its admin.conf could name a program to run."""
    (tmp_path / "etc/kubernetes/admin.conf").write_text((tmp_path / "kubeconfig").read_text())
    (tmp_path / "home").mkdir()
    elsewhere = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    command = [*map(str, PROGRAM), "kubelet", verb, "--rootfs", str(tmp_path)]
    environment = {**elsewhere, "HOME": str(tmp_path / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "code: cluster.no_credentials" in done.stderr, done
    assert api.requests == []

"""The configuration that the cluster has (`--config cluster`), before a stand-in for an API server."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kubepki
from api_servers import Answer, ApiServer, api_server
from kubepki import errors
from playbooks import play
from trees import PROGRAM, run, state

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
NODE = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {name: cp1}
localAPIEndpoint: {advertiseAddress: 192.0.2.10}
---
"""
CONFIGURATION = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
controlPlaneEndpoint: api.example.com:6443
apiServer: {certSANs: [127.0.0.1]}
"""
WITH_ONE_MORE = CONFIGURATION.replace("[127.0.0.1]", "[127.0.0.1, more.example.com]")
GOES_ON = (
    "to go on without the cluster, name the configuration's file (--config FILE), or leave out --config: kubeadm's "
    "defaults hold then"
)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Make a node, of the cluster as it was."""
    (tmp_path / "was.yaml").write_text(NODE + CONFIGURATION)
    kubepki.apply(kubepki.plan(tmp_path / "was.yaml", rootfs=tmp_path))
    return tmp_path


@pytest.fixture
def api(node: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Serve a cluster whose API servers shall have one name more by now; `$KUBECONFIG` leads there."""
    pki = node / "etc/kubernetes/pki"
    with api_server(pki) as serving:
        serving.put(PLACE, {"data": {"ClusterConfiguration": WITH_ONE_MORE}})
        (node / "kubeconfig").write_text(serving.kubeconfig((pki / "ca.crt").read_text()))
        monkeypatch.setenv("KUBECONFIG", str(node / "kubeconfig"))
        monkeypatch.setenv("HOME", str(node))
        yield serving


def asked(api: ApiServer) -> int:
    """Return how often the configuration was asked for."""
    return api.requests.count(f"GET {PLACE}")


def names(rootfs: Path) -> tuple[str, ...]:
    """Return the names of the API server's certificate."""
    (file,) = kubepki.read_certificates("/etc/kubernetes/pki/apiserver.crt", rootfs=rootfs)
    return file.certificates[0].subject_alt_names


def test_a_node_is_held_against_what_the_cluster_says_and_has_its_own_name(api: ApiServer, node: Path) -> None:
    """The file of the day when the node was made finds nothing; its remedies are about the cluster's."""
    before = run(*PROGRAM, "check", "--rootfs", node, "--config", node / "was.yaml", "-o", "json")
    assert "certificate.missing_name" not in before.stdout
    done = run(*PROGRAM, "check", "--rootfs", node, "--config", "cluster", "-o", "json")
    findings = json.loads(done.stdout)["findings"]
    (missing,) = [one for one in findings if "more.example.com" in one["evidence"]]
    assert missing["subject"] == "apiserver"
    assert "--config cluster" in missing["remedy"]
    # The name in kubelet.conf, not this machine's: nothing is wrong with the names of cp1.
    assert not [one for one in findings if one["subject"] in ("etcd-server", "kubelet.conf")], findings
    assert asked(api) == 1


def test_a_plan_carries_what_was_read_and_the_cluster_is_asked_once(api: ApiServer, node: Path) -> None:
    """A plan that was kept is applied when the cluster says something else, or nothing."""
    plan = kubepki.plan_renew(["apiserver"], config="cluster", sans_from_config=True, rootfs=node)
    assert asked(api) == 1
    api.objects.clear()
    assert kubepki.apply(pickle.loads(pickle.dumps(plan))).changed  # noqa: S301 (our own)
    assert "DNS:more.example.com" in names(node)
    assert asked(api) == 1


def test_the_program_renews_by_it_and_asks_once(api: ApiServer, node: Path) -> None:
    """It plans, and makes the plan again behind the lock."""
    words = ("certs", "renew", "apiserver", "--sans-from-config", "--config", "cluster", "--rootfs", node)
    done = run(*PROGRAM, *words)
    assert done.returncode == 0, done
    assert "DNS:more.example.com" in names(node)
    assert asked(api) == 1


def test_a_cluster_that_cannot_be_asked_is_an_error_that_says_how_to_go_on(api: ApiServer, node: Path) -> None:
    """Kubeadm's defaults are never taken in its place, and nothing is written."""
    (node / "kubeconfig").write_text((node / "kubeconfig").read_text().replace(str(api.port), "1"))
    before = state(node)
    words = ("certs", "renew", "apiserver", "--sans-from-config", "--config", "cluster", "--rootfs", node)
    done = run(*PROGRAM, *words)
    assert done.returncode == 3, done
    assert "code: cluster.unreachable" in done.stderr
    assert GOES_ON in done.stderr
    with pytest.raises(errors.EnvironmentFailure, match="cannot be reached") as caught:
        kubepki.check("cluster", rootfs=node)
    assert (caught.value.code, GOES_ON in (caught.value.hint or "")) == ("cluster.unreachable", True)
    assert state(node) == before


def test_a_cluster_without_a_configuration_is_an_error(api: ApiServer) -> None:
    """Kubeadm did not make it, or somebody has emptied the object."""
    api.put(PLACE, {"data": {}})
    done = run(*PROGRAM, "config", "validate", "--config", "cluster")
    assert (done.returncode, "it has no entry ClusterConfiguration" in done.stderr) == (1, True), done
    api.objects.clear()
    done = run(*PROGRAM, "config", "validate", "--config", "cluster")
    assert (done.returncode, "code: cluster.not_found" in done.stderr, GOES_ON in done.stderr) == (1, True, True), done


def test_a_configuration_that_is_not_valid_is_named_by_its_object(api: ApiServer) -> None:
    """Lines are those of the entry."""
    assert run(*PROGRAM, "config", "validate", "--config", "cluster").stdout == "ConfigMap kubeadm-config: ok\n"
    api.put(PLACE, {"data": {"ClusterConfiguration": CONFIGURATION + "clusterNam: x\n"}})
    done = run(*PROGRAM, "config", "validate", "--config", "cluster")
    assert done.returncode == 2, done
    assert "ConfigMap kubeadm-config:6:1: " in done.stdout


def test_a_file_of_that_name_is_named_with_its_folder(
    api: ApiServer, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Python a path is always a file."""
    (node / "cluster").write_text(NODE + CONFIGURATION)
    monkeypatch.chdir(node)
    done = run(*PROGRAM, "config", "validate", "--config", "./cluster")
    assert (done.returncode, done.stdout) == (0, "./cluster: ok\n")
    assert kubepki.load_config(Path("cluster")).spec.node_name == "cp1"
    assert asked(api) == 0
    assert kubepki.load_config("cluster", node_name="cp9").spec.api_server_cert_sans == (
        "127.0.0.1",
        "more.example.com",
    )
    assert asked(api) == 1


def test_a_worker_is_one_by_its_files(api: ApiServer, node: Path) -> None:
    """The cluster's configuration is the same on every node, and a worker lacks nothing of a control plane."""
    worker = node / "worker"
    kubernetes = worker / "etc/kubernetes"
    (kubernetes / "pki").mkdir(parents=True)
    for name in ("kubelet.conf", "pki/ca.crt"):
        (kubernetes / name).write_bytes((node / "etc/kubernetes" / name).read_bytes())
    report = kubepki.check("cluster", rootfs=worker)
    assert {one.name for one in report.certificates} == {"ca", "kubelet.conf"}
    assert asked(api) == 1


def test_a_node_asks_with_its_own_kubeconfig_and_never_with_one_below_a_root_directory(
    api: ApiServer, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kubelet may read the configuration too; whoever wrote a disk must not choose who is asked."""
    own = node / "own"
    own.mkdir()
    (own / "kubelet.conf").write_text((node / "kubeconfig").read_text())
    monkeypatch.delenv("KUBECONFIG")
    words = ("certs", "check-expiration", "--config", "cluster", "--kubeconfig-dir", own)
    assert run(*PROGRAM, *words).returncode == 0
    assert asked(api) == 1
    below = run(*PROGRAM, "certs", "check-expiration", "--config", "cluster", "--rootfs", node)
    assert (below.returncode, "code: cluster.no_credentials" in below.stderr) == (2, True), below
    named = run(*PROGRAM, *words[:4], "--rootfs", node, "--kubeconfig", node / "kubeconfig")
    assert (named.returncode, asked(api)) == (0, 2), named


def test_ctrl_c_ends_the_wait_for_the_cluster(api: ApiServer, node: Path) -> None:
    """The server answers when the test is over."""
    has_come, may_go = threading.Event(), threading.Event()

    def wait(_method: str, _target: str) -> Answer | None:
        has_come.set()
        may_go.wait(60)
        return None

    api.trouble.append(wait)
    words = (*PROGRAM, "check", "--config", "cluster", "--rootfs", str(node))
    with subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        assert has_come.wait(30)
        asking.send_signal(signal.SIGINT)
        _, said = asking.communicate(timeout=30)
    may_go.set()
    assert (asking.returncode, said.startswith("interrupted while"), GOES_ON in said) == (130, True, False), said


def test_ansible_takes_the_word(api: ApiServer, node: Path, tmp_path: Path) -> None:
    """Which cluster is said by the environment of the task."""
    book = tmp_path / "book.yml"
    book.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "environment": {"KUBECONFIG": str(node / "kubeconfig")},
                    "tasks": [
                        {
                            "kubepki.kubeadm.certificate_info": {"config": "cluster", "rootfs": str(node)},
                            "register": "seen",
                        },
                        {"ansible.builtin.assert": {"that": ["'more.example.com' in seen.findings | string"]}},
                    ],
                }
            ]
        )
    )
    done = play(book, tmp_path / "home")
    assert done.returncode == 0, done.output
    assert asked(api) == 1


def test_a_timer_keeps_the_word(api: ApiServer, tmp_path: Path) -> None:
    """It is read once now: a configuration that cannot be had would make every run fail."""
    done = run(
        *PROGRAM, "systemd", "install", "--config", "cluster", "--program", "/usr/bin/kubepki", "--rootfs", tmp_path
    )
    assert done.returncode == 0, done
    service = (tmp_path / "etc/systemd/system/kubepki-renew.service").read_text()
    assert " --config cluster\n" in service
    assert asked(api) == 1

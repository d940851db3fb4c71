"""Serving certificates that kubelets ask for, before a strict stand-in for an API server."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from api_servers import Answer, ApiServer, api_server, once, status
from trees import PROGRAM, run

if TYPE_CHECKING:
    from collections.abc import Iterator

CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CONFIGURATION = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controlPlaneEndpoint: api.example.com:6443
networking: {serviceSubnet: 10.96.0.0/12, dnsDomain: cluster.local}
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """Serve a cluster with the node w1, whose kubelet waits for a certificate."""
    config = tmp_path / "kubeadm.yaml"
    config.write_text(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {name: cp1}\n"
        "localAPIEndpoint: {advertiseAddress: 192.0.2.10}\n---\n"
        + CONFIGURATION
        + "apiServer: {certSANs: [127.0.0.1]}\n"
    )
    kubepki.apply(kubepki.plan(config, rootfs=tmp_path))
    pki = tmp_path / "etc/kubernetes/pki"
    with api_server(pki) as serving:
        authority = (pki / "ca.crt").read_text()
        system = "/api/v1/namespaces/kube-system/configmaps"
        serving.put(f"{system}/kubeadm-config", {"data": {"ClusterConfiguration": CONFIGURATION}})
        serving.put(f"{system}/kube-root-ca.crt", {"data": {"ca.crt": authority}})
        addresses = [{"type": "InternalIP", "address": "127.0.0.9"}, {"type": "InternalIP", "address": "10.0.0.7"}]
        serving.put("/api/v1/nodes/w1", {"metadata": {"name": "w1"}, "status": {"addresses": addresses}})
        serving.put(f"{CSRS}/csr-1", request(tmp_path, "csr-1"))
        (tmp_path / "kubeconfig").write_text(serving.kubeconfig(authority))
        yield serving


def request(folder: Path, name: str, node: str = "w1", names: str = "DNS:w1,IP:10.0.0.7") -> dict[str, Any]:
    """Return the object that a kubelet's request is; its own openssl made it."""
    made = run(
        *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *(
            "-keyout",
            folder / "key",
            "-subj",
            f"/O=system:nodes/CN=system:node:{node}",
            "-addext",
            f"subjectAltName={names}",
        ),
    )
    assert made.returncode == 0, made.stderr
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "creationTimestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "spec": {
            "request": base64.b64encode(made.stdout.encode()).decode(),
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
            "username": f"system:node:{node}",
            "groups": ["system:nodes", "system:authenticated"],
        },
        "status": {},
    }


def approve(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run `kubelet approve`."""
    return run(*PROGRAM, "kubelet", "approve", "--kubeconfig", folder / "kubeconfig", *more)


def conditions(api: ApiServer, name: str = "csr-1") -> list[str]:
    """Return what has become of a request."""
    return [one["type"] for one in api.objects[f"{CSRS}/{name}"].get("status", {}).get("conditions", [])]


def test_what_the_operator_says_is_approved_and_what_only_the_node_says_is_left(api: ApiServer, tmp_path: Path) -> None:
    """One answer needs a source; the other is left with an event, and exit code 1."""
    left = approve(tmp_path)
    assert left.returncode == 1, left
    assert "request.unproven_names" in left.stdout
    assert "`kubepki kubelet approve --allow w1=10.0.0.7`" in left.stdout
    assert conditions(api) == []
    (event,) = [one for path, one in api.objects.items() if "/events/" in path]
    assert event["involvedObject"]["name"] == "csr-1"
    assert "10.0.0.7" in event["message"]

    shown = approve(tmp_path, "--allow", "w1=10.0.0.7", "--dry-run")
    assert (shown.returncode, conditions(api)) == (0, []), shown

    done = approve(tmp_path, "--allow", "w1=10.0.0.7", "-o", "json")
    assert done.returncode == 0, done
    (answered,) = json.loads(done.stdout)["requests"]
    assert (answered["verdict"], answered["outcome"]) == ("approve", "approved")
    assert conditions(api) == ["Approved"]

    again = approve(tmp_path, "--allow", "w1=10.0.0.7")
    assert (again.returncode, again.stderr) == (0, "no request waits\n")


def test_a_request_is_denied_only_when_that_is_asked_for(api: ApiServer, tmp_path: Path) -> None:
    """An address of the services is never approved, whoever allows it."""
    api.objects["/api/v1/nodes/w1"]["status"]["addresses"].append({"type": "InternalIP", "address": "10.96.0.7"})
    api.put(f"{CSRS}/csr-1", request(tmp_path, "csr-1", names="DNS:w1,IP:10.96.0.7"))
    assert approve(tmp_path, "--allow", "w1=10.96.0.7").returncode == 1
    assert conditions(api) == []
    denied = approve(tmp_path, "--allow", "w1=10.96.0.7", "--deny")
    assert denied.returncode == 1
    assert denied.stderr == "1 denied\n"
    assert conditions(api) == ["Denied"]


def test_python_has_the_same_answers(api: ApiServer, tmp_path: Path) -> None:
    """Values, and exceptions by what can be done."""
    kubeconfig = tmp_path / "kubeconfig"
    (waiting,) = kubepki.kubelet_csrs(allow=["w1=10.0.0.0/24"], kubeconfig=kubeconfig).requests
    assert (waiting.name, waiting.is_approvable, waiting.outcome) == ("csr-1", True, "waits")
    assert sorted(waiting.names) == ["DNS:w1", "IP:10.0.0.7"]
    (left,) = kubepki.kubelet_csrs(kubeconfig=kubeconfig).requests
    assert [reason.code for reason in left.reasons] == ["request.unproven_names"] * 2
    (done,) = kubepki.approve_kubelet_csrs(allow=["w1=10.0.0.7"], kubeconfig=kubeconfig).requests
    assert (done.outcome, conditions(api)) == ("approved", ["Approved"])
    with pytest.raises(kubepki.ConfigurationError, match="w1=") as bad:
        kubepki.kubelet_csrs(allow=["w1="], kubeconfig=kubeconfig)
    assert bad.value.code == "plan.bad_request"
    api.trouble.append(once("GET", CSRS, (403, {}, status(403, "Forbidden", "may not list"))))
    with pytest.raises(kubepki.RefusedError) as forbidden:
        kubepki.kubelet_csrs(kubeconfig=kubeconfig)
    assert forbidden.value.code == "cluster.forbidden"


def test_an_inventory_of_ansible_says_what_nodes_have(api: ApiServer, tmp_path: Path) -> None:
    """As it is written, in YAML."""
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("all: {children: {workers: {hosts: {w1: {ansible_host: 10.0.0.7}}}}}\n")
    done = approve(tmp_path, "--inventory", str(inventory))
    assert (done.returncode, conditions(api)) == (0, ["Approved"]), done


def test_a_server_that_is_busy_is_asked_again_as_it_says(api: ApiServer, tmp_path: Path) -> None:
    """429 and 503 with Retry-After, for a list and for an approval."""
    busy = (429, {"Retry-After": "1"}, status(429, "TooManyRequests", "too many requests"))
    away = (503, {"Retry-After": "1"}, status(503, "ServiceUnavailable", "starting"))
    api.trouble += [once("GET", CSRS, busy), once("GET", CSRS, away), once("PUT", f"{CSRS}/csr-1/approval", busy)]
    began = time.monotonic()
    done = approve(tmp_path, "--allow", "w1=10.0.0.7")
    assert (done.returncode, conditions(api)) == (0, ["Approved"]), done
    assert time.monotonic() - began >= 3, "it was asked again before the time that it said"
    assert api.requests.count(f"GET {CSRS}") == 3


def test_a_server_that_stays_busy_is_an_error_in_time(api: ApiServer, tmp_path: Path) -> None:
    """It says to wait for longer than there is time."""
    api.trouble.append(once("GET", CSRS, (429, {"Retry-After": "3600"}, status(429, "TooManyRequests", "too many"))))
    failed = approve(tmp_path, "--request-timeout", "5s")
    assert failed.returncode == 3
    assert "code: cluster.timeout" in failed.stderr


@pytest.mark.parametrize(
    ("answer", "code", "exit_code"),
    [
        ((401, {}, status(401, "Unauthorized", "Unauthorized")), "cluster.unauthorized", 3),
        ((403, {}, status(403, "Forbidden", "nodes is forbidden")), "cluster.forbidden", 4),
        ((500, {}, status(500, "InternalError", "etcd is away")), "cluster.failed", 3),
        ((503, {}, status(503, "ServiceUnavailable", "no endpoint")), "cluster.failed", 3),
        ((200, {}, {"items": "none"}), "cluster.bad_answer", 3),
    ],
)
def test_what_a_server_refuses_has_its_code(
    api: ApiServer, tmp_path: Path, answer: Answer, code: str, exit_code: int
) -> None:
    """Each with what the server says, and nothing is approved."""
    api.trouble.append(once("GET", "/api/v1/nodes", answer))
    failed = approve(tmp_path, "--allow", "w1=10.0.0.7")
    assert (failed.returncode, f"code: {code}" in failed.stderr) == (exit_code, True), failed
    assert conditions(api) == []


def test_a_cluster_whose_own_names_are_not_known_has_nothing_approved(api: ApiServer, tmp_path: Path) -> None:
    """Without kubeadm-config nobody knows what is the API server's."""
    del api.objects["/api/v1/namespaces/kube-system/configmaps/kubeadm-config"]
    failed = approve(tmp_path, "--allow", "w1=10.0.0.7")
    assert (failed.returncode, "code: cluster.not_found" in failed.stderr, conditions(api)) == (1, True, []), failed


def test_a_request_that_changed_meanwhile_is_judged_anew_and_not_approved_as_it_was(
    api: ApiServer, tmp_path: Path
) -> None:
    """Another approver was faster: its answer stands."""

    def changed(method: str, target: str) -> Answer | None:
        if method == "PUT" and target == f"{CSRS}/csr-1/approval":
            other = {**api.objects[f"{CSRS}/csr-1"], "status": {"conditions": [{"type": "Denied", "status": "True"}]}}
            api.put(f"{CSRS}/csr-1", other)
            return 409, {}, status(409, "Conflict", "the object has been modified")
        return None

    api.trouble.append(changed)
    done = approve(tmp_path, "--allow", "w1=10.0.0.7", "-o", "json")
    (answered,) = json.loads(done.stdout)["requests"]
    assert (answered["outcome"], conditions(api)) == ("gone", ["Denied"])


def test_a_server_of_another_authority_is_not_told_the_token(api: ApiServer, tmp_path: Path) -> None:
    """What it presents is not what the kubeconfig trusts."""
    kubeconfig = json.loads((tmp_path / "kubeconfig").read_text())
    other = (tmp_path / "etc/kubernetes/pki/front-proxy-ca.crt").read_bytes()
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(other).decode()
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    failed = approve(tmp_path)
    assert (failed.returncode, "code: cluster.untrusted" in failed.stderr) == (3, True), failed
    assert api.requests == []


def test_a_program_in_a_kubeconfig_that_others_can_change_is_not_run(tmp_path: Path) -> None:
    """It would run as whoever asks the cluster."""
    mark = tmp_path / "it-ran"
    kubeconfig = tmp_path / "kubeconfig"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(mark)]}}
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "a", "user": "u"}}],
                "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {**user, "interactiveMode": "Never"}}],
            }
        )
    )
    kubeconfig.chmod(0o666)
    refused = run(*PROGRAM, "kubelet", "csrs", "--kubeconfig", kubeconfig)
    assert (refused.returncode, "code: cluster.foreign_program" in refused.stderr) == (4, True), refused
    assert not mark.exists()


def test_a_watch_that_breaks_off_is_begun_again_and_ctrl_c_ends_it(api: ApiServer, tmp_path: Path) -> None:
    """A second request comes while it watches; the first watch is cut in the middle of a line."""
    words = ("--watch", "--allow", "w1=10.0.0.7", "--allow", "w2=10.0.0.8")
    command = (*PROGRAM, "kubelet", "approve", "--kubeconfig", tmp_path / "kubeconfig", *words)
    with subprocess.Popen([os.fspath(word) for word in command], stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert "csr-1: approved" in watching.stdout.readline()
            while api.watches < 2:
                time.sleep(0.05)
            node = {
                "metadata": {"name": "w2"},
                "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.8"}]},
            }
            api.put("/api/v1/nodes/w2", node)
            api.put(f"{CSRS}/csr-2", request(tmp_path, "csr-2", "w2", "DNS:w2,IP:10.0.0.8"))
            assert "csr-2: approved" in watching.stdout.readline()
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=60) == 0
    assert (conditions(api), conditions(api, "csr-2")) == (["Approved"], ["Approved"])


def test_a_watch_judges_what_was_superseded_once_the_newer_request_is_answered(api: ApiServer, tmp_path: Path) -> None:
    """The reasons of a request that is left change, and the new ones are said and left in an event too."""
    # Of one second, so that the name decides which is older.
    api.put(f"{CSRS}/csr-0", request(tmp_path, "csr-0", names="DNS:w1,IP:10.0.0.9"))
    command = (*PROGRAM, "kubelet", "approve", "--kubeconfig", tmp_path / "kubeconfig")
    words = (*command, "--watch", "--allow", "w1=10.0.0.7")
    with subprocess.Popen([os.fspath(word) for word in words], stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            said = [watching.stdout.readline()]
            while said[-1] and "request.unproven_names" not in said[-1]:
                said.append(watching.stdout.readline())
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=60) == 0
    told = [one["message"] for path, one in api.objects.items() if "/events/" in path]
    assert [("request.superseded" in one, "10.0.0.9" in one) for one in told] == [(True, False), (False, True)], said


def test_ctrl_c_ends_a_wait_for_a_server_that_does_not_answer(api: ApiServer, tmp_path: Path) -> None:
    """In Python, as in the command."""
    api.trouble.append(lambda *_: time.sleep(60))
    program = (
        "import kubepki, sys\nprint('begun', flush=True)\n"
        "try:\n    kubepki.kubelet_csrs(kubeconfig=sys.argv[1])\nexcept KeyboardInterrupt:\n    print('heard')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "kubeconfig")], stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "begun\n"
        while not api.requests:
            time.sleep(0.05)
        asking.send_signal(signal.SIGINT)
        assert asking.stdout.readline() == "heard\n"
        assert asking.wait(timeout=60) == 0


def test_a_validity_that_no_request_can_have_is_refused() -> None:
    """The API server takes no less than ten minutes."""
    with pytest.raises(kubepki.ConfigurationError, match="--max-validity"):
        kubepki.kubelet_csrs(max_validity=timedelta(seconds=1), kubeconfig=Path("/nonexistent"))

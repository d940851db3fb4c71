"""`examples/kubernetes/` as it is: the watcher in a pod, from the stand-alone program and nothing else."""

from __future__ import annotations

import json
import platform
import struct
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from test_serving_certificates import SHORT, as_kubelet, as_metrics_server, enabled, served, until
from testbed import images, pods
from testbed.audited import AUDIT_LOG, audited
from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

APPROVER = Path(__file__).parents[2] / "examples/kubernetes/approver.yaml"
ACCOUNT = "system:serviceaccount:kubepki:kubelet-approver"
# Needed when somebody else writes to a request at the same time, which nobody does here.
AFTER_A_CONFLICT = ("get", "certificatesigningrequests")
# A program header of this type names the loader of shared libraries.
_INTERPRETER = 3


def is_static(program: Path) -> bool:
    """Whether it is a 64-bit ELF program that loads no library."""
    content = program.read_bytes()
    if content[:5] != b"\x7fELF\x02":
        return False
    (start,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    kinds = [struct.unpack_from("<I", content, start + number * size)[0] for number in range(count)]
    return _INTERPRETER not in kinds


pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not is_static(KUBEPKI), reason="KUBEPKI= names no static program (make test-cluster-binary has one)"
    ),
]


def documents() -> list[dict[str, Any]]:
    """The objects of the example."""
    return list(yaml.safe_load_all(APPROVER.read_text()))


def bring_image(living: Cluster, folder: Path) -> None:
    """Do what the Containerfile says, and give the image to every node."""
    (deployment,) = (one for one in documents() if one["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    archive = folder / "image.tar"
    images.write(archive, container["image"], KUBEPKI, place="kubepki", machine=platform.machine())
    for node in living.nodes:
        done = node.run("ctr", "--namespace", "k8s.io", "images", "import", archive)
        assert done.returncode == 0, done


def apply(owner: Node, inventory: str) -> None:
    """Apply the example: of all that it says only the inventory is another one."""
    objects = documents()
    (settings,) = (one for one in objects if one["kind"] == "ConfigMap")
    settings["data"]["inventory.yaml"] = inventory
    (owner.root / "etc/kubeadm/approver.yaml").write_text(yaml.safe_dump_all(objects))
    done = owner.kubectl("apply", "-f", "/etc/kubeadm/approver.yaml")
    assert done.returncode == 0, done


def rolled_out(owner: Node) -> None:
    """Wait until the pod runs."""
    done = owner.kubectl("--namespace=kubepki", "rollout", "status", "deployment/kubelet-approver", "--timeout=120s")
    assert done.returncode == 0, (done, owner.kubectl("--namespace=kubepki", "describe", "pods").stdout)


def approved(owner: Node) -> dict[str, bool]:
    """Whether each request for a serving certificate is approved; none is denied."""
    listed = json.loads(owner.kubectl("get", "csr", "-o", "json").stdout)["items"]
    serving = [one for one in listed if one["spec"]["signerName"] == "kubernetes.io/kubelet-serving"]
    said = {one["metadata"]["name"]: one["status"].get("conditions", []) for one in serving}
    assert {each["type"] for conditions in said.values() for each in conditions} <= {"Approved"}, said
    return {name: bool(conditions) for name, conditions in said.items()}


def left(owner: Node, request: str, reason: str) -> str | None:
    """Return why a request was left, as one of its events says: the one with this reason."""
    field = f"involvedObject.name={request},reason=NotApproved"
    found = json.loads(owner.kubectl("get", "events", f"--field-selector={field}", "-o", "json").stdout)["items"]
    return next((one["message"] for one in found if reason in one["message"]), None)


def used(owner: Node) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What the watcher has asked for, verbs and resources, as the audit log says; and what it was refused."""
    did: set[tuple[str, str]] = set()
    refused: set[tuple[str, str]] = set()
    for line in owner.run("cat", AUDIT_LOG).stdout.splitlines():
        entry = json.loads(line)
        if entry["user"]["username"] == ACCOUNT and "responseStatus" in entry:
            what = entry["objectRef"]
            right = (entry["verb"], "/".join(filter(None, (what["resource"], what.get("subresource")))))
            (did if entry["responseStatus"]["code"] < 400 else refused).add(right)
    return did, refused


def granted() -> set[tuple[str, str]]:
    """What the roles of the example let it ask for. No request is about `signers`: approving looks there."""
    rules = [rule for one in documents() if one["kind"] in {"ClusterRole", "Role"} for rule in one["rules"]]
    pairs = {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}
    return pairs - {("approve", "signers")}


def may(owner: Node, verb: str, group: str, resource: str, **more: str) -> bool:
    """Ask the API server whether the watcher may."""
    attributes = {"verb": verb, "group": group, "resource": resource, **more}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT, "resourceAttributes": attributes},
    }
    (owner.root / "etc/kubeadm/review.json").write_text(json.dumps(review))
    done = owner.kubectl("create", "-f", "/etc/kubeadm/review.json", "-o", "json")
    assert done.returncode == 0, done
    return bool(json.loads(done.stdout)["status"]["allowed"])


def test_the_watcher_in_a_pod_approves_what_its_inventory_lists_and_needs_every_right_that_it_has(
    cluster: MakeCluster, tmp_path: Path
) -> None:
    living = audited(cluster, control_planes=1, workers=1, configuration=SHORT)
    owner, (worker,) = living.first, living.workers
    pods.connect(living)
    bring_image(living, tmp_path)
    apply(owner, f"{worker.name}: [{worker.address}]\n")
    rolled_out(owner)

    asking = {node.name: enabled(node)["request"]["name"] for node in living.nodes}
    first = until(partial(served, owner, worker), "a certificate of the worker")
    assert as_metrics_server(owner, worker) == "ok"
    # With the kubelet's certificate verified, its log can be read; it says of each request what was done, and why.
    logged = owner.kubectl("--namespace=kubepki", "logs", "deployment/kubelet-approver")
    assert f"{asking[worker.name]}: approved" in logged.stdout, logged

    # The API server's names are listed for nobody, and a worker does not get them. Where the kubelet renews
    # meanwhile, that is superseded, and judged when the kubelet has its answer.
    stolen = as_kubelet(living, worker, f"DNS:{worker.name},IP:{owner.address}")
    for request in (asking[owner.name], stolen):
        reason = f"IP:{owner.address} is the API server's"
        until(partial(left, owner, request, reason), f"that {request} was left because {reason}")

    def only_these_are_left() -> bool | None:
        left_alone = {name for name, is_approved in approved(owner).items() if not is_approved}
        return left_alone == {asking[owner.name], stolen} or None

    until(only_these_are_left, "that all but these two are approved")

    # The kubelet renews, and that is approved too.
    def renewed() -> str | None:
        serial = served(owner, worker)
        return serial if serial not in {None, first} else None

    until(renewed, "a renewed certificate of the worker")
    assert as_metrics_server(owner, worker) == "ok"

    did, refused = used(owner)
    assert (did | {AFTER_A_CONFLICT}, refused) == (granted(), set())
    signing = "certificates.k8s.io"
    assert may(owner, "approve", signing, "signers", name="kubernetes.io/kubelet-serving")
    assert not may(owner, "approve", signing, "signers", name="kubernetes.io/kube-apiserver-client")
    assert not may(owner, "sign", signing, "signers", name="kubernetes.io/kubelet-serving")
    assert not may(owner, "update", signing, "certificatesigningrequests", subresource="status")
    assert not may(owner, "create", signing, "certificatesigningrequests")
    assert not may(owner, "get", "", "secrets", namespace="kube-system")
    assert not may(owner, "get", "", "configmaps", namespace="kube-system", name="kubelet-config")

    # Another inventory counts after a restart.
    apply(owner, f"{worker.name}: [{worker.address}]\n{owner.name}: [{owner.address}]\n")
    restarted = owner.kubectl("--namespace=kubepki", "rollout", "restart", "deployment/kubelet-approver")
    assert restarted.returncode == 0, restarted
    until(partial(served, owner, owner), "a certificate of the control plane")
    assert as_metrics_server(owner, owner) == "ok"
    assert not approved(owner)[stolen]
    (pod,) = json.loads(owner.kubectl("--namespace=kubepki", "get", "pods", "-o", "json").stdout)["items"]
    assert [one["restartCount"] for one in pod["status"]["containerStatuses"]] == [0]

"""`examples/kubernetes/`: manifests and image are what its README and the guide say; `tests/cluster` runs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import kubepki
from trees import kubepki as command

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples/kubernetes"
GUIDE = ROOT / "docs/guides/kubelet.md"
ROLES = {"ClusterRole", "Role"}


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / "approver.yaml").read_text()))


def only(kind: str) -> dict[str, Any]:
    (found,) = (one for one in documents() if one["kind"] == kind)
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = only("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def test_the_guide_prints_the_roles_of_the_example() -> None:
    section = GUIDE.read_text().partition("## Approve serving certificates")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert list(yaml.safe_load_all(block)) == [one for one in documents() if one["kind"] in ROLES]


def test_the_account_has_each_role_and_no_other() -> None:
    account = only("ServiceAccount")["metadata"]
    subject = {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}

    def key(one: dict[str, Any]) -> tuple[str, str, str | None]:
        return one["kind"].removesuffix("Binding"), one["metadata"]["name"], one["metadata"].get("namespace")

    bindings = [one for one in documents() if one["kind"].endswith("Binding")]
    assert {key(one) for one in bindings} == {key(one) for one in documents() if one["kind"] in ROLES}
    for one in bindings:
        assert one["subjects"] == [subject]
        assert one["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": one["kind"].removesuffix("Binding"),
            "name": one["metadata"]["name"],
        }
    assert pod()["serviceAccountName"] == account["name"]
    # Another pod in the namespace gets no token by mistake.
    assert only("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod()["automountServiceAccountToken"] is True


def test_it_reads_no_secret_signs_nothing_and_approves_for_one_signer() -> None:
    rules = [rule for one in documents() if one["kind"] in ROLES for rule in one["rules"]]
    words = {word for rule in rules for word in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])}
    assert not words & {"*", "secrets", "sign", "delete", "patch", "impersonate", "escalate", "bind"}
    assert [rule["resourceNames"] for rule in rules if "signers" in rule["resources"]] == [
        ["kubernetes.io/kubelet-serving"]
    ]
    written = {rule["resources"][0] for rule in rules if {"create", "update"} & set(rule["verbs"])}
    assert written == {"certificatesigningrequests/approval", "events"}


def test_the_pod_has_no_rights_on_its_node() -> None:
    assert pod()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod().keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert all("hostPath" not in volume for volume in pod()["volumes"])
    assert all(mount["readOnly"] for mount in container()["volumeMounts"])
    # The namespace admits no other pods.
    assert only("Namespace")["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_one_runs_and_can_run_where_control_planes_are_all_that_there_is() -> None:
    assert only("Deployment")["spec"]["replicas"] == 1
    assert only("Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert pod()["tolerations"] == [
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
    ]
    resources = container()["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert "memory" in resources["limits"]


def test_the_image_is_the_program_alone_and_of_this_version() -> None:
    lines = [line for line in (FOLDER / "Containerfile").read_text().splitlines() if not line.startswith("#")]
    user, group = pod()["securityContext"]["runAsUser"], pod()["securityContext"]["runAsGroup"]
    assert lines == [
        "FROM scratch",
        "COPY kubepki /kubepki",
        f"USER {user}:{group}",
        'ENTRYPOINT ["/kubepki"]',
    ]
    image = container()["image"]
    assert image.endswith(f"/kubepki:{kubepki.__version__}")
    for name in ("Containerfile", "README.md"):
        assert set(re.findall(r"\S+/kubepki:[\w.]+", (FOLDER / name).read_text())) == {image}, name


def started(folder: Path, inventory: str) -> str:
    """Run what the Deployment runs, where there is no cluster; return the code of the error."""
    (folder / "inventory.yaml").write_text(inventory)
    (mount,) = container()["volumeMounts"]
    arguments = [word.replace(mount["mountPath"], str(folder)) for word in container()["args"]]
    done = command(*arguments, "--kubeconfig", folder / "absent.conf")
    (code,) = re.findall(r"^  code: (\S+)$", done.stderr, re.MULTILINE)
    return str(code)


def test_the_arguments_and_the_inventory_are_the_programs(tmp_path: Path) -> None:
    inventory = only("ConfigMap")["data"]["inventory.yaml"]
    # The inventory is read first: what is missing then is the cluster.
    assert started(tmp_path, inventory) == "store.missing"
    assert started(tmp_path, inventory.replace("10.0.0.11", "10.0.0.0/99")) != "store.missing"


@pytest.mark.parametrize("name", ["README.md", "approver.yaml"])
def test_what_the_files_name_each_other_by_is_there(name: str) -> None:
    text = (FOLDER / name).read_text()
    named = set(re.findall(r"deployment/([\w-]+)|--namespace ([\w-]+)", text))
    known = {only("Deployment")["metadata"][key] for key in ("name", "namespace")}
    assert {one for pair in named for one in pair if one} <= known

"""`kubepki kubeconfig user`: the API server knows the name and the groups, and rules by them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from testbed.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MakeCluster
    from testbed.cluster import Cluster
    from testbed.node import Node

pytestmark = pytest.mark.cluster

BINDING = "kubepki-test-developers-view"
GROUP = "kubepki-test-developers"


@pytest.fixture
def own(cluster: MakeCluster) -> Iterator[Cluster]:
    made = cluster()
    bound = made.client(
        "create", "clusterrolebinding", BINDING, "--clusterrole=view", "--group=kubepki-test-developers"
    )
    assert bound.returncode == 0, bound.stderr
    # The API server learns of a binding by watching; `view` itself is put together by a controller after the start.
    asked = f"auth can-i list pods --namespace=kube-system --as=anybody --as-group={GROUP}".split()
    eventually(lambda: not made.client(*asked).returncode, "the binding has an effect", patience=60.0)
    yield made
    made.client("delete", "clusterrolebinding", BINDING)


def user(node: Node, *arguments: str) -> str:
    """Make a kubeconfig on the node; return its path there."""
    made = node.kubepki("kubeconfig", "user", *arguments, "--out", "/etc/kubeadm/user.conf", "--force")
    assert made.returncode == 0, made.stderr
    return "/etc/kubeadm/user.conf"


def test_a_user_may_what_its_group_may_and_nothing_else(own: Cluster) -> None:
    node = own.first
    kubeconfig = user(node, "--client-name", "jane", "--org", f"{GROUP},others", "--validity-period", "1h")

    def kubectl(*arguments: str) -> tuple[int, str, str]:
        done = node.run("kubectl", f"--kubeconfig={kubeconfig}", *arguments)
        return done.returncode, done.stdout, done.stderr

    code, out, error = kubectl("auth", "whoami", "--output=json")
    assert code == 0, error
    known = json.loads(out)["status"]["userInfo"]
    assert known["username"] == "jane"
    assert set(known["groups"]) == {GROUP, "others", "system:authenticated"}

    code, _, error = kubectl("get", "pods", "--namespace=kube-system")
    assert code == 0, error
    for verb in (["delete", "pod", "etcd-cp1"], ["get", "secrets"], ["get", "clusterrolebindings"]):
        code, _, error = kubectl("--namespace=kube-system", *verb)
        assert code == 1
        assert "Forbidden" in error
        assert '"jane"' in error


def test_a_user_without_a_bound_group_may_nothing(own: Cluster) -> None:
    kubeconfig = user(own.first, "--client-name", "joe", "--org", "visitors", "--validity-period", "1h")
    done = own.first.run("kubectl", f"--kubeconfig={kubeconfig}", "get", "pods")
    assert done.returncode == 1
    assert 'User "joe" cannot list resource "pods"' in done.stderr

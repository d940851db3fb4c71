"""Clusters whose API servers write down which certificate each request came with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import MakeCluster
    from testbed.cluster import Cluster

AUDIT_LOG = "/var/log/kubernetes/audit.log"
_CONFIGURATION = {
    "apiServer": {
        "extraArgs": [
            {"name": "audit-policy-file", "value": "/etc/kubernetes/audit/policy.yaml"},
            {"name": "audit-log-path", "value": AUDIT_LOG},
        ],
        "extraVolumes": [
            {"name": "policy", "hostPath": "/etc/kubernetes/audit", "mountPath": "/etc/kubernetes/audit"},
            {"name": "log", "hostPath": "/var/log/kubernetes", "mountPath": "/var/log/kubernetes"},
        ],
    }
}
_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


def audited(
    make: MakeCluster, control_planes: int, workers: int = 0, configuration: Mapping[str, object] | None = None
) -> Cluster:
    """Bring up a cluster of its own that logs every request; of `configuration` all but `apiServer` counts."""
    laid_over = {**(configuration or {}), **_CONFIGURATION}
    cluster = make(control_planes=control_planes, workers=workers, bare=True, configuration=laid_over)
    for node in cluster.control_planes:
        folder = node.kubernetes / "audit"
        folder.mkdir()
        (folder / "policy.yaml").write_text(json.dumps(_POLICY))
        assert node.run("mkdir", "-p", "/var/log/kubernetes").returncode == 0
    cluster.bring_up()
    return cluster

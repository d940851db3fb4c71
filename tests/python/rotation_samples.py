"""A value of every class that is about rotations."""

from __future__ import annotations

from typing import Any

import kubepki


def values() -> list[Any]:
    """Return them."""
    anchor = {
        "sha256": "ab",
        "public_key_sha256": "cd",
        "subject": "CN=kubernetes",
        "not_after": "2036-11-26T10:00:00Z",
    }
    one = {
        "name": "ca",
        "stage": "trust-both/issue-new",
        "trusted": [anchor],
        "issuing": "ab",
        "next": [],
        "previous": [],
        "has_other_key": True,
        "lacks_bridge": False,
        "leaves": [{"name": "apiserver", "sha256": "ef", "signed_by": "ab"}],
        "elsewhere": [{"setting": "kubelet", "file": "/etc/extra.crt", "trusted": [anchor]}],
        "behind": ["a file"],
    }
    rotation = {
        "node": "cp1",
        "is_worker": False,
        "looked_at": "2026-11-26T10:00:00Z",
        "version": "0.1.0",
        "authorities": [one],
        "to_restart": [
            {"component": "kube-apiserver", "reason": "older than its file", "uses_old": ["sa"], "trusts_old": []}
        ],
        "obstacles": [
            {"kind": "one-file", "authorities": ["ca", "etcd-ca"], "files": ["/pki/ca.crt", "/pki/etcd/ca.crt"]}
        ],
    }
    cluster = {
        "objects": [{"object": "ConfigMap kube-public/cluster-info", "says": "both"}],
        "gates": [{"name": "signer", "is_open": False, "seen": "the old one", "waits_for": "the new one"}],
        "affected": [{"kind": "pod", "object": "Pod default/a", "reason": "it started before"}],
        "pods": [{"namespace": "default", "name": "a", "left": "a budget"}],
        "nodes": ["cp1"],
    }
    snapshot = {
        "file": "/a.db",
        "size": 1,
        "sha256": "ab",
        "server": "https://192.0.2.10:2379",
        "etcd_version": "3.6.4",
    }
    leg = {"phase": "trust-both", "authorities": ["ca"], "nodes": ["cp1"]}
    coming = kubepki.RotationPlan.from_dict(
        {"etcd_snapshot": "cp1", "legs": [leg], "cluster": cluster, "unused": "none", "warnings": ["some will fail"]}
    )
    step = {"node": "cp1", "seconds": 1.5, "changed": ["ca"], "restarted": [], "cluster": cluster}
    rotated = kubepki.RotationReport.from_dict(
        {
            "goals": [["start", ["ca"]]],
            "etcd_snapshot": snapshot,
            "steps": [{**step, "phase": "cluster", "authorities": ["ca"]}],
            "nodes": [{"name": "cp1", "is_worker": False, "rotation": rotation, "problem": None}],
            "discovery_hashes": ["sha256:ab"],
        }
    )
    seen_node = rotated.nodes[0]
    assert seen_node.rotation is not None
    authority = seen_node.rotation.authorities[0]
    assert coming.cluster is not None
    return [
        *(coming, *coming.legs, coming.cluster, *coming.cluster.objects, *coming.cluster.gates),
        *(*coming.cluster.affected, *coming.cluster.pods, rotated, rotated.etcd_snapshot, *rotated.steps, seen_node),
        *(seen_node.rotation, *seen_node.rotation.to_restart, *seen_node.rotation.obstacles, authority),
        *(*authority.trusted, *authority.leaves, *authority.elsewhere),
    ]

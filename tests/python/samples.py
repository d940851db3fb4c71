"""Values that the real operations make, on a node of which one renewal was done and another was interrupted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import kubepki
import records
from trees import kubepki as command
from trees import make_tree

PAIR = ("--tls-cert-file=/etc/kubernetes/pki/apiserver.crt", "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key")


def values(folder: Path) -> list[Any]:
    """Return at least one of every class."""
    root = _node(folder)
    waiting = kubepki.recover(rootfs=root, dry_run=True)
    recovered = kubepki.recover(rootfs=root)
    plan = kubepki.plan_restart(rootfs=root)
    endpoints = [end for each in plan.components for end in each.endpoints]
    backup = kubepki.show_backup(rootfs=root)
    (listed,) = kubepki.list_backups(rootfs=root)
    pruned = kubepki.prune_backups(keep=0, dry_run=True, rootfs=root)
    schedule = kubepki.Schedule(Path("/usr/bin/env"))
    bundle = kubepki.export_bundle(rootfs=root, dry_run=True)
    units = (*kubepki.schedule_units(schedule), *kubepki.install_units(schedule, rootfs=root, dry_run=True))
    return [
        *(waiting, *waiting.waiting, recovered, *recovered.recovered),
        *(plan, *plan.components, *plan.obstacles, *endpoints, *(end.on_disk for end in endpoints if end.on_disk)),
        *(backup, *backup.files, listed, *listed.files, pruned, *units, *bundle.entries),
        *_of_plain_data(plan, listed),
    ]


def _node(folder: Path) -> Path:
    folder.mkdir()
    root, other = folder / "node", folder / "other"
    kubernetes = make_tree(root, "ecdsa-p256")
    (kubernetes / "manifests").mkdir()
    for name, options in (("kube-scheduler", ()), ("kube-apiserver", PAIR)):
        # Nothing runs, so nothing is served.
        container = {"name": name, "image": "x", "command": [name, "--secure-port=1", *options]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}
        (kubernetes / f"manifests/{name}.yaml").write_text(json.dumps(pod))
    shutil.copytree(root, other)
    for one in (root, other):
        assert command("certs", "renew", "apiserver", "--rootfs", one).returncode == 0
    records.interrupt(kubernetes / "pki", other / "etc/kubernetes/pki")
    return root


def _of_plain_data(plan: kubepki.RestartPlan, backup: kubepki.Backup) -> list[Any]:
    """Return what would need a kubelet, a restart that was killed, or a folder that not even root can change."""
    server = plan.restarts[0].to_dict()
    done = {**{key: server[key] for key in ("name", "way", "started_at", "endpoints")}, "seconds": 1.25}
    report = kubepki.RestartReport.from_dict({"put_back": ["etcd"], "restarted": [done], "plan": plan.to_dict()})
    manifest = {"component": "etcd", "manifest": "/m/etcd.yaml", "held": "/h/etcd.yaml", "held_at": None}
    failure = {"name": backup.name, "code": "store.no_permission", "message": "it stays", "hint": "be root"}
    return [
        report,
        *report.restarted,
        kubepki.HeldManifest.from_dict(manifest),
        kubepki.PruneFailure.from_dict(failure),
    ]

"""`kubepki.rotate` and what says how far nodes are, from Python."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import kubepki
from rotated_folders import AUTHORITIES, Cluster, audit_log, cluster, fingerprint, made
from trees import kubepki as program
from trees import state

__all__ = ["cluster", "made"]


def stages(nodes: list[kubepki.SeenNode] | tuple[kubepki.SeenNode, ...]) -> dict[str, set[str]]:
    return {node.name: {one.stage for one in node.rotation.authorities} for node in nodes if node.rotation}


def all_of(cluster: Cluster, stage: str) -> dict[str, set[str]]:
    return {node: {stage} for node in cluster.nodes}


def test_a_rotation_goes_from_the_plan_to_its_end(cluster: Cluster) -> None:
    before = {node: state(cluster.folder / node / "etc") for node in cluster.nodes}
    plan = kubepki.plan_rotation(nodes=cluster.file, no_etcd_snapshot=True)
    assert [(leg.phase, leg.nodes) for leg in plan.legs] == [
        (phase, ("cp1", "cp2")) for phase in ("trust-both", "issue-new", "reissue")
    ]
    assert {node: state(cluster.folder / node / "etc") for node in cluster.nodes} == before

    told: list[tuple[str, str, str]] = []
    report = kubepki.rotate(
        "start", nodes=cluster.file, no_etcd_snapshot=True, progress=lambda *seen: told.append(seen)
    )
    done = [(step.node, step.phase) for step in report.steps if step.phase != "cluster"]
    assert done == [(node, leg.phase) for leg in plan.legs for node in leg.nodes]
    assert [(node, event, text.split(" (")[0]) for node, event, text in told if event == "begins"] == [
        (step.node, "begins", step.phase) for step in report.steps
    ]
    assert {event for _, event, _ in told} == {"begins", "says", "ended"}
    assert all(step.duration > timedelta() for step in report.steps)
    assert stages(report.nodes) == all_of(cluster, "trust-both/issue-new")
    assert len(report.discovery_hashes) == 2

    seen = kubepki.rotation_status(nodes=cluster.file)
    assert stages(seen) == stages(report.nodes)
    assert [node.to_dict() for node in seen] != []
    here = kubepki.node_rotation(rootfs=cluster.folder / "cp1", authority=["ca"])
    assert seen[0].rotation is not None
    assert here.authorities == seen[0].rotation.authorities[:1]
    assert here.is_under_way
    assert here.obstacles == ()

    finished = kubepki.rotate("finish", nodes=cluster.file, token_life=timedelta(0))
    assert stages(finished.nodes) == all_of(cluster, "single")
    now = finished.nodes[0].rotation
    assert now is not None
    assert now.authorities[0].trusted == here.authorities[0].trusted[:1]
    assert finished.discovery_hashes == report.discovery_hashes[:1]


def test_what_progress_raises_ends_it_after_the_step_and_resume_goes_on(cluster: Cluster) -> None:
    def stop(node: str, event: str, text: str) -> None:
        if (node, event) == ("cp1", "ended") and "trust-both" in text:
            raise LookupError

    with pytest.raises(LookupError):
        kubepki.rotate("start", nodes=cluster.file, no_etcd_snapshot=True, progress=stop)
    both = stages(kubepki.rotation_status(nodes=cluster.file))
    assert both == {"cp1": {"trust-both/issue-old"}, "cp2": {"single"}}
    resumed = kubepki.rotate("resume", nodes=cluster.file)
    assert stages(resumed.nodes) == all_of(cluster, "trust-both/issue-new")
    back = kubepki.rotate("abort", nodes=cluster.file, token_life=timedelta(0))
    assert stages(back.nodes) == all_of(cluster, "single")


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("resume", {"new_ca": "ca.pem", "authority": ["ca"]}),
        ("finish", {"no_etcd_snapshot": True}),
        ("start", {"token_life": timedelta(hours=1)}),
        ("abort", {"restart_pods": True}),
        ("resume", {"audit_log": "audit.log"}),
        ("start", {"etcd_snapshot": "/a.db", "no_etcd_snapshot": True}),
        ("finish", {"new_credential": "users"}),
    ],
)
def test_what_a_verb_has_no_use_for_is_refused(cluster: Cluster, verb: Any, arguments: dict[str, Any]) -> None:  # noqa: ANN401 (any verb)
    before = {node: state(cluster.folder / node / "etc") for node in cluster.nodes}
    for do in (kubepki.rotate, kubepki.plan_rotation):
        with pytest.raises(kubepki.ConfigurationError) as refused:
            do(verb, nodes=cluster.file, **arguments)
        assert refused.value.code == "plan.bad_request"
    assert {node: state(cluster.folder / node / "etc") for node in cluster.nodes} == before


def test_errors_are_those_of_the_command_line(cluster: Cluster) -> None:
    with pytest.raises(kubepki.ConfigurationError) as unknown:
        kubepki.rotate("begin", nodes=cluster.file)  # type: ignore[arg-type]
    assert unknown.value.code == "api.unknown_choice"
    with pytest.raises(kubepki.KubepkiError) as none:
        kubepki.rotate("finish", nodes=cluster.file)
    told = cluster.rotate("finish").stderr.splitlines()
    assert f"error: {none.value.message}" in told
    assert f"  code: {none.value.code}" in told
    (cluster.folder / "cp2/etc/kubernetes/pki/ca.crt").write_text("garbage\n")
    with pytest.raises(kubepki.RefusedError) as unclear:
        kubepki.rotate("start", nodes=cluster.file, no_etcd_snapshot=True)
    assert unclear.value.code == "rotate.unclear"


def test_the_old_ca_stays_while_its_certificates_are_used(cluster: Cluster) -> None:
    kubepki.rotate("start", nodes=cluster.file, authority=["ca"], no_etcd_snapshot=True)
    new = fingerprint((cluster.pki("cp1") / "apiserver-kubelet-client.crt").read_text())
    uses = [("early", "cd" * 32, 30.0), ("anna", "ab" * 32, 2.0), ("cp1", new, 0.1)]
    log = audit_log(cluster.folder / "audit.log", *uses)
    for do in (kubepki.rotate, kubepki.plan_rotation):
        with pytest.raises(kubepki.RefusedError) as used:
            do("finish", nodes=cluster.file, authority=["ca"], audit_log=log)
        assert used.value.code == "rotate.old_credentials"
        assert "anna" in used.value.message
    told: list[str] = []
    shorter = {"nodes": cluster.file, "authority": ["ca"], "audit_log": log, "unused_for": timedelta(hours=1)}
    plan = kubepki.plan_rotation("finish", **shorter)  # type: ignore[arg-type]
    assert plan.unused == "no certificate of the old CA was used in the audit logs (3 events)"

    def note(_: str, event: str, text: str) -> None:
        if event == "unused":
            told.append(text)

    kubepki.rotate("finish", progress=note, **shorter)  # type: ignore[arg-type]
    assert told == [plan.unused]


def test_without_a_file_it_is_this_machine() -> None:
    asked = program("rotate", "status", "-o", "json")
    (told,) = json.loads(asked.stdout)
    (seen,) = kubepki.rotation_status()
    now = datetime.now(timezone.utc)
    assert seen.rotation is not None
    assert now - timedelta(minutes=2) < seen.rotation.looked_at <= now
    told["rotation"].pop("looked_at")
    own = seen.to_dict()
    own["rotation"].pop("looked_at")
    assert own == told


def test_it_is_of_four_authorities(cluster: Cluster) -> None:
    names = [one.name for one in kubepki.node_rotation(rootfs=cluster.folder / "cp1").authorities]
    assert names == [*AUTHORITIES, "sa"]
    with pytest.raises(kubepki.ConfigurationError) as unknown:
        kubepki.node_rotation(rootfs=cluster.folder / "cp1", authority=["apiserver"])
    assert unknown.value.code == "plan.unknown_name"

"""`kubepki rotate` where files of a node are missing, broken, or of another pair."""

from __future__ import annotations

import json
import shutil

import pytest

from rotated_folders import AUTHORITIES, Cluster, cluster, made
from trees import PROGRAM, kubepki, run, state

__all__ = ["cluster", "made"]


def trusting_both(cluster: Cluster, *arguments: str) -> None:
    """Bring both control planes to where both are trusted, and the old one signs."""
    assert cluster.step("cp1", "trust-both", *arguments).returncode == 0
    exported = run(*PROGRAM, "rotate", "export", *arguments, "--rootfs", str(cluster.folder / "cp1"))
    material = cluster.folder / "material.json"
    material.write_text(exported.stdout)
    material.chmod(0o600)
    done = cluster.step("cp2", "trust-both", *arguments, "--material", material)
    assert done.returncode == 0, done.stderr


def public_keys(cluster: Cluster, node: str) -> set[str]:
    """Return the keys that tokens are verified with."""
    return set((cluster.pki(node) / "sa.pub").read_text().split("-----BEGIN"))


@pytest.mark.parametrize("damage", ["ca.crt is gone", "ca.crt is garbage", "sa.pub is gone", "sa.pub is garbage"])
@pytest.mark.parametrize("begun", ["nothing", "start"])
def test_a_node_whose_ca_is_missing_or_broken_is_not_left_out(cluster: Cluster, damage: str, begun: str) -> None:
    if begun == "start":
        assert cluster.rotate("start").returncode == 0
    file, _, how = damage.partition(" is ")
    if how == "gone":
        (cluster.pki("cp2") / file).unlink()
    else:
        (cluster.pki("cp2") / file).write_text("garbage\n")
    before = {node: state(cluster.folder / node / "etc") for node in cluster.nodes}
    for verb in ("finish", "abort", "resume") if begun == "start" else ("start", "plan"):
        refused = cluster.rotate(verb)
        assert refused.returncode == 4, (verb, refused.stdout, refused.stderr)
        assert "rotate.unclear" in refused.stderr
        assert f"cp2: {file.split('.')[0]} is unclear" in refused.stderr
        assert f"/etc/kubernetes/pki/{file} {'is missing' if how == 'gone' else 'cannot be read'}" in refused.stderr
    assert cluster.rotate("status").returncode == 1
    assert {node: state(cluster.folder / node / "etc") for node in cluster.nodes} == before


def test_a_control_plane_that_was_reset_is_named(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    shutil.rmtree(cluster.folder / "cp2/etc/kubernetes")
    for verb in ("finish", "abort", "resume"):
        refused = cluster.rotate(verb)
        assert refused.returncode == 4, (verb, refused.stdout, refused.stderr)
        assert "cp2" in refused.stderr
    told = json.loads(cluster.rotate("status", "-o", "json").stdout)
    assert {one["stage"] for one in told[0]["rotation"]["authorities"]} == {"trust-both/issue-new"}
    assert "rotate.other_node" in json.dumps(told[1]["problem"])


@pytest.mark.parametrize("authority", ["ca", "front-proxy-ca", "etcd-ca", "sa"])
@pytest.mark.parametrize("damage", ["missing", "another"])
def test_a_key_that_comes_is_laid_down_again_where_it_is_not_its_pairs(
    cluster: Cluster, authority: str, damage: str
) -> None:
    trusting_both(cluster, "--authority", authority)
    name = f"{AUTHORITIES.get(authority, authority)}-next.key"
    key = cluster.pki("cp2") / name
    right = (cluster.pki("cp1") / name).read_text()
    key.unlink()
    if damage == "another":
        made_now = run("openssl", "genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        key.write_text(made_now.stdout)
        key.chmod(0o600)
    # By hand it is refused before anything changes.
    before = state(cluster.folder / "cp2/etc")
    refused = cluster.step("cp2", "issue-new", "--authority", authority)
    assert (refused.returncode, "rotate.not_here" in refused.stderr) == (2, True), refused.stderr
    assert state(cluster.folder / "cp2/etc") == before
    told = cluster.rotate("status", "--authority", authority)
    assert key.name in told.stdout
    resumed = cluster.rotate("resume", "--authority", authority)
    assert resumed.returncode == 0, resumed.stderr
    in_use = cluster.pki("cp2") / f"{AUTHORITIES.get(authority, authority)}.key"
    assert in_use.read_text() == right
    assert {stages[authority] for stages in cluster.stages().values()} == {"trust-both/issue-new"}


def test_what_is_no_ca_does_not_become_one(cluster: Cluster) -> None:
    assert cluster.step("cp1", "trust-both", "--authority", "ca").returncode == 0
    shutil.copy(cluster.pki("cp1") / "apiserver.crt", cluster.pki("cp1") / "ca-next.crt")
    before = state(cluster.folder / "cp1/etc")
    for verb in ("resume", "abort", "finish"):
        refused = cluster.rotate(verb, "--authority", "ca")
        assert refused.returncode == 4
        assert "ca-next.crt is not the certificate of a CA" in refused.stderr
    assert cluster.step("cp1", "issue-new", "--authority", "ca").returncode != 0
    assert state(cluster.folder / "cp1/etc") == before


def test_a_key_in_use_that_is_not_its_pairs_does_not_stay_alone(cluster: Cluster) -> None:
    assert cluster.rotate("start").returncode == 0
    made_now = run("openssl", "genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    for name in ("sa.key", "etcd/ca.key"):
        (cluster.pki("cp1") / name).write_text(made_now.stdout)
    before = state(cluster.folder / "cp1/etc")
    for authority in ("sa", "etcd-ca"):
        refused = cluster.step("cp1", "trust-new", "--authority", authority, "--token-life", "0s")
        assert refused.returncode == 2, refused.stderr
        assert "rotate.not_here" in refused.stderr
        told = cluster.rotate("finish", "--authority", authority, "--token-life", "0s")
        assert told.returncode == 4
        assert ("its key is that of none of them" if authority == "sa" else "rotate.not_ready") in told.stderr
    resumed = cluster.rotate("resume", "--authority", "etcd-ca")
    assert resumed.returncode != 0
    assert "ca.crt does not begin with the certificate of ca.key" in resumed.stderr
    assert state(cluster.folder / "cp1/etc") == before


def test_the_way_back_waits_for_tokens_of_the_new_key(cluster: Cluster) -> None:
    assert cluster.rotate("start", "--authority", "sa").returncode == 0
    both = {node: public_keys(cluster, node) for node in cluster.nodes}
    for _ in range(2):
        refused = cluster.rotate("abort", "--authority", "sa")
        assert refused.returncode == 4, refused.stderr
        assert "rotate.not_yet" in refused.stderr
        assert "tokens of the key that goes may live for 1d" in refused.stderr
        assert {node: public_keys(cluster, node) for node in cluster.nodes} == both
        assert {stages["sa"] for stages in cluster.stages().values()} == {"trust-both/issue-old"}
    given_up = cluster.rotate("abort", "--authority", "sa", "--token-life", "0s")
    assert given_up.returncode == 0, given_up.stderr
    assert {stages["sa"] for stages in cluster.stages().values()} == {"single"}


def test_a_ca_that_was_renewed_on_one_node_is_told_from_another(cluster: Cluster) -> None:
    renewed = kubepki("ca", "renew", "ca", "--rootfs", cluster.folder / "cp1")
    assert renewed.returncode == 0, renewed.stderr
    told = cluster.rotate("status", "--authority", "ca")
    assert told.returncode == 1
    refused = cluster.rotate("start", "--authority", "ca")
    assert refused.returncode == 4
    assert "rotate.renewed" in refused.stderr
    assert "`kubepki ca renew ca --certificate FILE`" in refused.stderr
    followed = kubepki(
        "ca", "renew", "ca", "--certificate", cluster.pki("cp1") / "ca.crt", "--rootfs", cluster.folder / "cp2"
    )
    assert followed.returncode == 0, followed.stderr
    assert cluster.rotate("status", "--authority", "ca").returncode == 0


def test_a_kubeconfig_of_another_ca_is_named_as_that(cluster: Cluster) -> None:
    other = cluster.folder / "other"
    other.mkdir()
    assert kubepki("init", "--rootfs", other).returncode == 0
    shutil.copy(other / "etc/kubernetes/admin.conf", cluster.folder / "cp1/etc/kubernetes/admin.conf")
    seen = json.loads(cluster.rotate("status", "-o", "json").stdout)
    behind = next(one["behind"] for one in seen[0]["rotation"]["authorities"] if one["name"] == "ca")
    assert any(word.startswith("admin.conf trusts another CA: ") for word in behind), behind

"""A change that was interrupted: it is reported first, with a command that works whatever was done since."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

import kubepki as package
import records
from trees import GOLDEN, kubepki, make_tree, state

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256/config.yaml"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """Return a root folder in which a renewal of `apiserver` was killed halfway."""
    make_tree(tmp_path / "node", "ecdsa-p256")
    shutil.copytree(tmp_path / "node", tmp_path / "other")
    assert kubepki("certs", "renew", "apiserver", "--rootfs", tmp_path / "other").returncode == 0
    records.interrupt(tmp_path / "node/etc/kubernetes/pki", tmp_path / "other/etc/kubernetes/pki")
    return tmp_path / "node"


def follow(remedy: str) -> int:
    """Run the command between the backquotes of a remedy."""
    words = shlex.split(remedy.split("`")[1])
    assert words[0] == "kubepki"
    done = kubepki(*words[1:])
    assert done.returncode == 0, done.stderr
    return done.returncode


def test_a_misspelt_folder_is_an_error(node: Path) -> None:
    for option in ([], ["--dry-run"]):
        done = kubepki("recover", "/etc/kuberntes", "--rootfs", node, *option)
        assert done.returncode != 0
        assert "store.missing" in done.stderr
        assert "no interrupted change" not in done.stdout + done.stderr
    assert leftovers(node) != []


def leftovers(node: Path) -> list[Path]:
    return [path for path in node.rglob("*") if path.name.startswith(".kubepki")]


def checked(node: Path) -> dict[str, object]:
    report: dict[str, object] = json.loads(kubepki("check", "--rootfs", node, "-o", "json").stdout)
    return report


def test_check_says_it_first_and_its_command_ends_it(node: Path) -> None:
    findings = checked(node)["findings"]
    assert isinstance(findings, list)
    assert findings[0]["code"] == "store.interrupted_change"
    assert "2 files" in findings[0]["evidence"]
    assert any(each["code"] == "key.mismatch" for each in findings), "the tree is of two generations"
    about = [each for each in findings if "apiserver.crt" in str(each["path"]) or "apiserver.key" in str(each["path"])]
    assert about
    assert all("kubepki recover" in each["remedy"] and "`rm" not in each["remedy"] for each in about)
    follow(findings[0]["remedy"])
    assert leftovers(node) == []
    assert checked(node)["status"] == "ok"
    assert "no interrupted change" in kubepki("recover", "--rootfs", node).stderr


@pytest.mark.parametrize(
    "verb",
    [
        ("init",),
        ("certs", "init"),
        ("certs", "renew", "all"),
        ("certs", "import"),
        ("certs", "cleanup"),
        ("kubeconfig", "embed"),
        ("certs", "generate-csr"),
    ],
)
def test_every_dry_run_says_it_first_and_changes_nothing(node: Path, verb: tuple[str, ...]) -> None:
    before = state(node)
    shown = kubepki(*verb, "--config", CONFIG, "--rootfs", node, "--dry-run", "-o", "json")
    findings = json.loads(shown.stdout)["plan"]["findings"]
    assert findings[0]["code"] == "store.interrupted_change", shown.stderr
    assert not any("`rm" in each["remedy"] for each in findings)
    assert state(node) == before


def test_check_expiration_says_it_beside_kubeadms_table(node: Path) -> None:
    shown = kubepki("certs", "check-expiration", "--rootfs", node)
    assert (shown.returncode, "interrupted" in shown.stdout) == (0, False)
    warning, hint = shown.stderr.splitlines()
    assert warning.startswith("warning: /etc/kubernetes/pki: a change was interrupted")
    follow(hint)
    assert kubepki("certs", "check-expiration", "--rootfs", node).stderr == ""


def test_a_run_that_changes_files_ends_it_first(node: Path) -> None:
    done = kubepki("init", "--config", CONFIG, "--rootfs", node)
    assert done.returncode == 0, done.stderr
    assert leftovers(node) == []
    assert checked(node)["status"] == "ok"


@pytest.mark.parametrize(
    "removed",
    [
        "apiserver.crt",
        "apiserver.key",
        f".kubepki-{records.ID}-apiserver.key.new",
        f".kubepki-{records.ID}-apiserver.crt.old",
    ],
)
def test_a_file_that_was_removed_by_hand_does_not_wedge_it(node: Path, removed: str) -> None:
    (node / "etc/kubernetes/pki" / removed).unlink()
    findings = checked(node)["findings"]
    assert isinstance(findings, list)
    follow(findings[0]["remedy"])
    assert leftovers(node) == []
    assert checked(node)["status"] == "ok"


@pytest.mark.parametrize("keep", ["present", "old", "new"])
def test_the_ways_out_of_a_conflict_are_commands_that_work(node: Path, keep: str) -> None:
    pki = node / "etc/kubernetes/pki"
    key = pki / "apiserver.key"
    key.unlink()
    key.write_text("somebody's")
    refused = kubepki("certs", "renew", "apiserver", "--rootfs", node)
    assert refused.returncode == 4
    assert "store.recovery_conflict" in refused.stderr
    (way,) = (each for each in refused.stderr.split("`")[1::2] if each.endswith(f"--keep {keep}"))
    done = kubepki(*shlex.split(way)[1:])
    assert done.returncode == 0, done.stderr
    assert leftovers(node) == []
    assert (key.read_text() == "somebody's") is (keep == "present")
    if keep != "present":
        assert checked(node)["status"] == "ok"


def test_a_way_out_that_is_barred_is_not_offered(node: Path) -> None:
    # Written into the file itself, which has a second name: then nobody has the old key any more.
    (node / "etc/kubernetes/pki/apiserver.key").write_text("somebody's")
    refused = kubepki("certs", "renew", "apiserver", "--rootfs", node)
    ways = refused.stderr.split("`")[1::2]
    assert [way.rpartition(" ")[2] for way in ways] == ["present", "new"]
    assert kubepki(*shlex.split(ways[1])[1:]).returncode == 0
    assert checked(node)["status"] == "ok"


def test_python_says_what_waits_and_ends_it(node: Path) -> None:
    report = package.recover(dry_run=True, rootfs=node)
    (change,) = report.waiting
    assert change.is_committed
    assert [path.name for path in change.paths] == ["apiserver.crt", "apiserver.key"]
    (recovery,) = package.recover(rootfs=node).recovered
    assert recovery.outcome is package.RecoveryOutcome.COMPLETED
    assert package.recover(rootfs=node).to_dict() == {"waiting": [], "recovered": []}

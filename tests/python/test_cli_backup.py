"""`kubepki backup`, as a process and from Python, with what `certs renew` replaced."""

from __future__ import annotations

import json
import pickle
import random
import re
import shlex
import shutil
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kubepki
from kubepki import Action, BackupState, ConfigurationError, Difference, FindingError
from trees import PROGRAM, golden, state
from trees import kubepki as command

if TYPE_CHECKING:
    from subprocess import CompletedProcess

BACKUPS = Path("var/lib/kubepki/backups")
ADMIN = "/etc/kubernetes/admin.conf"


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root directory with a tree that was renewed, and `before`, the tree as it was."""
    rootfs = tmp_path_factory.mktemp("renewed")
    golden(rootfs, "ecdsa-p256")
    shutil.copytree(rootfs / "etc", rootfs / "before")
    done = command("certs", "renew", "all", "--rootfs", rootfs)
    assert done.returncode == 0, done.stderr
    assert f"the previous files are kept in {rootfs}/{BACKUPS}/" in done.stderr
    return rootfs


@pytest.fixture
def node(renewed: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return shutil.copytree(renewed, tmp_path / "node")


def backup(*arguments: str | Path, rootfs: Path) -> CompletedProcess[str]:
    return command("backup", *arguments, "--rootfs", rootfs)


def tree(rootfs: Path) -> dict[Path, tuple[int, bytes]]:
    return state(rootfs / "etc")


def only_name(rootfs: Path) -> str:
    (name,) = [each.name for each in kubepki.list_backups(rootfs=rootfs)]
    return name


def test_a_renewal_is_undone_to_the_byte_and_the_undoing_too(node: Path) -> None:
    before, after = state(node / "before"), tree(node)
    assert before != after
    done = backup("restore", "latest", rootfs=node)
    assert (done.returncode, tree(node)) == (0, before), done.stderr
    assert "restored" in done.stderr
    assert f"kubepki restart --rootfs {node}\n" in done.stderr
    again = backup("restore", "latest", rootfs=node)
    assert (again.returncode, tree(node)) == (0, after), again.stderr
    names = [each.name for each in kubepki.list_backups(rootfs=node)]
    # In the order they were made, though all may be of one second.
    assert ["-certs-renew" in name for name in names] == [True, False, False]
    first = backup("restore", names[0], "--no-backup", rootfs=node)
    assert (first.returncode, tree(node)) == (0, before)
    assert len(kubepki.list_backups(rootfs=node)) == 3
    nothing = backup("restore", names[0], rootfs=node)
    assert nothing.returncode == 0
    assert "nothing to do" in nothing.stderr
    assert len(kubepki.list_backups(rootfs=node)) == 3


def test_the_list_says_when_before_what_and_whether_it_is_whole(node: Path) -> None:
    name = only_name(node)
    listed = backup("list", rootfs=node)
    header, row = listed.stdout.splitlines()
    assert header.split() == ["NAME", "STATE", "FILES", "MADE", "BEFORE"]
    assert row.startswith(name)
    assert row.split()[1:] == ["complete", "18", *row.split()[3:5], "UTC", "certs", "renew"]
    (data,) = json.loads(backup("list", "-o", "json", rootfs=node).stdout)["backups"]
    assert (data["name"], data["operation"], data["state"]) == (name, "certs renew", "complete")
    assert "PRIVATE KEY" not in listed.stdout + json.dumps(data)
    shown = backup("show", "latest", rootfs=node)
    assert shown.returncode == 0
    assert [line.split()[-2:] for line in shown.stdout.splitlines() if line.startswith(ADMIN)] == [["changed", "since"]]


def test_a_dry_run_shows_what_differs_and_changes_nothing(node: Path) -> None:
    (node / "etc/kubernetes/scheduler.conf").unlink()
    everything = state(node)
    dry = backup("restore", "latest", "--dry-run", rootfs=node)
    assert (dry.returncode, state(node)) == (0, everything)
    reasons = {line.split()[0]: line for line in dry.stdout.splitlines()[1:]}
    assert " missing " in reasons["/etc/kubernetes/scheduler.conf"]
    assert " changed since " in reasons[ADMIN]
    data = json.loads(backup("restore", "latest", "--dry-run", "-o", "json", rootfs=node).stdout)
    assert data["report"] is None
    assert {each["action"] for each in data["plan"]["artefacts"]} == {"restore"}
    assert "PRIVATE KEY" not in json.dumps(data)


def test_a_part_is_restored_with_only(node: Path) -> None:
    before, after = state(node / "before"), tree(node)
    done = backup("restore", "--only", ADMIN, "--only", "/etc/kubernetes/pki/etcd", "latest", rootfs=node)
    assert done.returncode == 0, done.stderr
    now = tree(node)
    changed = {str(path) for path in now if now[path] != after[path]}
    assert changed == {str(path) for path in now if path.match("admin.conf") or "etcd" in path.parts} - {
        "kubernetes/pki/etcd/ca.crt",
        "kubernetes/pki/etcd/ca.key",
    }
    assert all(now[Path(path)] == before[Path(path)] for path in changed)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["restore", "lates"], 2, ["backup.unknown", "did you mean latest?"]),
        (["restore", "latest", "--only", "admin.conf"], 2, ["backup.unknown_file", f"did you mean {ADMIN}?"]),
        (
            ["restore", "latest", "--only", "/etc/kubernetes/pki/apiserver.crt"],
            4,
            ["backup.half_a_pair", "apiserver.key"],
        ),
        (["restore", "latest", "--backup-dir", "/nowhere"], 3, ["backup.none", "/nowhere"]),
        (["show", "20200101T000000Z-certs-renew"], 2, ["backup.unknown"]),
        (["prune"], 2, ["api.nothing_to_prune", "--keep 10"]),
        (["prune", "--keep", "-1"], 2, ["api.nothing_to_prune", "--keep", "must not be negative, and is -1"]),
        (["prune", "--older-than", "soon"], 2, ["cli.duration"]),
        (["restor", "latest"], 2, ["cli.unknown_command", "kubepki backup restore"]),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    arguments: list[str], exit_code: int, words: list[str], renewed: Path
) -> None:
    before = state(renewed)
    done = backup(*arguments, rootfs=renewed)
    assert (done.returncode, done.stdout, state(renewed)) == (exit_code, "", before)
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("damage", ["byte", "file", "manifest"])
def test_a_damaged_backup_is_named_and_never_restored(damage: str, node: Path) -> None:
    folder = node / BACKUPS / only_name(node)
    key = next(folder.glob("*-apiserver.key"))
    if damage == "file":
        key.unlink()
    else:
        victim = key if damage == "byte" else folder / "manifest.json"
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    before = state(node)
    done = backup("restore", "latest", rootfs=node)
    assert (done.returncode, state(node)) == (1, before)
    assert "backup.damaged" in done.stderr
    assert (key.name if damage != "manifest" else "manifest.json") in done.stderr
    listed = backup("list", rootfs=node)
    assert (listed.returncode, listed.stdout.splitlines()[1].split()[1]) == (1, "damaged")
    with pytest.raises(FindingError, match="is damaged"):
        kubepki.plan_restore(rootfs=node)


def test_pruning_names_what_goes_and_takes_nothing_else(node: Path) -> None:
    for _ in range(2):
        assert backup("restore", "latest", rootfs=node).returncode == 0
    names = [each.name for each in kubepki.list_backups(rootfs=node)]
    (node / BACKUPS / "mine").mkdir()
    dry = backup("prune", "--keep", "1", "--dry-run", rootfs=node)
    assert (dry.returncode, dry.stdout.split()) == (0, names[:2])
    assert len(kubepki.list_backups(rootfs=node)) == 3
    young = backup("prune", "--keep", "1", "--older-than", "1d", rootfs=node)
    assert (young.returncode, young.stdout) == (0, "")
    done = backup("prune", "--keep", "1", rootfs=node)
    assert (done.returncode, done.stdout.split()) == (0, names[:2])
    assert sorted(path.name for path in (node / BACKUPS).iterdir()) == [names[2], "mine"]
    (node / BACKUPS / names[2] / "notes").write_text("mine")
    foreign = backup("prune", "--keep", "0", rootfs=node)
    assert foreign.returncode == 3
    assert "backup.foreign" in foreign.stderr
    assert backup("list", rootfs=node).returncode == 0


def test_the_functions_and_values(node: Path) -> None:
    kept = kubepki.show_backup(rootfs=node)
    assert kept.state is BackupState.COMPLETE
    assert {file.difference for file in kept.files} == {Difference.CONTENT}
    assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301 (our own bytes)
    admin = next(file for file in kept.files if str(file.path) == ADMIN)
    assert (admin.mode, admin.expires_at is not None) == (0o600, True)
    plan = kubepki.plan_restore(only=ADMIN, rootfs=node)
    assert [(each.name, each.action) for each in plan.changes] == [(ADMIN, Action.RESTORE)]
    report = kubepki.apply(kubepki.Plan.from_dict(json.loads(json.dumps(plan.to_dict()))))
    assert report.backup
    assert kubepki.show_backup(report.backup.name, rootfs=node).operation == "backup restore"
    assert kubepki.apply(kubepki.plan_restore(kept.name, only=ADMIN, rootfs=node)).backup is None
    pruned = kubepki.prune_backups(older_than=timedelta(0), keep=1, dry_run=True, rootfs=node)
    assert (len(pruned.removed) + len(pruned.kept), pruned.failures) == (2, ())
    with pytest.raises(ConfigurationError, match="say how many backups to keep"):
        kubepki.prune_backups(rootfs=node)


def test_no_operation_keeps_files_where_the_kubelet_or_a_check_would_take_them(node: Path) -> None:
    before = state(node)
    for place in ("/etc/kubernetes/manifests", "/etc/kubernetes/pki/old"):
        done = command("certs", "renew", "all", "--backup-dir", place, "--rootfs", node)
        assert (done.returncode, state(node)) == (2, before)
        assert "store.backup_place" in done.stderr


def test_a_backup_that_cannot_be_made_stops_the_change(node: Path) -> None:
    shutil.rmtree(node / "var")
    (node / "var").write_text("in the way")
    before = state(node)
    done = command("certs", "renew", "all", "--rootfs", node)
    assert (done.returncode, state(node)) == (3, before)
    assert "store.not_a_directory" in done.stderr


def test_killed_while_restoring_the_tree_is_old_or_new(renewed: Path, tmp_path: Path) -> None:
    chance = random.Random(20261125)  # noqa: S311 (moments, not secrets)
    old, new = tree(renewed), state(renewed / "before")
    name = only_name(renewed)
    duration, killed = 0.0, 0
    for round_number in range(13):
        node = shutil.copytree(renewed, tmp_path / str(round_number))
        began = time.monotonic()
        arguments = [*PROGRAM, "backup", "restore", name, "--rootfs", str(node)]
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # The first one is not killed, and tells how long it takes.
        if round_number:
            time.sleep(chance.uniform(0.3, 1.1) * duration)
            process.kill()
        killed += process.wait(60) == -signal.SIGKILL
        duration = duration or time.monotonic() - began
        kubepki.plan_restore(name, recover=True, rootfs=node)
        assert tree(node) in (old, new)
        states = [each.state for each in kubepki.list_backups(rootfs=node)]
        assert set(states) <= {BackupState.COMPLETE, BackupState.INCOMPLETE}
        assert tree(node) == old or states.count(BackupState.COMPLETE) == 2
    assert killed > 0, "every run had ended before it was killed"


def test_commands_in_hints_work_as_printed(node: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "node/var/lib/other backups"
    (node / BACKUPS).rename(elsewhere)
    place = ("--backup-dir", "/var/lib/other backups")
    for arguments in (
        ("show", "20200101T000000Z-certs-renew"),
        ("restore", "latest", "--only", "/etc/nothing/like/it"),
        ("restore", "latest", "--only", "/etc/kubernetes/pki/apiserver.crt"),
    ):
        refused = backup(*arguments, *place, rootfs=node)
        assert refused.returncode != 0
        for printed in re.findall(r"`kubepki ([^`]+)`", refused.stderr):
            done = command(*shlex.split(printed))
            assert (done.returncode, done.stdout != "") == (0, True), (printed, done.stderr)
        assert "`kubepki " in refused.stderr or "--only /etc/kubernetes/pki/apiserver.crt --only" in refused.stderr
    key = next(elsewhere.rglob("*-apiserver.key"))
    key.write_text("broken")
    damaged = backup("restore", "latest", *place, rootfs=node)
    (printed,) = re.findall(r"`kubepki ([^`]+)`", damaged.stderr)
    shown = command(*shlex.split(printed))
    assert (shown.returncode, key.name in shown.stdout + shown.stderr) == (1, True), shown.stderr


def test_an_empty_path_is_called_that(node: Path) -> None:
    for option in ("--backup-dir", "--only", "--rootfs"):
        empty = command(
            "backup", "restore", "latest", option, "", *(() if option == "--rootfs" else ("--rootfs", node))
        )
        assert (empty.returncode, empty.stderr.splitlines()[-1]) == (2, "  code: cli.usage")
        assert "is empty" in empty.stderr
        assert "kernel" not in empty.stderr

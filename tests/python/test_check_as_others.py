"""Keys that others have in hand, and a check by somebody who may not read them: with real users."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import kubepki
from trees import GOLDEN, PROGRAM, make_tree, run, state
from trees import kubepki as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"
NOBODY = 65534

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files are given to other users, which root may do alone")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rootfs = tmp_path_factory.mktemp("made")
    make_tree(rootfs, "ecdsa-p256")
    return rootfs


@pytest.fixture
def node(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "node")


def found(node: Path) -> dict[str, kubepki.Finding]:
    """Return what `check` finds, by code."""
    return {each.code: each for each in kubepki.check(CONFIG, rootfs=node).findings}


def give_away(path: Path) -> None:
    """Give a file or folder to another user."""
    os.chown(path, NOBODY, NOBODY)


# What is done below /etc/kubernetes, the code, and what is blocked by it.
OPEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "key of another user": (lambda folder: give_away(folder / "pki/apiserver.key"), "file.other_owner", "apiserver"),
    "kubeconfig of another": (lambda folder: give_away(folder / "admin.conf"), "file.other_owner", "admin.conf"),
    "folder of another": (lambda folder: give_away(folder / "pki"), "folder.open", "apiserver"),
    "folder for all": (lambda folder: (folder / "pki").chmod(0o777), "folder.open", "apiserver"),
    "folder for a group": (lambda folder: (folder / "pki").chmod(0o775), "folder.open", "apiserver"),
    "folder of kubeconfigs": (lambda folder: folder.chmod(0o757), "folder.open", "admin.conf"),
    "wide key": (lambda folder: (folder / "pki/apiserver.key").chmod(0o604), "file.mode_too_wide", "apiserver"),
    "wide kubeconfig": (lambda folder: (folder / "admin.conf").chmod(0o640), "file.mode_too_wide", "admin.conf"),
}


@pytest.mark.parametrize("opened", OPEN)
def test_a_key_that_others_have_in_hand_is_said_and_no_new_one_is_put_there(opened: str, node: Path) -> None:
    open_it, code, name = OPEN[opened]
    if opened == "folder for a group":
        os.chown(node / "etc/kubernetes/pki", 0, NOBODY)
    open_it(node / "etc/kubernetes")
    before = state(node)
    finding = found(node)[code]
    assert finding.severity.name == "WARNING"

    renewal = command("certs", "renew", name, "--rootfs", node)
    assert renewal.returncode == 1, renewal.stderr
    assert f"[{code}]" in renewal.stdout + renewal.stderr
    assert state(node) == before, "the new key would have been theirs too"

    (remedy,) = finding.remedy.split("`")[1:2]
    assert str(node) in remedy
    assert run("bash", "-c", remedy).returncode == 0
    assert code not in found(node)
    assert command("certs", "renew", name, "--rootfs", node).returncode == 0


def test_an_access_list_shows_in_the_mode(node: Path) -> None:
    key = node / "etc/kubernetes/pki/apiserver.key"
    entry = [
        (0x01, 6, 0xFFFFFFFF),
        (0x02, 4, NOBODY),
        (0x04, 0, 0xFFFFFFFF),
        (0x10, 4, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]
    value = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, bits, who in entry
    )
    try:
        os.setxattr(key, "system.posix_acl_access", value)
    except OSError as error:
        pytest.skip(f"this file system has no access lists: {error}")
    finding = found(node)["file.mode_too_wide"]
    assert run("bash", "-c", finding.remedy.strip("`")).returncode == 0
    assert "file.mode_too_wide" not in found(node)


def test_a_tree_in_a_users_home_is_that_users(node: Path) -> None:
    for path in (node, *node.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    assert kubepki.check(CONFIG, rootfs=node).exit_code == 0
    # Private groups, as many distributions have them: the group is nobody else's.
    (node / "etc/kubernetes/pki").chmod(0o775)
    assert kubepki.check(CONFIG, rootfs=node).exit_code == 0


def test_init_makes_no_key_in_a_folder_that_others_write_in(node: Path) -> None:
    (node / "etc/kubernetes/pki/apiserver.key").unlink()
    (node / "etc/kubernetes/pki/apiserver.crt").unlink()
    (node / "etc/kubernetes/pki").chmod(0o777)
    before = state(node)
    done = command("init", "--config", CONFIG, "--rootfs", node)
    assert done.returncode == 1
    assert "[folder.open]" in done.stdout + done.stderr
    assert state(node) == before


def as_nobody(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command line as a user who may read nothing of root's."""
    done = run(
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        *PROGRAM,
        *arguments,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def visible(node: Path) -> Path:
    """The node where another user finds it, if that can be had here."""
    # pytest's own folders are private.
    for folder in [node, *node.parents]:
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    code, _, error = as_nobody("version")
    if code != 0:
        pytest.skip(f"another user cannot run the package where it is: {error}")
    return node


def test_what_may_not_be_read_is_unknown_and_said_once(visible: Path) -> None:
    holding = visible / "var/lib/kubepki/restart"
    holding.mkdir(parents=True)
    holding.parent.chmod(0o700)
    code, output, _ = as_nobody("check", "--rootfs", visible)
    assert code == 3, output
    assert output.splitlines()[-1].startswith("UNKNOWN: ")
    assert output.count("store.no_permission") == 1
    assert "restart.manifest_held" not in output
    assert "missing" not in output
    assert f"`sudo kubepki check --rootfs {visible}`" in output
    # What can be read is judged all the same.
    assert "apiserver " in output

    (visible / "etc/kubernetes/pki").chmod(0o700)
    code, output, _ = as_nobody("check", "--rootfs", visible)
    assert (code, output.count("store.no_permission")) == (3, 1), output
    assert "missing" not in output
    assert "external" not in output


def test_who_may_not_read_the_files_is_not_told_that_they_are_absent(visible: Path) -> None:
    code, output, error = as_nobody("rotate", "status", "--local", "--rootfs", visible)
    assert (code, output) == (3, ""), error
    assert "store.no_permission" in error
    _, output, _ = as_nobody("check", "--rootfs", visible)
    assert "authority.replaced" not in output

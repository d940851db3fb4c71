"""A full disk and refused access, for real: a file system of 64 KiB, and a process without root's privileges."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from trees import GOLDEN, kubepki, make_tree, run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = GOLDEN / "ecdsa-p256" / "config.yaml"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting, and giving up root's privileges, needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "disk"
    mounted.mkdir()
    if run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mounted).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    yield mounted
    assert run("umount", mounted).returncode == 0


@pytest.mark.parametrize("filled", [20_000, 40_000, 60_000])
def test_on_a_full_disk_nothing_is_left_behind(small_disk: Path, filled: int) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(filled))
    failed = kubepki("init", "--config", CONFIG, "--rootfs", small_disk)
    assert failed.returncode == 3
    assert "no space left" in failed.stderr
    assert "  hint: free some space" in failed.stderr
    assert "  code: store.disk_full" in failed.stderr
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [ballast]


def without_privileges(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run kubepki as a root that permissions bind."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    return kubepki(*arguments, before=("setpriv", "--bounding-set=-all", "--inh-caps=-all"))


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mode, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_a_key_that_may_not_be_read_is_a_finding_and_nothing_changes(tmp_path: Path) -> None:
    kubernetes = make_tree(tmp_path / "root", "ecdsa-p256")
    (kubernetes / "pki/ca.key").chmod(0)
    (kubernetes / "admin.conf").unlink()
    before = contents(kubernetes)
    refused = without_privileges("init", "--config", CONFIG, "--rootfs", tmp_path / "root")
    assert refused.returncode == 1
    assert "critical: ca: cannot read" in refused.stderr
    assert "[store.no_permission]" in refused.stderr
    assert contents(kubernetes) == before


def test_a_folder_that_may_not_be_written_is_an_error_and_nothing_changes(tmp_path: Path) -> None:
    kubernetes = make_tree(tmp_path / "root", "ecdsa-p256")
    (kubernetes / "admin.conf").unlink()
    before = contents(kubernetes)
    kubernetes.chmod(0o500)
    refused = without_privileges("init", "--config", CONFIG, "--rootfs", tmp_path / "root")
    assert refused.returncode == 3
    assert "code: store.no_permission" in refused.stderr
    assert "hint: root itself was refused" in refused.stderr
    assert contents(kubernetes) == before
    # With the privileges it does what it was asked for.
    assert kubepki("init", "--config", CONFIG, "--rootfs", tmp_path / "root").returncode == 0
    assert (kubernetes / "admin.conf").exists()

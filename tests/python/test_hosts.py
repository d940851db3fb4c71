"""Hosts without an address, and with names that are none: only what writes them into a file asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trees import GOLDEN, golden, kubepki

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0
    or not shutil.which("unshare")
    or subprocess.run(["unshare", "--net", "--uts", "true"], check=False, capture_output=True).returncode != 0,
    reason="a network of its own without routes, and a host name of its own, need root and unshare",
)

# What takes no address from the host: it reads, or goes by what is there.
NEED_NO_ADDRESS = [
    ("check",),
    ("certs", "check-expiration"),
    ("certs", "renew", "all", "--dry-run"),
    ("certs", "renew", "apiserver", "--dry-run", "--add-san", "cp1.example.test"),
    ("certs", "import", "--dry-run"),
    ("certs", "cleanup", "--dry-run"),
    ("certs", "generate-csr", "--renew", "--dry-run"),
    ("kubeconfig", "embed", "--dry-run"),
    ("kubeconfig", "user", "--client-name", "jane", "--validity-period", "1h", "--server", "https://192.0.2.10:6443"),
    ("backup", "list"),
    ("bundle", "export", "--dry-run"),
    ("restart", "--dry-run"),
]


def bare(name: str) -> tuple[str, ...]:
    """Return the command that starts another on a host of this name without any route."""
    return ("unshare", "--net", "--uts", "sh", "-c", 'printf %s "$0" >/proc/sys/kernel/hostname && exec "$@"', name)


@pytest.mark.parametrize(
    "name", ["node-1", "Node-1.Example.TEST", "my_node", "localhost", "node.example.test.", "-", "a..b"]
)
@pytest.mark.parametrize("arguments", NEED_NO_ADDRESS, ids=" ".join)
def test_what_writes_no_address_asks_for_none(tmp_path: Path, arguments: tuple[str, ...], name: str) -> None:
    golden(tmp_path, "minimal")
    here = kubepki(*arguments, "--rootfs", tmp_path)
    there = kubepki(*arguments, "--rootfs", tmp_path, before=bare(name))
    assert (there.returncode, there.stderr.count("address")) == (here.returncode, here.stderr.count("address")), there
    assert "config.no_address" not in there.stderr
    assert "config.node_name" not in there.stderr


def test_a_configuration_without_an_address_is_judged_without_it(tmp_path: Path) -> None:
    golden(tmp_path, "minimal")
    text = (GOLDEN / "minimal/config.yaml").read_text()
    lines = [line for line in text.splitlines(keepends=True) if "advertiseAddress" not in line]
    (tmp_path / "k.yaml").write_text("".join(lines))
    checked = kubepki("check", "--config", tmp_path / "k.yaml", "--rootfs", tmp_path, before=bare("node-1"))
    assert "0.0.0.0" not in checked.stdout + checked.stderr  # noqa: S104
    assert "address" not in checked.stderr
    assert "missing_names" not in checked.stdout
    assert "other_server" not in checked.stdout


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("init",), "--config"),
        (("certs", "init"), "--config"),
        (("certs", "generate-csr"), "--config"),
        (("kubeconfig", "init", "admin.conf"), "--config"),
        (("kubeconfig", "user", "--client-name", "jane", "--validity-period", "1h"), "--config"),
    ],
)
def test_what_writes_an_address_says_which_option_gives_it(
    tmp_path: Path, arguments: tuple[str, ...], option: str
) -> None:
    golden(tmp_path, "minimal")
    there = kubepki(*arguments, "--rootfs", tmp_path, before=bare("node-1"))
    assert there.returncode == 2, there
    assert "address" in there.stderr
    assert option in there.stderr

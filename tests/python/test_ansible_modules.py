"""Every module of the collection in playbooks that hold its promises: check mode, diff, idempotence, failures."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

import kubepki
from playbooks import ANSIBLE, ROOT, play

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOKS = sorted(path.name for path in (ROOT / "tests/ansible").glob("*.yml"))

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


def expired(rootfs: Path) -> Path:
    """Return a certificate that has ended, in a folder of its own."""
    rootfs.mkdir()
    long_ago = datetime.now(timezone.utc) - timedelta(days=800)
    names = ["ca", "apiserver"]
    kubepki.apply(kubepki.plan(node_name="cp1", certificates=names, kubeconfigs=(), rootfs=rootfs, now=long_ago))
    return rootfs / "etc/kubernetes/pki/apiserver.crt"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_module_keeps_its_promises(playbook: str, tmp_path: Path) -> None:
    variables = {"folder": tmp_path, "examples": ROOT / "examples", "expired": expired(tmp_path / "old")}
    played = play(ROOT / "tests/ansible" / playbook, tmp_path / "home", **variables)
    assert played.returncode == 0, played.output
    assert "PRIVATE KEY" not in played.output
    assert "DEPRECATION" not in played.output
    assert re.search(r"^[+ ]subject: CN=", played.output, re.MULTILINE)

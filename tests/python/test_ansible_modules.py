"""Every module of the collection in playbooks that hold its promises: check mode, diff, idempotence, failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from playbooks import ANSIBLE, ROOT, play

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOKS = sorted(path.name for path in (ROOT / "tests/ansible").glob("*.yml"))

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_module_keeps_its_promises(playbook: str, tmp_path: Path) -> None:
    played = play(ROOT / "tests/ansible" / playbook, tmp_path / "home", folder=tmp_path, examples=ROOT / "examples")
    assert played.returncode == 0, played.output
    assert "PRIVATE KEY" not in played.output
    assert "DEPRECATION" not in played.output
    assert re.search(r"^[+ ]subject: CN=", played.output, re.MULTILINE)

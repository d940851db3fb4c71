"""Kubelets' requests for serving certificates, from a playbook."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from playbooks import ANSIBLE, Played, play
from test_kubelet_csrs import api, conditions

if TYPE_CHECKING:
    from pathlib import Path

    from api_servers import ApiServer

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")

__all__ = ["api"]


def asked(folder: Path, *arguments: str, **options: object) -> tuple[Played, dict[str, Any]]:
    """Run the module; return what the play said, and what the module returned."""
    playbook = folder / "play.yml"
    module = {"kubeconfig": str(folder / "kubeconfig"), **options}
    tasks = [
        {"name": "Ask", "kubepki.kubeadm.kubelet_csr": module, "register": "seen"},
        {
            "name": "Show",
            "ansible.builtin.copy": {"content": "{{ seen }}", "dest": str(folder / "seen.json")},
            "check_mode": False,
        },
    ]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    played = play(playbook, folder / "home", *arguments)
    seen = folder / "seen.json"
    return played, json.loads(seen.read_text()) if played.returncode == 0 else {}


def test_what_the_play_knows_of_a_node_is_approved_once(api: ApiServer, tmp_path: Path) -> None:
    listed, seen = asked(tmp_path)
    assert (listed.returncode, seen["changed"], seen["approved"], conditions(api)) == (0, False, [], []), listed.output
    assert re.match(r"csr-1 of system:node:w1: .*w1", seen["left"][0])
    would, seen = asked(tmp_path, "--check", approve=True, allow=["w1=10.0.0.7"])
    assert (would.returncode, seen["changed"], seen["approved"], conditions(api)) == (0, True, ["csr-1"], [])
    done, seen = asked(tmp_path, approve=True, allow=["w1=10.0.0.7"])
    assert (done.returncode, seen["changed"], seen["approved"], conditions(api)) == (0, True, ["csr-1"], ["Approved"])
    again, seen = asked(tmp_path, approve=True, allow=["w1=10.0.0.7"])
    assert (again.returncode, seen["changed"], seen["requests"]) == (0, False, [])


def test_denying_alone_approves_nothing(api: ApiServer, tmp_path: Path) -> None:
    failed, _ = asked(tmp_path, deny=True, allow=["w1=10.0.0.7"])
    assert (failed.returncode, "ansible.bad_options" in failed.output, conditions(api)) == (2, True, [])


def test_an_option_that_says_nothing_fails_with_code_and_hint(tmp_path: Path) -> None:
    failed, _ = asked(tmp_path, allow=["w1"])
    assert (failed.returncode, "plan.bad_request" in failed.output, "hint" in failed.output) == (2, True, True)

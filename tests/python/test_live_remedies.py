"""What is said of what is served: the command of each remedy is run, and then nothing is said any more.

The commands are for the node itself and so without a root directory, which is given to them here: what runs are the
stand-in's servers. Its API server goes on with the certificate that it has started with.
"""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nodes import RunningNode, eventually
from trees import kubepki
from walker import Issued

if TYPE_CHECKING:
    from pathlib import Path

COMPONENT = "kube-apiserver"


@pytest.fixture
def node(tmp_path: Path) -> RunningNode:
    """Make a node; nothing runs yet."""
    made = RunningNode(tmp_path / "node")
    stale = made.root / "stale"
    stale.mkdir()
    (stale / COMPONENT).touch()
    return made


def pair(node: RunningNode) -> tuple[Path, Path]:
    return node.kubernetes / "pki/apiserver.crt", node.kubernetes / "pki/apiserver.key"


def expire(node: RunningNode) -> None:
    certificate, key = pair(node)
    authority = node.kubernetes / "pki/ca.crt"
    Issued(certificate, authority, begin=-timedelta(days=9), end=-timedelta(days=1)).put(certificate, key)


def said(node: RunningNode, area: str = "endpoint") -> dict[str, str]:
    """Return the remedies of what is found of what is served, by code."""
    done = kubepki("check", "--live", "--rootfs", node.root, "-o", "json")
    found = json.loads(done.stdout)["findings"]
    return {one["code"]: one["remedy"] for one in found if one["code"].startswith(f"{area}.")}


def follow(node: RunningNode, remedy: str) -> None:
    """Run the command of a remedy, which is of no node in particular."""
    (command,) = re.findall(r"\bkubepki restart [a-z-]+(?: --[a-z]+)?", remedy)
    done = kubepki(*command.split()[1:], "--rootfs", node.root)
    assert done.returncode == 0, done.stderr


def test_a_server_that_goes_on_with_another_certificate_loads_the_file(node: RunningNode) -> None:
    with node.running():
        assert said(node) == {}
        node.replace("pki/apiserver")
        found = said(node)
        assert list(found) == ["endpoint.other_certificate"]
        follow(node, found["endpoint.other_certificate"])
        assert said(node) == {}
        assert node.served(COMPONENT) == node.on_disk("apiserver")


def test_a_server_whose_certificate_has_ended_gets_the_one_on_disk(node: RunningNode) -> None:
    expire(node)
    with node.running():
        node.replace("pki/apiserver")
        found = said(node)
        assert sorted(found) == ["endpoint.expired", "endpoint.other_certificate"]
        follow(node, found["endpoint.expired"])
        assert said(node) == {}


def test_what_has_ended_on_disk_too_is_renewed_first(node: RunningNode) -> None:
    expire(node)
    with node.running():
        (ended,) = said(node).values()
        assert ended.startswith("renew it, then ")
        (renewal,) = said(node, "certificate").values()
        (words,) = re.findall(r"`kubepki ([^`]+)`", renewal)
        renewed = kubepki(*words.replace("'", "").split())
        assert renewed.returncode == 0, renewed.stderr
        follow(node, ended)
        assert said(node) == {}


def test_a_server_that_sends_no_chain_sends_it(node: RunningNode, tmp_path: Path) -> None:
    pki = node.kubernetes / "pki"
    between, key = tmp_path / "between.crt", tmp_path / "between.key"
    Issued(None, pki / "ca.crt", subject="between", is_ca=True).put(between, key)
    certificate, own = pair(node)
    Issued(certificate, between).put(certificate, own)
    with node.running():
        certificate.write_bytes(certificate.read_bytes() + between.read_bytes())
        found = said(node)
        assert list(found) == ["endpoint.chain_not_sent"]
        follow(node, found["endpoint.chain_not_sent"])
        assert said(node) == {}


def test_what_does_not_answer_is_looked_for_and_answers_when_it_runs(node: RunningNode) -> None:
    with node.running():
        broken = node.root / "broken" / COMPONENT
        broken.touch()
        process = (node.root / "containers" / COMPONENT).read_text().rpartition("-")[2]
        os.kill(int(process), signal.SIGKILL)
        eventually(lambda: "endpoint.no_answer" in said(node), "nothing answers")
        assert said(node)["endpoint.no_answer"] == "see whether it runs, and why not: `crictl ps --all`"
        broken.unlink()
        eventually(lambda: said(node) == {}, "it answers again")

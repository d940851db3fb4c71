"""The five nodes of `examples/ansible/inventory.yml` as folders, and plays over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from playbooks import ROOT, Played, play

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples/ansible"
HOSTS = ("cp1", "cp2", "cp3", "worker1", "worker2")


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Make the folders that stand for the nodes, empty."""
    for host in HOSTS:
        (tmp_path / "nodes" / host).mkdir(parents=True)
    return tmp_path / "nodes"


def example(name: str, nodes: Path, *arguments: str | Path, **variables: object) -> Played:
    return play(
        EXAMPLES / name,
        nodes.parent / "home",
        "-i",
        EXAMPLES / "inventory.yml",
        *arguments,
        nodes_dir=nodes,
        **variables,
    )


def changed(played: Played, *hosts: str) -> dict[str, int]:
    """Return how much changed on each host, of a run that ended well."""
    assert played.returncode == 0, played.output
    assert "PRIVATE KEY" not in played.output
    return {host: played.recap(host)["changed"] for host in hosts}

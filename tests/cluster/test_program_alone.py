"""A real node whose Python has no pip: role `install` brings the program, and roles `renew` and `audit` work by it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from playbooks import ANSIBLE
from test_from_ansible import Plays, assert_well, on_disk, restarted_since, served
from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from conftest import MakeCluster

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.long,
    pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)"),
]

PLACE = "/usr/local/bin/kubepki"


def python_without_packages(folder: Path) -> Path:
    """Make a Python that has neither pip nor kubepki, an old one where this machine has one that Ansible works with."""
    found = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3"))
    subprocess.run([found[0] if found else sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin/python"


def test_a_node_without_pip_gets_the_program_and_is_renewed_and_audited_by_it(
    cluster: MakeCluster, tmp_path: Path
) -> None:
    here = cluster(control_planes=1, fresh=True)
    node = here.first
    python = python_without_packages(node.root / "etc/kubeadm/python")
    python = Path("/etc/kubeadm/python") / python.relative_to(node.root / "etc/kubeadm/python")
    for package in ("pip", "kubepki"):
        assert node.run(python, "-c", f"import {package}").returncode == 1
    known = {"ansible_python_interpreter": str(python), "install_python": str(python), "kubepki_binary": PLACE}
    plays = Plays(here, tmp_path, cp1=known)
    digest = hashlib.sha256(KUBEPKI.read_bytes()).hexdigest()
    program = {"program": str(KUBEPKI), "install_binary_sha256": digest}

    other = {**program, "install_binary_sha256": "0" * 64}
    with pytest.raises(AssertionError, match="has the SHA-256"):
        plays.run("install", **other)
    assert plays.foretold("install", **program)["cp1"] > 0
    assert node.run("test", "-e", PLACE).returncode == 1
    assert plays.changed("install", **program)["cp1"] > 0
    assert node.run("sha256sum", PLACE).stdout.split()[0] == digest
    assert node.run(PLACE, "version").returncode == 0
    assert plays.changed("install", **program) == {"cp1": 0}

    old, began = on_disk(node, "apiserver"), time.time_ns()
    wanted = {"renew_before": "400d", "renew_validity": "500d"}
    assert plays.foretold("renew", **wanted)["cp1"] > 0
    assert plays.changed("renew", **wanted)["cp1"] > 0
    assert served(node) == on_disk(node, "apiserver") != old
    assert restarted_since(node, began) == {"kube-controller-manager", "kube-scheduler"}
    assert plays.changed("renew", **wanted) == {"cp1": 0}
    assert_well(node)

    report = tmp_path / "report/kubepki-audit.json"
    plays.run("audit", audit_output_dir=report.parent, audit_live=True)
    (host,) = json.loads(report.read_text())["hosts"]
    assert (host["host"], host["status"]) == ("cp1", "ok")
    assert int(next(each["serial"] for each in host["certificates"] if each["name"] == "apiserver"), 16) == (
        served(node).serial_number
    )

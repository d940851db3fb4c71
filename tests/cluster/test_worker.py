"""A worker whose kubelet certificate has expired: the road that `kubepki check` prints, on a real kubelet."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from testbed import past
from testbed.node import KUBEPKI

if TYPE_CHECKING:
    from conftest import MakeCluster
    from testbed.node import Completed, Node

pytestmark = pytest.mark.cluster

STEP = re.compile(r"`([^`]*)`|let the owner of ca sign (\S+) \(there: ([^)]*)\)")
LINK = "/var/lib/kubelet/pki/kubelet-client-current.pem"


def shell(node: Node, command: str, folder: str = "/") -> Completed:
    """Run a command as it is printed, in a root shell of the node that finds kubepki."""
    done = node.run("sh", "-c", f"cd {folder} && {command}", PATH=f"{KUBEPKI.parent}:{node.environment()['PATH']}")
    assert done.returncode == 0, f"{node.name}: {command}\n{done.stdout}{done.stderr}"
    return done


def remedies(worker: Node) -> list[str]:
    """Return what `kubepki check` on the worker says that there is to do."""
    report = json.loads(worker.kubepki("check", "--output", "json").stdout)
    return list(dict.fromkeys(each["remedy"] for each in report["findings"] if each["severity"] != "info"))


def follow(remedy: str, worker: Node, owner: Node) -> list[str]:
    """Do what a remedy says, step by step; return what was done."""
    done = []
    for command, request, there in STEP.findall(remedy):
        if command:
            shell(worker, command)
        else:
            # Only the request travels, and the certificate back.
            desk = owner.root / "etc/kubeadm/desk"
            desk.mkdir()
            csr = worker.root / request.lstrip("/")
            shutil.copy(csr, desk)
            shell(owner, there, "/etc/kubeadm/desk")
            assert {path.suffix for path in desk.iterdir()} == {".csr", ".crt"}
            shutil.copy(desk / f"{csr.stem}.crt", csr.with_suffix(".crt"))
            shutil.rmtree(desk)
        done.append(command or there)
    return done


def expire(worker: Node, owner: Node) -> None:
    """Let the kubelet's client certificate be over, and the kubelet notice it."""
    past.expire(worker, owner)
    (pid,) = worker.processes("kubelet")
    past.refuse_to_start(worker)
    assert pid not in worker.processes("kubelet")


@pytest.mark.parametrize("kubeconfig", ["as kubeadm leaves it", "with an embedded certificate"])
def test_the_printed_road_leads_to_a_node_that_is_ready(cluster: MakeCluster, kubeconfig: str) -> None:
    living = cluster(control_planes=1, workers=1)
    (worker,), owner = living.workers, living.first
    conf = worker.kubernetes / "kubelet.conf"
    as_left = conf.read_text()
    if kubeconfig != "as kubeadm leaves it":
        shell(
            worker,
            f"kubectl config --kubeconfig=/etc/kubernetes/kubelet.conf set-credentials default-auth "
            f"--client-certificate={LINK} --client-key={LINK} --embed-certs",
        )
        assert LINK not in conf.read_text()
    expire(worker, owner)
    old = past.client_file(worker)

    renewed = worker.kubepki("certs", "renew", "kubelet-client")
    (remedy,) = remedies(worker)
    assert renewed.returncode == 1
    assert remedy in renewed.stderr
    done = follow(remedy, worker, owner)
    assert [words.split()[1:3] for words in done] == [
        ["certs", "generate-csr"],
        ["certs", "sign"],
        ["certs", "import"],
        ["restart", "kubelet"],
    ]

    living.wait_until_healthy()
    checked = worker.kubepki("check")
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    new = past.client_file(worker)
    assert new != old
    assert oct(new.stat().st_mode & 0o777) == "0o600"
    assert (new.stat().st_uid, new.stat().st_gid) == (0, 0)
    assert conf.read_text().count(f": {LINK}\n") == 2
    assert set(conf.read_text().split()) == set(as_left.split())
    certificate = x509.load_pem_x509_certificate(new.read_bytes())
    assert certificate.not_valid_after_utc > past.END
    shell(worker, "kubepki certs cleanup")
    assert not list(worker.kubernetes.rglob("*.key"))


def test_a_worker_shows_what_a_worker_has(cluster: MakeCluster) -> None:
    (worker,) = cluster(control_planes=1, workers=1).workers
    expirations = worker.kubepki("certs", "check-expiration", "--output", "json")
    report = json.loads(expirations.stdout)
    assert [each["name"] for each in report["certificates"]] == ["kubelet-client", "kubelet-server"]
    assert [each["name"] for each in report["certificateAuthorities"]] == ["ca"]
    planned = worker.kubepki("certs", "renew", "all", "--dry-run", "--output", "json")
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)["plan"]
    assert [each["name"] for each in plan["artefacts"]] == ["kubelet-client", "kubelet-server"]
    assert "MISSING" not in worker.kubepki("certs", "renew", "all").stdout

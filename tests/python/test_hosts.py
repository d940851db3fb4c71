"""Hosts without an address, and with names that are none: only what writes them into a file asks for them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from trees import GOLDEN, embedded, golden, kubepki

if TYPE_CHECKING:
    from collections.abc import Callable
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
    ("kubeconfig", "user", "--client-name", "jane", "--validity-period", "1h"),
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


CLUSTER_ALONE = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
"""


def worker(kubernetes: Path) -> None:
    """Keep what a joined worker has."""
    for path in kubernetes.rglob("*"):
        if (path.is_file() and path.name not in ("kubelet.conf", "ca.crt")) or path.parent.name == "etcd":
            path.unlink()


def second(kubernetes: Path) -> None:
    """Take away what a joined control-plane node never had."""
    (kubernetes / "super-admin.conf").unlink()


def with_rotating_certificate(kubernetes: Path) -> None:
    """Have `kubelet.conf` lead to the file that the kubelet renews, as after its first start."""
    conf = kubernetes / "kubelet.conf"
    current = kubernetes.parent.parent / "var/lib/kubelet/pki/kubelet-client-current.pem"
    current.parent.mkdir(parents=True)
    current.write_bytes(embedded(conf, "client-certificate-data") + embedded(conf, "client-key-data"))
    current.chmod(0o600)
    text = re.sub(
        r"(client-(certificate|key))-data: .*", r"\1: /var/lib/kubelet/pki/kubelet-client-current.pem", conf.read_text()
    )
    conf.write_text(text.replace("system:node:cp1", "default-auth"))


@pytest.mark.parametrize("verb", [("check",), ("certs", "check-expiration"), ("certs", "renew", "all", "--dry-run")])
@pytest.mark.parametrize("kind", [worker, second, with_rotating_certificate])
@pytest.mark.parametrize("configuration", [None, CLUSTER_ALONE], ids=["no configuration", "the cluster's alone"])
def test_a_healthy_node_has_no_finding_whatever_the_host_is_called(
    tmp_path: Path, verb: tuple[str, ...], kind: Callable[[Path], None], configuration: str | None
) -> None:
    kind(golden(tmp_path, "minimal"))
    arguments: tuple[str | Path, ...] = (*verb, "--rootfs", tmp_path)
    if configuration and kind is not worker:
        (tmp_path / "k.yaml").write_text(configuration)
        arguments = (*arguments, "--config", tmp_path / "k.yaml")
    there = kubepki(*arguments, before=bare("node-1"))
    assert there.returncode == 0, there
    assert "node-1" not in there.stdout + there.stderr
    assert not re.search("warning|critical|error", there.stdout + there.stderr), there


def test_a_certificate_of_another_node_is_found_by_the_name_in_kubelet_conf(tmp_path: Path) -> None:
    kubernetes = golden(tmp_path, "minimal")
    with_rotating_certificate(kubernetes)
    for name in ("pki/etcd/server.crt", "pki/etcd/server.key"):
        (kubernetes / name).unlink()
    (tmp_path / "k.yaml").write_text(CLUSTER_ALONE)
    address = CLUSTER_ALONE.replace("ClusterC", "InitC").replace(
        "kubernetesVersion: v1.36.2", "localAPIEndpoint: {advertiseAddress: 192.0.2.10}"
    )
    (tmp_path / "other.yaml").write_text(address)
    made = kubepki(
        "certs", "init", "etcd-server", "--config", tmp_path / "other.yaml", "--node-name", "cp2", "--rootfs", tmp_path
    )
    assert made.returncode == 0, made
    for verb in (("check",), ("certs", "renew", "etcd-server", "--dry-run")):
        found = kubepki(*verb, "--config", tmp_path / "k.yaml", "--rootfs", tmp_path, before=bare("cp2"))
        assert "cp1" in found.stdout + found.stderr, found
        assert found.returncode != 0, found


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("init",), "--config"),
        (("certs", "init"), "--config"),
        (("certs", "generate-csr"), "--config"),
        (("kubeconfig", "init", "admin.conf"), "--config"),
        (("kubeconfig", "user", "--client-name", "jane", "--validity-period", "1h"), "--server"),
    ],
)
def test_what_writes_an_address_says_which_option_gives_it(
    tmp_path: Path, arguments: tuple[str, ...], option: str
) -> None:
    (golden(tmp_path, "minimal") / "admin.conf").unlink()
    there = kubepki(*arguments, "--rootfs", tmp_path, before=bare("node-1"))
    assert there.returncode == 2, there
    assert "address" in there.stderr
    assert option in there.stderr

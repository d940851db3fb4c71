"""Role external_ca in a cluster's second year, and what role renew says of certificates that it cannot renew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubepki import read_certificates
from playbooks import ANSIBLE, ROOT, Played, play
from trees import kubepki

EXAMPLES = ROOT / "examples/ansible"
# Hosts are folders: nothing runs in them.
NOTHING_RUNS = {"external_ca_restart": False}
FIRST_YEAR = {**NOTHING_RUNS, "external_ca_validity": "40d", "external_ca_renew_before": "35d"}
SECOND_YEAR = {**NOTHING_RUNS, "external_ca_validity": "100d", "external_ca_renew_before": "60d"}
THIRD_YEAR = {**NOTHING_RUNS, "external_ca_validity": "365d", "external_ca_renew_before": "120d"}
RENEW = """
- hosts: cp1
  gather_facts: false
  roles:
    - role: kubepki.kubeadm.renew
      renew_rootfs: "{{ kubepki_rootfs }}"
      renew_config_content: "{{ kubeadm_config }}"
      renew_restart: false
      renew_before: 60d
"""

CONFIGURATION = [
    {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": "192.0.2.11"},
        "nodeRegistration": {"name": "cp1"},
    },
    {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": "v1.36.2",
        "certificatesDir": "/srv/pki",
    },
]

COMMAND = Path(sys.executable).with_name("kubepki")

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Make the folders that stand for a control-plane node and a worker, empty."""
    for host in ("cp1", "worker1"):
        (tmp_path / "nodes" / host).mkdir(parents=True)
    return tmp_path / "nodes"


def run(playbook: Path, nodes: Path, *arguments: str, **variables: object) -> Played:
    inventory = EXAMPLES / "inventory.yml"
    limit = ("--limit", "localhost,cp1,worker1")
    played = play(playbook, nodes.parent / "home", "-i", inventory, *limit, *arguments, nodes_dir=nodes, **variables)
    assert "PRIVATE KEY" not in played.output
    return played


def changed(nodes: Path, *arguments: str, **variables: object) -> dict[str, int]:
    """Return how much the role changed on each host, in a run that ended well."""
    played = run(EXAMPLES / "external-ca.yml", nodes, *arguments, **variables)
    assert played.returncode == 0, played.output
    return {host: played.recap(host)["changed"] for host in ("cp1", "worker1")}


def keys(nodes: Path) -> dict[str, bytes]:
    return {path.relative_to(nodes).as_posix(): path.read_bytes() for path in nodes.glob("*/etc/**/*.key")}


def serials(nodes: Path) -> dict[str, str]:
    paths = sorted(path for path in nodes.glob("*/etc/**/*.crt") if not path.stem.endswith("ca"))
    return {str(file.path): file.certificates[0].serial for file in read_certificates(paths)}


def backups(nodes: Path) -> list[str]:
    """Return the names of the backups of cp1, the oldest first."""

    def order(name: str) -> tuple[str, int]:
        # Those of one second are numbered from the second on.
        last = name.rsplit("-", 1)[-1]
        return name.split("-", 1)[0], int(last) if last.isdigit() else 1

    folder = nodes / "cp1/var/lib/kubepki/backups"
    return sorted((path.name for path in folder.iterdir() if path.is_dir()), key=order)


def test_certificates_of_an_external_ca_are_renewed_before_they_end_and_when_a_name_is_new(nodes: Path) -> None:
    assert all(changed(nodes, **FIRST_YEAR).values())
    assert changed(nodes, **FIRST_YEAR) == {"cp1": 0, "worker1": 0}
    old_keys, old = keys(nodes), serials(nodes)
    assert len(old) == 7

    assert all(changed(nodes, "--check", "--diff", **SECOND_YEAR).values())
    assert (keys(nodes), serials(nodes)) == (old_keys, old)
    assert all(changed(nodes, **SECOND_YEAR).values())
    new = serials(nodes)
    assert keys(nodes) == old_keys
    assert all(new[path] != serial for path, serial in old.items())
    assert changed(nodes, **SECOND_YEAR) == {"cp1": 0, "worker1": 0}
    kept = backups(nodes)
    assert len(kept) > 1
    assert changed(nodes, "--check", **SECOND_YEAR, external_ca_backups_keep=1)["cp1"] == 1
    assert changed(nodes, **SECOND_YEAR, external_ca_backups_keep=None)["cp1"] == 0
    assert backups(nodes) == kept
    assert changed(nodes, **SECOND_YEAR, external_ca_backups_keep=1)["cp1"] == 1
    assert backups(nodes) == kept[-1:]
    for host in ("cp1", "worker1"):
        checked = kubepki("check", "--rootfs", nodes / host)
        assert checked.returncode == 0, checked.stdout


def test_keys_behind_a_passphrase_sign_and_the_passphrase_is_shown_nowhere(nodes: Path) -> None:
    """The controller's disk has no other keys."""
    assert all(changed(nodes, **FIRST_YEAR).values())
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        key = nodes / f"authority/{name}.key"
        words = ["openssl", "pkcs8", "-topk8", "-passout", "pass:open sesame", "-in", str(key)]
        key.write_bytes(subprocess.run(words, check=True, capture_output=True).stdout)
    # The controller's own play makes CAs, and would not take such keys.
    no_controller = ("--limit", "cp1,worker1")
    closed = run(EXAMPLES / "external-ca.yml", nodes, *no_controller, **THIRD_YEAR)
    assert closed.returncode == 2
    assert "give its passphrase: " in closed.output, closed.output
    opened = {**THIRD_YEAR, "external_ca_key_passphrase": "open sesame"}
    played = run(EXAMPLES / "external-ca.yml", nodes, *no_controller, "-vvv", **opened)
    assert played.returncode == 0, played.output
    assert played.recap("cp1")["changed"] > 0
    # Extra variables are shown as they are given, and nowhere else.
    assert played.output.count("open sesame") == 0


def test_service_account_keys_go_where_the_configuration_has_the_certificates(nodes: Path) -> None:
    only = ("--limit", "localhost,cp1")
    played = run(EXAMPLES / "external-ca.yml", nodes, *only, **FIRST_YEAR, kubeadm_config=CONFIGURATION)
    assert played.returncode == 0, played.output
    assert (nodes / "cp1/srv/pki/sa.key").is_file()
    assert (nodes / "cp1/srv/pki/apiserver.crt").is_file()
    assert not (nodes / "cp1/etc/kubernetes/pki").exists()


@pytest.mark.parametrize("binary", [None, str(COMMAND)])
def test_role_renew_names_what_it_cannot_renew_and_fails_where_that_is_wanted(binary: str | None, nodes: Path) -> None:
    assert all(changed(nodes, **FIRST_YEAR).values())
    playbook = nodes.parent / "renew.yml"
    playbook.write_text(RENEW)
    played = run(playbook, nodes, renew_binary=binary)
    assert played.returncode == 0, played.output
    assert "not renewed, though it ends soon: admin.conf, apiserver, " in played.output, played.output
    if binary is None:
        assert "[WARNING]: apiserver is not renewed: it ends on " in played.output, played.output
        assert "generate-csr apiserver --renew" in " ".join(played.output.split())

    failed = run(playbook, nodes, renew_fail_on_not_renewed=True, renew_binary=binary)
    assert failed.returncode == 2
    assert "the key of its CA is not on this node" in failed.output
    assert "generate-csr apiserver --renew" in " ".join(failed.output.split())
    # What does not end soon is not named.
    early = run(playbook, nodes, renew_before="10d", renew_binary=binary)
    assert "not renewed, though it ends soon: nothing" in early.output, early.output

"""Every failure of a module says which it is and what to do, and check mode fails where a run would."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ansible_options import MODULES, argument_spec
from playbooks import ANSIBLE

if TYPE_CHECKING:
    from pathlib import Path

OMITTED = object()

# What a module cannot be called without.
NEEDED: dict[str, dict[str, Any]] = {
    "backup_prune": {"keep": 1},
    "backup_restore": {"name": "latest"},
    "bundle": {"action": "export"},
    "config_validate": {"config": "/no/such/file"},
    "probe": {"endpoints": ["127.0.0.1:1"]},
    "kubeconfig_user": {"client_name": "jane"},
    "sign_pipe": {"csr_content": [], "ca_dir": "/no/such/folder", "node_name": "cp1", "role": "worker"},
}

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


def run(module: str, options: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Run a module as Ansible does on a host, and return what it returns."""
    given = {**NEEDED.get(module, {}), **options, "_ansible_check_mode": check, "_ansible_tmpdir": None}
    arguments = {name: value for name, value in given.items() if value is not OMITTED}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.kubepki.kubeadm.plugins.modules.{module}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    returned: dict[str, Any] = json.loads(done.stdout)
    return returned


def assert_is_explained(returned: dict[str, Any]) -> None:
    assert returned.get("failed"), returned
    assert returned["code"], returned
    assert returned["hint"], returned


@pytest.mark.parametrize("module", MODULES)
def test_an_option_that_there_is_not_is_explained(module: str) -> None:
    returned = run(module, {"no_such_option": 1})
    assert_is_explained(returned)
    assert returned["code"] == "ansible.bad_options"
    assert "no_such_option" in returned["msg"]


@pytest.mark.parametrize("module", MODULES)
def test_a_value_of_another_type_and_one_that_is_missing_are_explained(module: str) -> None:
    returned = run(module, {"lenient": "perhaps"})
    assert_is_explained(returned)
    assert returned["code"] == "ansible.bad_options"
    needed = [name for name, option in argument_spec(module).items() if option.get("required")]
    for name in needed:
        assert_is_explained(run(module, {name: OMITTED}))


@pytest.mark.parametrize("module", sorted({*MODULES} - {"config_validate", "kubelet_csr", "probe", "sign_pipe"}))
def test_a_root_folder_that_there_is_not_is_explained(module: str) -> None:
    for check in (True, False):
        returned = run(module, {"rootfs": "/no/such/folder"}, check=check)
        assert_is_explained(returned)
        assert returned["code"] == "store.rootfs_not_a_directory"


@pytest.mark.parametrize(
    "module",
    sorted(
        {*MODULES} - {"backup_info", "backup_prune", "backup_restore", "kubelet_csr", "probe", "restart", "systemd"}
    ),
)
def test_a_configuration_that_there_is_not_is_explained(module: str) -> None:
    request = {"name": "apiserver", "content": "no request"}
    more = {"csr_content": [request]} if module == "sign_pipe" else {}
    assert_is_explained(run(module, {"config": "/no/such/file", **more}))


def test_check_mode_finds_that_another_run_is_at_work(tmp_path: Path) -> None:
    with (tmp_path / ".kubepki.lock").open("w") as lock:
        (tmp_path / ".kubepki.lock").chmod(0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        options = {"rootfs": str(tmp_path), "node_name": "cp1", "certificates": ["ca"], "kubeconfigs": []}
        returned = run("pki", options, check=True)
    assert_is_explained(returned)
    assert returned["code"] == "store.locked"
    assert [path.name for path in tmp_path.iterdir()] == [".kubepki.lock"]

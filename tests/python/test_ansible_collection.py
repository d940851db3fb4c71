"""The collection as a package: its version, its tarball, its one door to the library, and life without the library."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tarfile
import venv
from typing import TYPE_CHECKING

import pytest

import kubepki
from playbooks import ANSIBLE, COLLECTION, PROGRAMS, ROOT, environment, play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = sorted(path.stem for path in (COLLECTION / "plugins/modules").glob("*.py"))
needs_ansible = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")


def test_collection_and_library_have_one_version() -> None:
    (version,) = re.findall(r"^version: (\S+)$", (COLLECTION / "galaxy.yml").read_text(), re.MULTILINE)
    assert version == kubepki.__version__
    assert f"\n  {version}:\n" in (COLLECTION / "changelogs/changelog.yaml").read_text()
    assert f'\nVERSION = "{version}"\n' in (COLLECTION / "plugins/module_utils/_kubepki.py").read_text()
    assert f"\nkubepki>={version}," in (COLLECTION / "requirements.txt").read_text()


def test_every_module_is_in_the_action_group_and_in_the_readme() -> None:
    group = re.findall(r"^    - (\w+)$", (COLLECTION / "meta/runtime.yml").read_text(), re.MULTILINE)
    assert group == MODULES
    readme = (COLLECTION / "README.md").read_text()
    assert [name for name in MODULES if f"| `{name}` |" not in readme] == []
    assert [role.name for role in (COLLECTION / "roles").iterdir() if f"| `{role.name}` |" not in readme] == []


def imported(path: Path) -> Iterator[str]:
    """Return the modules that a file imports when it runs."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_one_file_alone_imports_the_library() -> None:
    doors = {
        path.relative_to(COLLECTION).as_posix()
        for path in COLLECTION.rglob("*.py")
        if any(name.split(".")[0] == "kubepki" for name in imported(path))
    }
    assert doors == {"plugins/module_utils/_kubepki.py"}


@needs_ansible
def test_the_tarball_for_galaxy(tmp_path: Path) -> None:
    program = str(PROGRAMS / "ansible-galaxy")
    command = [program, "collection", "build", "--output-path", str(tmp_path), str(COLLECTION)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / f"kubepki-kubeadm-{kubepki.__version__}.tar.gz") as archive:
        names = set(archive.getnames())
        licence = archive.extractfile("COPYING")
        assert licence is not None
        assert licence.read() == (ROOT / "LICENSES/GPL-3.0-or-later.txt").read_bytes()
    assert {"MANIFEST.json", "meta/runtime.yml", "roles/audit/tasks/main.yml", "playbooks/rotate_ca.yml"} <= names
    assert {"meta/execution-environment.yml", "requirements.txt"} <= names
    assert {f"plugins/modules/{name}.py" for name in MODULES} <= names
    assert [name for name in names if "__pycache__" in name or name.startswith("tests/output")] == []


@needs_ansible
def test_a_host_without_the_library_is_told_what_is_missing(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    command = [str(PROGRAMS / "ansible"), "localhost", "--module-name", "kubepki.kubeadm.certificate_info"]
    command += ["--extra-vars", f"ansible_python_interpreter={tmp_path / 'venv/bin/python'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(tmp_path / "home"))
    assert done.returncode == 2
    assert "Failed to import the required Python library (kubepki)" in done.stdout + done.stderr
    assert "https://github.com/kubepki/kubepki" in done.stdout + done.stderr
    assert '"code": "ansible.library_missing"' in done.stdout + done.stderr
    assert f"-m pip install kubepki=={kubepki.__version__}`" in done.stdout + done.stderr


@needs_ansible
@pytest.mark.parametrize(
    ("collection", "advice"),
    [
        ("9.4.0", " -m pip install kubepki==9.4.0`"),
        ("0.0.7", f"upgrade the collection: `python3 -m pip install kubepki=={kubepki.__version__}` on the controller"),
    ],
)
def test_library_and_collection_of_two_versions_are_told_apart(collection: str, advice: str, tmp_path: Path) -> None:
    copy = tmp_path / "collections/ansible_collections/kubepki/kubeadm"
    shutil.copytree(COLLECTION, copy)
    door = copy / "plugins/module_utils/_kubepki.py"
    door.write_text(door.read_text().replace(f'VERSION = "{kubepki.__version__}"', f'VERSION = "{collection}"'))
    task = {"kubepki.kubeadm.renew": {"rootfs": str(tmp_path)}}
    playbook = tmp_path / "one.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    played = play(playbook, tmp_path / "home")
    assert played.returncode == 2
    assert '"code": "ansible.version_mismatch"' in played.output
    assert f"is {kubepki.__version__} here, the collection kubepki.kubeadm is {collection}" in played.output
    assert advice in played.output

"""Role install: the library into a virtual environment without pip, the program alone, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import kubepki
from playbooks import ANSIBLE, ROOT, Played, play

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")

VERSION = kubepki.__version__
PROGRAM = Path(sys.executable).with_name("kubepki")


def wheel_of_this_tree(folder: Path, **other: bytes) -> Path:
    """Make a wheel of the package as it is here, without a build; `other` has files that its list does not."""
    package = Path(kubepki.__file__).parent
    files = {
        f"kubepki/{path.relative_to(package)}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    files[f"kubepki-{VERSION}.data/scripts/kubepki"] = (ROOT / "python/kubepki.data/scripts/kubepki").read_bytes()
    files[f"kubepki-{VERSION}.dist-info/METADATA"] = (
        f"Metadata-Version: 2.1\nName: kubepki\nVersion: {VERSION}\n".encode()
    )
    files[f"kubepki-{VERSION}.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp310-abi3-linux\n"
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}")
    record = f"kubepki-{VERSION}.dist-info/RECORD"
    files[record] = "\n".join([*rows, f"{record},,"]).encode() + b"\n"
    folder.mkdir(exist_ok=True)
    wheel = folder / f"kubepki-{VERSION}-cp310-abi3-linux_{platform.machine()}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, **other}.items():
            archive.writestr(name, content)
    return wheel


def installed(tmp_path: Path, *arguments: str, tasks: tuple[object, ...] = (), **variables: Any) -> Played:  # noqa: ANN401 (what a play takes)
    role = {"ansible.builtin.include_role": {"name": "kubepki.kubeadm.install"}}
    playbook = tmp_path / "install.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [role, *tasks]}]))
    return play(playbook, tmp_path / "home", *arguments, install_python=sys.executable, **variables)


def test_a_wheel_goes_into_an_environment_without_pip_and_modules_run_there(tmp_path: Path) -> None:
    place = tmp_path / "opt/kubepki"
    place.parent.mkdir()
    known: dict[str, Any] = {"install_wheel": wheel_of_this_tree(tmp_path / "wheels"), "install_venv": place}
    foretold = installed(tmp_path, "--check", **known)
    assert (foretold.returncode, place.exists()) == (0, False), foretold.output
    assert foretold.recap("localhost")["changed"] > 0

    look = {"kubepki.kubeadm.certificate_info": {"rootfs": str(tmp_path)}, "register": "seen"}
    say = {"ansible.builtin.command": "{{ ansible_python_interpreter }} -c 'import kubepki; print(kubepki.__file__)'"}
    tasks = (look, say)
    first = installed(tmp_path, "-v", tasks=tasks, install_set_interpreter=True, **known)
    assert first.returncode == 0, first.output
    assert f"ansible_python_interpreter: {place}/bin/python is for the modules" in first.output
    assert f'"stdout": "{place.resolve()}/lib' in first.output.replace(str(place), str(place.resolve()))
    assert not list(place.glob("lib/python*/site-packages/pip"))
    asked = subprocess.run([place / "bin/kubepki", "version"], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith(f"kubepki {VERSION} ")

    # Only the task that asks for the path is a change.
    again = installed(tmp_path, tasks=tasks, install_set_interpreter=True, **known)
    assert (again.returncode, again.recap("localhost")["changed"]) == (0, 1), again.output

    # Half of it is gone, as after a run that was ended.
    next(place.glob("lib/python*/site-packages/kubepki/__main__.py")).unlink()
    mended = installed(tmp_path, **known)
    assert (mended.returncode, mended.recap("localhost")["changed"]) == (0, 1), mended.output


def test_a_damaged_wheel_and_another_than_the_one_that_is_meant_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "kubepki"
    damaged = wheel_of_this_tree(tmp_path / "wheels", **{"kubepki/errors.py": b"import os\n"})
    played = installed(tmp_path, install_wheel=damaged, install_venv=place)
    assert played.returncode == 2
    assert "kubepki/errors.py is not what the wheel's list says" in played.output
    assert not list(place.glob("lib/python*/site-packages/kubepki"))

    meant = installed(tmp_path, install_wheel=damaged, install_wheel_sha256="0" * 64, install_venv=tmp_path / "other")
    assert meant.returncode == 2
    assert "hint: correct the path, or the SHA-256" in meant.output
    assert not (tmp_path / "other").exists()


def test_the_program_alone_goes_where_the_python_is_too_old(tmp_path: Path) -> None:
    # It says that it is 3.9, and is asked for nothing else.
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho 3.9\n")
    old.chmod(0o755)
    place = tmp_path / "bin/kubepki"
    place.parent.mkdir()
    digest = hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    known: dict[str, Any] = {
        "install_program": place,
        "install_binary": PROGRAM,
        "install_binary_sha256": digest.upper(),
    }

    def run(*arguments: str, **variables: Any) -> Played:  # noqa: ANN401 (what a play takes)
        return installed(tmp_path, "--extra-vars", f"install_python={old}", *arguments, **variables)

    unsaid = run(install_program=place)
    assert unsaid.returncode == 2
    assert f"this node gets the program alone ({old} is 3.9)" in unsaid.output
    library = run(install_method="venv", **known)
    assert library.returncode == 2
    assert "needs Python 3.10" in library.output

    first = run(**known)
    assert first.returncode == 0, first.output
    assert f"kubepki_binary: {place} is for the roles renew and audit" in first.output
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (PROGRAM.read_bytes(), 0o755)
    again = run(**known)
    assert (again.returncode, again.recap("localhost")["changed"]) == (0, 0), again.output
    other = run(**{**known, "install_binary_sha256": "0" * 64})
    assert (other.returncode, "has the SHA-256" in other.output) == (2, True)

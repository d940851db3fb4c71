"""Role install: the library by wheel or from an index, the program alone, and what is refused."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import importlib.util
import json
import os
import platform
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kubepki
from playbooks import ANSIBLE, COLLECTION, ROOT, Played, play
from trees import make_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is not installed (it wants Python 3.11)")

VERSION = kubepki.__version__
# `make test-binary` names the static program.
PROGRAM = Path(os.environ.get("KUBEPKI") or Path(sys.executable).with_name("kubepki"))
UNPACK = COLLECTION / "roles/install/files/unpack_wheel.py"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def made_wheel(folder: Path, version: str, files: dict[str, bytes], tag: str, **other: bytes) -> Path:
    """Make a wheel of these files, without a build; `other` has files that its list does not."""
    info = f"kubepki-{version}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: kubepki\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode() + b"\n"
    folder.mkdir(exist_ok=True)
    wheel = folder / f"kubepki-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, **other}.items():
            listed = zipfile.ZipInfo(name)
            # pip looks here whether it is a program.
            listed.external_attr = (0o100755 if ".data/scripts/" in name else 0o100644) << 16
            archive.writestr(listed, content)
    return wheel


def wheel_of_this_tree(folder: Path, **other: bytes) -> Path:
    """Make a wheel of the package as it is here."""
    package = Path(kubepki.__file__).parent
    files = {
        f"kubepki/{path.relative_to(package)}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    files[f"kubepki-{VERSION}.data/scripts/kubepki"] = (ROOT / "python/kubepki.data/scripts/kubepki").read_bytes()
    return made_wheel(folder, VERSION, files, f"cp310-abi3-linux_{platform.machine()}", **other)


def wheel_that_says(folder: Path, version: str, **files: str) -> Path:
    """Make a wheel whose command says a version, and has nothing else to say; `files` by `folder__name`."""
    script = f'#!python\nprint(\'{{"version": "{version}"}}\')\n'
    contents = {name.replace("__", "/"): text.encode() for name, text in files.items()}
    contents[f"kubepki-{version}.data/scripts/kubepki"] = script.encode()
    return made_wheel(folder, version, contents, "py3-none-any")


def installed(tmp_path: Path, *arguments: str, tasks: tuple[object, ...] = (), **variables: Any) -> Played:  # noqa: ANN401 (what a play takes)
    role = {"ansible.builtin.include_role": {"name": "kubepki.kubeadm.install"}}
    playbook = tmp_path / "install.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [role, *tasks]}]))
    return play(playbook, tmp_path / "home", *arguments, **{"install_python": sys.executable, **variables})


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


def test_a_newer_wheel_leaves_nothing_of_the_older_and_an_older_one_is_refused(tmp_path: Path) -> None:
    place, wheels = tmp_path / "kubepki", tmp_path / "wheels"
    older = wheel_that_says(wheels, "1.0", kubepki__old="1", kubepki__gone__deep="1", kubepki__kept="1")
    newer = wheel_that_says(wheels, "1.1rc1", kubepki__kept="2")
    assert installed(tmp_path, install_wheel=older, install_venv=place).returncode == 0
    foretold = installed(tmp_path, "--check", install_wheel=newer, install_venv=place)
    assert (foretold.returncode, foretold.recap("localhost")["changed"]) == (0, 1), foretold.output
    upgraded = installed(tmp_path, install_wheel=newer, install_venv=place)
    assert upgraded.returncode == 0, upgraded.output
    (site,) = place.glob("lib/python*/site-packages")
    assert sorted(path.name for path in site.rglob("*")) == [
        "METADATA", "RECORD", "WHEEL", "kept", "kubepki", "kubepki-1.1rc1.dist-info",
    ]  # fmt: skip
    assert [path.name for path in (place / "wheel").iterdir()] == [newer.name]

    for arguments in ([], ["--check"]):
        refused = installed(tmp_path, *arguments, install_wheel=older, install_venv=place)
        assert refused.returncode == 2
        assert "version 1.1rc1 is there, and 1.0 is older; hint: bring a newer one" in refused.output
    assert (site / "kubepki/kept").read_text() == "2"
    back = installed(tmp_path, install_wheel=older, install_venv=place, install_allow_downgrade=True)
    assert (back.returncode, (site / "kubepki/kept").read_text()) == (0, "1"), back.output


def test_a_path_begins_beside_the_playbook(tmp_path: Path) -> None:
    wheel = wheel_that_says(tmp_path / "plays", "1.0")
    role = {"ansible.builtin.include_role": {"name": "kubepki.kubeadm.install"}}
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [role]}]
    (tmp_path / "plays/install.yml").write_text(json.dumps(plays))
    playbook = tmp_path / "site.yml"
    playbook.write_text(json.dumps([{"ansible.builtin.import_playbook": "plays/install.yml"}]))
    known = {"install_python": sys.executable, "install_venv": tmp_path / "kubepki"}
    played = play(playbook, tmp_path / "home", install_wheel=wheel.name, **known)
    assert played.returncode == 0, played.output
    assert (tmp_path / "kubepki/wheel" / wheel.name).exists()


def test_a_wheel_for_another_processor_is_refused_by_name(tmp_path: Path) -> None:
    wheel = wheel_that_says(tmp_path / "wheels", "1.0")
    other = wheel.rename(wheel.with_name("kubepki-1.0-cp310-abi3-manylinux2014_s390x.whl"))
    played = installed(tmp_path, install_wheel=other, install_venv=tmp_path / "kubepki")
    assert played.returncode == 2
    assert f"is for another processor than this node's, {platform.machine()}: bring the one for it" in played.output


@pytest.fixture
def unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that unpacks on the node, as if this Python were of an environment below `tmp_path`."""
    spec = importlib.util.spec_from_file_location("unpack_wheel", UNPACK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path / "venv" / name))
    return module


def test_what_is_below_data_goes_where_its_kind_belongs(tmp_path: Path, unpack: ModuleType) -> None:
    kinds = ("purelib", "platlib", "scripts", "data", "headers")
    wheel = wheel_that_says(
        tmp_path / "wheels", "1.0", **{f"kubepki-1.0.data__{kind}__{kind}.x": kind for kind in kinds}
    )
    unpack.main(wheel, sha256(wheel))
    found = {path.name: str(path.relative_to(tmp_path / "venv")) for path in (tmp_path / "venv").rglob("*.x")}
    assert found == {
        "purelib.x": "purelib/purelib.x",
        "platlib.x": "purelib/platlib.x",
        "scripts.x": "scripts/scripts.x",
        "data.x": "data.x",
        "headers.x": "include/kubepki/headers.x",
    }
    odd = wheel_that_says(tmp_path / "odd", "1.0", **{"kubepki-1.0.data__firmware__x": ""})
    with pytest.raises(SystemExit, match="it is not known where this belongs"):
        unpack.main(odd, sha256(odd))


def test_what_arrived_is_held_against_the_checksum_on_the_node(tmp_path: Path, unpack: ModuleType) -> None:
    wheel = wheel_that_says(tmp_path / "wheels", "1.0")
    meant = sha256(wheel)
    wheel.write_bytes(wheel.read_bytes() + b"more")
    with pytest.raises(SystemExit, match=f"what arrived has the SHA-256 {sha256(wheel)}, not {meant}"):
        unpack.main(wheel, meant)
    assert not (tmp_path / "venv").exists()


def test_a_write_that_fails_leaves_no_draft(tmp_path: Path, unpack: ModuleType) -> None:
    wheel = wheel_that_says(tmp_path / "wheels", "1.0", kubepki__name="1")
    (tmp_path / "venv/purelib/kubepki/name").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        unpack.main(wheel, sha256(wheel))
    assert [path.name for path in (tmp_path / "venv/purelib/kubepki").iterdir()] == ["name"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve the wheels in `tmp_path/index` as a package index does; return its address."""
    root = tmp_path / "index"
    (root / "simple/kubepki").mkdir(parents=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


# Debian's own, which must not be changed (PEP 668); pip comes beside it or in the environment.
SYSTEMS = Path("/usr/bin/python3")


def is_new(python: Path) -> bool:
    asked = subprocess.run([python, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 10))"], check=False)
    return asked.returncode == 0


@pytest.mark.parametrize("kind", ["with ensurepip", "without"])
def test_a_package_index_gives_this_version_and_no_other_file(kind: str, tmp_path: Path, index: str) -> None:
    python = Path(sys.executable)
    if kind == "without":
        if not SYSTEMS.exists() or not is_new(SYSTEMS):
            pytest.skip("/usr/bin/python3 is not there, not new enough or has no pip")
        # As Debian is without python3-venv: pip alone.
        python = tmp_path / "python3"
        python.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {SYSTEMS} "$@"\n')
        python.chmod(0o755)
    wheels = tmp_path / "index/simple/kubepki"
    older, newer = wheel_that_says(wheels, "1.0"), wheel_that_says(wheels, "1.1", kubepki__more="1")
    known: dict[str, Any] = {"install_venv": tmp_path / "kubepki", "install_index_url": index}
    known |= {"install_python": python, "install_hashes": [sha256(older)], "install_version": "1.0"}
    foretold = installed(tmp_path, "--check", **known)
    assert foretold.returncode == 0, foretold.output
    assert "kubepki 1.0 would be installed" in foretold.output
    assert (foretold.recap("localhost")["changed"], (tmp_path / "kubepki").exists()) == (2, False)

    first = installed(tmp_path, **known)
    assert first.returncode == 0, first.output
    (site,) = (tmp_path / "kubepki").glob("lib/python*/site-packages")
    assert (site / "pip").exists() == (kind == "with ensurepip")
    for arguments in ([], ["--check"]):
        again = installed(tmp_path, *arguments, **known)
        assert (again.returncode, again.recap("localhost")["changed"]) == (0, 0), again.output

    other = installed(tmp_path, **{**known, "install_version": "1.1"})
    assert (other.returncode, "THESE PACKAGES DO NOT MATCH THE HASHES" in other.output) == (2, True), other.output
    assert not (site / "kubepki/more").exists()
    known["install_hashes"] += [f"sha256:{sha256(newer)}"]
    upgraded = installed(tmp_path, **{**known, "install_version": "1.1"})
    assert upgraded.returncode == 0, upgraded.output
    assert (site / "kubepki/more").exists()
    refused = installed(tmp_path, **known)
    assert (refused.returncode, "version 1.1 is there, and 1.0 is older" in refused.output) == (2, True)

    # A wheel takes its place as a whole, what pip wrote included.
    wheel = installed(tmp_path, **known, install_wheel=wheel_that_says(tmp_path / "wheels", "1.2"))
    assert wheel.returncode == 0, wheel.output
    assert sorted(path.name for path in site.glob("kubepki*")) == ["kubepki-1.2.dist-info"]


def test_a_node_without_pip_is_told_of_the_wheel(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\ncase "$*" in *pip*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for arguments in ([], ["--check"]):
        played = installed(tmp_path, *arguments, install_python=python, install_venv=tmp_path / "kubepki")
        assert played.returncode == 2
        assert "hint: bring the wheel with install_wheel, which needs neither" in played.output
    assert not (tmp_path / "kubepki").exists()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a Python that says that it is 3.9, and is asked for nothing else."""
    python = tmp_path / "python3.9"
    python.write_text("#!/bin/sh\necho 3.9\n")
    python.chmod(0o755)
    return python


def test_the_program_alone_goes_where_the_python_is_too_old(tmp_path: Path, old: Path) -> None:
    place = tmp_path / "bin/kubepki"
    place.parent.mkdir()
    known: dict[str, Any] = {
        "install_program": place,
        "install_binary": PROGRAM,
        "install_binary_sha256": sha256(PROGRAM).upper(),
    }

    def run(*arguments: str, **variables: Any) -> Played:  # noqa: ANN401 (what a play takes)
        return installed(tmp_path, *arguments, install_python=old, **variables)

    unsaid = run(install_program=place)
    assert unsaid.returncode == 2
    assert f"this node gets the program alone ({old} is 3.9)" in unsaid.output
    library = run(install_method="venv", **known)
    assert library.returncode == 2
    assert "needs Python 3.10" in library.output

    foretold = run("--check", **known)
    assert (foretold.returncode, list(place.parent.iterdir())) == (0, []), foretold.output
    assert foretold.recap("localhost")["changed"] > 0
    first = run(**known)
    assert first.returncode == 0, first.output
    assert f"kubepki_binary: {place} is for the roles renew and audit" in first.output
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (PROGRAM.read_bytes(), 0o755)
    for arguments in ([], ["--check"]):
        again = run(*arguments, **known)
        assert (again.returncode, again.recap("localhost")["changed"]) == (0, 0), again.output
    other = run(**{**known, "install_binary_sha256": "0" * 64})
    assert (other.returncode, "has the SHA-256" in other.output) == (2, True)

    # Its mode alone, and what a run that was killed has left.
    place.chmod(0o700)
    mended = run(**known)
    assert (mended.recap("localhost")["changed"], place.stat().st_mode & 0o777) == (1, 0o755)
    place.write_text("half")
    place.with_name("kubepki.draft").write_text("half of it")
    mended = run(**known)
    assert (mended.returncode, place.read_bytes()) == (0, PROGRAM.read_bytes()), mended.output
    assert list(place.parent.iterdir()) == [place]


def test_the_roles_work_on_a_node_that_has_the_program_alone(tmp_path: Path, old: Path) -> None:
    place, node = tmp_path / "kubepki", tmp_path / "node"
    make_tree(node, "ecdsa-p256")
    known: dict[str, Any] = {"install_program": place, "install_binary": PROGRAM, "install_python": old}
    known |= {"kubepki_binary": place, "renew_rootfs": node, "renew_restart": False, "renew_force": True}
    renew = {"ansible.builtin.include_role": {"name": "kubepki.kubeadm.renew"}}
    played = installed(tmp_path, tasks=(renew,), **known)
    assert played.returncode == 0, played.output
    assert "to be renewed: " in played.output
    assert "admin.conf" in played.output


def test_a_program_that_does_not_run_here_or_is_older_leaves_the_one_that_is_there(tmp_path: Path, old: Path) -> None:
    place = tmp_path / "bin/kubepki"
    place.parent.mkdir()

    def program(version: str) -> Path:
        path = tmp_path / version
        path.write_text(f'#!/bin/sh\necho \'{{"version": "{version}"}}\'\n')
        path.chmod(0o755)
        return path

    def run(binary: Path, **variables: Any) -> Played:  # noqa: ANN401 (what a play takes)
        known: dict[str, Any] = {"install_python": old, "install_program": place, "install_binary": binary}
        return installed(tmp_path, **known, **variables)

    assert run(program("1.1")).returncode == 0
    before = place.read_bytes()
    older = run(program("1.0"))
    assert (older.returncode, "version 1.1 is there, and 1.0 is older" in older.output) == (2, True), older.output
    # The head of a program for another processor (ELF's EM_S390), whatever this machine is.
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x02\x00\x16" + bytes(44))
    other = run(foreign)
    assert other.returncode == 2
    assert f"{foreign} does not run on this node, whose processor is {platform.machine()}:" in other.output
    assert "hint: name the static program for that processor" in other.output
    assert (place.read_bytes(), list(place.parent.iterdir())) == (before, [place])
    back = run(program("1.0"), install_allow_downgrade=True)
    assert (back.returncode, place.read_bytes() == before) == (0, False), back.output
    assert run(program("1.2")).returncode == 0

"""The built wheel, as a user gets it: installed where there is no Rust, and the demo run from it; and the sdist."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import kubepki

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/bin:/bin"
# There may be one for another processor beside it.
WHEEL = f"*_{platform.machine()}.whl"

pytestmark = pytest.mark.wheel


def the_one(pattern: str) -> Path:
    """Return the only file in dist/ that fits."""
    found = list((ROOT / "dist").glob(pattern))
    assert len(found) == 1, f"dist/ has {found} for {pattern}: run `make wheel`"
    return found[0]


def run(*command: str | Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": path, "HOME": os.environ["HOME"], **environment}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a virtual environment with nothing but the wheel; return its folder of programs."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    # Without an index: the core install has no dependencies.
    run(folder / "bin/python", "-m", "pip", "install", "--no-index", the_one(WHEEL), path=SYSTEM_PATH)
    return folder / "bin"


def test_the_wheel_is_for_every_python_and_old_glibc() -> None:
    name, version, python, abi, platforms = the_one(WHEEL).stem.split("-")
    assert (name, version, python, abi) == ("kubepki", kubepki.__version__, "cp310", "abi3")
    assert any(each.startswith("manylinux_2_17_") for each in platforms.split("."))


def test_the_demo_runs_from_the_wheel_without_rust(installed: Path, tmp_path: Path) -> None:
    done = run("/bin/sh", ROOT / "examples/demo.sh", tmp_path / "demo", path=f"{installed}:{SYSTEM_PATH}")
    assert "apiserver-etcd-client" in done.stdout
    assert (tmp_path / "demo/etc/kubernetes/pki/ca.key").stat().st_mode & 0o777 == 0o600


def test_the_wheel_is_typed_and_whole(installed: Path) -> None:
    program = "import kubepki, importlib.resources as r; print(r.files(kubepki).joinpath('py.typed').is_file())"
    assert run(installed / "python", "-c", program, path=SYSTEM_PATH).stdout == "True\n"


def test_manual_pages_and_completion_come_with_the_wheel(installed: Path) -> None:
    share = installed.parent / "share"
    pages = run(installed / "kubepki", "manual", path=SYSTEM_PATH).stdout.split()
    assert "kubepki-certs-renew" in pages
    assert sorted(page.stem for page in (share / "man/man1").iterdir()) == sorted(pages)
    for shell, script in {
        "bash": "bash-completion/completions/kubepki",
        "zsh": "zsh/site-functions/_kubepki",
        "fish": "fish/vendor_completions.d/kubepki.fish",
    }.items():
        assert (share / script).read_text() == run(installed / "kubepki", "completion", shell, path=SYSTEM_PATH).stdout


def test_the_script_loads_no_more_than_the_package(installed: Path) -> None:
    command: list[str | Path] = [installed / "python", "-X", "importtime", installed / "kubepki", "version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "kubepki._core" in loaded
    assert not loaded & {"re", "enum", "typing", "dataclasses", "logging"}


def test_the_collection_is_in_the_wheel(installed: Path) -> None:
    collection = next(installed.parent.glob("lib/*/site-packages")) / "ansible_collections/kubepki/kubeadm"
    source = ROOT / "python/ansible_collections/kubepki/kubeadm"
    kept = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file() and not {"__pycache__", "output", ".ansible"} & set(path.relative_to(source).parts)
    }
    packed = {path.relative_to(collection) for path in collection.rglob("*") if path.is_file()}
    assert {path for path in packed if path.suffix != ".pyc"} == kept
    assert Path("plugins/modules/pki.py") in packed


def test_the_sdist_builds_the_same_version(tmp_path: Path) -> None:
    sdist = the_one("kubepki-[0-9]*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {Path(name).relative_to(Path(name).parts[0]).as_posix() for name in archive.getnames()}
    assert {
        ".cargo/config.toml",
        "Cargo.lock",
        "LICENSE",
        "LICENSES/GPL-3.0-or-later.txt",
        "README.md",
        "src/lib.rs",
        "python/kubepki.data/data/share/man/man1/kubepki-certs-renew.1",
    } <= names
    # Dependencies that the checkout has built for this profile serve again; the crate is compiled from the sdist.
    build = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, sdist)
    variables = {"CARGO_TARGET_DIR": str(ROOT / "target")}
    if profile := os.environ.get("BUILD_PROFILE"):
        variables["MATURIN_PEP517_ARGS"] = f"--profile {profile}"
    run(*build, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.split("-")[1] == kubepki.__version__
    of_data = {name.partition(".data/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"data/share/man/man1/kubepki-certs-renew.1", "data/share/zsh/site-functions/_kubepki"} <= of_data
    (script,) = (one for one in zipfile.ZipFile(wheel).infolist() if one.filename.endswith(".data/scripts/kubepki"))
    # The upper half is the mode: pip makes executable what is executable there.
    assert script.external_attr >> 16 & 0o111

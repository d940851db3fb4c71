"""The programs and images of a cluster: built by Go into a cache, once for each state of what they are built from.

`python -m testbed.tools` says what this machine lacks for clusters; where that is nothing, it builds the tools and
prints the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import images, machine

if TYPE_CHECKING:
    from collections.abc import Iterator

KUBERNETES = "k8s.io/kubernetes"
# package -> program; all in one build, which compiles what they share once
PACKAGES = {
    **{
        f"{KUBERNETES}/cmd/{name}": name
        for name in (
            "kubeadm",
            "kubelet",
            "kubectl",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
        )
    },
    "go.etcd.io/etcd/server/v3": "etcd",
    "sigs.k8s.io/cri-tools/cmd/crictl": "crictl",
    "./pause": "pause",
    "./steady": "steady",
    "./systemctl": "systemctl",
}
# What a node's images are made of; kube-proxy and CoreDNS are add-ons, which no test needs.
_IMAGES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "pause")
_PROGRAMS_OF_A_NODE = ("crictl", "kubeadm", "kubectl", "kubelet", "systemctl")


@dataclass(frozen=True)
class Tools:
    """A folder of the cache, complete."""

    folder: Path

    def program(self, name: str) -> Path:
        """Return the path of a program."""
        return self.folder / "bin" / name

    def installed(self) -> Path:
        """Return the folder that a node sees over its /usr."""
        return self.folder / "usr"

    def images(self) -> list[Path]:
        """Return the archives that a node's container runtime imports."""
        return sorted((self.folder / "images").iterdir())


@functools.cache
def version() -> str:
    """Return the version of Kubernetes that is built."""
    found = re.search(rf"^(?:require)?\s*{KUBERNETES} (v\S+)$", (machine.MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found
    return found.group(1)


@functools.cache
def pause_image() -> str:
    """Return the name of the image that holds a pod's namespaces."""
    return next(tag for tag in _tags(build().program("kubeadm")) if "/pause:" in tag)


@functools.cache
def build() -> Tools:
    """Return the tools; they are built when the cache has none of this state."""
    wanted = machine.cache() / _state()[:16]
    with locked(machine.cache() / "lock"):
        if not wanted.exists():
            began = time.monotonic()
            print(f"building Kubernetes {version()} and etcd into {wanted}", file=sys.stderr, flush=True)
            _build(wanted)
            print(f"built in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return Tools(wanted)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock: one builds, the others wait for it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(wanted: Path) -> None:
    # Whoever was cut off left a folder of this kind; the lock is ours.
    for left in wanted.parent.glob("*.building"):
        shutil.rmtree(left)
    building = wanted.with_name(f"{wanted.name}.building")
    programs, archives = building / "bin", building / "images"
    programs.mkdir(parents=True)
    archives.mkdir()
    _go("build", *_flags(), "-o", f"{programs}/", *PACKAGES)
    (programs / "server").rename(programs / "etcd")
    for tag in _tags(programs / "kubeadm"):
        name = tag.rpartition("/")[2].partition(":")[0]
        if name in _IMAGES:
            place = "pause" if name == "pause" else f"usr/local/bin/{name}"
            images.write(archives / f"{name}.tar", tag, programs / name, place=place, machine=platform.machine())
    (building / "usr/bin").mkdir(parents=True)
    for name in _PROGRAMS_OF_A_NODE:
        (building / "usr/bin" / name).hardlink_to(programs / name)
    assert {path.stem for path in archives.iterdir()} == set(_IMAGES)
    building.rename(wanted)


def _flags() -> list[str]:
    major, minor, _ = version().removeprefix("v").split(".", 2)
    stamp = "k8s.io/component-base/version"
    values = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    linker = " ".join(["-s", "-w", *(f"-X {stamp}.{name}={value}" for name, value in values.items())])
    return ["-trimpath", f"-ldflags={linker}"]


def _tags(kubeadm: Path) -> list[str]:
    command: list[str | Path] = [kubeadm, "config", "images", "list", "--kubernetes-version", version()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _go(*arguments: str) -> str:
    """Run go in the module, and return what it prints."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    command = [machine.find("go") or "go", *arguments]
    return subprocess.run(
        command, cwd=machine.MODULE, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def _state() -> str:
    """A digest of all that decides what is built."""
    digest = hashlib.sha256()
    said = [_go("env", "GOVERSION", "GOOS", "GOARCH"), *_flags(), *PACKAGES, *_IMAGES]
    digest.update("\n".join(said).encode())
    sources = [*machine.MODULE.glob("go.*"), *machine.MODULE.glob("*/*.go"), Path(images.__file__)]
    for source in sorted(sources):
        digest.update(f"\n{source.relative_to(machine.MODULE)}\n".encode() + source.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    if complaint := machine.complaint():
        sys.exit(complaint)
    print(build().folder)

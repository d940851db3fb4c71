"""What a machine needs to run clusters, and what of it is missing here.

`python -m testbed.machine` prints what is missing; its exit code is 1 then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = Path(__file__).parent.parent

# Each node has about 14 watchers of files; a machine's usual limit of 128 is met by two small clusters.
_WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH_WATCHERS = 1024

# program -> Debian package
PROGRAMS = {
    "conntrack": "conntrack",
    "containerd": "containerd",
    "ctr": "containerd",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "runc": "runc",
    "socat": "socat",
    "unshare": "util-linux",
}

_PATH = f"{os.environ.get('PATH', '')}:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin"


def find(program: str) -> str | None:
    """Return the path of a program; root's folders are looked at too."""
    return shutil.which(program, path=_PATH)


def cache() -> Path:
    """Return the folder that is kept between runs; the clusters' files are in it too."""
    own = os.environ.get("KUBEPKI_CLUSTER_CACHE")
    if own:
        return Path(own).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "kubepki", "cluster").absolute()


def missing() -> list[str]:
    """Return a line for each thing that is missing."""
    lines = [
        f"{program} (on Debian: apt-get install {package})"
        for program, package in PROGRAMS.items()
        if find(program) is None
    ]
    lines += _without_go()
    if os.geteuid() != 0:
        return ["root (the namespaces, mounts and containers of the nodes)", *lines]
    if all(find(program) for program in ("ip", "mount", "unshare")):
        lines += _without_namespaces()
    return lines + _without_control_groups()


def _without_namespaces() -> list[str]:
    """Try what a node does."""
    unshare = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork"]
    if not _succeeds(*unshare, "true"):
        return [f"Linux namespaces (`{' '.join(unshare)} true` fails)"]
    lines = []
    if not _succeeds(*unshare, "sh", "-c", "mount -t proc proc /proc && mount -t tmpfs tmpfs /run"):
        lines.append("mounts of /proc and /run in namespaces")
    if not _succeeds(*unshare, "sh", "-c", "ip link add br0 type bridge && ip link add v0 type veth peer name v1"):
        lines.append("network links of the kinds bridge and veth")
    return lines + _without_overlays(cache())


def _without_control_groups() -> list[str]:
    root = Path("/sys/fs/cgroup")
    kinds = [root / "cgroup.controllers", root / "memory"]
    if not any(kind.exists() for kind in kinds):
        return [f"control groups (nothing is mounted at {root})"]
    trial = (root if kinds[0].exists() else kinds[1]) / f"kubepki-trial-{os.getpid()}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError as error:
        return [f"control groups of its own ({error})"]
    return []


def _without_go() -> list[str]:
    wanted = re.search(r"^go (\d+)\.(\d+)\.(\d+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert wanted
    release = ".".join(wanted.groups())
    go = find("go")
    if go is None:
        return [f"Go {release} or newer (https://go.dev/dl/)"]
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/").stdout
    found = re.match(r"go(\d+)\.(\d+)\.(\d+)", said)
    if found is None or tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        return [f"Go {release} or newer (https://go.dev/dl/); {go} is {said.strip() or 'unknown'}"]
    return []


def _without_overlays(work: Path) -> list[str]:
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        upper, index = Path(folder, "upper"), Path(folder, "work")
        upper.mkdir()
        index.mkdir()
        script = f"mount -t overlay overlay -o lowerdir=/etc,upperdir={upper},workdir={index} /etc"
        if not _succeeds("unshare", "--mount", "sh", "-c", script):
            return [f"overlay mounts below {work} (name another folder by KUBEPKI_CLUSTER_CACHE)"]
    return []


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def allow_enough_watchers() -> None:
    """Raise the limit where it is too low: the only thing of the machine that is changed, until it starts anew.

    Beyond it a container runtime does not start, and says so in its log alone.
    """
    if int(_WATCHERS.read_text()) < _ENOUGH_WATCHERS:
        _WATCHERS.write_text(f"{_ENOUGH_WATCHERS}\n")


def complaint() -> str | None:
    """Return what is missing, as a text; nothing where clusters can run."""
    lines = missing()
    return "\n  ".join(["this machine cannot run clusters; it lacks:", *lines]) if lines else None


if __name__ == "__main__":
    if text := complaint():
        print(text)
        sys.exit(1)

"""Control-plane nodes in one play, signed on the controller: kubepki.kubeadm against community.crypto.

Each host is a folder of this machine with 12 RSA-2048 keys and certificates of three CAs. kubepki makes kubeconfigs
besides. community.crypto is taken out of the wheel `ansible` from the package index, if it is not at hand.

    python tests/bench/bench_ansible.py [HOSTS] [FOLDER]     (FOLDER keeps community.crypto for the next time)
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import kubepki
from measure import report, seconds

HERE = Path(__file__).parent
CONFIG = HERE.parents[1] / "examples/single-node.yaml"
# The collection of its release is for the pinned ansible-core.
WHEEL = "ansible==12.3.0"
FORKS = 4


def community_crypto(folder: Path) -> Path:
    """Return a folder of collections with community.crypto in it."""
    inside = "ansible_collections/community/crypto/"
    if not (folder / inside).is_dir():
        with tempfile.TemporaryDirectory() as download:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", download, WHEEL]
            subprocess.run(pip, check=True)
            (wheel,) = Path(download).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder, [name for name in archive.namelist() if name.startswith(inside)])
    return folder


def make_authorities(folder: Path) -> Path:
    """Make CAs; return the folder with their certificates and keys."""
    folder.mkdir()
    made = kubepki.plan(CONFIG, certificates=["ca", "front-proxy-ca", "etcd-ca"], kubeconfigs=(), rootfs=folder)
    kubepki.apply(made)
    return folder / "etc/kubernetes/pki"


def play(playbook: str, inventory: Path, collections: Path, **variables: object) -> None:
    """Run a playbook; it must end well."""
    folder = Path(str(variables["folder"]))
    folder.mkdir()
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "--forks", str(FORKS), "--inventory"]
    command += [str(inventory), "--extra-vars", json.dumps(variables, default=str), str(HERE / "ansible" / playbook)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr)


def processor_seconds() -> float:
    """Return the processor time of all processes that have been started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(hosts: int, cache: Path) -> None:
    """Play both, once each: minutes, so that a second round would tell nothing new."""
    collections = community_crypto(cache)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca_dir = make_authorities(folder / "authorities")
        inventory = folder / "inventory.yml"
        settings = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        nodes: dict[str, dict[str, str]] = {f"cp{number}": {} for number in range(1, hosts + 1)}
        inventory.write_text(json.dumps({"all": {"vars": settings, "hosts": nodes}}))
        common = {"config": CONFIG, "ca_dir": ca_dir}
        walls: dict[str, float] = {}
        processors: dict[str, float] = {}
        loads: list[str] = []
        for title, playbook in (("`kubepki.kubeadm`", "kubepki"), ("`community.crypto`", "community_crypto")):
            one = partial(play, f"{playbook}.yml", inventory, collections, folder=folder / playbook, **common)
            before = processor_seconds()
            walls[title] = seconds(one)
            processors[title] = processor_seconds() - before
            loads.append(f"{title} {os.getloadavg()[1]:.1f}")
        title = f"{hosts} control-plane nodes in one play: {hosts * 12} RSA-2048 keys"
        report(title, walls, "`kubepki.kubeadm`")
        # On a machine that does other things too, this is the fairer figure.
        report(f"{title}, processor time", processors, "`kubepki.kubeadm`")
        print(f"Load of the last five minutes, on {os.cpu_count()} processors: {', '.join(loads)}.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, Path(sys.argv[2] if len(sys.argv) > 2 else name))

"""How long the shortest report takes as a process: from the package, as the binary, beside bare Python and kubeadm."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import kubepki
from measure import of_processes, report, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent.parent / "golden"
BINARY = Path(__file__).parents[2] / "dist/kubepki-x86_64-linux/kubepki"
SCRIPT = Path(sys.executable).with_name("kubepki")
ROUNDS = 101


def kubeadm() -> str | None:
    """Return the path of a kubeadm: the machine's, or one that was built for the tests on clusters."""
    built = Path.home().glob(".cache/kubepki/cluster/*/bin/kubeadm")
    return shutil.which("kubeadm") or next(map(str, built), None)


def quietly(*command: str | Path) -> Callable[[], object]:
    """Return what runs a command that must succeed."""
    return lambda: subprocess.run(list(map(str, command)), check=True, capture_output=True)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as rootfs:
        config = GOLDEN / "minimal/config.yaml"
        kubepki.apply(kubepki.plan(config, rootfs=rootfs))
        words = ("certs", "check-expiration", "--config", config)
        contestants = {
            "`kubepki certs check-expiration`, the package's script": quietly(SCRIPT, *words, "--rootfs", rootfs),
            "`python -c pass`": quietly(sys.executable, "-c", "pass"),
        }
        if BINARY.exists():
            contestants["the same, the stand-alone binary"] = quietly(BINARY, *words, "--rootfs", rootfs)
        else:
            print("\nskipped: the stand-alone binary (make binary)")
        if program := kubeadm():
            kubernetes = Path(rootfs) / "etc/kubernetes"
            text = config.read_text() + f"certificatesDir: {kubernetes / 'pki'}\n"
            own = Path(rootfs) / "kubeadm.yaml"
            own.write_text(text)
            contestants["`kubeadm certs check-expiration --config`"] = quietly(
                program, "certs", "check-expiration", "--config", own, "--kubeconfig", kubernetes / "admin.conf"
            )
        else:
            print("\nskipped: kubeadm, which is not here (make cluster-tools)")
        ours = next(iter(contestants))
        report("A process that reports expirations", side_by_side(contestants, ROUNDS), ours)
        report("The same, processor time", side_by_side(contestants, ROUNDS, of_processes), ours)


if __name__ == "__main__":
    main()

"""What containerd has unpacked of the images, kept once: nodes start with hard links to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import machine, tools

if TYPE_CHECKING:
    from testbed.tools import Tools

_PATIENCE = 60.0


def configuration(root: str, state: str, socket: str) -> str:
    """Return a containerd's configuration."""
    # No more memory pressure score may be asked for than this machine allows: it may lack CAP_SYS_RESOURCE.
    return f"""version = 2
root = "{root}"
state = "{state}"
[debug]
  level = "warn"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{tools.pause_image()}"
  restrict_oom_score_adj = true
"""


def unpacked(built: Tools) -> Path:
    """Return a containerd's root folder with all images in it."""
    said = subprocess.run(["containerd", "--version"], capture_output=True, text=True, check=True).stdout
    release = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in said.split()[2])
    wanted = built.folder / f"store-{release}"
    with tools.locked(machine.cache() / "lock"):
        if not wanted.exists():
            _unpack(built, wanted)
    return wanted


def copy(source: Path, target: Path) -> None:
    """Make a containerd's root folder of the unpacked one: its databases are copied, the rest is never written to."""
    for folder, names, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(exist_ok=True)
        shutil.copystat(folder, here)
        for name in files:
            if name.endswith(".db"):
                shutil.copy2(Path(folder, name), here / name)
            else:
                os.link(Path(folder, name), here / name, follow_symlinks=False)
        names[:] = [name for name in names if not _took_link(Path(folder, name), here / name)]


def _took_link(source: Path, target: Path) -> bool:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return True
    return False


def _unpack(built: Tools, wanted: Path) -> None:
    for left in wanted.parent.glob("store-*.building"):
        shutil.rmtree(left)
    building = wanted.with_name(f"{wanted.name}.building")
    building.mkdir()
    with tempfile.TemporaryDirectory(prefix="kubepki-") as state:
        socket = f"{state}/containerd.sock"
        file = Path(state, "containerd.toml")
        file.write_text(configuration(str(building), f"{state}/state", socket))
        # Mounts that it makes go with its namespace.
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "containerd",
            "-c",
            str(file),
        ]
        with Path(state, "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                ctr = [machine.find("ctr") or "ctr", "--address", socket, "--namespace", "k8s.io"]
                end = time.monotonic() + _PATIENCE
                while subprocess.run([*ctr, "version"], capture_output=True, check=False).returncode:
                    assert time.monotonic() < end, Path(state, "log").read_text()
                    time.sleep(0.1)
                for archive in built.images():
                    subprocess.run([*ctr, "images", "import", archive], stdout=subprocess.DEVNULL, check=True)
            finally:
                process.kill()
    building.rename(wanted)

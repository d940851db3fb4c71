# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack a wheel that depends on nothing into the virtual environment whose Python runs this: `unpack_wheel.py WHEEL`.

In: a wheel on this host. Out: its files where PEP 427 has them, and `changed` or `unchanged` on stdout. Every file is
held against the wheel's checksums first. A file is complete before it takes its name, and the list of files comes last,
so that a run that was ended half-way is done again.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import platform
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path, PurePosixPath


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of the wheel by name, verified against its list."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    (listed,) = (name for name in files if PurePosixPath(name).match("*.dist-info/RECORD"))
    sums = {row[0]: row[1] for row in csv.reader(io.StringIO(files[listed].decode()))}
    for name, content in files.items():
        parts = PurePosixPath(name).parts
        if ".." in parts or name.startswith("/"):
            sys.exit(f"{wheel}: {name} leads out of the environment")
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        if name != listed and sums.get(name) != f"sha256={digest}":
            sys.exit(f"{wheel}: {name} is not what the wheel's list says: the wheel is damaged; bring it again")
    return files


def place(name: str, site: Path) -> Path:
    """Return where a file goes."""
    parts = PurePosixPath(name).parts
    if not parts[0].endswith(".data"):
        return site / name
    return Path(sysconfig.get_path("scripts") if parts[1] == "scripts" else sys.prefix).joinpath(*parts[2:])


def prepared(name: str, content: bytes) -> tuple[bytes, int]:
    """Return what is written of a file, and its mode."""
    if ".data/scripts/" not in name:
        return content, 0o644
    return content.replace(b"#!python", f"#!{sys.executable}".encode(), 1), 0o755


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file beside its place, and move it there."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(descriptor, mode)
    Path(draft).replace(path)


def main(wheel: Path) -> None:
    """Unpack the wheel, unless all of it is there."""
    if sys.prefix == sys.base_prefix:
        sys.exit("this Python is no virtual environment's: nothing is put into the system's")
    machine = platform.machine()
    if not wheel.stem.endswith(("-any", machine)):
        sys.exit(f"{wheel.name} is for another processor than this node's, {machine}: bring the one for it")
    site = Path(sysconfig.get_path("purelib"))
    files = contents(wheel)
    wanted = {place(name, site): prepared(name, content) for name, content in files.items()}
    if all(path.is_file() and path.read_bytes() == content[0] for path, content in wanted.items()):
        print("unchanged")
        return
    for old in site.glob("kubepki-*.dist-info/RECORD"):
        for row in csv.reader(io.StringIO(old.read_text())):
            path = place(row[0], site)
            if path not in wanted and path.resolve().is_relative_to(Path(sys.prefix).resolve()):
                path.unlink(missing_ok=True)
    for path, (content, mode) in sorted(wanted.items(), key=lambda item: item[0].name == "RECORD"):
        write(path, content, mode)
    print("changed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack a wheel that depends on nothing into the virtual environment of this Python: `unpack_wheel.py WHEEL SHA256`.

In: a wheel on this host, and the SHA-256 it has to have. Out: its files where PEP 427 has them, and `changed` or
`unchanged` on stdout; what older versions had, and older wheels beside this one, are gone. Every file is held against
the wheel's checksums first. A file is complete before it takes its name, and the list of files comes last, so that a
run that was ended half-way is done again.
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


def contents(wheel: Path, wanted: str) -> dict[str, bytes]:
    """Return the files of the wheel by name, verified against the checksum of the whole and its list."""
    brought = wheel.read_bytes()
    has = hashlib.sha256(brought).hexdigest()
    if has != wanted.lower():
        sys.exit(f"{wheel}: what arrived has the SHA-256 {has}, not {wanted}: bring it again")
    with zipfile.ZipFile(io.BytesIO(brought)) as archive:
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
    """Return where a file goes; what is below `.data` says what kind it is (PEP 427, PEP 491)."""
    parts = PurePosixPath(name).parts
    if not parts[0].endswith(".data"):
        # pip lists scripts as they are seen from the packages: `../../../bin/kubepki`.
        return Path(os.path.normpath(site / name))
    kinds = {
        "purelib": site,
        "platlib": site,
        "scripts": Path(sysconfig.get_path("scripts")),
        "data": Path(sys.prefix),
        "headers": Path(sysconfig.get_path("include")) / "kubepki",
    }
    if parts[1] not in kinds:
        sys.exit(f"{name}: it is not known where this belongs")
    return kinds[parts[1]].joinpath(*parts[2:])


def prepared(name: str, content: bytes) -> tuple[bytes, int]:
    """Return what is written of a file, and its mode."""
    if ".data/scripts/" not in name:
        return content, 0o644
    return content.replace(b"#!python", f"#!{sys.executable}".encode(), 1), 0o755


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file beside its place, and move it there."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def remove_older(site: Path, kept: set[Path]) -> None:
    """Remove what other versions' lists have, and folders that are empty then."""
    prefix = Path(sys.prefix).resolve()
    for listed in site.glob("kubepki-*.dist-info/RECORD"):
        for row in filter(None, csv.reader(io.StringIO(listed.read_text()))):
            path = place(row[0], site)
            if path in kept or not path.parent.resolve().is_relative_to(prefix):
                continue
            path.unlink(missing_ok=True)
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                compiled.unlink()
            for folder in (path.parent / "__pycache__", path.parent):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()


def main(wheel: Path, checksum: str) -> None:
    """Unpack the wheel, unless all of it is there."""
    if sys.prefix == sys.base_prefix:
        sys.exit("this Python is no virtual environment's: nothing is put into the system's")
    machine = platform.machine()
    if not wheel.stem.endswith(("-any", machine)):
        sys.exit(f"{wheel.name} is for another processor than this node's, {machine}: bring the one for it")
    site = Path(sysconfig.get_path("purelib"))
    files = contents(wheel, checksum)
    wanted = {place(name, site): prepared(name, content) for name, content in files.items()}
    others = [path for path in wheel.parent.glob("kubepki-*.whl") if path != wheel]
    is_there = all(path.is_file() and path.read_bytes() == content[0] for path, content in wanted.items())
    if is_there and not others:
        print("unchanged")
        return
    remove_older(site, set(wanted))
    for path, (content, mode) in sorted(wanted.items(), key=lambda item: item[0].name == "RECORD"):
        write(path, content, mode)
    for path in others:
        path.unlink()
    print("changed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""Records of interrupted changes, written by hand: as a killed run leaves them, and as somebody would forge them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ID = "0123456789abcdef"


def encode(record: dict[str, Any]) -> bytes:
    """Return a record as it stands in its file: a line of JSON, and that line's SHA-256."""
    line = json.dumps(record, separators=(",", ":")).encode()
    return line + b"\n" + hashlib.sha256(line).hexdigest().encode() + b"\n"


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path: Path, content: bytes) -> Path:
    """Write a record with mode 0600."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def journal(folder: Path, files: list[dict[str, Any]], ways: tuple[str, ...] = (), state: str = "committed") -> Path:
    """Write a journal into `folder` about files in it (`directory` 0) and in `ways` from it (1, 2 …)."""
    directories = [{"path": way, "made": False} for way in ("", *ways)]
    record = {"version": 1, "transaction": ID, "directories": directories, "files": files}
    return write(folder / f".kubepki-{ID}.{state}", encode(record))


def pointer(folder: Path, home: Path) -> Path:
    """Write the pointer of that journal into another folder."""
    record = {"version": 1, "home": os.path.relpath(home, folder), "inode": home.stat().st_ino}
    return write(folder / f".kubepki-{ID}.pointer", encode(record))


def interrupt(pki: Path, renewed: Path, names: tuple[str, ...] = ("apiserver.crt", "apiserver.key")) -> None:
    """Leave in `pki` what a run leaves that was killed while it put the files of `renewed` into place: one is there."""
    files = []
    for index, name in enumerate(names):
        there, new = pki / name, renewed / name
        files.append({"directory": 0, "name": name, "old": digest(there), "new": digest(new)})
        os.link(there, pki / f".kubepki-{ID}-{name}.old")
        staged = pki / f".kubepki-{ID}-{name}.new"
        shutil.copy2(new, staged)
        if index == 0:
            staged.rename(there)
    journal(pki, files)


def removal(path: Path, index: int = 0) -> dict[str, Any]:
    """Return the line of a journal that has a file removed."""
    return {"directory": index, "name": path.name, "old": digest(path), "new": None}

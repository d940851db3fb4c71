"""Container images of one static binary each, as archives that containerd imports."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = {"etc": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/local": 0o755, "usr/local/bin": 0o755, "var": 0o755}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(archive: Path, tag: str, program: Path, *, place: str, machine: str) -> None:
    """Write the image `tag`, which starts `program` at `place`, to `archive`."""
    layer = _layer(program, place)
    layer_digest = hashlib.sha256(layer).hexdigest()
    configuration = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Entrypoint": [f"/{place}"], "Env": ["PATH=/usr/local/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    ).encode()
    name = hashlib.sha256(configuration).hexdigest()
    manifest = [{"Config": f"{name}.json", "RepoTags": [tag], "Layers": [f"{layer_digest}/layer.tar"]}]
    with tarfile.open(archive, "w") as out:
        _add(out, f"{name}.json", configuration)
        _add(out, f"{layer_digest}/layer.tar", layer)
        _add(out, "manifest.json", json.dumps(manifest).encode())


def _layer(program: Path, place: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, mode in _FOLDERS.items():
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            layer.addfile(folder)
        entry = tarfile.TarInfo(place)
        entry.size, entry.mode = program.stat().st_size, 0o755
        with program.open("rb") as content:
            layer.addfile(entry, content)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))

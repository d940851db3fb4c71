"""Reading 40,000 certificates into values: the native classes against dataclasses made of plain data; and importing.

The dataclass is what kubepki had until its values became native: the core's plain data, each field converted at once.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubepki
from measure import report, side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CERTIFICATES = 40_000
GOLDEN = Path(__file__).parent.parent / "golden"


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, all of it converted."""

    name: str
    path: Path
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    remaining: timedelta
    key: str
    subject_alt_names: tuple[str, ...]
    is_ca: bool
    public_key_sha256: str
    key_usages: tuple[str, ...]
    extended_key_usages: tuple[str, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)


@dataclasses.dataclass(frozen=True, slots=True)
class CertificateFile:
    """What one file held."""

    path: Path
    certificates: tuple[Certificate, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)


def moment(text: str) -> datetime:
    """Read RFC 3339 text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def certificate(data: Mapping[str, Any], path: Path) -> Certificate:
    """Make it of its plain data; the path of the caller is used again."""
    return Certificate(
        data["name"],
        path,
        data["subject"],
        data["issuer"],
        data["serial"],
        moment(data["not_before"]),
        moment(data["not_after"]),
        timedelta(seconds=data["residual_seconds"]),
        data["key"],
        tuple(data["subject_alt_names"]),
        data["is_ca"],
        data["public_key_sha256"],
        tuple(data["key_usages"]),
        tuple(data["extended_key_usages"]),
        data,
    )


def as_dataclasses(paths: list[Path]) -> list[CertificateFile]:
    """Read as kubepki did."""
    answers = [each.to_dict() for each in kubepki.read_certificates(paths)]
    return [
        CertificateFile(path, tuple([certificate(one, path) for one in data["certificates"]]), data)
        for path, data in zip(paths, answers, strict=True)
    ]


def as_native(paths: list[Path]) -> list[kubepki.CertificateFile]:
    """Read as kubepki does."""
    return kubepki.read_certificates(paths)


def touched(files: Sequence[CertificateFile | kubepki.CertificateFile]) -> None:
    """Ask each certificate for what a report needs."""
    for file in files:
        for one in file.certificates:
            assert one.subject
            assert one.not_after.tzinfo is timezone.utc


Route = Callable[[list[Path]], "Sequence[CertificateFile | kubepki.CertificateFile]"]
ROUTES: dict[str, Route] = {"native classes": as_native, "dataclasses of plain data": as_dataclasses}


def peak_memory(route: str, folder: str) -> float:
    """Read all of them in a process of its own; return its largest resident set in MB, as it tells it itself."""
    told = subprocess.run([sys.executable, __file__, route, folder], check=True, capture_output=True, text=True)
    return int(told.stdout) / 1024


def tell_memory(route: str, folder: str) -> None:
    """Print this process's largest resident set in kB, with all values kept."""
    paths = sorted(Path(folder).iterdir())
    if route in ROUTES:
        kept = ROUTES[route](paths)
        touched(kept)
    status = Path("/proc/self/status").read_text()
    print(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        source = sorted((GOLDEN / "minimal/kubernetes/pki").rglob("*.crt"))
        paths = [Path(folder, f"{number:05}.crt") for number in range(CERTIFICATES)]
        for number, path in enumerate(paths):
            path.write_bytes(source[number % len(source)].read_bytes())
        ours, _ = ROUTES
        reading = {name: lambda read=read: read(paths) for name, read in ROUTES.items()}
        report(f"Reading {CERTIFICATES:,} certificates into values", side_by_side(reading, 7), ours)
        using = {name: lambda read=read: touched(read(paths)) for name, read in ROUTES.items()}
        report("The same, and `not_after` and `subject` of each", side_by_side(using, 7), ours)
        print("\n| what | largest resident set |\n|---|---|")
        for name in (*ROUTES, "the paths alone"):
            print(f"| {name} | {peak_memory(name, folder):.0f} MB |")
    started = {
        f"`python -c '{what}'`": lambda what=what: subprocess.run([sys.executable, "-c", what], check=True)
        for what in ("import kubepki", "pass", "import enum, dataclasses, logging, re")
    }
    report("A process that imports kubepki", side_by_side(started, 31), "`python -c 'import kubepki'`")


if __name__ == "__main__":
    tell_memory(*sys.argv[1:]) if sys.argv[1:] else main()

"""Files that were kept before they were replaced or removed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki._core import FileProblem, printable
from kubepki.expiration import Value, moment
from kubepki.types.enumerations import Difference
from kubepki.types.text import minute, optional_moment, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class BackupState(Enum):
    """What can be done with a backup: a complete one can be restored, with all its checksums verified."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    DAMAGED = "damaged"
    UNTRUSTED = "untrusted"


_SINCE = {
    Difference.SAME: "same",
    Difference.MISSING: "missing",
    Difference.CONTENT: "changed since",
    Difference.ATTRIBUTES: "mode or owner changed since",
}


@dataclass(frozen=True, slots=True)
class BackupFile(Value):
    """One file of a backup, with what it had; `difference` and `expires_at` are known where a backup is shown alone."""

    path: Path
    name: str
    mode: int
    uid: int
    gid: int
    sha256: str
    difference: Difference | None
    expires_at: datetime | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BackupFile:
        """Build it from its plain data."""
        return cls(
            Path(data["path"]),
            data["name"],
            data["mode"],
            data["uid"],
            data["gid"],
            data["sha256"],
            Difference(data["difference"]) if data.get("difference") else None,
            optional_moment(data.get("expires_at")),
            data,
        )


@dataclass(frozen=True, slots=True)
class Backup(Value):
    """One backup: when and before which operation it was made, what is in it, and all that is wrong with it."""

    name: str
    path: Path
    made_at: datetime
    operation: str
    state: BackupState
    problems: tuple[str, ...]
    files: tuple[BackupFile, ...]
    created: tuple[Path, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Backup:
        """Build it from its plain data."""
        manifest = data["manifest"] or {"files": (), "created": ()}
        return cls(
            data["name"],
            Path(data["path"]),
            moment(data["made_at"]),
            data["operation"],
            BackupState(data["state"]),
            tuple(data["problems"]),
            tuple(map(BackupFile.from_dict, data.get("files", manifest["files"]))),
            tuple(map(Path, manifest["created"])),
            data,
        )

    def __str__(self) -> str:
        """Return its facts, and its files as a table."""
        facts = (
            f"{self.name}: {self.state.value}, made {minute(self.made_at)} before `{self.operation}`, in {self.path}"
        )
        rows = [
            (
                str(file.path),
                f"{file.mode:04o}",
                f"{file.uid}:{file.gid}",
                minute(file.expires_at),
                _SINCE[file.difference] if file.difference else "",
            )
            for file in self.files
        ]
        parts = [printable(facts), *map(printable, self.problems)]
        if rows:
            parts.append(table(("FILE", "MODE", "OWNER", "EXPIRES", "NOW"), rows))
        parts += [printable(f"made by that run: {path}") for path in self.created]
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class PruneFailure:
    """A backup that should have gone, and why it did not."""

    name: str
    problem: FileProblem


@dataclass(frozen=True, slots=True)
class PruneReport(Value):
    """Which backups were removed, or would be, and which stay; the oldest first."""

    removed: tuple[Backup, ...]
    kept: tuple[Backup, ...]
    failures: tuple[PruneFailure, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PruneReport:
        """Build it from its plain data."""
        return cls(
            tuple(map(Backup.from_dict, data["removed"])),
            tuple(map(Backup.from_dict, data["kept"])),
            tuple(PruneFailure(each["name"], FileProblem.from_dict(each)) for each in data["failures"]),
            data,
        )

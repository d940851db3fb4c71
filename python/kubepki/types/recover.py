"""Changes that were interrupted, and what was made of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki.expiration import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class RecoveryOutcome(Enum):
    """What was made of an interrupted change: all its files are new, all are old, or all are as they were found."""

    COMPLETED = "completed"
    TAKEN_BACK = "taken_back"
    LEFT_AS_FOUND = "left_as_found"


@dataclass(frozen=True, slots=True)
class InterruptedChange(Value):
    """A change that waits to be ended; `directory` is where its record is, and `command` what ends it."""

    transaction: str
    directory: Path
    paths: tuple[Path, ...]
    is_committed: bool
    command: str
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InterruptedChange:
        """Build it from its plain data."""
        return cls(
            data["transaction"],
            Path(data["directory"]),
            tuple(map(Path, data["paths"])),
            data["is_committed"],
            data["command"].strip("`"),
            data,
        )

    def __str__(self) -> str:
        """Return where it is, and how many files it is about."""
        return f"{self.directory}: an interrupted change of {len(self.paths)} files waits"


@dataclass(frozen=True, slots=True)
class Recovery(Value):
    """An interrupted change that was ended; `paths` are on this machine, and empty when it had not begun."""

    transaction: str
    outcome: RecoveryOutcome
    paths: tuple[Path, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recovery:
        """Build it from its plain data."""
        return cls(data["transaction"], RecoveryOutcome(data["outcome"]), tuple(map(Path, data["paths"])), data)

    def __str__(self) -> str:
        """Return what was made of it."""
        done = {
            RecoveryOutcome.COMPLETED: "completed: all files are the new ones",
            RecoveryOutcome.TAKEN_BACK: "taken back: all files are the old ones",
            RecoveryOutcome.LEFT_AS_FOUND: "ended: all files are as they were found",
        }[self.outcome]
        return f"an interrupted change of {len(self.paths)} files was {done}"


@dataclass(frozen=True, slots=True)
class RecoveryReport(Value):
    """The changes that wait, after a dry run, or that were ended."""

    waiting: tuple[InterruptedChange, ...]
    recovered: tuple[Recovery, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RecoveryReport:
        """Build it from its plain data."""
        return cls(
            tuple(map(InterruptedChange.from_dict, data["waiting"])),
            tuple(map(Recovery.from_dict, data["recovered"])),
            data,
        )

"""Processes that were started, known by process id and start time: only these are ever ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.waiting import eventually

_PATIENCE = 20.0


@dataclass(frozen=True)
class Process:
    """A process of this machine. The start time tells it from a later one that got the same id."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process that has this id now."""
        started = _started(pid)
        if started is None:
            raise ProcessLookupError(pid)
        return cls(pid, started)

    def is_alive(self) -> bool:
        """Whether it runs; one that has ended and waits for its parent does not."""
        return _started(self.pid) == self.started

    def end(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal, and wait until it is gone."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, with_signal)
        eventually(lambda: not self.is_alive(), f"process {self.pid} ends", _PATIENCE, pause=0.02)


class Record:
    """The started processes of a cluster, in a file that a later run can read."""

    def __init__(self, file: Path) -> None:
        """Use this file; it need not be there."""
        self._file = file
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], what: str, log: Path, life_line: int | None) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own; it ends when the life line, its standard input, does."""
        with log.open("w") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if life_line is None else life_line,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._children.append(process)
        self.add(Process.of(process.pid), what)
        return process

    def add(self, process: Process, what: str) -> None:
        """Note a process as soon as it is started."""
        with self._file.open("a") as out:
            out.write(f"{process.pid} {process.started} {what}\n")

    def end_all(self) -> None:
        """End whatever of them still runs, the newest first."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        for line in reversed(lines):
            pid, started, _ = line.split(maxsplit=2)
            Process(int(pid), int(started)).end()
        for child in self._children:
            child.wait(_PATIENCE)
        self._children.clear()


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below one, as this machine counts them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return sorted(found)


def beside(pid: int) -> list[int]:
    """Return the ids of all processes in the same process namespace, also of those that were started from outside."""
    own = _namespace(pid)
    all_of_machine = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(other for other in all_of_machine if own is not None and _namespace(other) == own)


def _namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    # One that has ended, or that even root may not look at.
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _stat(pid: int) -> list[str] | None:
    """The fields after the name: state, parent, ..."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])

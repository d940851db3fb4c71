"""A client that asks the API server all the time, and what it met."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from testbed.processes import Process

if TYPE_CHECKING:
    from testbed.processes import Record

_PATIENCE = 60.0


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should be."""

    at: datetime
    kind: str
    seconds: float
    error: str


class SteadyClient:
    """Four loops: reads and writes of a ConfigMap, over a connection that is kept and over new ones."""

    def __init__(self, command: list[str], record: Record) -> None:
        """Start it, and wait until its first requests were answered."""
        self.failures: list[Failure] = []
        # By kind: all requests, and the longest of them in seconds; known once it has stopped.
        self.requests: dict[str, int] = {}
        self.longest: dict[str, float] = {}
        self._said: list[str] = []
        self._started = threading.Event()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        record.add(Process.of(self._process.pid), "steady client")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._started.wait(_PATIENCE) or not self.is_running:
            self.stop()
            raise RuntimeError("the steady client did not start: " + "\n".join(self._said))

    @property
    def is_running(self) -> bool:
        """Whether it still asks."""
        return self._process.poll() is None

    @property
    def count(self) -> int:
        """How many requests it has made; known once it has stopped."""
        return sum(self.requests.values())

    def stop(self) -> None:
        """End it, and read what it has counted."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()

    def report(self) -> str:
        """Return a line for each failure, and the count."""
        lines = [f"{each.at:%H:%M:%S.%f} {each.kind}: {each.error} ({each.seconds:.1f} s)" for each in self.failures]
        return "\n".join([*lines, f"{len(self.failures)} of {self.count} requests failed; the longest: {self.longest}"])

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            try:
                said: dict[str, Any] = json.loads(line)
            except ValueError:
                self._said.append(line.rstrip())
                continue
            if said.get("state") == "started":
                self._started.set()
            elif said.get("state") == "ended":
                self.requests, self.longest = said["requests"], said["longest"]
            else:
                at = datetime.fromisoformat(_to_microseconds(said["at"]))
                self.failures.append(Failure(at, said["kind"], said["seconds"], said["error"]))
        # Whoever waits for the start sees that it has ended.
        self._started.set()


def _to_microseconds(time: str) -> str:
    """Go writes nanoseconds and `Z`, which Python 3.10 does not read."""
    head, _, rest = time.replace("Z", "+00:00").partition(".")
    digits = "".join(letter for letter in rest[:9] if letter.isdigit())
    zone = rest[len(digits) :].lstrip("0123456789")
    return f"{head}.{digits[:6]:0<6}{zone}" if rest else head

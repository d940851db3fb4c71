"""A client that asks the API server all the time, and what it met."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from testbed.processes import Process

if TYPE_CHECKING:
    from testbed.processes import Record

_PATIENCE = 60.0
# A stand-in for what has read the CA and the token once, and will never do so again.
OLD_POD = "old pod"
_TIMED_OUT = "etcdserver: request timed out"


@dataclass(frozen=True)
class Failure:
    """A request that was not answered as it should be; or a stream that broke and went on after some seconds."""

    at: datetime
    kind: str
    seconds: float
    error: str

    @classmethod
    def of(cls, said: dict[str, Any]) -> Failure:
        """Read it from a line of the client's."""
        return cls(datetime.fromisoformat(_to_microseconds(said["at"])), said["kind"], said["seconds"], said["error"])

    def __str__(self) -> str:
        """Return a line for a report."""
        return f"{self.at:%H:%M:%S.%f} {self.kind}: {self.error} ({self.seconds:.1f} s)"


class SteadyClient:
    """Loops of reads and writes of a ConfigMap, over a connection that is kept and over new ones; or of much more."""

    def __init__(self, command: list[str], record: Record) -> None:
        """Start it, and wait until its first requests were answered."""
        self.failures: list[Failure] = []
        # Those of the old pod's stand-in, which end with the old trust.
        self.old_pod: list[Failure] = []
        # Streams that broke and went on.
        self.resumed: list[Failure] = []
        # When it read its kubeconfig again.
        self.reloads: list[datetime] = []
        # By kind: all requests, and the longest of them in seconds; what each stream has carried. Known once it has
        # stopped.
        self.requests: dict[str, int] = {}
        self.longest: dict[str, float] = {}
        self.pieces: dict[str, int] = {}
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

    def split(self) -> tuple[list[Failure], list[Failure]]:
        """Return the writes that were lost in etcd as a leader handed over, and all other failures.

        A write that a member has passed on to a leader which is just handing over is dropped there, and times out (etcd
        issue 5214): of each writer at most the one under way, whenever a leader ends.
        """
        lost = [each for each in self.failures if each.kind.startswith("write") and each.error.startswith(_TIMED_OUT)]
        return lost, [each for each in self.failures if each not in lost]

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
        """Return a line for each failure, and the counts."""
        lines = [*map(str, self.failures)]
        lines += [f"{len(self.failures)} of {self.count} requests failed; the longest: {self.longest}"]
        if self.old_pod:
            lines += [f"{len(self.old_pod)} of the old pod's, from {self.old_pod[0]} to {self.old_pod[-1]}"]
        if self.pieces:
            lines += [f"streams went on: {dict(Counter(each.kind for each in self.resumed))}", *map(str, self.resumed)]
        return "\n".join(lines + self._said)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            try:
                said: dict[str, Any] = json.loads(line)
            except ValueError:
                self._said.append(line.rstrip())
                continue
            state = said.get("state")
            if state == "started":
                self._started.set()
            elif state == "ended":
                self.requests, self.longest, self.pieces = said["requests"], said["longest"], said["pieces"]
            elif state == "reloaded":
                self.reloads.append(datetime.fromisoformat(_to_microseconds(said["at"])))
            elif state == "resumed":
                self.resumed.append(Failure.of(said))
            else:
                failure = Failure.of(said)
                (self.old_pod if failure.kind == OLD_POD else self.failures).append(failure)
        # Whoever waits for the start sees that it has ended.
        self._started.set()


def _to_microseconds(time: str) -> str:
    """Go writes nanoseconds and `Z`, which Python 3.10 does not read."""
    head, _, rest = time.replace("Z", "+00:00").partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    return f"{head}.{digits[:6]:0<6}{zone}" if rest else head

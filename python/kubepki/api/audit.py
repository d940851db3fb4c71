"""Checking the certificates of many nodes, on this machine or on others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked, checked

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from datetime import datetime
    from typing import Any, Literal

    from kubepki.arguments import StrPath
    from kubepki.types import FleetFinding, FleetReport, TreeReport

# As many places go to an executor as one piece of work, and as many pieces are with it at once.
_PLACES = 16
_PIECES = 64


class Audit(Iterator["TreeReport"]):
    """The trees of an audit as they come, in the order in which they are found; little is kept of those that came."""

    def __init__(self, trees: Iterator[TreeReport], now: datetime | None) -> None:
        """Hold the reports that will come."""
        self._trees = trees
        self._now = now
        self._seen = _core.Seen()

    def __next__(self) -> TreeReport:
        """Return the report of the next tree."""
        report = next(self._trees)
        self._seen.add(report)
        return report

    @property
    def findings(self) -> tuple[FleetFinding, ...]:
        """What the trees that came by so far say about each other, the worst first."""
        return tuple(self._seen.findings())

    def collect(self) -> FleetReport:
        """Return one report of all trees that are still to come: all of them in memory at once."""
        return fleet_report(self, now=self._now)


@asked("AuditRequest", "paths")
def audit(
    paths: StrPath | Iterable[StrPath] = (),
    *,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    profile: Literal["kubeadm", "cis"] = "kubeadm",
    key_blocklist: StrPath | None = None,
    jobs: int | None = None,
    executor: Executor | None = None,
    now: datetime | None = None,
) -> Audit:
    """Check the certificates of many nodes, and yield a report of each as it comes.

    >>> from tempfile import TemporaryDirectory
    >>> from kubepki import apply, plan
    >>> with TemporaryDirectory() as folder:
    ...     made = apply(plan(node_name="cp1", rootfs=folder))
    ...     reports = audit(folder)
    ...     seen = [(report.kind.name, report.status.name) for report in reports]
    >>> seen, reports.findings
    ([('FOLDER', 'OK')], ())

    Args:
        paths: Folders with the files of nodes at any depth, tar archives of such, kubeconfigs, and reports in JSON that
            were made elsewhere.
        warning: Warn of a certificate with at most this much time left.
        critical: A certificate with at most this much time left is critical.
        profile: Whose rules hold for modes and owners of files, and how bad a weakness is that a fresh kubeadm has:
            those of kubeadm, or of the CIS benchmark.
        key_blocklist: The `blocklist.dat` of badkeys: published private keys, those of Debian's OpenSSL of 2006 to 2008
            among them.
        jobs: How many trees are looked at at once; as many as there are cores without it.
        executor: Who does the work, in pieces of some trees: any `concurrent.futures.Executor`, on this machine or on
            others that see the same paths. Without one, threads of this process do.
        now: The moment for which the reports hold.

    Raises:
        ConfigurationError: `plan.bad_request` where nothing is named, or `api.naive_datetime`.

    """
    fields = request(locals(), "executor")
    moment = in_utc(now)
    if executor is None:
        return Audit(_core.audit_trees(fields, moment), moment)
    return Audit(_by(executor, fields, moment), moment)


@checked
def fleet_report(trees: Iterable[TreeReport], *, now: datetime | None = None) -> FleetReport:
    """Put reports of trees together, and say what is wrong between them.

    >>> report = fleet_report([])
    >>> report.status.name, report.counts.ok
    ('OK', 0)

    Args:
        trees: The reports, of one audit or of many.
        now: The moment for which it holds.

    Raises:
        ConfigurationError: `api.naive_datetime`.

    """
    return _core.fleet_report(list(trees), in_utc(now))


def _by(executor: Executor, fields: dict[str, Any], now: datetime | None) -> Iterator[TreeReport]:
    """Yield the reports that an executor makes, in the order of the places; few pieces of work are with it at once."""
    places = iter(_core.audit_places(fields))
    pieces = iter(lambda: [str(place) for place in islice(places, _PLACES)], [])
    pending: deque[Future[list[TreeReport]]] = deque()
    try:
        for piece in pieces:
            pending.append(executor.submit(_look, {**fields, "paths": piece, "jobs": 1}, now))
            if len(pending) >= _PIECES:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _look(fields: dict[str, Any], now: datetime | None) -> list[TreeReport]:
    """Return the reports of some places: a function that pickles."""
    return list(_core.audit_trees(fields, now))

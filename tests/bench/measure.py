"""Measure one thing beside another: alternating runs in one process, medians, and their ratio."""

from __future__ import annotations

import resource
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def of_processes() -> float:
    """Return the processor time of all processes that have ended, which depends less on what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Run `work` once; return how long it took, by the wall clock unless told otherwise."""
    began = clock()
    work()
    return clock() - began


def side_by_side(
    contestants: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Run all contestants in turn, `rounds` times; return the median seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            taken[name].append(seconds(work, clock))
    return {name: statistics.median(each) for name, each in taken.items()}


def report(title: str, medians: Mapping[str, float], ours: str) -> None:
    """Print the medians as a Markdown table with the ratio of each to ours."""
    print(f"\n### {title}\n\n| what | median | kubepki is faster by |\n|---|---|---|")
    for name, median in medians.items():
        ratio = "1" if name == ours else f"{median / medians[ours]:.1f}"
        print(f"| {name} | {median * 1000:,.1f} ms | {ratio} |")

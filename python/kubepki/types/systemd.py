"""Renewal by a systemd timer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

from kubepki.arguments import check_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@dataclass(frozen=True, slots=True)
class Schedule:
    """When, and how, certificates are renewed.

    Attributes:
        program: The absolute path of `kubepki` on the node.
        before: What ends within this time is renewed.
        on_calendar: When, as `systemd.time(7)` has calendar events.
        randomized_delay: By how much nodes may differ, so that they do not all renew at once.
        restart: Whether components that use what was renewed are restarted.
        kubelet: Whether the kubelet's certificates are renewed too.
        config: The kubeadm configuration, an absolute path, or `cluster` for the one that the cluster has.
        writes: Further folders that are written to: a certificates directory elsewhere.

    """

    program: Path
    before: timedelta = timedelta(days=30)
    on_calendar: str = "daily"
    randomized_delay: timedelta = timedelta(hours=1)
    restart: bool = False
    config: Path | None = None
    writes: tuple[Path, ...] = ()
    kubelet: bool = False

    def __post_init__(self) -> None:
        """Refuse values of another type."""
        check_fields(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, durations in seconds."""
        return {
            "program": os.fspath(self.program),
            "before_seconds": int(self.before.total_seconds()),
            "on_calendar": self.on_calendar,
            "randomized_delay_seconds": int(self.randomized_delay.total_seconds()),
            "restart": self.restart,
            "kubelet": self.kubelet,
            "config": None if self.config is None else os.fspath(self.config),
            "writes": [os.fspath(path) for path in self.writes],
        }

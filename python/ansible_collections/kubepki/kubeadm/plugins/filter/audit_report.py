# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts what was seen on all hosts into one report, for the role `audit`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# From good to bad. A host that cannot be looked at may hide anything, so it is worse than a warning.
ORDER = ("ok", "warning", "unknown", "critical")


def audit_report(hostvars: Mapping[str, Any], hosts: Iterable[str], title: str) -> dict[str, Any]:
    """Return one report of what `certificate_info` registered on each host as `audit_seen`, the worst host first."""
    entries = [_entry(host, hostvars[host].get("audit_seen") or {}) for host in hosts]
    entries.sort(key=lambda each: (-ORDER.index(each["status"]), each["host"]))
    counts = {status: sum(each["status"] == status for each in entries) for status in ORDER}
    worst = max((ORDER.index(each["status"]) for each in entries), default=0)
    return {
        "title": title,
        "made_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": ORDER[worst],
        "counts": counts,
        "hosts": entries,
    }


def _entry(host: str, seen: Mapping[str, Any]) -> dict[str, Any]:
    if "status" not in seen:
        reason = seen.get("msg") or "the host did not get as far as the look"
        return {"host": host, "status": "unknown", "reason": str(reason), "certificates": [], "findings": []}
    reason = "" if seen["certificates"] else "there are no certificates"
    return {
        "host": host,
        "status": seen["status"],
        "reason": reason,
        "checked_at": seen["checked_at"],
        "certificates": sorted(seen["certificates"], key=lambda each: (each["not_after"], each["name"])),
        "findings": seen["findings"],
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_report": audit_report}

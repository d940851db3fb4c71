# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that puts what was seen on all hosts into one report, for the role `audit`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible.utils.unsafe_proxy import wrap_var

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# From good to bad. A host that cannot be looked at may hide anything, so it is worse than a warning.
ORDER = ("ok", "warning", "unknown", "critical")

_SEVERITIES = ("info", "warning", "critical")

# A host answers what it likes: no text is longer than this in characters, no list than this in entries.
_LONGEST = 4096
_MOST = 5000
_DEEPEST = 8

_NONSENSE = "the host's answer is not what certificate_info returns"


def audit_report(hostvars: Mapping[str, Any], hosts: Iterable[str], title: str) -> Any:
    """Return one report of what `certificate_info` registered on each host as `audit_seen`, the worst host first.

    Whatever a host has answered, the report has one entry for it, whose fields are of the right type; its texts are
    printable, bounded, and never a template.
    """
    entries = [_entry(str(host), _seen(hostvars, host)) for host in hosts]
    entries.sort(key=lambda each: (-ORDER.index(each["status"]), each["host"]))
    counts = {status: sum(each["status"] == status for each in entries) for status in ORDER}
    worst = max((ORDER.index(each["status"]) for each in entries), default=0)
    return wrap_var(
        {
            "title": _text(title),
            "made_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "status": ORDER[worst],
            "counts": counts,
            "hosts": entries,
        }
    )


def _seen(hostvars: Mapping[str, Any], host: str) -> Any:
    try:
        seen = hostvars[host].get("audit_seen") or {}
        printed = hostvars[host].get("audit_printed") or {}
        return _read(printed) if seen.get("skipped") else seen
    except (KeyError, AttributeError, TypeError):
        return None


def _read(printed: Mapping[str, Any]) -> Any:
    """Return what the program of a host without the library has printed, as the module would have returned it."""
    try:
        seen = json.loads(printed.get("stdout") or "")
    except ValueError:
        return {"msg": printed.get("stderr") or printed.get("msg")}
    return seen if isinstance(seen, Mapping) and "status" in seen else {"msg": _NONSENSE}


def _entry(host: str, seen: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "host": _text(host),
        "status": "unknown",
        "reason": _NONSENSE,
        "checked_at": "",
        "certificates": [],
        "findings": [],
    }
    if not isinstance(seen, Mapping):
        return entry
    if "status" not in seen:
        entry["reason"] = _text(seen.get("msg")) or "the host was not checked"
        return entry
    certificates, all_certificates = _mappings(seen.get("certificates"))
    findings, all_findings = _mappings(seen.get("findings"))
    entry["checked_at"] = _text(seen.get("checked_at"))
    entry["certificates"] = sorted(map(_certificate, certificates), key=lambda each: (each["not_after"], each["name"]))
    entry["findings"] = [_finding(each) for each in findings]
    if str(seen["status"]) in ORDER and all_certificates and all_findings:
        entry["status"] = str(seen["status"])
        entry["reason"] = "" if certificates else "there are no certificates"
    return entry


def _certificate(seen: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: _text(seen.get(name)) for name in ("name", "not_after", "subject", "key", "path")}
    days, seconds = seen.get("days_left"), seen.get("residual_seconds")
    if days is None and isinstance(seconds, int):
        days = seconds // 86400
    return {
        **_plain(seen, 0),
        **known,
        "days_left": days if isinstance(days, int) and not isinstance(days, bool) and abs(days) < 10**9 else None,
        "is_ca": seen.get("is_ca") is True,
        "expired": seen.get("expired") is True or (isinstance(seconds, int) and seconds < 0),
    }


def _finding(seen: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: _text(seen.get(name)) for name in ("code", "subject", "path", "evidence", "remedy")}
    severity = str(seen.get("severity"))
    return {**_plain(seen, 0), **known, "severity": severity if severity in _SEVERITIES else "unknown"}


def _mappings(value: Any) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the mappings of a list, and whether that is all that there was."""
    if not isinstance(value, (list, tuple)):
        return [], False
    good = [each for each in value[:_MOST] if isinstance(each, Mapping)]
    return good, len(good) == len(value)


def _text(value: Any) -> str:
    """Return a value as one printable line; nothing for none."""
    if value is None or isinstance(value, (list, tuple, Mapping)):
        return "" if value is None else f"({type(value).__name__})"
    text = str(value)
    shown = text if text.isprintable() else "".join(map(_escaped, text[: _LONGEST + 1]))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _plain(value: Any, depth: int) -> Any:
    """Return what a host says beyond the known fields as plain data of a bounded size."""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {_text(key): _plain(value[key], depth + 1) for key in list(value)[:_MOST]}
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return [_plain(each, depth + 1) for each in value[:_MOST]]
    return _text(value)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_report": audit_report}

"""Durations and moments as text, as the command line and playbooks write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubepki import _core
from kubepki.api.request import in_utc
from kubepki.errors import ConfigurationError


def duration(text: str) -> timedelta:
    """Read a duration as Go writes it (`720h`, `1h30m`), or in days and weeks (`30d`, `2w`).

    >>> duration("1w12h").total_seconds()
    648000.0

    Raises:
        ConfigurationError: `cli.duration`.

    """
    try:
        return timedelta(seconds=_core.duration_seconds(text))
    except OverflowError:
        raise ConfigurationError(
            f"the duration {text!r} is too long", code="cli.duration", hint="a few thousand years are the most"
        ) from None


def moment(text: str, now: datetime | None = None) -> datetime:
    """Read a moment: relative to `now` (`+30d`, `-2w`), as certificates have it (`20301231235959Z`), or RFC 3339.

    >>> moment("2030-12-31").isoformat()
    '2030-12-31T00:00:00+00:00'

    Raises:
        ConfigurationError: `cli.moment`.

    """
    return _core.parse_moment(text, in_utc(now))

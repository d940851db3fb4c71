"""Durations as text, as the command line and playbooks write them."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
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

"""What comes from outside, as text that may be shown."""

from __future__ import annotations

from kubepki._core import printable


def one_line(text: object) -> str:
    """Return what comes from outside as one line that may be shown."""
    return printable(str(text))

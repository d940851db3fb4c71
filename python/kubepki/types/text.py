"""How values are read from plain data and shown as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kubepki._core import printable
from kubepki.expiration import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return aligned columns, without spaces at the ends of lines; what comes from outside is escaped."""
    lines = [header, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def one_line(text: object) -> str:
    """Return what comes from outside as one line that may be shown."""
    return printable(str(text))


def optional_path(text: str | None) -> Path | None:
    """Return the path that `text` is."""
    return None if text is None else Path(text)


def optional_moment(text: str | None) -> datetime | None:
    """Return the moment that RFC 3339 `text` is."""
    return None if text is None else moment(text)


def minute(time: datetime | None) -> str:
    """Return the moment to the minute; nothing for none."""
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M UTC")

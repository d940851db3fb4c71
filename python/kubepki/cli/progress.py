"""A bar while keys are made: on stderr, on a terminal alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_WIDTH = 24


class KeyProgress:
    """Shows how many keys are ready; a context manager that leaves no trace."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._name = ""

    def __enter__(self) -> KeyProgress:  # noqa: PYI034 (Self is not in Python 3.10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Draw the bar anew."""
        if not self._shown or total == 0:
            return
        self._name = name or self._name
        filled = _WIDTH * done // total
        sys.stderr.write(f"\r\x1b[Kkeys [{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{total} {self._name}")
        sys.stderr.flush()

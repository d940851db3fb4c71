"""Waiting for what comes about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually(holds: Callable[[], bool], what: str, patience: float = 120.0, *, pause: float = 0.2) -> None:
    """Wait until `holds` returns true; `patience` and `pause` are seconds."""
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"never: {what}")
        time.sleep(pause)

"""What a program of ours asks of its process."""

from __future__ import annotations

from kubepki import _core


def refuse_core_dumps() -> None:
    """Keep the memory of this process, with keys in it, from every disk, for the rest of its life."""
    _core.refuse_core_dumps()

"""What changes files and says so: Ctrl-C does not come between the change and the report of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.interrupt import Held
from kubepki.cli import output
from kubepki.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable


def uninterrupted(work: Callable[[Held], int]) -> int:
    """Do work that changes files, reports it, and returns its exit code; a late interrupt is named at the end.

    An interrupt before the change is a `KeyboardInterrupt`, as ever: then nothing was changed.
    """
    with Held() as interrupts:
        status = work(interrupts)
        if interrupts.noted:
            output.say("interrupted after the change: it is on disk, and what was changed is said above")
            return Interrupted.exit_code
    return status


def uninterrupted_if(changes: bool, work: Callable[[], int]) -> int:  # noqa: FBT001 (read as a sentence)
    """Do work as `uninterrupted` does if it `changes` files; a dry run may be interrupted at any time."""
    return uninterrupted(lambda _: work()) if changes else work()

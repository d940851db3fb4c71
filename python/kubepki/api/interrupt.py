"""Signals while something is changed: they stop the work before the change, or are answered when it is made.

In: work that changes files or moves a manifest. Out: the same work, at no point of which an exception can be raised
that leaves it half done or loses its report. Signals reach the main thread alone; elsewhere, and where the program has
a handler of its own or ignores a signal, nothing is done.
"""

from __future__ import annotations

import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any

# A service is stopped with the first, a terminal that goes away sends the second.
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Held:
    """A context in which signals are noted, and raised only by `check`; one within another shares its note.

    Ctrl-C is always among them; `others` are those that would end the process.
    """

    def __init__(self, others: tuple[signal.Signals, ...] = ()) -> None:
        """Hold nothing yet."""
        self._root = self
        self._others = others
        self._replaced: dict[signal.Signals, Any] = {}
        self._noted: signal.Signals | None = None

    def __enter__(self) -> Held:  # noqa: PYI034 (Self is not in Python 3.10)
        """Take over from Python's own handler of Ctrl-C, and from the ends that the others are."""
        if threading.current_thread() is not threading.main_thread():
            return self
        handler = signal.getsignal(signal.SIGINT)
        outer = getattr(handler, "__self__", None)
        if isinstance(outer, Held):
            self._root = outer
        elif handler is signal.default_int_handler:
            self._replace(signal.SIGINT)
        for number in self._others:
            # A parent that has a signal ignored (nohup) means it.
            if signal.getsignal(number) is signal.SIG_DFL:
                self._replace(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        while self._replaced:
            number, handler = self._replaced.popitem()
            signal.signal(number, handler)

    def _replace(self, number: signal.Signals) -> None:
        self._replaced[number] = signal.getsignal(number)
        signal.signal(number, self._root._note)  # noqa: SLF001 (of this class)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted = self._noted or signal.Signals(number)

    @property
    def is_outermost(self) -> bool:
        """Whether nobody outside of it will answer what was noted."""
        return self._root is self

    @property
    def noted(self) -> signal.Signals | None:
        """The first signal that was heard."""
        return self._root._noted  # noqa: SLF001 (of this class)

    def check(self) -> None:
        """Raise what was noted."""
        if self.noted:
            raise KeyboardInterrupt

    def heard(self, progress: Callable[..., object] | None) -> Callable[..., object]:
        """Return a progress that hears signals, and then tells `progress`."""

        def tell(*state: Any) -> None:  # noqa: ANN401 (what `progress` takes)
            self.check()
            if progress is not None:
                progress(*state)

        return tell

    def deliver(self) -> None:
        """Outside of the context: let a signal that ends the process do so, as if it had come now."""
        if self.is_outermost and self._noted in self._others and self._noted is not None:
            signal.raise_signal(self._noted)

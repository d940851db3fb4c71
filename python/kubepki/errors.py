"""The exceptions of kubepki, one class for each thing a caller can do about a failure.

Every error says what is wrong (`message`), what to do about it (`hint`), which error it is (`code`, stable for
ever, listed in the error reference) and on what evidence (`context`, plain data without key material). A bad
certificate is not an exception but a finding in a report.

| exception | it means | exit code |
|---|---|---|
| `FindingError` | something on disk is not as it must be | 1 |
| `ConfigurationError` | the call, a name or a configuration file is wrong | 2 |
| `EnvironmentFailure` | files, permissions, space, locks or the network failed | 3 |
| `RefusedError` | it could be done and would do harm | 4 |
| `PartialError` | a part was done and a part was not | 5 |
| `Interrupted` | the user stopped the work | 130 |
| `InternalError` | kubepki itself is at fault: report it | 3 |
"""

from __future__ import annotations

from kubepki._core import printable

# Loading `typing` takes longer than all else that is loaded here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Final

# Two names lack the suffix `Error` because the builtins have `EnvironmentError` and `InterruptedError` already.
__all__ = [
    "ConfigurationError",
    "EnvironmentFailure",
    "FindingError",
    "InternalError",
    "Interrupted",
    "InterruptedAfterChange",
    "KubepkiError",
    "PartialError",
    "RefusedError",
]


class KubepkiError(Exception):
    """Any error of kubepki; catch a child to act on one kind.

    Attributes:
        message: What is wrong, in one line that may be shown (what comes from outside is escaped); also `str(error)`.
        code: The stable dotted code, as `key.unknown_algorithm`.
        hint: What to do about it, one sentence; empty where there is nothing to do.
        context: The evidence: paths, names, numbers.

    """

    category: ClassVar[str] = "environment"
    exit_code: ClassVar[int] = 3

    message: str
    code: str
    hint: str
    context: dict[str, Any]

    def __init__(self, message: str, *, code: str, hint: str = "", context: Mapping[str, Any] | None = None) -> None:
        """Keep the four parts; `context` is copied."""
        super().__init__(message)
        self.message = printable(message)
        self.code = code
        self.hint = printable(hint)
        self.context = dict(context or {})

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message

    def __repr__(self) -> str:
        """Return class, code and message, as `ConfigurationError('key.unknown_algorithm', 'unknown ...')`."""
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by parts: exceptions cross process borders, in a pool of workers for example."""
        return _rebuild, (type(self), self.message, self.code, self.hint, self.context), self.__dict__

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data for JSON."""
        return {
            "category": self.category,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "context": dict(self.context),
        }


class FindingError(KubepkiError):
    """Something on disk is not as it must be."""

    category = "finding"
    exit_code = 1


class ConfigurationError(KubepkiError):
    """The call itself is wrong: an argument, a name, a configuration file."""

    category = "usage"
    exit_code = 2


class EnvironmentFailure(KubepkiError):
    """The environment failed: files, permissions, space, locks, the network."""

    category = "environment"
    exit_code = 3


class RefusedError(KubepkiError):
    """kubepki could do it and will not, because it would do harm."""

    category = "refused"
    exit_code = 4


class PartialError(KubepkiError):
    """A part was done and a part was not; `context` tells which."""

    category = "partial"
    exit_code = 5


class Interrupted(KubepkiError):
    """The user stopped the work."""

    category = "interrupted"
    exit_code = 130


class InternalError(KubepkiError):
    """kubepki itself is at fault (`internal.panic`); please report it."""

    category = "internal"
    exit_code = 3


class InterruptedAfterChange(KeyboardInterrupt):
    """Ctrl-C came when the change was being made: it is made as a whole, and `report` says what was changed."""

    def __init__(self, report: Any) -> None:  # noqa: ANN401 (a `kubepki.Report`, of a layer above)
        """Keep the report."""
        super().__init__("interrupted after the change: it is on disk")
        self.report = report


_BY_CATEGORY: Final[dict[str, type[KubepkiError]]] = {
    child.category: child
    for child in (
        FindingError,
        ConfigurationError,
        EnvironmentFailure,
        RefusedError,
        PartialError,
        Interrupted,
        InternalError,
    )
}


def from_native(category: str, message: str, code: str, hint: str, context: Mapping[str, Any]) -> KubepkiError:
    """Build the exception of an error of the native core, which alone calls this."""
    return _BY_CATEGORY[category](message, code=code, hint=hint, context=context)


def _rebuild(cls: type[KubepkiError], message: str, code: str, hint: str, context: Mapping[str, Any]) -> KubepkiError:
    return cls(message, code=code, hint=hint, context=context)

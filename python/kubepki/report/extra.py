"""What the extra `notebook` brings."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def needed(name: str) -> ModuleType:
    """Return a module of the extra.

    Raises:
        ModuleNotFoundError: It is not installed; the message says how to.

    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        message = f"this needs {name}, which is not installed: pip install 'kubepki[notebook]'"
        raise ModuleNotFoundError(message, name=name) from error


def wanted(name: str) -> ModuleType | None:
    """Return a module of the extra; None where it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None

"""The types of arguments, held against the annotations of the function that is called.

In: a function of `kubepki.api`, whose annotations are the table. Out: the same function, which raises a `TypeError`
that names the argument, before anything is read. A text in place of names is an error too: its letters are no names.
Paths are checked here as well: what is not UTF-8 text, or empty, is a `ConfigurationError` that names the argument.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import update_wrapper
from operator import index
from types import FunctionType

from kubepki.errors import ConfigurationError

# Loading `typing` takes longer than most functions.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _Rule = Callable[[str, Any], Any]

StrPath = str | os.PathLike[str]

_MOST = 2**63 - 1

# What a rule says of a value that is of another type.
_REFUSED = object()

_WORDS = {
    "bool": "True or False",
    "int": "an int",
    "str": "a str",
    "bytes": "bytes",
    "None": "None",
    "StrPath": "a path (str or os.PathLike)",
    "Path": "a path (str or os.PathLike)",
    "Executor": "a concurrent.futures.Executor",
    "datetime": "a datetime",
    "timedelta": "a timedelta",
}


def checked(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the function with its arguments checked by its annotations, which must be texts (PEP 563)."""

    def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (whatever the function takes)
        return function(*check(function, arguments), **check_options(function, options))

    check, check_options = _check_positional, _check_named
    # Within the function's own module: doctest looks for the examples of what is at home there.
    within = FunctionType(call.__code__, function.__globals__, None, None, call.__closure__)
    return update_wrapper(within, function)


def asked(
    request: str, *positional: str, without: str = "", **defaults: object
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Return `checked`, for a function whose arguments `make reference` writes: they are the options of a request.

    Args:
        request: The type in `src/request`.
        positional: The arguments that may be given by position.
        without: The options that the function does not have, with spaces between them.
        **defaults: What only callers from Python may leave out, and what is meant then.

    """
    del request, positional, without, defaults
    return checked


def check_fields(value: object) -> None:
    """Check the fields of a dataclass by their annotations."""
    where = type(value).__name__
    for name, annotation in type(value).__annotations__.items():
        _checked(where, name, annotation, getattr(value, name))


def _check_positional(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    annotations = function.__annotations__
    known = [
        _checked(_called(function), name, annotations[name], value) if name in annotations else value
        for name, value in zip(names, arguments, strict=False)
    ]
    return (*known, *arguments[len(known) :])


def _check_named(function: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name in options:
        if name not in known:
            raise TypeError(f"{_called(function)} got an unexpected keyword argument {name!r}")
    annotations = function.__annotations__
    return {name: _checked(_called(function), name, annotations[name], value) for name, value in options.items()}


def _called(function: Callable[..., Any]) -> str:
    return f"{function.__qualname__}()"


def _checked(where: str, name: str, annotation: str, value: Any) -> Any:  # noqa: ANN401 (any argument)
    kinds = _kinds(annotation)
    for kind in kinds:
        found = _rule(kind)(f"{where}: `{name}`", value)
        if found is not _REFUSED:
            # One path is a list of one.
            return [found] if f"Iterable[{kind}]" in kinds else found
    choices = [choice for kind in kinds if kind.startswith("Literal[") for choice in _choices(kind)]
    if isinstance(value, str) and choices and not any(kind.startswith("Iterable[") for kind in kinds):
        listed = ", ".join(map(repr, choices))
        raise ConfigurationError(
            f"{where}: `{name}` is {value!r}", code="api.unknown_choice", hint=f"use one of: {listed}"
        )
    wanted = " or ".join(filter(None, (_words(kind) for kind in kinds)))
    message = f"{where}: `{name}` must be {wanted}, not {_shown(value)}"
    if isinstance(value, str) and any(kind.startswith("Iterable[") for kind in kinds):
        message += f"; write [{value!r}]"
    raise TypeError(message)


def _kinds(annotation: str) -> tuple[str, ...]:
    """Return the alternatives of a union."""
    text = annotation.replace("str | os.PathLike[str]", "StrPath")
    kinds, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            kinds.append(text[start:at].strip())
            start = at + 1
    return (*kinds, text[start:].strip())


def _rule(kind: str) -> _Rule:
    """Return what checks a value for one kind, and gives it back as the function takes it."""
    if len(alternatives := _kinds(kind)) > 1:
        return _one_of(alternatives)
    head, _, inner = kind.removesuffix("]").partition("[")
    if head == "Literal":
        choices = _choices(kind)
        return lambda _, value: value if isinstance(value, str) and value in choices else _REFUSED
    if head in ("Iterable", "tuple"):
        return _list_of(inner.removesuffix(", ..."))
    if head == "Mapping":
        return _mapping_of(*(part.strip() for part in inner.split(",", 1)))
    if head in ("Callable", "Executor"):
        # An executor of dask's is none by its class.
        method = "submit" if head == "Executor" else "__call__"
        return lambda _, value: value if callable(getattr(value, method, None)) else _REFUSED
    return _PLAIN.get(head) or _instance_of(head)


def _one_of(kinds: tuple[str, ...]) -> _Rule:
    rules = [_rule(kind) for kind in kinds]

    def check(name: str, value: Any) -> Any:  # noqa: ANN401
        return next((found for rule in rules if (found := rule(name, value)) is not _REFUSED), _REFUSED)

    return check


def _choices(kind: str) -> tuple[str, ...]:
    return tuple(word.strip().strip("\"'") for word in kind.removeprefix("Literal[").removesuffix("]").split(","))


def _list_of(kind: str) -> _Rule:
    rule = _rule(kind)

    def check(name: str, value: Any) -> Any:  # noqa: ANN401
        # A text is an iterable of texts too, and a mapping one of its names.
        if isinstance(value, str | bytes | bytearray | os.PathLike | Mapping) or not isinstance(value, Iterable):
            return _REFUSED
        items = []
        for position, item in enumerate(value):
            found = rule(f"{name}[{position}]", item)
            if found is _REFUSED:
                raise TypeError(f"{name}[{position}] must be {_words(kind)}, not {_shown(item)}")
            items.append(found)
        return items

    return check


def _mapping_of(key: str, kind: str) -> _Rule:
    key_rule, rule = _rule(key), _rule(kind)

    def check(name: str, value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, Mapping):
            return _REFUSED
        for one, item in value.items():
            if key_rule(name, one) is _REFUSED or rule(f"{name}[{one!r}]", item) is _REFUSED:
                raise TypeError(f"{name} must map {_words(key)} to {_words(kind)}, not {_shown(one)} to {_shown(item)}")
        return value

    return check


def _path(name: str, value: Any) -> Any:  # noqa: ANN401
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        return _REFUSED
    if reason := "is empty" if not text else "holds a NUL character" if "\0" in text else _damage(text):
        raise ConfigurationError(
            f"{name} {reason}: {text!r}", code="api.bad_path", hint="give the path of a file or folder, as UTF-8 text"
        )
    return value


def _text(name: str, value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return _REFUSED
    if reason := _damage(value):
        raise ConfigurationError(f"{name} {reason}", code="api.bad_text", hint="give UTF-8 text")
    return value


def _damage(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not UTF-8 text"
    return None


def _number(_: str, value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return _REFUSED
    # Nothing that is counted is beyond what the core counts in.
    return max(-_MOST, min(index(value), _MOST))


def _of(kind: type) -> _Rule:
    return lambda _, value: value if isinstance(value, kind) else _REFUSED


def _instance_of(name: str) -> _Rule:
    """Return the rule for a class of this package: by its name, as its module may not be loaded."""
    name = name.rpartition(".")[2]

    def check(_: str, value: Any) -> Any:  # noqa: ANN401
        classes = type(value).__mro__
        is_one = any(one.__name__ == name and one.__module__.partition(".")[0] == "kubepki" for one in classes)
        return value if is_one else _REFUSED

    return check


_PLAIN: dict[str, _Rule] = {
    "bool": _of(bool),
    "int": _number,
    "str": _text,
    "bytes": _of(bytes),
    "None": _of(type(None)),
    "StrPath": _path,
    "Path": _path,
    "datetime": _of(datetime),
    "timedelta": _of(timedelta),
}


def _words(kind: str) -> str:
    if len(alternatives := _kinds(kind)) > 1:
        return " or ".join(filter(None, map(_words, alternatives)))
    if kind.startswith("Literal["):
        return " or ".join(map(repr, _choices(kind)))
    if kind.startswith(("Iterable[", "tuple[")):
        return f"a list of {_plural(kind.split('[', 1)[1].removesuffix(']').removesuffix(', ...'))}"
    if kind.startswith("Mapping["):
        return "a mapping"
    if kind.startswith("Callable["):
        return "a function"
    return _WORDS.get(kind) or f"kubepki.{kind}"


def _plural(kind: str) -> str:
    return {"StrPath": "paths", "Path": "paths"}.get(kind, kind)


def _shown(value: object) -> str:
    """Return the type of a value; the value only where it is short and tells something."""
    kind = type(value).__name__
    return kind if value is None or not isinstance(value, bool | int | float) else f"{kind} ({value!r})"

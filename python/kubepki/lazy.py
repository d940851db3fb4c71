"""Names of a package that are loaded when they are first asked for (PEP 562): the start of a process stays short."""

from importlib import import_module


def load(namespace: dict[str, object], name: str, home: str | None) -> object:
    """Return what a module's `__getattr__` was asked for, and keep it in the module's namespace.

    Args:
        namespace: The module's `globals()`.
        name: What was asked for.
        home: The module that has it; None where no such name is offered.

    Raises:
        AttributeError: No such name is offered.

    """
    if home is None:
        raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    namespace[name] = value
    return value

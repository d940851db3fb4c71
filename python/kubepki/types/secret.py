"""Values that hold a secret: they give it away by explicit calls alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kubepki import _core
from kubepki.expiration import Value

if TYPE_CHECKING:
    import os


class SecretValue(Value):
    """A value with a secret, which is in none of `repr`, `to_dict()` and a pickle."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a key would lie where nobody expects one."""
        raise TypeError(f"a {type(self).__name__} is not pickled, for it holds a secret: pass on its text")


def save(
    path: str | os.PathLike[str],
    text: str,
    *,
    force: bool,
    mode: int | None = None,
    uid: int | None = None,
    gid: int | None = None,
) -> Path:
    """Write a text into a file of mode 0600, or of another mode and owner, and return its path."""
    _core.write_secret_file(path, text, force=force, mode=mode, uid=uid, gid=gid)
    return Path(path)

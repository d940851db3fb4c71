"""Values that hold a secret: they give it away by explicit calls alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kubepki import _core
from kubepki.expiration import Value

if TYPE_CHECKING:
    import os


class SecretValue(Value):
    """A value with a secret, which is no field: in none of `repr`, `to_dict()`, `dataclasses.asdict` and a pickle."""

    __slots__ = ("_secret",)

    _secret: Any

    def _keep(self, secret: Any) -> None:  # noqa: ANN401 (of the child's type)
        # The children are frozen.
        object.__setattr__(self, "_secret", secret)

    def _kept(self) -> Any:  # noqa: ANN401 (of the child's type)
        """Return the secret; nothing for a copy, which has the fields alone."""
        return getattr(self, "_secret", None)

    def __eq__(self, other: object) -> bool:
        """Whether fields and secret are the same; how long that takes says nothing of the secret."""
        from hmac import compare_digest

        if not isinstance(other, SecretValue) or (type(self), self.data) != (type(other), other.data):
            return False
        return compare_digest(repr(self._kept()).encode(), repr(SecretValue._kept(other)).encode())

    def __hash__(self) -> int:
        return hash(repr(self))

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

"""Saving of the core's values that hold a secret: the methods with arguments, which are checked where the rules are."""

from __future__ import annotations

from pathlib import Path

from kubepki import _core
from kubepki.arguments import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Literal


class Bundle:
    """What `kubepki.Bundle` calls."""

    @checked
    def save(  # type: ignore[misc]
        self: _core.Bundle,
        path: str | os.PathLike[str],
        *,
        form: Literal["yaml", "json", "pem"] = "yaml",
        force: bool = False,
    ) -> Path:
        """Write one of its forms."""
        text = {"yaml": self.to_yaml, "json": self.to_json, "pem": self.to_pem}[form]()
        _core.write_secret_file(path, text, force=force)
        return Path(path)


class UserKubeconfig:
    """What `kubepki.UserKubeconfig` calls."""

    @checked
    def save(  # type: ignore[misc]
        self: _core.UserKubeconfig,
        path: str | os.PathLike[str],
        *,
        force: bool = False,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> Path:
        """Write the kubeconfig."""
        _core.write_secret_file(path, self.to_yaml(), force=force, mode=mode, uid=uid, gid=gid)
        return Path(path)

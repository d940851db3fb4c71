"""A kubeconfig for somebody outside the node."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubepki._core import Finding, Problem
from kubepki.arguments import checked
from kubepki.types.enumerations import Algorithm
from kubepki.types.secret import SecretValue, save
from kubepki.types.text import optional_moment

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class UserKubeconfig(SecretValue):
    """A user's kubeconfig: what may be shown of it as attributes, the file with its key or token by `to_yaml()` alone.

    It is neither shown nor pickled with its secret: `repr`, `to_dict()` and `dataclasses.asdict` are without it, and
    pickling is refused.
    """

    user: str
    organizations: tuple[str, ...]
    credential: str
    server: str
    cluster_name: str
    subject: str | None
    algorithm: Algorithm | None
    not_before: datetime | None
    not_after: datetime | None
    serial: str | None
    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_native(cls, answer: Mapping[str, Any]) -> UserKubeconfig:
        """Build it from what the core answered, which alone has the text."""
        data = answer["user"]
        made = cls(
            data["user"],
            tuple(data["organizations"]),
            data["credential"],
            data["server"],
            data["cluster_name"],
            data["subject"],
            Algorithm(data["algorithm"]) if data["algorithm"] else None,
            optional_moment(data["not_before"]),
            optional_moment(data["not_after"]),
            data["serial"],
            tuple(map(Finding.from_dict, data["findings"])),
            tuple(map(Problem.from_dict, answer["warnings"])),
            data,
        )
        made._keep(answer["text"])
        return made

    @property
    def is_made(self) -> bool:
        """Whether there is a file: not after a dry run."""
        return self._kept() is not None

    def to_yaml(self) -> str:
        """Return the file's text, with the private key or the token in it.

        Raises:
            ValueError: After a dry run, which makes none.

        """
        text: str | None = self._kept()
        if text is None:
            raise ValueError("a dry run makes no kubeconfig")
        return text

    @checked
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        force: bool = False,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> Path:
        """Write the file with mode 0600 and return its path.

        Args:
            path: A path of this machine; `rootfs` is not in front of it.
            force: Whether to overwrite what is there, if its owner alone can read it, or a mode or owner is given.
            mode: Another mode, which the file has from the moment it has its name; so have owner and group.
            uid: The owner's user id, instead of the running user's.
            gid: The owner's group id, instead of the running user's.

        Raises:
            RefusedError: `output.exists`, `output.readable_by_others`; `store.untrusted_link` for a link that others
                can set, `store.foreign_file` for another user's file.
            EnvironmentFailure: `store.*` when writing fails.
            ValueError: After a dry run, which makes none.

        """
        return save(path, self.to_yaml(), force=force, mode=mode, uid=uid, gid=gid)

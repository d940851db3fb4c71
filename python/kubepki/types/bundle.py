"""What the nodes of a cluster share, sealed for the journey."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kubepki._core import Finding, Problem
from kubepki.arguments import checked
from kubepki.expiration import Value
from kubepki.types.secret import SecretValue, save
from kubepki.types.text import optional_path, table

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class BundleEntry(Value):
    """One entry of a bundle: its name, the file on the node, and whether there is nothing in it."""

    name: str
    path: Path | None
    is_empty: bool
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BundleEntry:
        """Build an entry from its plain data."""
        return cls(data["name"], optional_path(data["path"]), data["is_empty"], data)


@dataclass(frozen=True, slots=True, eq=False)
class Bundle(SecretValue):
    """A bundle for a joining node.

    For a control-plane node it is the Secret `kubeadm-certs`, which may be shown to anybody, and the certificate key,
    which may not. For a worker it is the CA's certificate. It is not pickled; `repr` and `to_dict()` have neither
    the text nor the key.
    """

    recipient: str
    entries: tuple[BundleEntry, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_native(cls, answer: Mapping[str, Any]) -> Bundle:
        """Build it from what the core answered, which alone has key and text."""
        data = {name: answer[name] for name in ("recipient", "entries", "findings")}
        made = cls(
            answer["recipient"],
            tuple(map(BundleEntry.from_dict, answer["entries"])),
            tuple(map(Finding.from_dict, answer["findings"])),
            tuple(map(Problem.from_dict, answer["warnings"])),
            data,
        )
        made._keep({name: answer[name] for name in ("key", "yaml", "json", "pem")})
        return made

    def certificate_key(self) -> str:
        """Return the key that opens it: 64 hexadecimal digits, a secret.

        Raises:
            ValueError: For a worker, whose bundle is not encrypted, and after a dry run.

        """
        key: str | None = (self._kept() or {}).get("key")
        if key is None:
            raise ValueError("this bundle has no certificate key")
        return key

    def to_yaml(self) -> str:
        """Return the Secret, and the access rules if they were asked for, as YAML documents.

        Raises:
            ValueError: For a worker, and after a dry run.

        """
        return self._text("yaml")

    def to_json(self) -> str:
        """Return the Secret as JSON; with access rules a `List`.

        Raises:
            ValueError: For a worker, and after a dry run.

        """
        return self._text("json")

    def to_pem(self) -> str:
        """Return the CA's certificate, which is all that a worker gets.

        Raises:
            ValueError: For a control-plane node, and after a dry run.

        """
        return self._text("pem")

    @checked
    def save(
        self, path: str | os.PathLike[str], *, form: Literal["yaml", "json", "pem"] = "yaml", force: bool = False
    ) -> Path:
        """Write it with mode 0600 and return the path; the key is not in it.

        Args:
            path: A path of this machine; `rootfs` is not in front of it.
            form: Which form.
            force: Whether to overwrite what is there, if its owner alone can read it.

        Raises:
            RefusedError: `output.exists`, `output.readable_by_others`.
            EnvironmentFailure: `store.*` when writing fails.
            ValueError: When there is no such form of it.

        """
        return save(path, self._text(form), force=force)

    def _text(self, form: str) -> str:
        text: str | None = (self._kept() or {}).get(form)
        if text is None:
            raise ValueError(f"this bundle, for a {self.recipient} node, has no form {form!r}")
        return text

    def __str__(self) -> str:
        """Return the entries as a table."""
        rows = [(each.name, str(each.path or ""), "empty" if each.is_empty else "") for each in self.entries]
        return table(("ENTRY", "FILE", "NOTE"), rows)

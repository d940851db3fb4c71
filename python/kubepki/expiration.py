"""The report of `check-expiration`, and what a configuration's reader warns of.

They stand apart from the other values in `kubepki.types`, where users find them too, because `kubepki certs
check-expiration` runs in every monitoring round and its start is measured: loading all values takes 10 ms more.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Problem:
    """Something wrong with, or suspicious in, a configuration file; lines and columns count from 1."""

    severity: str
    code: str
    file: str
    line: int | None
    column: int | None
    field: str
    message: str
    hint: str
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Problem:
        """Build a problem from its plain data."""
        return cls(
            data["severity"],
            data["code"],
            data["file"],
            data["line"],
            data["column"],
            data["field"],
            data["message"],
            data["hint"],
            data,
        )

    def __str__(self) -> str:
        """Return `file:line:column: field: message`."""
        place = f"{self.line}:{self.column}: " if self.line else ""
        named = f"{self.field}: " if self.field else ""
        return f"{self.file}:{place or ' '}{named}{self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as plain data for JSON."""
        return dict(self.data)


@dataclass(frozen=True)
class ExpirationReport:
    """The report of `kubeadm certs check-expiration`, in the three forms that kubeadm prints."""

    text: str
    json: str
    yaml: str
    warnings: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return kubeadm's structured output (`output.kubeadm.k8s.io/v1alpha3`)."""
        import json

        document: dict[str, Any] = json.loads(self.json)
        return document

    def __str__(self) -> str:
        """Return the text form."""
        return self.text

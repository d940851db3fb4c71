"""The report of `check-expiration`, and what a configuration's reader warns of.

They stand apart from the other values in `kubepki.types`, where users find them too, because `kubepki certs
check-expiration` runs in every monitoring round and its start is measured: loading all values takes 10 ms more.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubepki._core import Problem


class Value:
    """What all values share: the plain data they were made from, which is compared, and neither shown nor hashed."""

    __slots__ = ()

    data: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the value as plain data for JSON; a copy, so that changing it does not change the value."""
        return {key: _copied(value) for key, value in self.data.items()}


def moment(text: str) -> datetime:
    """Read RFC 3339 text as an aware UTC datetime; Python 3.10 itself does not read the `Z`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def _copied(value: Any) -> Any:  # noqa: ANN401 (plain data of any shape)
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value


@dataclass(frozen=True, slots=True)
class ExpirationRow(Value):
    """One row of the report: a certificate or a CA; `problem` says why a file cannot be used."""

    name: str
    expires_at: datetime | None
    remaining: timedelta | None
    ca_name: str | None
    is_ca: bool
    is_externally_managed: bool
    is_missing: bool
    problem: str | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, is_ca: bool) -> ExpirationRow:
        """Build a row from kubeadm's structured output."""
        ends = data["expirationDate"]
        return cls(
            data["name"],
            None if ends is None else moment(ends),
            None if ends is None else timedelta(seconds=data["residualTime"]),
            data.get("caName") or None,
            is_ca,
            data["externallyManaged"],
            data["missing"],
            data["error"]["message"] if "error" in data else None,
            data,
        )


@dataclass(frozen=True, slots=True)
class ExpirationReport:
    """The report of `kubeadm certs check-expiration`, in the three forms that kubeadm prints."""

    text: str
    json: str
    yaml: str
    warnings: tuple[Problem, ...]

    @property
    def rows(self) -> tuple[ExpirationRow, ...]:
        """The rows as values: the certificates first, then the CAs, each by name."""
        document = self.to_dict()
        leaves = (ExpirationRow.from_dict(row, is_ca=False) for row in document["certificates"])
        authorities = (ExpirationRow.from_dict(row, is_ca=True) for row in document["certificateAuthorities"])
        return (*leaves, *authorities)

    def to_dict(self) -> dict[str, Any]:
        """Return kubeadm's structured output (`output.kubeadm.k8s.io/v1alpha3`)."""
        import json

        document: dict[str, Any] = json.loads(self.json)
        return document

    def __str__(self) -> str:
        """Return the text form."""
        return self.text

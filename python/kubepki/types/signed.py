"""A certificate that was signed and handed over as text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubepki.expiration import Value, moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignedCertificate(Value):
    """A certificate that answers a signing request: its PEM text and what it says."""

    certificate: str
    serial: str
    subject: str
    issuer: str
    subject_alt_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SignedCertificate:
        """Build it from its plain data."""
        return cls(
            data["certificate"],
            data["serial"],
            data["subject"],
            data["issuer"],
            tuple(data["subject_alt_names"]),
            moment(data["not_before"]),
            moment(data["not_after"]),
            data,
        )

    def __str__(self) -> str:
        """Return the PEM text."""
        return self.certificate

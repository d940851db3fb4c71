"""What the values that are made of plain data share."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


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

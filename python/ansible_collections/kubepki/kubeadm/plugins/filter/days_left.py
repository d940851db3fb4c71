# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says for how many whole days something is still valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from collections.abc import Callable


def days_left(value: Any, now: str | None = None) -> int:
    """Return the whole days until the end of a certificate (PEM text, or its facts), or until a moment."""
    at = datetime.now(timezone.utc)
    try:
        start = shared.moment(now, at) if now else at
        return (shared.moment(_end(value), at) - start) // timedelta(days=1)
    except shared.Unusable as error:
        raise AnsibleFilterError(f"days_left: {error}") from error


def _end(value: Any) -> str:
    if isinstance(value, Mapping):
        for field in ("not_after", "expires_at"):
            if value.get(field):
                return str(value[field])
        raise shared.Unusable("it has neither not_after nor expires_at")
    if isinstance(value, str) and "-----BEGIN" in value:
        end: str = shared.facts_of_text(value)["not_after"]
        return end
    if isinstance(value, str):
        return value
    raise shared.Unusable(f"wants PEM text, certificate facts or a moment, not {type(value).__name__}")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"days_left": days_left}

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters: what PEM text with certificates says, and how long a certificate is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from collections.abc import Callable


def certificate_facts(pem: str, *, every: bool = False) -> Any:
    """Return what the first certificate of PEM text says, or a list of what every one says."""
    if not isinstance(pem, str):
        raise AnsibleFilterError(f"certificate_facts wants PEM text, not {type(pem).__name__}")
    try:
        return shared.facts_of_text(pem, every=every)
    except shared.Unusable as error:
        raise AnsibleFilterError(f"certificate_facts: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"certificate_facts": certificate_facts}

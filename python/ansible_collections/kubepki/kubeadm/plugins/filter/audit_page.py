# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that makes the page of what was collected of many hosts, for the role `audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from collections.abc import Callable


def audit_page(path: str, title: str) -> Any:
    """Return the page of a JSON file that the role `audit` has written, as `kubepki audit -o html` makes it."""
    try:
        return wrap_var(shared.page_of(str(path), str(title)))
    except shared.Unusable as error:
        raise AnsibleFilterError(f"audit_page: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"audit_page": audit_page}

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificate files on the controller say."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_facts
short_description: What certificate files on the controller say
version_added: 0.1.0
author:
  - The kubepki contributors (@kubepki)
description:
  - Returns for each file what its first certificate says, as M(kubepki.kubeadm.certificate_info) returns it.
  - Relative paths are looked for as C(ansible.builtin.file) does, in C(files/) of the role and beside the playbook.
options:
  _terms:
    description: Paths of PEM files.
    type: list
    elements: string
    required: true
  every:
    description: Whether to return all certificates of each file, not the first alone.
    type: bool
    default: false
requirements:
  - kubepki (Python package) on the controller
"""

EXAMPLES = r"""
- name: Say when the CA ends
  ansible.builtin.debug:
    msg: "{{ lookup('kubepki.kubeadm.certificate_facts', 'ca.crt').not_after }}"
"""

RETURN = r"""
_list:
  description:
    - For each certificate subject, issuer, serial, not_before, not_after, residual_seconds, days_left, expired, key,
      subject_alt_names, is_ca, and the path.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: Any = None, **options: Any) -> list[dict[str, Any]]:
        """Return the facts of each file."""
        self.set_options(var_options=variables, direct=options)
        every = self.get_option("every")
        found: list[dict[str, Any]] = []
        for term in terms:
            path = self.find_file_in_search_path(variables, "files", term, ignore_missing=True)
            if not path:
                raise AnsibleLookupError(f"certificate_facts: there is no file {term}")
            try:
                read = shared.facts_of_file(path)
            except shared.Unusable as error:
                raise AnsibleLookupError(f"certificate_facts: {path}: {error}") from error
            found.extend(read if every else read[:1])
        return found

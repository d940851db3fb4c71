# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of every module says of check mode, diff mode, idempotence and the action group."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Says what would change and changes nothing.
    support: full
  diff_mode:
    description: Shows certificates decoded, before and after; never key material.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  action_group:
    description: Use C(group/kubepki.kubeadm.kubeadm) in C(module_defaults) to give all modules their options at once.
    support: full
    membership:
      - kubepki.kubeadm.kubeadm
"""

    # For modules that look and change nothing.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Looks as it does otherwise.
    support: full
  diff_mode:
    description: There is never a difference to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
  action_group:
    description: Use C(group/kubepki.kubeadm.kubeadm) in C(module_defaults) to give all modules their options at once.
    support: full
    membership:
      - kubepki.kubeadm.kubeadm
"""

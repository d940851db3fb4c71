# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that replace or remove files."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the files that change are kept."""

    DOCUMENTATION = r"""
options:
  backup:
    description:
      - Whether the files that are replaced or removed are kept as they were, below O(backup_dir).
    type: bool
    default: true
  backup_dir:
    description:
      - The directory of the node where backups are kept.
    type: path
    default: /var/lib/kubepki/backups
"""

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove old backups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_prune
short_description: Remove old backups
version_added: 0.1.0
description:
  - Removes whole backups that operations of kubepki have made, and nothing else in their folder.
  - Incomplete ones go once they are a day old, and do not count.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
options:
  keep:
    description:
      - How many complete ones stay, the newest.
    type: int
  older_than:
    description:
      - How old one must be to go; with O(keep), both must hold. It is written as V(30d), V(2w) or V(720h).
    type: str
  backup_dir:
    description:
      - The directory of the node where backups are kept.
    type: path
    default: /var/lib/kubepki/backups
  rootfs:
    description:
      - >-
        The directory in front of every path of the node: a mounted disk, a folder.
    type: path
seealso:
  - module: kubepki.kubeadm.backup_info
"""

EXAMPLES = r"""
- name: Keep the ten newest backups, and those of the last three months
  kubepki.kubeadm.backup_prune:
    keep: 10
    older_than: 90d
"""

RETURN = r"""
removed:
  description: The names of the backups that were removed; in check mode, that would be.
  returned: success
  type: list
  elements: str
kept:
  description: The names of those that stay, the oldest first.
  returned: success
  type: list
  elements: str
failures:
  description: What could not be removed, and why - C(name), C(problem).
  returned: success, and failure with C(backup.not_removed)
  type: list
  elements: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: api.nothing_to_prune
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Remove what is too old."""
    module = shared.make_module(
        {
            "keep": {"type": "int"},
            "older_than": {"type": "str"},
            "backup_dir": shared.BACKUP_OPTIONS["backup_dir"],
        },
        required_one_of=[("keep", "older_than")],
    )
    wanted = module.params
    with shared.failures(module):
        report = shared.kubepki.prune_backups(
            rootfs=wanted["rootfs"],
            backup_dir=wanted["backup_dir"],
            keep=wanted["keep"],
            older_than=shared.span(wanted["older_than"]) if wanted["older_than"] else None,
            dry_run=module.check_mode,
        )
    removed, kept = ([each.name for each in backups] for backups in (report.removed, report.kept))
    result = {"changed": bool(removed), "removed": removed, "kept": kept}
    result["failures"] = [each.to_dict() for each in report.failures]
    if module._diff:
        before = sorted([*removed, *kept])
        result["diff"] = {
            "before": "".join(f"{each}\n" for each in before),
            "after": "".join(f"{each}\n" for each in kept),
        }
    if report.failures:
        first = report.failures[0]
        module.fail_json(
            msg=f"{first.name}: {first.problem.message}", code=first.problem.code, hint=first.problem.hint, **result
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()

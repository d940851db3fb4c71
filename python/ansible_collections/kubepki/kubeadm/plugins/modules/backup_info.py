#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at backups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: Say which backups a node has, and what is in them
version_added: 0.1.0
description:
  - Lists what operations of kubepki have kept before they replaced or removed files, the oldest first. Checksums are
    verified.
  - With O(name), shows one backup, and for each of its files how the file that is there now differs.
  - A damaged backup does not fail the task; its C(state) and C(problems) say so. No key is returned.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes.info
  - kubepki.kubeadm.node.unused
options:
  name:
    description:
      - The one backup to show, by its name, or V(latest).
      - Without it, all are listed.
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
  - module: kubepki.kubeadm.backup_restore
  - module: kubepki.kubeadm.backup_prune
"""

EXAMPLES = r"""
- name: Look at the backups
  kubepki.kubeadm.backup_info:
  register: kept

- name: Stop where the newest backup is damaged
  ansible.builtin.assert:
    that: kept.backups | length == 0 or kept.backups[-1].state == 'complete'

- name: See how the files differ from the last backup
  kubepki.kubeadm.backup_info:
    name: latest
  when: kept.backups | length > 0
"""

RETURN = r"""
backups:
  description: The backups, the oldest first; with O(name) the one.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name, which M(kubepki.kubeadm.backup_restore) takes.
      type: str
    path:
      description: Its folder.
      type: str
    made_at:
      description: When it was made (RFC 3339).
      type: str
    operation:
      description: What was done then.
      type: str
      sample: certs renew
    state:
      description: V(complete), V(incomplete) or V(damaged).
      type: str
    problems:
      description: What is wrong with it.
      type: list
      elements: str
    files:
      description: Its files - C(path) on the node, C(mode), C(uid), C(gid), C(sha256); with O(name) C(difference) too.
      type: list
      elements: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: backup.unknown
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Look, and report."""
    module = shared.make_module(
        {"name": {"type": "str"}, "backup_dir": shared.BACKUP_OPTIONS["backup_dir"]},
    )
    name, place = module.params["name"], {each: module.params[each] for each in ("rootfs", "backup_dir")}
    with shared.failures(module):
        library = shared.kubepki
        backups = library.list_backups(**place) if name is None else [library.show_backup(name, **place)]
    module.exit_json(changed=False, backups=[each.to_dict() for each in backups])


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put back what a backup holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_restore
short_description: Put back what a backup holds
version_added: 0.1.0
description:
  - Puts the files of a backup back, with mode, owner and group, in one transaction. The whole backup is verified first.
  - Files that are as in the backup stay untouched. What is replaced is kept in a backup of its own.
  - Components that read the files at their start must be restarted then - M(kubepki.kubeadm.restart).
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
  - kubepki.kubeadm.backup
attributes:
  idempotent:
    details: >-
      For a backup that is named. V(latest) is another one after a run that has put files back, unless O(backup=false).
    support: partial
options:
  name:
    description:
      - The backup's name, as M(kubepki.kubeadm.backup_info) has it, or V(latest).
    type: str
    required: true
  only:
    description:
      - Only these files of the node, or the files of these directories; all without any.
    type: list
    elements: path
    default: []
  rootfs:
    description:
      - >-
        The directory in front of every path of the node: a mounted disk, a folder.
    type: path
seealso:
  - module: kubepki.kubeadm.backup_info
  - module: kubepki.kubeadm.restart
"""

EXAMPLES = r"""
- name: Renew
  kubepki.kubeadm.renew:
    names: [apiserver]
    force: true
  register: renewed

- name: Put back what was there before
  kubepki.kubeadm.backup_restore:
    name: "{{ renewed.backup | basename }}"
  when: renewed.backup is string
"""

RETURN = r"""
changes:
  description: What was changed; in check mode, what would be.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The file on the node, without O(rootfs).
      type: str
      sample: /etc/kubernetes/pki/apiserver.crt
    action:
      description: What happens to it.
      type: str
      sample: restore
    reason:
      description: Why.
      type: str
    files:
      description: The file again.
      type: list
      elements: str
    expires_at:
      description: When its certificate ends (RFC 3339); null without a certificate.
      type: str
      sample: "2027-11-25T08:51:00Z"
    serial:
      description: The serial number of the certificate that is put back, hexadecimal; null in check mode.
      type: str
    previous_serial:
      description: The serial number of the certificate that was there.
      type: str
backup:
  description:
    - The folder with the files as they were before they were replaced.
    - Null when nothing was replaced, in check mode, and without O(backup).
  returned: success
  type: str
findings:
  description: What was found and does not block it, as M(kubepki.kubeadm.certificate_info) has it.
  returned: success
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
    """Plan and apply."""
    module = shared.make_module(
        {
            "name": {"type": "str", "required": True},
            "only": {"type": "list", "elements": "path", "default": []},
            **shared.BACKUP_OPTIONS,
        }
    )
    with shared.failures(module):
        plan = shared.kubepki.plan_restore(
            module.params["name"],
            rootfs=module.params["rootfs"],
            only=module.params["only"],
            recover=not module.check_mode,
            **shared.backups(module),
        )
        result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

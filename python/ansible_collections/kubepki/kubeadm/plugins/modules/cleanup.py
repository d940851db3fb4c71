#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove what signing by an external CA leaves behind."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cleanup
short_description: Remove requests, embedded certificates and CA keys that nothing needs
version_added: 0.1.0
description:
  - Removes a request when its certificate is in place and verifies, and the certificate beside a
    kubeconfig when it is embedded.
  - With O(ca_keys), also removes CA keys, after it is proven that nothing on the node needs them.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.backup
options:
  names:
    description:
      - Which certificates and kubeconfigs, by kubeadm's names; all, or none for an empty list.
      - Without it, all of the node.
    type: list
    elements: str
  ca_keys:
    description:
      - Remove the keys of these CAs too (C(ca), C(etcd-ca), C(front-proxy-ca)), for external CA mode.
    type: list
    elements: str
    default: []
  ca_key_backup:
    description:
      - >-
        With a CA's key: the directory of this machine where what is removed is kept, outside the node's files and its
        root directory.
    type: path
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
seealso:
  - module: kubepki.kubeadm.embed
"""

EXAMPLES = r"""
- name: Remove what is no longer needed
  kubepki.kubeadm.cleanup:
    config: /etc/kubernetes/kubeadm.yaml

- name: Go over to external CA mode
  kubepki.kubeadm.cleanup:
    names: []
    ca_keys: [ca, front-proxy-ca, etcd-ca]
    ca_key_backup: /media/vault/ca-keys
"""

RETURN = r"""
changes:
  description: What was changed; in check mode, what would be.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: kubeadm's name.
      type: str
      sample: apiserver
    action:
      description: What happens to it.
      type: str
      sample: remove
    reason:
      description: Why.
      type: str
    files:
      description: Its files on the node, without O(rootfs).
      type: list
      elements: str
      sample: [/etc/kubernetes/pki/apiserver.key, /etc/kubernetes/pki/apiserver.crt]
    expires_at:
      description: When its certificate ends (RFC 3339); null without a certificate.
      type: str
      sample: "2027-11-25T08:51:00Z"
    serial:
      description: The serial number of its new certificate, hexadecimal; null in check mode and without a certificate.
      type: str
      sample: 4c1f3b0a9d2e7785
    previous_serial:
      description: The serial number of the certificate that was there.
      type: str
backup:
  description:
    - The folder with the files as they were.
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
  sample: plan.blocked
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
            "names": {"type": "list", "elements": "str"},
            "ca_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "ca_key_backup": {"type": "path", "no_log": False},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            **shared.BACKUP_OPTIONS,
        }
    )
    with shared.failures(module):
        plan = shared.kubepki.plan_cleanup(
            shared.names(module.params["names"]),
            kubelet_dir=module.params["kubelet_dir"],
            ca_keys=module.params["ca_keys"],
            ca_key_backup=module.params["ca_key_backup"],
            **shared.backups(module),
            recover=not module.check_mode,
            **shared.node_arguments(module),
        )
        result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

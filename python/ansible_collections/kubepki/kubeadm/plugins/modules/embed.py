#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put client certificates into kubeconfigs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: embed
short_description: Put signed client certificates and the CA into kubeconfigs
version_added: 0.1.0
description:
  - Puts into each kubeconfig the certificate that lies beside it (C(admin.conf.crt) beside C(admin.conf)), or the one
    that is named, and all of C(ca.crt), as C(kubectl config set-credentials --embed-certs) does.
  - Everything else in the file stays - other users, contexts, unknown fields.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.backup
options:
  kubeconfigs:
    description:
      - kubeadm's names (C(admin.conf)) or paths of kubeconfigs; all of the node, or none for an empty list.
      - Without it, all of the node.
    type: list
    elements: str
  client_certificate:
    description:
      - The client certificate, for one kubeconfig, in place of the file beside it.
    type: path
  client_key:
    description:
      - Its key, in place of the one in the kubeconfig.
    type: path
  copies_of:
    description:
      - >-
        Only into copies of this kubeconfig of the node (C(admin.conf)), which have the same server, user and CA: with
        its client certificate and key.
    type: str
  certificate_authority:
    description:
      - The CA certificates, in place of C(ca.crt).
    type: path
  flatten:
    description:
      - Embed the files that a kubeconfig refers to, too.
    type: bool
    default: false
seealso:
  - module: kubepki.kubeadm.install
  - module: kubepki.kubeadm.cleanup
"""

EXAMPLES = r"""
- name: Put the signed certificates into all kubeconfigs
  kubepki.kubeadm.embed:
    config: /etc/kubernetes/kubeadm.yaml

- name: Bring root's copy of admin.conf up to date
  kubepki.kubeadm.embed:
    kubeconfigs: [/root/.kube/config]
    copies_of: admin.conf

- name: Give one kubeconfig another CA bundle
  kubepki.kubeadm.embed:
    kubeconfigs: [/root/jane.conf]
    certificate_authority: /root/ca-bundle.crt
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
      sample: install
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
            "kubeconfigs": {"type": "list", "elements": "str"},
            "client_certificate": {"type": "path"},
            "client_key": {"type": "path", "no_log": False},
            "copies_of": {"type": "str"},
            "certificate_authority": {"type": "path"},
            "flatten": {"type": "bool", "default": False},
            **shared.BACKUP_OPTIONS,
        },
        mutually_exclusive=[("copies_of", "client_certificate"), ("copies_of", "client_key")],
    )
    with shared.failures(module):
        plan = shared.kubepki.plan_embed(
            shared.names(module.params["kubeconfigs"]),
            client_certificate=module.params["client_certificate"],
            client_key=module.params["client_key"],
            copies_of=module.params["copies_of"],
            certificate_authority=module.params["certificate_authority"],
            flatten=module.params["flatten"],
            **shared.backups(module),
            recover=not module.check_mode,
            **shared.node_arguments(module),
        )
        result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a node's kubeconfigs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Make the kubeconfigs that a kubeadm node lacks
version_added: 0.1.0
description:
  - Makes C(admin.conf), C(kubelet.conf) and the other kubeconfigs that C(kubeadm init) makes, with their client
    certificates, where they are missing. The CA's key has to be there.
  - What is there is judged and never overwritten. All files are written in one transaction with mode C(0600).
  - M(kubepki.kubeadm.pki) makes them with all else that a node lacks; M(kubepki.kubeadm.kubeconfig_user) makes one for
    anybody else.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
options:
  names:
    description:
      - Which kubeconfigs, by their file names (C(admin.conf)); all, or none for an empty list.
      - Without it, all that the node has to have.
    type: list
    elements: str
  outlive_ca:
    description:
      - >-
        What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or
        make it anyway, as kubeadm does.
      - V(refuse) fails, V(clamp) lets it end with the CA, V(allow) makes it anyway, as kubeadm does.
    type: str
    choices: [refuse, clamp, allow]
    default: refuse
seealso:
  - module: kubepki.kubeadm.pki
  - module: kubepki.kubeadm.kubeconfig_user
"""

EXAMPLES = r"""
- name: Make what is missing
  kubepki.kubeadm.kubeconfig:
    config: /etc/kubernetes/kubeadm.yaml

- name: Make the administrator's alone
  kubepki.kubeadm.kubeconfig:
    config: /etc/kubernetes/kubeadm.yaml
    names: [admin.conf]
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
      sample: create
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
            "outlive_ca": {"type": "str", "choices": ["refuse", "clamp", "allow"], "default": "refuse"},
        }
    )
    with shared.failures(module):
        plan = shared.kubepki.plan(
            certificates=(),
            kubeconfigs=shared.names(module.params["names"]),
            outlive_ca=module.params["outlive_ca"],
            recover=not module.check_mode,
            **shared.node_arguments(module),
        )
        result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make what a node lacks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pki
short_description: Make what a kubeadm node's PKI lacks
version_added: 0.1.0
description:
  - Makes the CAs, certificates, service account keys and kubeconfigs that a node lacks, as C(kubeadm init) would.
  - What is there is never overwritten. It is judged in full, and anything critical fails the task before
    the first change.
  - All files are written in one transaction. Keys are made with mode C(0600).
  - Runs on the node, or on the controller with O(rootfs) and C(delegate_to) for a folder that stands for the node.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
options:
  certificates:
    description:
      - Which CAs, certificates and key pairs, by kubeadm's names (C(apiserver), C(etcd-ca), C(sa)); all, or none for an
        empty list.
      - Without it, all that the node has to have.
    type: list
    elements: str
  kubeconfigs:
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
  - module: kubepki.kubeadm.certificate_info
"""

EXAMPLES = r"""
- name: Make what the node lacks
  kubepki.kubeadm.pki:
    config: /etc/kubernetes/kubeadm.yaml

- name: Make the CAs alone, from a configuration in the playbook
  kubepki.kubeadm.pki:
    config_content:
      apiVersion: kubeadm.k8s.io/v1beta4
      kind: ClusterConfiguration
      clusterName: prod
      encryptionAlgorithm: ECDSA-P256
    certificates: [ca, front-proxy-ca, etcd-ca, sa]
    kubeconfigs: []

- name: Make a worker's files on the controller, where the CA's key is
  kubepki.kubeadm.pki:
    config: worker.yaml
    node_name: "{{ inventory_hostname }}"
    rootfs: "/srv/nodes/{{ inventory_hostname }}"
  delegate_to: localhost
"""

RETURN = r"""
changes:
  description: What was made; in check mode, what would be.
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
      sample: missing
    files:
      description: Its files on the node, without O(rootfs).
      type: list
      elements: str
      sample: [/etc/kubernetes/pki/apiserver.key, /etc/kubernetes/pki/apiserver.crt]
    expires_at:
      description: When its certificate ends (RFC 3339); null for a key pair.
      type: str
      sample: "2027-11-25T08:51:00Z"
    serial:
      description: The serial number of its new certificate, hexadecimal; null in check mode and for a key pair.
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
            "certificates": {"type": "list", "elements": "str"},
            "kubeconfigs": {"type": "list", "elements": "str"},
            "outlive_ca": {"type": "str", "choices": ["refuse", "clamp", "allow"], "default": "refuse"},
        }
    )
    with shared.failures(module):
        plan = shared.kubepki.plan(
            certificates=shared.names(module.params["certificates"]),
            kubeconfigs=shared.names(module.params["kubeconfigs"]),
            outlive_ca=module.params["outlive_ca"],
            recover=not module.check_mode,
            **shared.node_arguments(module),
        )
        result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

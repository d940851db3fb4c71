#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make keys and signing requests."""

from __future__ import annotations

DOCUMENTATION = r"""
module: csr
short_description: Make keys and certificate signing requests for a node
version_added: 0.1.0
description:
  - Makes what C(kubeadm certs generate-csr) makes - for each certificate a key and a request, for each kubeconfig the
    kubeconfig with its key and a request - for a CA whose key is elsewhere. No CA is needed, and no key leaves
    the node.
  - What is there is kept. A certificate in its place is requested again, with its key, when it ends within
    O(renew_before) or when its subject or names are no longer those of the configuration. It stays in use until the new
    one is installed.
  - A request that waits for its signature is kept and returned.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
attributes:
  idempotent:
    details: Not with O(force=true).
    support: partial
options:
  names:
    description:
      - Which certificates and kubeconfigs, by kubeadm's names; C(kubelet-client) for what the kubelet shows to the API
        server and cannot renew any more.
      - V(kubelet-client), by its name alone, is what the kubelet shows to the API server - for a kubelet that can renew
        its own no more, on a node without the CA's key. It is requested with a new key, as the kubelet does it.
      - Without it, all of the node.
    type: list
    elements: str
  role:
    description:
      - What the node is, instead of the configuration's; C(etcd) means what etcd's CA signs.
    type: str
    choices: [control-plane, worker, etcd]
  with_usages:
    description:
      - Ask for key usages too; kubeadm's requests do not.
    type: bool
    default: false
  renew_before:
    description:
      - A certificate with more time left (V(30d), V(720h)) is not requested again.
    type: str
    default: 30d
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
  force:
    description:
      - Whether to make requests again, with the keys that are there, whatever is there.
    type: bool
    default: false
  return_content:
    description:
      - Whether to return the requests; they hold no secret.
    type: bool
    default: true
seealso:
  - module: kubepki.kubeadm.sign_pipe
  - module: kubepki.kubeadm.install
"""

EXAMPLES = r"""
- name: Make keys and requests on the node
  kubepki.kubeadm.csr:
    config: /etc/kubernetes/kubeadm.yaml
  register: node

- name: Sign them on the controller
  kubepki.kubeadm.sign_pipe:
    csr_content: "{{ node.requests }}"
    ca_dir: /srv/ca
  delegate_to: localhost
  register: signed

- name: Ask for a worker's kubelet, where its certificate has expired
  kubepki.kubeadm.csr:
    names: [kubelet-client]
  register: kubelet

- name: Sign it where the CA's key is, as the node that the inventory says it is
  kubepki.kubeadm.sign_pipe:
    csr_content: "{{ kubelet.requests }}"
    role: worker
    node_name: "{{ inventory_hostname }}"
    ca_dir: /etc/kubernetes/pki
  delegate_to: cp1
  register: signed

- name: Put it where the kubelet rotates it
  kubepki.kubeadm.install:
    content: "{{ signed.certificates }}"
"""

RETURN = r"""
requests:
  description: The requests that wait for a signature, those that were there already among them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: kubeadm's name.
      type: str
      sample: apiserver
    path:
      description: The request's file on the node, without O(rootfs).
      type: str
      sample: /etc/kubernetes/pki/apiserver.csr
    content:
      description: The request (PEM); null without O(return_content), and in check mode where it would be made.
      type: str
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
      sample: request
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
from ansible_collections.kubepki.kubeadm.plugins.module_utils import _requests


def main() -> None:
    """Ask for what is not there."""
    module = shared.make_module(
        {
            "names": {"type": "list", "elements": "str"},
            "role": {"type": "str", "choices": ["control-plane", "worker", "etcd"]},
            "with_usages": {"type": "bool", "default": False},
            "renew_before": {"type": "str", "default": "30d"},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            "force": {"type": "bool", "default": False},
            "return_content": {"type": "bool", "default": True},
        }
    )
    with shared.failures(module):
        result = _requests.ensure(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

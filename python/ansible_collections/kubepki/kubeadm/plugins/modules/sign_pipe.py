#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sign requests, and write nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sign_pipe
short_description: Sign certificate requests where the CA is, and write nothing
version_added: 0.1.0
description:
  - Signs requests that are given as text, and returns the certificates as text. Run it on the controller
    (C(delegate_to)), so that the CA's key need not be on a node.
  - Each request is checked against kubeadm's catalogue first - signature, key, subject, alternative names. Usages and
    constraints are the catalogue's, never the request's. One that asks for more than it may is refused with every
    reason, and then nothing is signed.
  - Which node the requests are from, and of which kind it is, is said by O(node_name) and O(role), never by the node.
    Give both from the inventory. A request for what such a node does not have, or in another node's name, is refused.
  - A certificate that is given in O(csr_content[].certificate) is kept while it still answers its request.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
attributes:
  idempotent:
    details: Where O(csr_content[].certificate) is given, and not with O(force=true). Nothing is changed in any case.
    support: partial
options:
  csr_content:
    description:
      - The requests - what M(kubepki.kubeadm.csr) returns.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - kubeadm's name (V(apiserver), V(kubelet.conf)), or one that O(policy) adds.
        type: str
        required: true
      content:
        description:
          - The request (PEM). One without is passed over, as in check mode, where there is none yet.
        type: str
      certificate:
        description:
          - The certificate (PEM) that the request has been answered with before.
        type: str
      path:
        description:
          - Not used; what M(kubepki.kubeadm.csr) returns has it.
        type: str
  ca_dir:
    description:
      - The folder with the CAs' certificates and keys, laid out as C(/etc/kubernetes/pki).
    type: path
    required: true
  ca_key_content:
    description:
      - The key itself (PEM), which is on no disk then; or the keys by their CAs' names (C(front-proxy-ca)).
    type: dict
  ca_key_passphrase:
    description:
      - The passphrase of the key (PKCS#8, as C(openssl pkcs8 -topk8) writes it); or by CA, likewise.
      - The keys are opened in memory alone.
    type: str
  validity:
    description:
      - How long the certificate is valid; the configuration's period without it. It is written as V(30d), V(2w) or
        V(720h).
    type: str
  renew_before:
    description:
      - Sign again when the certificate that is given ends within this time. It must be shorter than O(validity).
    type: str
    default: 30d
  force:
    description:
      - Whether to sign again, whatever is given.
    type: bool
    default: false
  policy:
    description:
      - >-
        The policy file: what may be signed besides the catalogue, or may not.
    type: path
  outlive_ca:
    description:
      - >-
        What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or
        make it anyway, as kubeadm does.
    type: str
    choices: [refuse, clamp, allow]
    default: refuse
  config:
    description:
      - Path of a kubeadm configuration on the host on which the module runs; with one, alternative names are held
        against it too.
    type: path
  config_content:
    description:
      - The configuration itself as YAML or JSON text, instead of O(config).
    type: raw
  lenient:
    description:
      - Warn of unknown fields, as kubeadm does; they are errors otherwise.
    type: bool
    default: false
  node_name:
    description:
      - The name of the node that the requests are from, as C(kubectl get nodes) shows it. Take it from the inventory.
    type: str
    required: true
  role:
    description:
      - The kind of the node that the requests are from. Take it from the inventory, never from what the node returns.
      - A V(worker) gets C(kubelet.conf) alone, V(etcd) what etcd's CA signs.
    type: str
    choices: [control-plane, worker, etcd]
    required: true
seealso:
  - module: kubepki.kubeadm.csr
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
    node_name: "{{ inventory_hostname }}"
    role: "{{ 'control-plane' if inventory_hostname in groups['control_plane'] else 'worker' }}"
  delegate_to: localhost
  register: signed

- name: Put the certificates into their places
  kubepki.kubeadm.install:
    config: /etc/kubernetes/kubeadm.yaml
    content: "{{ signed.certificates }}"

- name: Sign with a key that only the vault has
  kubepki.kubeadm.sign_pipe:
    csr_content: "{{ node.requests }}"
    ca_dir: /srv/ca
    ca_key_content:
      ca: "{{ vault_ca_key }}"
    ca_key_passphrase: "{{ vault_ca_passphrase }}"
    node_name: "{{ inventory_hostname }}"
    role: worker
  delegate_to: localhost
"""

RETURN = r"""
certificates:
  description: The certificates, in the order of the requests; none in check mode for what would be signed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: kubeadm's name.
      type: str
      sample: apiserver
    content:
      description: The certificate (PEM).
      type: str
    serial:
      description: Its serial number, hexadecimal.
      type: str
    subject:
      description: Its subject (RFC 4514).
      type: str
    not_after:
      description: Its last moment (RFC 3339).
      type: str
signed:
  description: The names of what was signed again; in check mode, of what would be.
  returned: success
  type: list
  elements: str
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: policy.refused
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared
from ansible_collections.kubepki.kubeadm.plugins.module_utils import _signing


def main() -> None:
    """Sign."""
    one = {
        "name": {"type": "str", "required": True},
        "content": {"type": "str"},
        "certificate": {"type": "str"},
        "path": {"type": "str"},
    }
    module = shared.make_module(
        {
            "csr_content": {"type": "list", "elements": "dict", "required": True, "options": one},
            "ca_dir": {"type": "path", "required": True},
            "ca_key_content": {"type": "dict", "no_log": True},
            "ca_key_passphrase": {"type": "str", "no_log": True},
            "validity": {"type": "str"},
            "renew_before": {"type": "str", "default": "30d"},
            "force": {"type": "bool", "default": False},
            "policy": {"type": "path"},
            "outlive_ca": {"type": "str", "choices": ["refuse", "clamp", "allow"], "default": "refuse"},
            "node_name": {"type": "str", "required": True},
            "role": {"type": "str", "choices": ["control-plane", "worker", "etcd"], "required": True},
        },
    )
    with shared.failures(module):
        result = _signing.answer(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

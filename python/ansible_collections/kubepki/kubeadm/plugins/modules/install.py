#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put signed certificates into their places."""

from __future__ import annotations

DOCUMENTATION = r"""
module: install
short_description: Put certificates that were signed elsewhere into their places on a node
version_added: 0.1.0
description:
  - Matches each certificate to its place by its name, or by its key, and holds it against key, request, CA, usages,
    names and validity. Anything that is wrong with one fails the task before the first change.
  - All are installed in one transaction. A kubeconfig's client certificate is laid beside it; M(kubepki.kubeadm.embed)
    puts it in. V(kubelet-client) goes into the file that the kubelet rotates, and C(kubelet.conf) reads it from there.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.backup
options:
  path:
    description:
      - Certificate files, and folders of such, on the host on which the module runs.
      - Without it and O(content), the certificates that lie beside their requests on the node.
    type: list
    elements: path
  content:
    description:
      - Certificates themselves (PEM), each with kubeadm's name - what M(kubepki.kubeadm.sign_pipe) returns.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - kubeadm's name (V(apiserver), V(admin.conf), V(ca)).
        type: str
        required: true
      content:
        description:
          - The certificate, or its chain (PEM).
        type: str
        required: true
      serial:
        description:
          - Not used, as the two below; what M(kubepki.kubeadm.sign_pipe) returns has it.
        type: str
      subject:
        description:
          - Not used.
        type: str
      not_after:
        description:
          - Not used.
        type: str
  force:
    description:
      - Import in spite of wrong names, usages, validity or signer; never with another key.
    type: bool
    default: false
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
seealso:
  - module: kubepki.kubeadm.csr
  - module: kubepki.kubeadm.embed
"""

EXAMPLES = r"""
- name: Put what was signed into its place
  kubepki.kubeadm.install:
    config: /etc/kubernetes/kubeadm.yaml
    content: "{{ signed.certificates }}"
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
  sample: import.key_mismatch
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from tempfile import TemporaryDirectory

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Plan and apply."""
    one = {
        "name": {"type": "str", "required": True},
        "content": {"type": "str", "required": True},
        **{unused: {"type": "str"} for unused in ("serial", "subject", "not_after")},
    }
    module = shared.make_module(
        {
            "path": {"type": "list", "elements": "path"},
            "content": {"type": "list", "elements": "dict", "options": one},
            "force": {"type": "bool", "default": False},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            **shared.BACKUP_OPTIONS,
        },
        mutually_exclusive=[("path", "content")],
    )
    # Certificates are no secret; the folder is private all the same.
    with shared.failures(module), TemporaryDirectory(dir=module.tmpdir) as folder:
        paths = module.params["path"] or []
        if module.params["content"] is not None:
            paths = shared.write_certificates(folder, module.params["content"])
        result = shared.nothing(module)
        if paths or module.params["content"] is None:
            plan = shared.kubepki.plan_import(
                paths,
                kubelet_dir=module.params["kubelet_dir"],
                force=module.params["force"],
                **shared.backups(module),
                recover=not module.check_mode,
                **shared.node_arguments(module),
            )
            result = shared.carry_out(module, plan)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

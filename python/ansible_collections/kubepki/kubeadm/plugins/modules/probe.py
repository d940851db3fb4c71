#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at the certificates that servers present."""

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Look at the certificates that servers present
version_added: 0.1.0
description:
  - Greets servers and leaves them again, and says which certificates they present and what is wrong with them.
    Nothing is asked of them, and what has expired is seen all the same.
  - A bad certificate never fails the task, nor does a server that does not answer. RV(status) sums it up.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes.info
  - kubepki.kubeadm.node.unused
options:
  endpoints:
    description:
      - Servers, each as C(HOST:PORT) or C(https://HOST:PORT); port 6443 without a port, 443 in a URL.
    type: list
    elements: str
    required: true
  server_name:
    description:
      - The name that is asked for (SNI) and looked for in the certificate, instead of each server's host.
    type: str
  certificate_authority:
    description:
      - The CA's file; each certificate must chain to one in it. Without it nobody's signature is judged.
    type: path
  certificate:
    description:
      - The certificate's file; a server that presents another one has not loaded it.
    type: path
  client_certificate:
    description:
      - The certificate for servers that ask for one; most present theirs without it.
    type: path
  client_key:
    description:
      - The key of the client certificate.
    type: path
  warning:
    description:
      - Warn of a certificate with at most this much time left. It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 30d
  critical:
    description:
      - A certificate with at most this much time left is critical. It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 7d
  timeout:
    description:
      - How long each server may take to answer. It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 5s
seealso:
  - module: kubepki.kubeadm.certificate_info
  - module: kubepki.kubeadm.restart
"""

EXAMPLES = r"""
- name: See from outside that the new certificate is served
  kubepki.kubeadm.probe:
    endpoints: ["{{ inventory_hostname }}:6443"]
    certificate_authority: ca.crt
  delegate_to: localhost
  register: seen

- name: Stop where it is not
  ansible.builtin.assert:
    that: seen.status == 'ok'
    fail_msg: "{{ seen.findings | map(attribute='evidence') | join(', ') }}"

- name: See that etcd has loaded its file
  kubepki.kubeadm.probe:
    endpoints: ["127.0.0.1:2379"]
    certificate: /etc/kubernetes/pki/etcd/server.crt
"""

RETURN = r"""
status:
  description:
    - The worst of all - V(critical), then V(unknown) where one does not answer, then V(warning), then V(ok).
  returned: success
  type: str
  sample: ok
probed_at:
  description: The moment for which it holds (RFC 3339).
  returned: success
  type: str
endpoints:
  description: Every server, in the order of O(endpoints).
  returned: success
  type: list
  elements: dict
  contains:
    endpoint:
      description: Where it listens.
      type: str
      sample: 10.0.0.1:6443
    server_name:
      description: The name that its certificate must have.
      type: str
    certificates:
      description:
        - The chain as it was sent, the server's own certificate first. M(kubepki.kubeadm.certificate_info) has the
          fields.
        - It is empty when there was no answer.
      type: list
      elements: dict
    findings:
      description: What is wrong with it.
      type: list
      elements: dict
    problem:
      description: Why nothing was seen - C(code), C(message) and C(hint); null when something was.
      type: dict
findings:
  description: What is wrong with all of them, as M(kubepki.kubeadm.certificate_info) has it.
  returned: success
  type: list
  elements: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: plan.bad_request
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Look, and report."""
    module = shared.make_module(
        {
            "endpoints": {"type": "list", "elements": "str", "required": True},
            "server_name": {"type": "str"},
            "certificate_authority": {"type": "path"},
            "certificate": {"type": "path"},
            "client_certificate": {"type": "path"},
            "client_key": {"type": "path", "no_log": False},
            "warning": {"type": "str", "default": "30d"},
            "critical": {"type": "str", "default": "7d"},
            "timeout": {"type": "str", "default": "5s"},
        },
        required_together=[("client_certificate", "client_key")],
    )
    wanted = module.params
    with shared.failures(module):
        report = shared.kubepki.probe(
            wanted["endpoints"],
            server_name=wanted["server_name"],
            certificate_authority=wanted["certificate_authority"],
            certificate=wanted["certificate"],
            client_certificate=wanted["client_certificate"],
            client_key=wanted["client_key"],
            warning=shared.span(wanted["warning"]),
            critical=shared.span(wanted["critical"]),
            timeout=shared.span(wanted["timeout"]),
        )
    endpoints = [
        {
            **each.to_dict(),
            "certificates": [shared.facts(one) for one in each.certificates],
            "findings": shared.found(module, each.findings),
        }
        for each in report.endpoints
    ]
    module.exit_json(
        changed=False,
        status=report.status.name.lower(),
        probed_at=shared.rfc3339(report.probed_at),
        endpoints=endpoints,
        findings=[finding for each in endpoints for finding in each["findings"]],
    )


if __name__ == "__main__":
    main()

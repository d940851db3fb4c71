#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approve serving certificates that kubelets ask for."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_csr
short_description: Approve the serving certificates that kubelets may have
version_added: 0.1.0
description:
  - Lists the requests of kubelets for serving certificates that wait in a cluster, and approves those that may be
    approved when O(approve=true).
  - A kubelet writes the addresses of its Node object itself, so they prove nothing. Every name and address has to be
    known from the certificate that the kubelet serves now, O(allow), O(inventory), or O(dns).
  - A request that may not be approved never fails the task. It is left, RV(requests) says why, and the cluster has an
    event that says it too.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
attributes:
  diff_mode:
    support: none
options:
  approve:
    description:
      - Whether to approve what may be approved. Without it nothing is written.
    type: bool
    default: false
  deny:
    description:
      - Deny what is wrong in itself, instead of leaving it to a person; what only lacks a source is left.
    type: bool
    default: false
  allow:
    description:
      - >-
        What a node may have: C(NODE=NAME,ADDRESS,NETWORK), as C(worker1=10.0.0.0/24,worker1.example.com).
    type: list
    elements: str
    default: []
  inventory:
    description:
      - >-
        A file that says which names and addresses nodes have: a mapping from node to a list, an Ansible inventory in
        YAML, or in JSON as C(ansible-inventory) lists it.
    type: path
  dns:
    description:
      - >-
        Believe DNS: what the name of a node that is allowed, or in the inventory, resolves to is the node's.
    type: bool
    default: false
  early:
    description:
      - Approve a request although the certificate that its kubelet serves lasts for long.
    type: bool
    default: false
  reserve:
    description:
      - >-
        A name, address or network that no node ever has, besides the API server's and the services': a load balancer's.
    type: list
    elements: str
    default: []
  max_validity:
    description:
      - The longest validity that a request may ask for; one without a wish gets what the controller manager is set to.
        It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 366d
  kubeconfig:
    description:
      - >-
        The kubeconfig for the cluster's API; without it C($KUBECONFIG), the pod's service account, the node's
        C(admin.conf), or C(~/.kube/config): the first of them that is there.
    type: path
  request_timeout:
    description:
      - How long each request to the API server may take, with all that is asked again while it is busy. It is written
        as V(30d), V(2w) or V(720h).
    type: str
    default: 30s
seealso:
  - module: kubepki.kubeadm.renew
"""

EXAMPLES = r"""
- name: Approve what the nodes of this inventory may have
  kubepki.kubeadm.kubelet_csr:
    kubeconfig: ~/.kube/config
    approve: true
    allow: >-
      {{ ansible_play_hosts_all
      | zip(ansible_play_hosts_all | map('extract', hostvars, 'ansible_host')) | map('join', '=') }}
  delegate_to: localhost
  run_once: true
  register: seen

- name: Say which are left, and why
  ansible.builtin.debug:
    var: seen.left
"""

RETURN = r"""
requests:
  description: The requests that waited.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The request's name.
      type: str
      sample: csr-4k9tb
    username:
      description: Who asked.
      type: str
      sample: system:node:worker1
    names:
      description: The names and addresses that it asks for.
      type: list
      elements: str
    is_approvable:
      description: Whether it may be approved.
      type: bool
    evidence:
      description: Where each name is known from.
      type: list
      elements: str
    reasons:
      description: Why it may not be approved, as M(kubepki.kubeadm.certificate_info) has findings.
      type: list
      elements: dict
    outcome:
      description: What was done - V(approved), V(denied), V(waits), V(gone) or V(failed); in check mode V(waits).
      type: str
approved:
  description: The names of the requests that were approved; in check mode, of those that would be.
  returned: success
  type: list
  elements: str
left:
  description: One sentence for each request that is left.
  returned: success
  type: list
  elements: str
server:
  description: The API server.
  returned: success
  type: str
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: cluster.unreachable
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import ServingReport


def answered(module: AnsibleModule) -> ServingReport:
    """Look at the requests, and answer them unless the play only looks."""
    wanted = module.params
    only_looks = module.check_mode or not wanted["approve"]
    how = {
        **{name: wanted[name] for name in ("allow", "inventory", "dns", "early", "reserve", "kubeconfig")},
        **{name: shared.span(wanted[name]) for name in ("max_validity", "request_timeout")},
    }
    report: ServingReport = (
        shared.kubepki.kubelet_csrs(**how)
        if only_looks
        else shared.kubepki.approve_kubelet_csrs(deny=wanted["deny"], **how)
    )
    return report


def main() -> None:
    """List, and approve."""
    module = shared.make_module(
        {
            "approve": {"type": "bool", "default": False},
            "deny": {"type": "bool", "default": False},
            "allow": {"type": "list", "elements": "str", "default": []},
            "inventory": {"type": "path"},
            "dns": {"type": "bool", "default": False},
            "early": {"type": "bool", "default": False},
            "reserve": {"type": "list", "elements": "str", "default": []},
            "max_validity": {"type": "str", "default": "366d"},
            "kubeconfig": {"type": "path"},
            "request_timeout": {"type": "str", "default": "30s"},
        }
    )
    if module.params["deny"] and not module.params["approve"]:
        module.fail_json(
            msg="deny says what becomes of the requests that are not approved, and approve is false",
            code="ansible.bad_options",
            hint="set approve too, or leave out deny",
        )
    with shared.failures(module):
        report = answered(module)
    would = module.check_mode and module.params["approve"]
    approved = [one.name for one in report.requests if one.outcome == "approved" or (would and one.is_approvable)]
    requests: list[dict[str, Any]] = [
        {
            "name": one.name,
            "username": one.username,
            "names": list(one.names),
            "is_approvable": one.is_approvable,
            "evidence": list(one.evidence),
            "reasons": shared.found(module, one.reasons),
            "outcome": one.outcome,
        }
        for one in report.requests
    ]
    left = [
        f"{one.name} of {one.username}: {'; '.join(reason.evidence for reason in one.reasons)}"
        for one in report.requests
        if not one.is_approvable
    ]
    changed = bool(approved) or any(one.outcome == "denied" for one in report.requests)
    module.exit_json(changed=changed, requests=requests, approved=approved, left=left, server=report.server)


if __name__ == "__main__":
    main()

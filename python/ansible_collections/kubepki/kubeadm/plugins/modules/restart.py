#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart components."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restart
short_description: Restart the components of a node that do not use the certificates on disk
version_added: 0.1.0
description:
  - Compares the certificate that each component serves with the one on disk, and the time when it started with the
    times of the files that it reads. What differs, or cannot be seen, is restarted - one component at a time, the next
    when the one before is well and serves what is on disk.
  - A component's process is asked to end, and the kubelet starts it again. Where it cannot be seen, and for the API
    server while etcd restarts, the manifest is moved out of the kubelet's sight and back. Whatever goes wrong
    meanwhile, it is put back.
  - Runs on the node as root.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
attributes:
  idempotent:
    details: Not with O(force=true).
    support: partial
options:
  components:
    description:
      - >-
        Which components: C(etcd), C(kube-apiserver), C(kube-controller-manager), C(kube-scheduler); O(kubelet) only by
        its name.
      - Without it, all but V(kubelet) - see O(kubelet). An empty list is none.
    type: list
    elements: str
  kubelet:
    description:
      - Also restart the kubelet with systemctl, last; first if it does not run.
    type: bool
    default: false
  force:
    description:
      - Also restart components that are up to date.
    type: bool
    default: false
  ignore_quorum:
    description:
      - Restart etcd even if that costs the cluster its quorum for a moment.
    type: bool
    default: false
  timeout:
    description:
      - How long each component may take to end, and again to come back. It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 5m
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
  manifests_dir:
    description:
      - The directory of static-pod manifests of the node, instead of where the kubelet's configuration says.
    type: path
  rootfs:
    description:
      - >-
        The directory in front of every path of the node: a mounted disk, a folder.
    type: path
seealso:
  - module: kubepki.kubeadm.renew
"""

EXAMPLES = r"""
- name: Restart what does not use the certificates on disk
  kubepki.kubeadm.restart:

- name: See whether every component serves what is on disk
  kubepki.kubeadm.restart:
  check_mode: true
  register: state
  failed_when: state is changed
"""

RETURN = r"""
restarted:
  description: The components that were restarted; in check mode, that would be.
  returned: success
  type: list
  elements: str
  sample: [etcd, kube-apiserver]
components:
  description: Every component, before anything was done.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The component.
      type: str
    action:
      description: V(restart), V(keep) or V(skip).
      type: str
    reasons:
      description: Why.
      type: list
      elements: str
    endpoints:
      description: Each port with the certificate that it serves and the one on disk.
      type: list
      elements: dict
put_back:
  description: The manifests of an earlier run that did not end, which were put back first.
  returned: success and not check mode
  type: list
  elements: str
findings:
  description: What was found and does not block it, as M(kubepki.kubeadm.certificate_info) has it.
  returned: success
  type: list
  elements: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: restart.not_healthy
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Look, and restart."""
    module = shared.make_module(
        {
            "components": {"type": "list", "elements": "str"},
            "kubelet": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "ignore_quorum": {"type": "bool", "default": False},
            "timeout": {"type": "str", "default": "5m"},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            "manifests_dir": {"type": "path"},
        },
    )
    wanted = module.params
    components = shared.names(wanted["components"])
    names = ("force", "kubelet", "ignore_quorum", "kubelet_dir", "manifests_dir", "rootfs")
    options = {name: wanted[name] for name in names}
    with shared.failures(module):
        plan = shared.kubepki.plan_restart(components, **options)
        if plan.is_blocked:
            shared.blocked(module, plan.findings)
        for obstacle in plan.obstacles if module.check_mode else ():
            # What the restart itself would say.
            failure = shared.kubepki.errors.EnvironmentFailure
            raise failure(obstacle.message, code=obstacle.code, hint=obstacle.hint)
        result = {
            "changed": not plan.is_empty,
            "restarted": [each.name for each in plan.restarts],
            "components": [each.to_dict() for each in plan.components],
            "findings": shared.found(module, plan.findings),
        }
        if module._diff:
            result["diff"] = {
                "before": shared.lines({each.name: "; ".join(each.reasons) for each in plan.restarts}),
                "after": "".join(f"{each.name}: restarted\n" for each in plan.restarts),
            }
        if not (module.check_mode or plan.is_empty):
            with shared.stopped_by_signals(module):
                report = shared.kubepki.restart(components, timeout=shared.span(wanted["timeout"]), **options)
            result["restarted"] = [each.name for each in report.restarted]
            result["put_back"] = list(report.put_back)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renew certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: renew
short_description: Renew a node's certificates before they end
version_added: 0.1.0
description:
  - Renews certificates and kubeconfigs that end within O(renew_before), from disk alone - even if everything has
    expired, and with no API server. With O(issuer=kubernetes) the cluster is asked.
  - Each keeps its subject, alternative names and usages, and gets a new key unless O(keep_key).
  - All changes are one transaction, and the files that change are kept as they were first.
  - etcd and the API server load new certificates by themselves. RV(restart) names the components that read theirs only
    as they start, and M(kubepki.kubeadm.restart) restarts them.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.backup
  - kubepki.kubeadm.signing
attributes:
  idempotent:
    details: Not with O(force=true), which renews at every run.
    support: partial
options:
  names:
    description:
      - Which certificates, by kubeadm's names, and C(kubelet.conf), C(kubelet-client), C(kubelet-server); C(all) means
        kubeadm's eleven.
      - Without it, all that kubeadm renews.
    type: list
    elements: str
  kubelet:
    description:
      - >-
        With C(all): the kubelet's three too.
    type: bool
    default: false
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
  renew_before:
    description:
      - >-
        Renew only what ends within this time: then a second run changes nothing. It is written as V(30d), V(2w) or
        V(720h).
    type: str
    default: 30d
  force:
    description:
      - Whether to renew however long they are still valid.
    type: bool
    default: false
  override:
    description:
      - Go on with an expired CA, or with a certificate of another node.
    type: bool
    default: false
  validity:
    description:
      - How long the new certificates are valid, instead of the configuration's period, or 365 days. It is written as
        V(30d), V(2w) or V(720h).
    type: str
  algorithm:
    description:
      - The kind of the new keys, as C(ECDSA-P256).
    type: str
  keep_key:
    description:
      - Keep the keys; only the certificates are new.
    type: bool
    default: false
  add_sans:
    description:
      - >-
        Add alternative names: C(example.test), C(10.0.0.1), C(URI:spiffe://…), C(email:…).
    type: list
    elements: str
    default: []
  remove_sans:
    description:
      - Remove alternative names.
    type: list
    elements: str
    default: []
  sans_from_config:
    description:
      - Use the alternative names of the configuration.
    type: bool
    default: false
  outlive_ca:
    description:
      - >-
        What to do with a certificate that would be valid for longer than its CA: let it end with the CA, refuse it, or
        make it anyway, as kubeadm does.
      - V(clamp) lets it end with the CA, V(refuse) fails, V(allow) makes it anyway, as kubeadm does.
    type: str
    choices: [clamp, refuse, allow]
    default: clamp
seealso:
  - module: kubepki.kubeadm.restart
  - module: kubepki.kubeadm.certificate_info
"""

EXAMPLES = r"""
- name: Renew what ends within 30 days
  kubepki.kubeadm.renew:
    config: /etc/kubernetes/kubeadm.yaml
    renew_before: 30d
  register: renewed

- name: Have the components use it
  kubepki.kubeadm.restart:
    components: "{{ renewed.restart }}"
  when: renewed.restart | length > 0

- name: Have the controller manager sign, where the CA's key is not on the node
  kubepki.kubeadm.renew:
    names: [admin.conf, controller-manager.conf, scheduler.conf]
    issuer: kubernetes
    approve: true
    validity: 90d

- name: Add a name to the API server's certificate, now
  kubepki.kubeadm.renew:
    names: [apiserver]
    add_sans: [api.example.test]
    force: true
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
      sample: renew
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
renewed:
  description: The names of what was renewed; in check mode, of what would be.
  returned: success
  type: list
  elements: str
  sample: [apiserver, admin.conf]
not_renewed:
  description:
    - What ends within O(renew_before) and is not renewed here, as its CA's key is elsewhere, no signer makes it, or the
      CA ends itself.
    - Each is a warning too.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: kubeadm's name.
      type: str
      sample: apiserver
    reason:
      description: Why.
      type: str
    remedy:
      description: What to do.
      type: str
    expires_at:
      description: When it ends (RFC 3339).
      type: str
restart:
  description: The components that must be restarted to use what was renewed, in the order for it.
  returned: success
  type: list
  elements: str
  sample: [kube-controller-manager, kube-scheduler]
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

from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import Finding, Plan


def main() -> None:
    """Plan and apply."""
    module = shared.make_module(
        {
            "names": {"type": "list", "elements": "str"},
            "kubelet": {"type": "bool", "default": False},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            "renew_before": {"type": "str", "default": "30d"},
            "force": {"type": "bool", "default": False},
            "override": {"type": "bool", "default": False},
            "validity": {"type": "str"},
            "algorithm": {"type": "str"},
            "keep_key": {"type": "bool", "default": False, "no_log": False},
            "add_sans": {"type": "list", "elements": "str", "default": []},
            "remove_sans": {"type": "list", "elements": "str", "default": []},
            "sans_from_config": {"type": "bool", "default": False},
            "outlive_ca": {"type": "str", "choices": ["clamp", "refuse", "allow"], "default": "clamp"},
            **shared.BACKUP_OPTIONS,
            **shared.SIGNING_OPTIONS,
        }
    )
    wanted = module.params
    with shared.failures(module):
        plan = shared.kubepki.plan_renew(
            shared.names(wanted["names"]),
            kubelet=wanted["kubelet"],
            kubelet_dir=wanted["kubelet_dir"],
            before=None if wanted["force"] else shared.span(wanted["renew_before"]),
            validity=shared.span(wanted["validity"]) if wanted["validity"] else None,
            algorithm=wanted["algorithm"],
            keep_key=wanted["keep_key"],
            add_sans=wanted["add_sans"],
            remove_sans=wanted["remove_sans"],
            sans_from_config=wanted["sans_from_config"],
            outlive_ca=wanted["outlive_ca"],
            force=wanted["override"],
            **shared.backups(module),
            **shared.signing(module),
            recover=not module.check_mode,
            **shared.node_arguments(module),
        )
        result = shared.carry_out(module, plan)
        left = [_left(module, plan, each) for each in plan.not_renewed]
    for each in left:
        module.warn(shared.one_line(f"{each['name']} is not renewed: {each['reason']}; {each['remedy']}"))
    renewed = [each["name"] for each in result["changes"]]
    module.exit_json(renewed=renewed, restart=shared.users_of(renewed), not_renewed=left, **result)


def _left(module: AnsibleModule, plan: Plan, finding: Finding) -> dict[str, Any]:
    artefact = next(each for each in plan.artefacts if each.name == finding.subject)
    return {
        "name": finding.subject,
        "reason": finding.evidence,
        "remedy": shared.spoken(module, finding.remedy),
        "expires_at": shared.rfc3339(artefact.expires_at),
    }


if __name__ == "__main__":
    main()

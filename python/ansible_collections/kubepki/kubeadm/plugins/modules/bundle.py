#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hand over what the nodes of a cluster share."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Hand over what the nodes of a cluster share, encrypted
version_added: 0.1.0
description:
  - With O(action=export), encrypts what a joining node needs (CAs, service account keys) with a certificate key, as
    C(kubeadm init --upload-certs) does. The result is the Secret C(kubeadm-certs), which C(kubeadm join) reads too.
  - With O(action=import), opens such a bundle and puts its files on a node, in one transaction.
  - What belongs to one node is refused on both sides.
  - An export changes nothing on the node unless O(path) is given. Set C(no_log) for the task when O(key) is not given,
    as RV(certificate_key) is a secret then.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.backup
attributes:
  idempotent:
    details:
      - An export to O(path) is kept where O(key) opens it and it has what the node has; without O(key) it is not.
      - With O(upload=true) a new one is uploaded at every run.
    support: partial
options:
  action:
    description:
      - Whether a bundle is made, or put on a node.
    type: str
    choices: [export, import]
    required: true
  key:
    description:
      - The certificate key; not for a worker.
    type: str
    aliases: [certificate_key]
  recipient:
    description:
      - The kind of node that it is for. A worker gets the CA's certificate alone.
      - Without it an export is for a V(control-plane) node, and an import for what the configuration says.
    type: str
    choices: [control-plane, worker]
  upload:
    description:
      - Whether an export is uploaded into the cluster, as C(kubeadm init --upload-certs) does.
      - C(kubeadm join) needs the certificate key alone then.
    type: bool
    default: false
  ttl:
    description:
      - How long it stays in the cluster.
    type: str
    default: 2h
  kubeconfig:
    description:
      - The kubeconfig.
    type: path
  request_timeout:
    description:
      - How long each request may take.
    type: str
    default: 30s
  content:
    description:
      - The bundle to import - what RV(content) of an export has.
    type: str
  path:
    description:
      - The file with the bundle, to import it from or to export it to, on the host on which the module runs; O(rootfs)
        is not in front of it.
    type: path
  rbac:
    description:
      - Whether an export comes with the Role and the RoleBinding through which joining nodes read the Secret.
    type: bool
    default: false
  allow_missing_ca_keys:
    description:
      - Whether the keys of external CAs may be missing.
    type: bool
    default: false
  force:
    description:
      - Whether an import replaces files that differ, and an export the file that is there.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make a certificate key once for all nodes
  ansible.builtin.set_fact:
    certificate_key: "{{ lookup('ansible.builtin.password', '/dev/null', chars=['digits', 'abcdef'], length=64) }}"
  run_once: true
  no_log: true

- name: Encrypt what the first node has
  kubepki.kubeadm.bundle:
    action: export
    config: /etc/kubernetes/kubeadm.yaml
    key: "{{ certificate_key }}"
  delegate_to: "{{ groups['control_plane'][0] }}"
  run_once: true
  register: shared

- name: Put it on the others
  kubepki.kubeadm.bundle:
    action: import
    config: /etc/kubernetes/kubeadm.yaml
    key: "{{ certificate_key }}"
    content: "{{ shared.content }}"
"""

RETURN = r"""
content:
  description: The bundle - the Secret as YAML, for a worker the CA's certificate (PEM). Not secret without the key.
  returned: O(action=export) without O(path) and O(upload)
  type: str
certificate_key:
  description: The certificate key that was made, a secret.
  returned: O(action=export) without O(key), for a control-plane node
  type: str
entries:
  description: What is in the bundle - C(name), C(path) on the node, C(is_empty).
  returned: O(action=export)
  type: list
  elements: dict
changes:
  description: What was put on the node; in check mode, what would be. As for M(kubepki.kubeadm.pki).
  returned: O(action=import)
  type: list
  elements: dict
backup:
  description: The folder with the files as they were, where any was replaced.
  returned: O(action=import)
  type: str
findings:
  description: What was found and does not block it, as M(kubepki.kubeadm.certificate_info) has it.
  returned: success
  type: list
  elements: dict
uploaded:
  description: The Secret in the cluster - C(server), C(secret), C(expires_at), C(has_replaced).
  returned: O(upload=true), not in check mode
  type: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: bundle.wrong_key
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import Bundle


def export(module: AnsibleModule) -> dict[str, Any]:
    """Encrypt what the node has; write it where a path is given and what is there will not do."""
    wanted = module.params
    recipient: Literal["control-plane", "worker"] = wanted["recipient"] or "control-plane"
    bundle: Bundle = shared.kubepki.export_bundle(
        key=wanted["key"],
        role=recipient,
        rbac=wanted["rbac"],
        allow_missing_ca_keys=wanted["allow_missing_ca_keys"],
        **shared.node_arguments(module),
    )
    for problem in bundle.warnings:
        module.warn(str(problem))
    text = bundle.to_pem() if recipient == "worker" else bundle.to_yaml()
    result: dict[str, Any] = {
        "changed": False,
        "entries": [each.to_dict() for each in bundle.entries],
        "findings": shared.found(module, bundle.findings),
    }
    if wanted["upload"]:
        result["changed"] = True
        if not module.check_mode:
            result["uploaded"] = upload(module, bundle)
    elif wanted["path"] is None:
        result["content"] = text
    elif wanted["path"] and (wanted["force"] or not is_current(module, recipient, text)):
        result["changed"] = True
        if not module.check_mode:
            bundle.save(wanted["path"], form="pem" if recipient == "worker" else "yaml", force=True)
    if wanted["key"] is None and recipient == "control-plane":
        result["certificate_key"] = bundle.certificate_key()
    if module._diff and result["changed"]:
        entries = "".join(f"{each.name}\n" for each in bundle.entries if not each.is_empty)
        result["diff"] = {"before": "", "after": entries, "after_header": wanted["path"]}
    return result


def upload(module: AnsibleModule, bundle: Bundle) -> dict[str, Any]:
    """Put the bundle into the cluster."""
    wanted = module.params
    uploaded = shared.kubepki.upload_bundle(
        bundle,
        ttl=shared.span(wanted["ttl"]),
        kubeconfig=wanted["kubeconfig"],
        request_timeout=shared.span(wanted["request_timeout"]),
    )
    return {
        "server": uploaded.server,
        "secret": uploaded.secret,
        "expires_at": shared.rfc3339(uploaded.expires_at),
        "has_replaced": uploaded.has_replaced,
    }


def is_current(module: AnsibleModule, recipient: str, text: str) -> bool:
    """Whether the file that is there would bring the node nothing new."""
    path, key = Path(module.params["path"]), module.params["key"]
    if not path.exists():
        return False
    if recipient == "worker":
        return path.read_text(encoding="utf-8") == text
    try:
        plan = shared.kubepki.plan_import_bundle(
            path.read_bytes(),
            key=key,
            role="control-plane",
            allow_missing_ca_keys=module.params["allow_missing_ca_keys"],
            **shared.node_arguments(module),
        )
    except shared.KubepkiError:
        return False
    return bool(plan.is_empty and not plan.is_blocked)


def bring_in(module: AnsibleModule) -> dict[str, Any]:
    """Open the bundle and put its files on the node."""
    wanted = module.params
    text = wanted["content"] if wanted["path"] is None else Path(wanted["path"]).read_text(encoding="utf-8")
    arguments = {
        "key": wanted["key"],
        "role": wanted["recipient"],
        "allow_missing_ca_keys": wanted["allow_missing_ca_keys"],
        "force": wanted["force"],
        **shared.backups(module),
        **shared.node_arguments(module),
    }
    plan = shared.kubepki.plan_import_bundle(text, **arguments)
    for problem in plan.warnings:
        module.warn(str(problem))
    if plan.is_blocked:
        shared.blocked(module, plan.findings)
    is_done = module.check_mode or plan.is_empty
    return shared.described(module, plan, None if is_done else shared.kubepki.import_bundle(text, **arguments))


def main() -> None:
    """Do what is asked for."""
    module = shared.make_module(
        {
            "action": {"type": "str", "choices": ["export", "import"], "required": True},
            "key": {"type": "str", "no_log": True, "aliases": ["certificate_key"]},
            "recipient": {"type": "str", "choices": ["control-plane", "worker"]},
            "upload": {"type": "bool", "default": False},
            "ttl": {"type": "str", "default": "2h"},
            "kubeconfig": {"type": "path"},
            "request_timeout": {"type": "str", "default": "30s"},
            "content": {"type": "str"},
            "path": {"type": "path"},
            "rbac": {"type": "bool", "default": False},
            "allow_missing_ca_keys": {"type": "bool", "default": False, "no_log": False},
            "force": {"type": "bool", "default": False},
            **shared.BACKUP_OPTIONS,
        },
        mutually_exclusive=[("content", "path")],
        required_if=[("action", "import", ("content", "path"), True)],
    )
    wanted = module.params
    if wanted["upload"] and (wanted["action"] != "export" or wanted["recipient"] == "worker" or wanted["path"]):
        module.fail_json(
            msg="upload is for exports for control-plane nodes, and writes no file",
            code="ansible.bad_options",
            hint="leave out upload, or path; a worker gets the CA's certificate from `kubeadm join`",
        )
    with shared.failures(module):
        result = export(module) if module.params["action"] == "export" else bring_in(module)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

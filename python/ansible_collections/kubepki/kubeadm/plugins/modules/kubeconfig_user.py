#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a kubeconfig for somebody."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_user
short_description: Make a kubeconfig for a person, a program or a worker's kubelet
version_added: 0.1.0
description:
  - Makes a kubeconfig with a client certificate, or with a token, as C(kubeadm kubeconfig user) does. Runs where the
    CA's key is.
  - With O(path) the file is kept while clients can use it, it is for the same user, groups, server and CA, and its
    certificate does not end within O(renew_before).
  - Without O(path) nothing is written anywhere, and RV(content) has the kubeconfig with its key. Then set C(no_log) for
    the task. What O(content) gives is kept on the same terms, and not returned again.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node
  - kubepki.kubeadm.signing
  - ansible.builtin.files
attributes:
  idempotent:
    details: Not with O(force=true). Without O(path) it needs O(content).
    support: partial
options:
  client_name:
    description:
      - >-
        The user's name: the certificate's common name.
    type: str
    required: true
  organizations:
    description:
      - >-
        The groups: the certificate's organizations.
    type: list
    elements: str
    default: []
  token:
    description:
      - The token that the user authenticates with, in place of a certificate; groups and validity are not used then,
        and no CA key is needed.
      - It needs O(path), and excludes O(return_content) - Ansible would replace the token with asterisks.
    type: str
  validity:
    description:
      - How long the certificate is valid; the configuration's period is not used, as in kubeadm. It is written as
        V(30d), V(2w) or V(720h).
    type: str
    default: 365d
  algorithm:
    description:
      - The kind of key, as C(ECDSA-P256); the configuration's without one.
    type: str
  server:
    description:
      - The API server's URL; without it the configuration's, else that of C(admin.conf).
    type: str
  outlive_ca:
    description:
      - >-
        What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with the CA, or
        make it anyway, as kubeadm does.
    type: str
    choices: [refuse, clamp, allow]
    default: refuse
  allow_masters:
    description:
      - Allow the group C(system:masters), which nothing can restrict.
    type: bool
    default: false
  path:
    description:
      - The file to write, on the host on which the module runs; O(rootfs) is not in front of it.
      - It is made with mode C(0600) unless O(mode) says otherwise.
    type: path
  content:
    description:
      - The text of the kubeconfig that is there, where it is in no file.
    type: str
  return_content:
    description:
      - Whether to return RV(content) with O(path) too. Then set C(no_log) for the task.
    type: bool
    default: false
  renew_before:
    description:
      - Keep the kubeconfig that is there while it is what is asked for, and its certificate does not end within this
        time. It is written as V(30d), V(2w) or V(720h).
    type: str
    default: 30d
  force:
    description:
      - Make it again, whatever is there.
    type: bool
    default: false
seealso:
  - module: kubepki.kubeadm.kubeconfig
"""

EXAMPLES = r"""
- name: Make a kubeconfig for jane
  kubepki.kubeadm.kubeconfig_user:
    config: /etc/kubernetes/kubeadm.yaml
    client_name: jane
    organizations: [qa]
    validity: 30d
    renew_before: 7d
    path: /root/jane.conf

- name: Make a worker's kubelet.conf where the CA's key is, and keep nothing of it there
  kubepki.kubeadm.kubeconfig_user:
    config: /etc/kubernetes/kubeadm.yaml
    client_name: "system:node:{{ inventory_hostname }}"
    organizations: [system:nodes]
  delegate_to: "{{ groups['control_plane'][0] }}"
  register: kubelet
  no_log: true

- name: Bring it to the worker
  ansible.builtin.copy:
    content: "{{ kubelet.content }}"
    dest: /etc/kubernetes/kubelet.conf
    mode: "0600"
  no_log: true
  when: kubelet.content is not none
"""

RETURN = r"""
user:
  description:
    - What the kubeconfig says, without its key - C(user), C(organizations), C(credential), C(server), C(subject),
      C(not_after), C(serial).
  returned: success
  type: dict
reason:
  description: Why it was made; empty when it was kept.
  returned: success
  type: str
  sample: it ends within 30d
reason_code:
  description:
    - The same in one word - V(missing), V(forced), V(unusable), V(other_server), V(other_authority), V(other_token),
      V(other_credential), V(no_certificate), V(other_user), V(ends_soon), V(readable_by_others); empty when it was
      kept.
  returned: success
  type: str
  sample: ends_soon
content:
  description:
    - The kubeconfig with its key.
    - Null in check mode when one would be made, and when O(content) is kept.
  returned: without O(path), or with O(return_content=true)
  type: str
path:
  description: The file.
  returned: with O(path)
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
  sample: user.masters
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared
from ansible_collections.kubepki.kubeadm.plugins.module_utils import _output

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import EnsuredUser, UserKubeconfig


def ensure(module: AnsibleModule) -> EnsuredUser:
    """Keep the kubeconfig that is there, or make one."""
    wanted = module.params
    path = wanted["path"]
    ensured: EnsuredUser = shared.kubepki.ensure_user(
        wanted["client_name"],
        organizations=wanted["organizations"],
        token=wanted["token"],
        validity=shared.span(wanted["validity"]),
        renew_before=shared.span(wanted["renew_before"]),
        algorithm=wanted["algorithm"],
        server=wanted["server"],
        outlive_ca=wanted["outlive_ca"],
        allow_masters=wanted["allow_masters"],
        path=path,
        present=wanted["content"],
        force=wanted["force"],
        dry_run=module.check_mode,
        **shared.signing(module),
        **(_output.wanted_access(module, path) if path else {}),
        **shared.node_arguments(module),
    )
    return ensured


def described(module: AnsibleModule, ensured: EnsuredUser) -> dict[str, Any]:
    """Return what the module returns."""
    path, made = module.params["path"], ensured.kubeconfig
    changed = not ensured.is_kept
    if path and Path(path).exists():
        changed = _output.set_attributes(module, path, changed=changed)
    result: dict[str, Any] = {
        "changed": changed,
        "reason": ensured.reason or "",
        "reason_code": ensured.reason_code or "",
        "user": facts(made),
        "findings": shared.found(module, made.findings),
    }
    if path:
        result["path"] = path
    if not path or module.params["return_content"]:
        # What came in as an option is secret to Ansible, which would return asterisks in its place.
        result["content"] = made.to_yaml() if made.is_made and (path or changed) else None
    if module._diff and not ensured.is_kept:
        before, after = (shown(each) if each else "" for each in (ensured.before, made))
        result["diff"] = {"before": before, "after": after}
        result["diff"].update(dict.fromkeys(("before_header", "after_header"), path or made.user))
    return result


def facts(kubeconfig: UserKubeconfig) -> dict[str, Any]:
    """Return what a kubeconfig says, without its secret."""
    return {
        "user": kubeconfig.user,
        "organizations": list(kubeconfig.organizations),
        "credential": kubeconfig.credential,
        "server": kubeconfig.server,
        "subject": kubeconfig.subject,
        "not_after": shared.rfc3339(kubeconfig.not_after),
        "serial": kubeconfig.serial,
    }


def shown(kubeconfig: UserKubeconfig) -> str:
    """Return the same as lines, for a difference."""
    # The groups are in the subject.
    return shared.lines({name: value for name, value in facts(kubeconfig).items() if value and name != "organizations"})


def main() -> None:
    """Look at what is there, and make it anew where it is not what is wanted."""
    module = shared.make_module(
        {
            "client_name": {"type": "str", "required": True},
            "organizations": {"type": "list", "elements": "str", "default": []},
            "token": {"type": "str", "no_log": True},
            "validity": {"type": "str", "default": "365d"},
            "algorithm": {"type": "str"},
            "server": {"type": "str"},
            "outlive_ca": {"type": "str", "choices": ["refuse", "clamp", "allow"], "default": "refuse"},
            "allow_masters": {"type": "bool", "default": False},
            "path": {"type": "path"},
            "content": {"type": "str", "no_log": True},
            "return_content": {"type": "bool", "default": False},
            "renew_before": {"type": "str", "default": "30d"},
            "force": {"type": "bool", "default": False},
            **shared.SIGNING_OPTIONS,
        },
        add_file_common_args=True,
        mutually_exclusive=[("path", "content")],
        required_by={"token": ("path",)},
    )
    if module.params["token"] and module.params["return_content"]:
        module.fail_json(
            msg="a kubeconfig with a token cannot be returned: Ansible would replace the token with asterisks",
            code="ansible.token_returned",
            hint="leave out return_content, and read the file of path with no_log",
        )
    with shared.failures(module):
        ensured = ensure(module)
    for problem in ensured.kubeconfig.warnings:
        module.warn(str(problem))
    module.exit_json(**described(module, ensured))


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: Say everything about a node's certificates
version_added: 0.1.0
description:
  - Says what C(kubepki check) says of a node - ends, chains, keys, names, usages, modes of CAs, certificates,
    kubeconfigs and service account keys, the kubelet's own among them.
  - With O(path) or O(content), looks at any certificates and kubeconfigs instead.
  - A bad certificate never fails the task. It is in RV(findings), and RV(status) is what monitoring makes of it.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes.info
  - kubepki.kubeadm.node
options:
  path:
    description:
      - Files with certificates to look at instead of a node's.
    type: list
    elements: path
  content:
    description:
      - PEM text with certificates to look at instead of a node's.
    type: str
  valid_at:
    description:
      - Moments, by names of your own, for which RV(valid_at) says whether all certificates are valid.
      - A moment is relative (V(+30d), V(-2w), V(+720h)), C(YYYYMMDDHHMMSSZ), or RFC 3339.
    type: dict
    default: {}
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
  profile:
    description:
      - >-
        Whose rules hold for modes and owners of files, and how bad a weakness is that a fresh kubeadm has: those of
        kubeadm, or of the CIS benchmark.
    type: str
    choices: [kubeadm, cis]
    default: kubeadm
  kubelet_dir:
    description:
      - The kubelet's directory of the node, with its C(config.yaml) and its certificates in C(pki).
    type: path
    default: /var/lib/kubelet
  live:
    description:
      - Ask the components of the node what they serve, where their manifests say that they listen, and compare it with
        their files.
      - It cannot be used with O(path) or O(content).
    type: bool
    default: false
  extra:
    description:
      - More files and directories of the node to check.
    type: list
    elements: path
    default: []
seealso:
  - module: kubepki.kubeadm.pki
"""

EXAMPLES = r"""
- name: Look at the node's certificates
  kubepki.kubeadm.certificate_info:
    config: /etc/kubernetes/kubeadm.yaml
    valid_at:
      next_quarter: +90d
  register: certificates

- name: Stop where something is wrong, or ends within the quarter
  ansible.builtin.assert:
    that:
      - certificates.status == 'ok'
      - certificates.valid_at.next_quarter
    fail_msg: "{{ certificates.findings | map(attribute='evidence') | join(', ') }}"

- name: Look at what the components serve too, on the node itself
  kubepki.kubeadm.certificate_info:
    live: true
  register: served

- name: Look at any file
  kubepki.kubeadm.certificate_info:
    path: [/etc/ssl/certs/registry.pem]
"""

RETURN = r"""
status:
  description: The state of the node - V(ok), V(warning), V(critical) or V(unknown).
  returned: success
  type: str
  sample: ok
exit_code:
  description: The same for monitoring - 0, 1, 2 or 3.
  returned: success
  type: int
checked_at:
  description: The moment for which it holds (RFC 3339).
  returned: success
  type: str
certificates:
  description: The certificates that were seen.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: kubeadm's name, or the path; V(-) for O(content).
      type: str
      sample: apiserver
    path:
      description: The file.
      type: str
    subject:
      description: The subject (RFC 4514).
      type: str
      sample: CN=kube-apiserver
    issuer:
      description: The issuer (RFC 4514).
      type: str
    serial:
      description: The serial number, hexadecimal.
      type: str
    not_before:
      description: The first moment (RFC 3339).
      type: str
    not_after:
      description: The last moment (RFC 3339).
      type: str
    residual_seconds:
      description: The seconds that are left; negative when it has ended.
      type: int
    days_left:
      description: The whole days that are left; negative when it has ended.
      type: int
    expired:
      description: Whether it has ended.
      type: bool
    key:
      description: The kind of its key.
      type: str
      sample: RSA-2048
    subject_alt_names:
      description: The alternative names.
      type: list
      elements: str
      sample: ["DNS:localhost", "IP:127.0.0.1"]
    is_ca:
      description: Whether it is a CA's.
      type: bool
    valid_at:
      description: For each moment of O(valid_at) whether it is valid then.
      type: dict
findings:
  description: What is wrong, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: The stable code.
      type: str
      sample: certificate.expired
    severity:
      description: V(critical), V(warning) or V(info).
      type: str
    subject:
      description: Of what.
      type: str
    path:
      description: The file.
      type: str
    evidence:
      description: What was seen.
      type: str
    remedy:
      description: What to do about it.
      type: str
valid_at:
  description: For each moment of O(valid_at) whether all certificates are valid then; false without certificates.
  returned: success
  type: dict
first_to_expire:
  description: The certificate that ends first, as in RV(certificates); null without certificates.
  returned: success
  type: dict
"""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import CheckReport


def checked(module: AnsibleModule, now: datetime) -> CheckReport:
    """Return the report of a node, or of files and text that are named instead."""
    wanted = module.params
    thresholds: dict[str, Any] = {name: shared.span(wanted[name]) for name in ("warning", "critical")}
    report: CheckReport
    if wanted["path"] is not None or wanted["content"] is not None:
        report = shared.kubepki.check_files(
            wanted["path"] or [], content=wanted["content"], rootfs=wanted["rootfs"], now=now, **thresholds
        )
    else:
        report = shared.kubepki.check(
            profile=wanted["profile"],
            kubelet_dir=wanted["kubelet_dir"],
            live=wanted["live"],
            extra=wanted["extra"],
            now=now,
            **thresholds,
            **shared.node_arguments(module),
        )
    return report


def described(module: AnsibleModule, report: CheckReport, moments: dict[str, datetime]) -> dict[str, Any]:
    """Return a report as the module's result."""
    findings = shared.found(module, report.findings)
    if not findings and not report.certificates:
        findings = [shared.nothing_seen(module)]
    certificates = [
        {**shared.facts(each), "valid_at": {name: each.is_valid_at(moment) for name, moment in moments.items()}}
        for each in report.certificates
    ]
    return {
        "status": report.status.name.lower(),
        "exit_code": report.exit_code,
        "checked_at": shared.rfc3339(report.checked_at),
        "certificates": certificates,
        "findings": findings,
        "valid_at": {name: report.is_valid_at(moment) for name, moment in moments.items()},
        "first_to_expire": min(certificates, key=lambda each: each["residual_seconds"], default=None),
    }


def main() -> None:
    """Look, and report."""
    module = shared.make_module(
        {
            "path": {"type": "list", "elements": "path"},
            "content": {"type": "str"},
            "valid_at": {"type": "dict", "default": {}},
            "warning": {"type": "str", "default": "30d"},
            "critical": {"type": "str", "default": "7d"},
            "profile": {"type": "str", "choices": ["kubeadm", "cis"], "default": "kubeadm"},
            "kubelet_dir": {"type": "path", "default": "/var/lib/kubelet"},
            "live": {"type": "bool", "default": False},
            "extra": {"type": "list", "elements": "path", "default": []},
        },
        mutually_exclusive=[("path", "content")],
    )
    if module.params["live"] and (module.params["path"] is not None or module.params["content"] is not None):
        module.fail_json(msg="live asks the components of a node, and path and content name no node")
    now = datetime.now(timezone.utc)
    with shared.failures(module):
        moments = {name: shared.read_moment(str(text), now) for name, text in module.params["valid_at"].items()}
        report = checked(module, now)
    for problem in report.warnings:
        module.warn(str(problem))
    module.exit_json(changed=False, **described(module, report, moments))


if __name__ == "__main__":
    main()

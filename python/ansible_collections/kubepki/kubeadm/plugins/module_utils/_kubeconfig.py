# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's kubeconfig: whether what is there will do, and a new one where it will not.

In: the options of `kubeconfig_user`. Out: what it returns. Differences and reasons hold no key and no token.

Note that this is private to the collection.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared
from ansible_collections.kubepki.kubeadm.plugins.module_utils import _output

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import UserKubeconfig

_FIELD = re.compile(
    r"^\s*(?:- )?(server|token|certificate-authority-data|client-certificate-data): *(\S+) *$", re.MULTILINE
)


def ensure(module: AnsibleModule) -> dict[str, Any]:
    """Keep the kubeconfig that is there, or make one; return what the module returns."""
    wanted = module.params
    path = wanted["path"]
    present = _output.read(module, path) if path else wanted["content"]
    planned = _make(module, dry_run=True)
    for problem in planned.warnings:
        module.warn(str(problem))
    reason = _reason(module, present, planned)
    made = _make(module, dry_run=False) if reason and not module.check_mode else None
    if made and path:
        made.save(path, force=True, **_output.wanted_access(module, path))
    changed = bool(reason)
    if path and Path(path).exists():
        changed = _output.set_attributes(module, path, changed=changed)
    result: dict[str, Any] = {
        "changed": changed,
        "reason": reason,
        "user": _facts(made) if made else _facts(planned) if reason else _seen(planned, present or ""),
        "findings": shared.found(module, planned.findings),
    }
    if path:
        result["path"] = path
    if not path or wanted["return_content"]:
        # What came in as an option is secret to Ansible, which would return asterisks in its place.
        kept = present if path and not reason else None
        result["content"] = made.to_yaml() if made else kept
    if module._diff and reason:
        before = _shown(_seen(planned, present)) if present else ""
        result["diff"] = {"before": before, "after": _shown(result["user"])}
        result["diff"].update(dict.fromkeys(("before_header", "after_header"), path or wanted["client_name"]))
    return result


def _make(module: AnsibleModule, *, dry_run: bool) -> UserKubeconfig:
    wanted = module.params
    made: UserKubeconfig = shared.kubepki.user_kubeconfig(
        wanted["client_name"],
        organizations=wanted["organizations"],
        token=wanted["token"],
        validity=shared.span(wanted["validity"]),
        algorithm=shared.kubepki.Algorithm.parse(wanted["algorithm"]) if wanted["algorithm"] else None,
        server=wanted["server"],
        outlive_ca=wanted["outlive_ca"],
        allow_masters=wanted["allow_masters"],
        dry_run=dry_run,
        **shared.node_arguments(module),
    )
    return made


def _reason(module: AnsibleModule, present: str | None, planned: UserKubeconfig) -> str:
    """Return why what is there will not do; nothing when it will."""
    wanted = module.params
    if present is None:
        return "missing"
    if wanted["force"]:
        return "forced"
    fields = dict(_FIELD.findall(present))
    if fields.get("server", "").strip("\"'") != planned.server:
        return "it is for another server"
    if _names(fields.get("certificate-authority-data")) != _authority(module):
        return "it trusts another CA"
    return _credential_reason(wanted, fields, planned)


def _credential_reason(wanted: dict[str, Any], fields: dict[str, str], planned: UserKubeconfig) -> str:
    if wanted["token"] is not None:
        return "" if fields.get("token", "").strip("\"'") == wanted["token"] else "it has another token"
    certificates = _certificates(fields.get("client-certificate-data"))
    if not certificates:
        return "it has no client certificate that can be read"
    if certificates[0].subject != planned.subject:
        return "it is for another user or other groups"
    left = certificates[0].not_after - datetime.now(timezone.utc)
    return f"it ends within {wanted['renew_before']}" if left <= shared.span(wanted["renew_before"]) else ""


def _certificates(data: str | None) -> list[Any]:
    try:
        pem = base64.b64decode(data or "", validate=True)
        return list(shared.kubepki.parse_certificates(pem))
    except (binascii.Error, shared.KubepkiError):
        return []


def _names(data: str | None) -> list[tuple[str, str]]:
    return [(each.subject, each.serial) for each in _certificates(data)]


def _authority(module: AnsibleModule) -> list[tuple[str, str]]:
    arguments = shared.node_arguments(module)
    rootfs, folder = arguments["rootfs"], arguments.pop("certificates_dir")
    arguments.pop("kubeconfig_dir")
    folder = folder or shared.kubepki.load_config(**arguments).spec.certificates_dir
    (file,) = shared.kubepki.read_certificates(Path(folder) / "ca.crt", rootfs=rootfs)
    return [(each.subject, each.serial) for each in file.certificates]


def _facts(kubeconfig: UserKubeconfig) -> dict[str, Any]:
    return {
        "user": kubeconfig.user,
        "organizations": list(kubeconfig.organizations),
        "credential": kubeconfig.credential,
        "server": kubeconfig.server,
        "subject": kubeconfig.subject,
        "not_after": shared.rfc3339(kubeconfig.not_after),
        "serial": kubeconfig.serial,
    }


def _shown(facts: dict[str, Any]) -> str:
    # The groups are in the subject.
    return shared.lines({field: value for field, value in facts.items() if value and field != "organizations"})


def _seen(planned: UserKubeconfig, present: str) -> dict[str, Any]:
    """Return the facts of the kubeconfig that is there."""
    fields = dict(_FIELD.findall(present))
    facts = {**_facts(planned), "server": fields.get("server"), "subject": None, "not_after": None, "serial": None}
    for certificate in _certificates(fields.get("client-certificate-data"))[:1]:
        facts.update(
            subject=certificate.subject, not_after=shared.rfc3339(certificate.not_after), serial=certificate.serial
        )
    return facts

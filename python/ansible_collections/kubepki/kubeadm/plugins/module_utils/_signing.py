# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests answered as text: kubepki keeps the certificates that still answer theirs, and signs the others.

In: the options of `sign_pipe`. Out: what it returns. Nothing is written, and no key is returned.

Note that this is private to the collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible.module_utils.basic import AnsibleModule

    from kubepki import SignedCertificate


def answer(module: AnsibleModule) -> dict[str, Any]:
    """Sign what has no good answer yet; return what the module returns."""
    answers, refused = [], []
    for request in module.params["csr_content"]:
        if request["content"] is None:
            continue
        try:
            answers.append((request["name"], _answer(module, request)))
        except shared.KubepkiError as error:
            if not error.context.get("findings"):
                raise
            refused.append(error)
    if refused:
        _refuse(module, refused)
    signed = [(name, each) for name, each in answers if not each.is_kept]
    result: dict[str, Any] = {
        "changed": bool(signed),
        "certificates": [_facts(name, each) for name, each in answers if each.certificate],
        "signed": [each[0] for each in signed],
    }
    if module._diff:
        result["diff"] = [
            shared.titled(name, each.before_text, f"action: sign\n{each.after_text}") for name, each in signed
        ]
    return result


def _answer(module: AnsibleModule, request: Mapping[str, Any]) -> SignedCertificate:
    wanted = module.params
    answered: SignedCertificate = shared.kubepki.sign_csr(
        request["content"],
        name=request["name"],
        present=None if wanted["force"] else request["certificate"],
        renew_before=shared.span(wanted["renew_before"]),
        dry_run=module.check_mode,
        ca_dir=wanted["ca_dir"],
        ca_key_content=wanted["ca_key_content"],
        ca_key_passphrase=wanted["ca_key_passphrase"],
        validity=shared.span(wanted["validity"]) if wanted["validity"] else None,
        policy=wanted["policy"],
        outlive_ca=wanted["outlive_ca"],
        config=wanted["config"],
        config_text=shared.configuration_text(wanted["config_content"]),
        lenient=wanted["lenient"],
        node_name=wanted["node_name"],
        role=wanted["role"],
    )
    return answered


def _facts(name: str, answered: SignedCertificate) -> dict[str, Any]:
    return {
        "name": name,
        "content": answered.certificate,
        "serial": answered.serial,
        "subject": answered.subject,
        "not_after": shared.rfc3339(answered.not_after),
    }


def _refuse(module: AnsibleModule, errors: list[Any]) -> None:
    """End the module; every reason against every request is named."""
    findings = [finding for error in errors for finding in error.context["findings"]]
    lines = [f"nothing was signed: {len(errors)} {'request is' if len(errors) == 1 else 'requests are'} refused"]
    lines.extend(f"{each['subject']}: {each['evidence']} [{each['code']}]" for each in findings)
    module.fail_json(
        msg="\n".join(map(shared.one_line, lines)),
        code=errors[0].code,
        hint=shared.spoken(module, errors[0].hint),
        category=errors[0].category,
        findings=findings,
    )

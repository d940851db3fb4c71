# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests signed as text: certificates that still answer their requests are kept.

In: the options of `sign_pipe`. Out: what it returns. Nothing is written, and no key is returned.

Note that this is private to the collection.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible.module_utils.basic import AnsibleModule

    from kubepki import Certificate, SignedCertificate

# What is the same in two certificates that answer the same request.
_SAME = ("subject", "issuer", "subject_alt_names", "public_key_sha256", "key_usages", "extended_key_usages")


def answer(module: AnsibleModule) -> dict[str, Any]:
    """Sign what has no good answer yet; return what the module returns."""
    certificates, signed, refused, differences = [], [], [], []
    for request in module.params["csr_content"]:
        if request["content"] is None:
            continue
        try:
            made = _sign(module, request)
        except shared.KubepkiError as error:
            if not error.context.get("findings"):
                raise
            refused.append(error)
            continue
        (new,) = shared.kubepki.parse_certificates(made.certificate)[:1]
        old = _present(request)
        if not module.params["force"] and old and _still_good(module, old, new):
            certificates.append({"name": request["name"], "content": request["certificate"], **_facts(old)})
            continue
        signed.append(request["name"])
        differences.append(shared.difference(request["name"], old, None if module.check_mode else new))
        if not module.check_mode:
            certificates.append({"name": request["name"], "content": made.certificate, **_facts(new)})
    if refused:
        _refuse(module, refused)
    result: dict[str, Any] = {"changed": bool(signed), "certificates": certificates, "signed": signed}
    if module._diff:
        result["diff"] = differences
    return result


def _sign(module: AnsibleModule, request: Mapping[str, Any]) -> SignedCertificate:
    wanted = module.params
    base = Path(wanted["ca_dir"]) / shared.authority_of(request["name"])
    signed: SignedCertificate = shared.kubepki.sign_csr(
        request["content"],
        name=request["name"],
        ca_cert=base.with_name(f"{base.name}.crt"),
        ca_key=base.with_name(f"{base.name}.key"),
        validity=shared.span(wanted["validity"]) if wanted["validity"] else None,
        policy=wanted["policy"],
        outlive_ca=wanted["outlive_ca"],
        config=wanted["config"],
        config_text=shared.configuration_text(wanted["config_content"]),
        lenient=wanted["lenient"],
        node_name=wanted["node_name"],
        role=wanted["role"],
    )
    return signed


def _present(request: Mapping[str, Any]) -> Certificate | None:
    try:
        read: list[Certificate] = shared.kubepki.parse_certificates(request["certificate"] or "")
    except shared.KubepkiError:
        return None
    return read[0]


def _still_good(module: AnsibleModule, old: Certificate, new: Certificate) -> bool:
    left = old.not_after - datetime.now(timezone.utc)
    return left > shared.span(module.params["renew_before"]) and all(
        getattr(old, field) == getattr(new, field) for field in _SAME
    )


def _facts(certificate: Certificate) -> dict[str, Any]:
    return {
        "serial": certificate.serial,
        "subject": certificate.subject,
        "not_after": shared.rfc3339(certificate.not_after),
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

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and signing requests of a node: those that are there are kept, those that are lacking are made.

In: the options of `csr`. Out: what it returns; requests are no secret, and keys are never read.

Note that this is private to the collection.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki import Artefact, Plan

EXISTS = "file.exists"


def ensure(module: AnsibleModule) -> dict[str, Any]:
    """Make the requests that are lacking; return what the module returns."""
    first = _plan(module, shared.names(module.params["names"]), reuse_keys=module.params["force"])
    faults = [each for each in first.findings if each.is_critical and each.code != EXISTS]
    if faults:
        shared.blocked(module, faults)
    artefacts = [each for each in first.artefacts if each.action.value in ("request", "blocked")]
    artefacts = [each for each in artefacts if module.params["force"] or _is_due(module, each)]
    states = {each.name: "lacking" if each.action.is_change else _state(module, each) for each in artefacts}
    result = shared.nothing(module)
    # What has a key and neither request nor certificate is asked for with that key.
    for state, reuse_keys in (("lacking", module.params["force"]), ("keyed", True)):
        chosen = [name for name, found in states.items() if found == state]
        if chosen:
            made = shared.carry_out(module, _plan(module, chosen, reuse_keys=reuse_keys))
            result = shared.joined(result, made)
    result["requests"] = [
        _request(module, each) for each in artefacts if states[each.name] in ("lacking", "keyed", "waiting")
    ]
    return result


def _plan(module: AnsibleModule, names: Any, *, reuse_keys: bool) -> Plan:
    plan: Plan = shared.kubepki.plan_generate_csr(
        names=names,
        role=module.params["role"],
        with_usages=module.params["with_usages"],
        kubelet_dir=module.params["kubelet_dir"],
        reuse_keys=reuse_keys,
        recover=not module.check_mode,
        **shared.node_arguments(module),
    )
    return plan


def _is_due(module: AnsibleModule, artefact: Artefact) -> bool:
    """Return whether it is a first request, or for a certificate of the kubelet that ends soon."""
    if artefact.name != "kubelet-client" or artefact.current is None:
        return True
    return bool(artefact.current.not_after - datetime.now(timezone.utc) <= shared.span(module.params["renew_before"]))


def _paths(module: AnsibleModule, artefact: Artefact) -> tuple[Path, Path]:
    """Return where the key (or the kubeconfig with it) and the request of an artefact are on this host."""
    root = module.params["rootfs"] or "/"
    files = [Path(root) / file.path.relative_to("/") for file in artefact.files]
    request = next(path for path in files if path.suffix == ".csr")
    return next((path for path in files if path.suffix != ".csr"), request), request


def _state(module: AnsibleModule, artefact: Artefact) -> str:
    """Return how far a certificate has come that something is there of: keyed, waiting for its signature, or done."""
    key, request = _paths(module, artefact)
    if request.exists():
        return "waiting"
    if artefact.kind.value == "kubeconfig":
        return "done" if "client-certificate" in key.read_text(encoding="utf-8", errors="replace") else "keyed"
    return "done" if key.with_suffix(".crt").exists() else "keyed"


def _request(module: AnsibleModule, artefact: Artefact) -> dict[str, Any]:
    path = next(file.path for file in artefact.files if file.path.suffix == ".csr")
    here = _paths(module, artefact)[1]
    wanted = module.params["return_content"] and here.exists()
    return {"name": artefact.name, "path": str(path), "content": here.read_text() if wanted else None}

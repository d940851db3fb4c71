# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and signing requests of a node: kubepki plans what is lacking; what waits for its signature is returned.

In: the options of `csr`. Out: what it returns; requests are no secret, and keys are never read.

Note that this is private to the collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def ensure(module: AnsibleModule) -> dict[str, Any]:
    """Make the requests that are lacking; return what the module returns."""
    wanted = module.params
    plan = shared.kubepki.plan_generate_csr(
        names=shared.names(wanted["names"]),
        role=wanted["role"],
        with_usages=wanted["with_usages"],
        kubelet_dir=wanted["kubelet_dir"],
        reuse_keys=wanted["force"],
        only_lacking=not wanted["force"],
        renew_before=None if wanted["force"] else shared.span(wanted["renew_before"]),
        recover=not module.check_mode,
        **shared.node_arguments(module),
    )
    report = shared.carried_out(module, plan)
    made = {each.name: each.request_pem for each in report.changed} if report else {}
    requests = [
        {
            "name": each.name,
            "path": str(each.request_path),
            "content": (each.request_pem or made.get(each.name)) if wanted["return_content"] else None,
        }
        for each in plan.artefacts
        if each.request_path
    ]
    return {**shared.described(module, plan, report), "requests": requests}

#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renew by a systemd timer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: systemd
short_description: Renew a node's certificates by a systemd timer
version_added: 0.1.0
description:
  - Writes a service and a timer, both or none, as C(kubepki systemd install) does. The service runs
    C(kubepki certs renew all), which changes nothing while nothing ends within O(renew_before).
  - The timer needs no Ansible any more. It runs C(kubepki) of O(program), on the node.
  - A unit with other content is left alone without O(force). Keep changes of your own in a drop-in (C(systemctl edit)).
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes
  - kubepki.kubeadm.node.unused
options:
  state:
    description:
      - Whether the units are there.
    type: str
    choices: [present, absent]
    default: present
  program:
    description:
      - The absolute path of C(kubepki) on the node. The timer runs it as root, so root alone may be able to change it.
      - Without it, the one beside the Python that runs the module.
    type: path
  renew_before:
    description:
      - What ends within this time is renewed.
    type: str
    default: 30d
  on_calendar:
    description:
      - When, as C(systemd.time(7\)) has calendar events.
    type: str
    default: daily
  randomized_delay:
    description:
      - By how much nodes may differ, so that they do not all renew at once.
    type: str
    default: 1h
  restart:
    description:
      - Whether components that use what was renewed are restarted.
    type: bool
    default: false
  kubelet:
    description:
      - Whether the kubelet's certificates are renewed too.
    type: bool
    default: false
  unit_dir:
    description:
      - The directory of units of the node.
    type: path
    default: /etc/systemd/system
  force:
    description:
      - Overwrite, or remove, units whose content is another.
    type: bool
    default: false
  tell_systemd:
    description:
      - Whether systemd is told - the timer started, or stopped.
      - Without it, it is told unless O(rootfs) is given, whose units are not those of the systemd that runs here.
    type: bool
  config:
    description:
      - The kubeadm configuration that each renewal reads, an absolute path on the node. It is read now, too - its
        C(certificatesDir) may be written to.
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
- name: Renew what ends within 60 days, every night, and restart what uses it
  kubepki.kubeadm.systemd:
    config: /etc/kubernetes/kubeadm.yaml
    renew_before: 60d
    restart: true

- name: Remove the timer
  kubepki.kubeadm.systemd:
    state: absent
"""

RETURN = r"""
units:
  description: The unit files - C(path) on the node, C(action) (V(created), V(replaced), V(removed), V(unchanged)).
  returned: success
  type: list
  elements: dict
program:
  description: The program that the timer runs.
  returned: O(state=present)
  type: str
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: systemd.other_content
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from kubepki.types import Schedule


def program(module: AnsibleModule) -> Path:
    """Return the program that the timer runs."""
    if module.params["program"]:
        return Path(module.params["program"])
    beside = Path(sys.executable).with_name("kubepki")
    if not beside.exists():
        module.fail_json(
            msg=f"there is no program {beside}",
            code="cli.program_unknown",
            hint="say where kubepki is on the node, with program",
        )
    return beside


def schedule(module: AnsibleModule) -> Schedule:
    """Return when, and how, certificates are renewed."""
    wanted = module.params
    writes: tuple[Path, ...] = ()
    if wanted["config"]:
        writes = (Path(shared.kubepki.load_config(wanted["config"], rootfs=wanted["rootfs"]).spec.certificates_dir),)
    return shared.kubepki.Schedule(
        program(module),
        before=shared.span(wanted["renew_before"]),
        on_calendar=wanted["on_calendar"],
        randomized_delay=shared.span(wanted["randomized_delay"]),
        restart=wanted["restart"],
        kubelet=wanted["kubelet"],
        config=Path(wanted["config"]) if wanted["config"] else None,
        writes=writes,
    )


def before(module: AnsibleModule, path: Path) -> str:
    """Return what a unit says that is there."""
    there = Path(module.params["rootfs"] or "/") / path.relative_to("/")
    return there.read_text(encoding="utf-8", errors="replace") if there.is_file() else ""


def main() -> None:
    """Write the units, or remove them."""
    module = shared.make_module(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "program": {"type": "path"},
            "renew_before": {"type": "str", "default": "30d"},
            "on_calendar": {"type": "str", "default": "daily"},
            "randomized_delay": {"type": "str", "default": "1h"},
            "restart": {"type": "bool", "default": False},
            "kubelet": {"type": "bool", "default": False},
            "unit_dir": {"type": "path", "default": "/etc/systemd/system"},
            "force": {"type": "bool", "default": False},
            "tell_systemd": {"type": "bool"},
        }
    )
    wanted = module.params
    tell = not wanted["rootfs"] if wanted["tell_systemd"] is None else wanted["tell_systemd"]
    options: dict[str, Any] = {name: wanted[name] for name in ("unit_dir", "rootfs", "force")}
    texts: dict[str, str] = {}
    result: dict[str, Any] = {}
    with shared.failures(module):
        if wanted["state"] == "present":
            chosen = schedule(module)
            texts = {unit.name: unit.text for unit in shared.kubepki.schedule_units(chosen)}
            result["program"] = str(chosen.program)

        def work(*, dry_run: bool) -> Any:
            run: dict[str, Any] = {**options, "dry_run": dry_run, "tell_systemd": tell and not dry_run}
            if wanted["state"] == "present":
                return shared.kubepki.install_units(chosen, **run)
            return shared.kubepki.remove_units(**run)

        planned = work(dry_run=True)
        if module._diff:
            result["diff"] = [
                {
                    "before_header": str(each.path),
                    "after_header": str(each.path),
                    "before": before(module, each.path),
                    "after": texts.get(each.path.name, ""),
                }
                for each in planned
                if each.action != "unchanged"
            ]
        changes = planned if module.check_mode else work(dry_run=False)
    result["units"] = [each.to_dict() for each in changes]
    module.exit_json(changed=any(each.action != "unchanged" for each in changes), **result)


if __name__ == "__main__":
    main()

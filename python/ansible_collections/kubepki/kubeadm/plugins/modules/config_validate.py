#!/usr/bin/python

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a kubeadm configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_validate
short_description: Judge a kubeadm configuration
version_added: 0.1.0
description:
  - Reads a kubeadm configuration, and fails with everything that is wrong with it at once, as
    C(kubepki config validate) does.
  - Run it on the controller to judge a template before any node gets it.
author:
  - The kubepki contributors (@kubepki)
extends_documentation_fragment:
  - kubepki.kubeadm.attributes.info
  - kubepki.kubeadm.node
options:
  certificates_dir:
    description:
      - Not used. All modules of the action group take it.
    type: path
  kubeconfig_dir:
    description:
      - Not used, as O(certificates_dir).
    type: path
seealso:
  - module: kubepki.kubeadm.pki
"""

EXAMPLES = r"""
- name: Judge the configuration before a node gets it
  kubepki.kubeadm.config_validate:
    config_content: "{{ lookup('ansible.builtin.template', 'kubeadm.yaml.j2') }}"
  delegate_to: localhost

- name: Say what is wrong with the one that is there, without failing
  kubepki.kubeadm.config_validate:
    config: /etc/kubernetes/kubeadm.yaml
  register: judged
  failed_when: false
"""

RETURN = r"""
spec:
  description: What the configuration asks for, with kubeadm's defaults - C(node_name), C(certificates_dir) and others.
  returned: success
  type: dict
warnings_found:
  description: What the reader warns of, as RV(problems).
  returned: success
  type: list
  elements: dict
problems:
  description: What is wrong, each with C(code), C(file), C(line), C(column), C(field), C(message), C(hint).
  returned: failure
  type: list
  elements: dict
code:
  description: The stable code of the error.
  returned: failure
  type: str
  sample: config.invalid
hint:
  description: What to do about the error.
  returned: failure
  type: str
"""

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _kubepki as shared


def main() -> None:
    """Read and judge."""
    module = shared.make_module({}, required_one_of=[("config", "config_content")])
    arguments = shared.node_arguments(module)
    del arguments["certificates_dir"], arguments["kubeconfig_dir"]
    with shared.failures(module):
        configuration = shared.kubepki.load_config(**arguments)
    for problem in configuration.warnings:
        module.warn(str(problem))
    module.exit_json(
        changed=False,
        spec=configuration.spec.to_dict(),
        warnings_found=[each.to_dict() for each in configuration.warnings],
    )


if __name__ == "__main__":
    main()

# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which node, and where its files are."""

from __future__ import annotations


class ModuleDocFragment:
    """The node's options, and what they need."""

    DOCUMENTATION = r"""
options:
  config:
    description:
      - The kubeadm configuration (v1beta3, v1beta4), or C(cluster) for the one that the cluster has; kubeadm's defaults
        without one.
      - Without it and O(config_content), kubeadm's defaults hold.
      - >-
        V(cluster) is read with the kubeconfig that the environment variable E(KUBECONFIG) names, else with that of the
        node. A file of that name is V(./cluster).
    type: path
  config_content:
    description:
      - The configuration itself as YAML or JSON text, instead of O(config).
      - A mapping is one document, a list of mappings several; a string is read as YAML.
    type: raw
  lenient:
    description:
      - Warn of unknown fields, as kubeadm does; they are errors otherwise.
    type: bool
    default: false
  node_name:
    description:
      - The node's name, instead of the configuration's.
    type: str
  certificates_dir:
    description:
      - The directory of certificates of the node, instead of the configuration's C(certificatesDir).
    type: path
  kubeconfig_dir:
    description:
      - The directory of kubeconfigs of the node, instead of C(/etc/kubernetes).
    type: path
  rootfs:
    description:
      - >-
        The directory in front of every path of the node: a mounted disk, a folder.
      - It must exist.
    type: path
requirements:
  - kubepki (Python package) on the host on which the module runs
  - Python 3.10 or newer there
"""

    # For modules that look at no node, or at a part of it.
    UNUSED = r"""
options:
  config:
    description:
      - Not used. All modules of the action group take it, so that C(module_defaults) can say it once for all.
    type: path
  config_content:
    description:
      - Not used, as O(config).
    type: raw
  lenient:
    description:
      - Not used, as O(config).
    type: bool
    default: false
  node_name:
    description:
      - Not used, as O(config).
    type: str
  certificates_dir:
    description:
      - Not used, as O(config).
    type: path
  kubeconfig_dir:
    description:
      - Not used, as O(config).
    type: path
  rootfs:
    description:
      - Not used, as O(config).
    type: path
requirements:
  - kubepki (Python package) on the host on which the module runs
  - Python 3.10 or newer there
"""

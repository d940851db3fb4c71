# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules whose certificates a signer of the cluster may sign."""

from __future__ import annotations


class ModuleDocFragment:
    """Who signs, and how it is asked."""

    DOCUMENTATION = r"""
options:
  issuer:
    description:
      - Who signs.
    type: str
    choices: [ca, kubernetes]
    default: ca
  signer:
    description:
      - The signer.
    type: str
  issuer_ca:
    description:
      - CA certificates.
    type: path
  approve:
    description:
      - Approve the requests.
    type: bool
    default: false
  timeout:
    description:
      - How long certificates are waited for.
    type: str
  kubeconfig:
    description:
      - The kubeconfig.
    type: path
  request_timeout:
    description:
      - How long each request may take.
    type: str
    default: 30s
"""

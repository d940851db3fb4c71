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
      - >-
        Who signs: the CAs on this node, or a signer of the cluster's certificates API, which needs no CA key here.
    type: str
    choices: [ca, kubernetes]
    default: ca
  signer:
    description:
      - >-
        With O(issuer) kubernetes: the signer, as C(kubernetes.io/kube-apiserver-client) or
        C(clusterissuers.cert-manager.io/NAME).
    type: str
  issuer_ca:
    description:
      - >-
        With O(issuer) kubernetes: CA certificates, one of which has to vouch for what was signed; for signers that hand
        out none.
    type: path
  approve:
    description:
      - >-
        With O(issuer) kubernetes: approve the requests; otherwise somebody else has to.
    type: bool
    default: false
  timeout:
    description:
      - >-
        With O(issuer) kubernetes: how long certificates are waited for; five minutes without it.
    type: str
  kubeconfig:
    description:
      - >-
        The kubeconfig for the cluster's API; without it C($KUBECONFIG), the pod's service account, the node's
        C(admin.conf), or C(~/.kube/config): the first of them that is there.
    type: path
  request_timeout:
    description:
      - How long each request to the API server may take, with all that is asked again while it is busy.
    type: str
    default: 30s
"""

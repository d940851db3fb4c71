"""Serving certificates that kubelets ask a living cluster for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kubepki.arguments import StrPath
    from kubepki.types import ServingReport


@asked("ServingRequest")
def kubelet_csrs(
    *,
    allow: Iterable[str] = (),
    inventory: StrPath | None = None,
    dns: bool = False,
    early: bool = False,
    reserve: Iterable[str] = (),
    max_validity: timedelta = timedelta(days=366),
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    now: datetime | None = None,
) -> ServingReport:
    """Look at the serving certificates that kubelets wait for, and whether each can be approved.

    >>> for waiting in kubelet_csrs(allow=["worker1=10.0.0.11"]).requests:  # doctest: +SKIP
    ...     print(waiting.name, waiting.is_approvable, waiting.names)

    Args:
        allow: What a node may have: `NODE=NAME,ADDRESS,NETWORK`, as `worker1=10.0.0.0/24,worker1.example.com`.
        inventory: A file that says which names and addresses nodes have: a mapping from node to a list, an Ansible
            inventory in YAML, or in JSON as `ansible-inventory` lists it.
        dns: Believe DNS: what the name of a node that is allowed, or in the inventory, resolves to is the node's.
        early: Approve a request although the certificate that its kubelet serves lasts for long.
        reserve: A name, address or network that no node ever has, besides the API server's and the services': a load
            balancer's.
        max_validity: The longest validity that a request may ask for; one without a wish gets what the controller
            manager is set to.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `plan.bad_request` for an option or an inventory that says nothing of a node;
            `cluster.no_credentials`, `cluster.bad_credentials`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked.
        FindingError: `cluster.not_found` when the cluster has no `kubeadm-config` to know its own names by.
        RefusedError: `cluster.forbidden`, `cluster.foreign_program`.

    """
    return _core.kubelet_csrs(request(locals()), now=in_utc(now))


@asked("ServingRequest")
def approve_kubelet_csrs(
    *,
    allow: Iterable[str] = (),
    inventory: StrPath | None = None,
    dns: bool = False,
    early: bool = False,
    reserve: Iterable[str] = (),
    max_validity: timedelta = timedelta(days=366),
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    deny: bool = False,
    now: datetime | None = None,
) -> ServingReport:
    """Approve the serving certificates that kubelets may have; leave the others, and say why in an event.

    >>> report = approve_kubelet_csrs(inventory="inventory.yml")  # doctest: +SKIP
    >>> [one.name for one in report.requests if one.outcome == "approved"]  # doctest: +SKIP
    ['csr-4k9tb']

    Args:
        allow: What a node may have: `NODE=NAME,ADDRESS,NETWORK`, as `worker1=10.0.0.0/24,worker1.example.com`.
        inventory: A file that says which names and addresses nodes have: a mapping from node to a list, an Ansible
            inventory in YAML, or in JSON as `ansible-inventory` lists it.
        dns: Believe DNS: what the name of a node that is allowed, or in the inventory, resolves to is the node's.
        early: Approve a request although the certificate that its kubelet serves lasts for long.
        reserve: A name, address or network that no node ever has, besides the API server's and the services': a load
            balancer's.
        max_validity: The longest validity that a request may ask for; one without a wish gets what the controller
            manager is set to.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        deny: Deny what is wrong in itself, instead of leaving it to a person; what only lacks a source is left.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `plan.bad_request` for an option or an inventory that says nothing of a node;
            `cluster.no_credentials`, `cluster.bad_credentials`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked.
        FindingError: `cluster.not_found` when the cluster has no `kubeadm-config` to know its own names by.
        RefusedError: `cluster.forbidden`, `cluster.foreign_program`.

    """
    return _core.kubelet_csrs(request(locals(), "deny"), approve=True, deny=deny, now=in_utc(now))

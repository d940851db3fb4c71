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
    from kubepki.types import ServingReport, ServingRequirement, ServingSetup


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


@asked("EnableServingRequest")
def enable_serving_certs(
    *,
    local: bool = False,
    restart: bool = False,
    timeout: timedelta = timedelta(minutes=2),
    kubelet_dir: StrPath = "/var/lib/kubelet",
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    dry_run: bool = False,
    now: datetime | None = None,
) -> ServingSetup:
    """Have this node's kubelet, and those that join, ask the cluster for the certificate that they serve.

    Sets `serverTLSBootstrap: true` in the kubelet's configuration and in the ConfigMap `kubelet-config`; every other
    byte of both stays.

    >>> setup = enable_serving_certs(restart=True)  # doctest: +SKIP
    >>> setup.request.state  # doctest: +SKIP
    'waits'

    Source: kubeadm documentation, "Enabling signed kubelet serving certificates".

    Args:
        local: Change this node's file only, and ask no API server for the cluster's `kubelet-config`: joining nodes,
            and `kubeadm upgrade node`, go by that.
        restart: Restart the kubelet afterwards, and wait for its request.
        timeout: How long the kubelet may take to come back, and again to ask for its certificate.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        dry_run: Say what would be changed, and change nothing.
        now: The moment of the call.

    Raises:
        ConfigurationError: `serving.no_kubelet`, `cluster.no_credentials`, `cluster.bad_credentials`.
        FindingError: `setting.unfit` for a document that cannot be changed in its one place, `serving.flag_wins`,
            `cluster.not_found`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked: nothing was written then; `store.*`;
            `restart.*`; `serving.no_request` when the kubelet has not asked in time, with the step that is missing.
        RefusedError: `cluster.forbidden`, `store.backup_place`.
        PartialError: With the code of what failed after something was written.

    """
    return _core.enable_serving_certs(request(locals(), "dry_run"), dry_run=dry_run, now=in_utc(now))


@asked("RequireServingRequest")
def require_serving_certs(
    *,
    no_wait: bool = False,
    timeout: timedelta = timedelta(minutes=5),
    manifests_dir: StrPath | None = None,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    rootfs: StrPath | None = None,
    backup_dir: StrPath = "/var/lib/kubepki/backups",
    no_backup: bool = False,
    kubeconfig: StrPath | None = None,
    request_timeout: timedelta = timedelta(seconds=30),
    dry_run: bool = False,
    now: datetime | None = None,
) -> ServingRequirement:
    """Have the API server of this node verify what kubelets serve, once all of them serve what can be verified.

    Adds `--kubelet-certificate-authority` to the API server's manifest and to `kubeadm-config`, and waits until the API
    server is back.

    >>> requirement = require_serving_certs(dry_run=True)  # doctest: +SKIP
    >>> [node.endpoint for node in requirement.nodes]  # doctest: +SKIP
    ['10.0.0.10:10250', '10.0.0.20:10250']

    Args:
        no_wait: Do not wait until the API server is back: it does not run here, on a mounted disk.
        timeout: How long the API server may take to come back.
        manifests_dir: The directory of static-pod manifests of the node, instead of where the kubelet's configuration
            says.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        backup_dir: The directory of the node where backups are kept.
        no_backup: Keep no backup of the files that are replaced or removed.
        kubeconfig: The kubeconfig for the cluster's API; without it `$KUBECONFIG`, the pod's service account, the
            node's `admin.conf`, or `~/.kube/config`: the first of them that is there.
        request_timeout: How long each request to the API server may take, with all that is asked again while it is
            busy.
        dry_run: Say what would be changed, and change nothing.
        now: The moment at which the certificates must be valid.

    Raises:
        ConfigurationError: `restart.not_here` on a node without an API server, `cluster.no_credentials`,
            `cluster.bad_credentials`.
        FindingError: `setting.unfit` for a document that cannot be changed in its one place, `cluster.not_found`.
        RefusedError: `serving.unverified` with the nodes that do not serve what can be verified, `cluster.forbidden`.
        EnvironmentFailure: `cluster.*` when the cluster cannot be asked, `store.*`, `restart.no_kubelet`.
        PartialError: With the code of what failed after something was written; `serving.not_back` when the API server
            has not come back.

    """
    return _core.require_serving_certs(request(locals(), "dry_run"), dry_run=dry_run, now=in_utc(now))

"""Replacing CAs and the service accounts' key while the cluster works."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import NodeRotation, RotationPlan, RotationReport, SeenNode


@asked("NodeRotationRequest")
def node_rotation(
    *,
    authority: Iterable[str] = (),
    cluster: bool = False,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    config: StrPath | None = None,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> NodeRotation:
    """Say how far a rotation is on this node, by its files, whoever changed them.

    >>> for one in node_rotation(authority=["ca"]).authorities:  # doctest: +SKIP
    ...     print(one.name, one.stage, one.behind)
    ca trust-both/issue-new ()

    Args:
        authority: What is replaced: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`; without any, all of them.
        cluster: Ask the cluster too whether its objects hold the CAs of this node's files; a control-plane node, with
            its own kubeconfig.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment for which it holds.

    Raises:
        ConfigurationError: `plan.unknown_name`, `config.*`; `api.naive_datetime`.
        EnvironmentFailure: `store.no_permission` when a file of the node may not be read; with `cluster`, `cluster.*`
            when the cluster does not answer.
        RefusedError: `rotate.other_cluster` when the node's kubeconfig is of another cluster.

    """
    return _core.node_rotation(request(locals()), in_utc(now))


@asked("RotatedNodes")
def rotation_status(
    *,
    authority: Iterable[str] = (),
    nodes: StrPath | None = None,
) -> list[SeenNode]:
    """Say how far a rotation is on every node; a node that does not answer has its problem.

    >>> for node in rotation_status(nodes="nodes.yaml"):  # doctest: +SKIP
    ...     print(node.name, node.problem or node.rotation)

    Args:
        authority: What is replaced: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`; without any, all of them.
        nodes: A YAML file with the cluster's nodes, and the words that run kubepki on each; without it the cluster is
            this node.

    Raises:
        ConfigurationError: `plan.unknown_name`, `rotate.bad_nodes`.
        RefusedError: `rotate.foreign_nodes` when others can change the file of the nodes.

    """
    return _core.rotation_status(request(locals()))


@asked("ConductRequest", "verb", without="timeout")
def plan_rotation(
    verb: Literal["start", "resume", "finish", "abort"] = "start",
    *,
    authority: Iterable[str] = (),
    nodes: StrPath | None = None,
    new_ca: StrPath | None = None,
    common_name: str | None = None,
    allow_failing_clients: bool = False,
    etcd_snapshot: StrPath | None = None,
    no_etcd_snapshot: bool = False,
    token_life: timedelta = timedelta(hours=24),
    restart_pods: bool = False,
    audit_log: StrPath | Iterable[StrPath] = (),
    unused_for: timedelta = timedelta(hours=24),
    new_credential: StrPath | Iterable[StrPath] = (),
) -> RotationPlan:
    """Say what `rotate` would do on which node, and what still holds on to the CA that is in use; change nothing.

    >>> for leg in plan_rotation(nodes="nodes.yaml", authority=["ca"]).legs:  # doctest: +SKIP
    ...     print(leg.phase, leg.nodes)

    Args:
        verb: What would be done, as for `rotate`.
        authority: What is replaced: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`; without any, all of them.
        nodes: A YAML file with the cluster's nodes, and the words that run kubepki on each; without it the cluster is
            this node.
        new_ca: The new CA: its certificate, those above it, and its key, in PEM. Without it one is made like the old
            one.
        common_name: The common name of a CA that is made, instead of the old one's.
        allow_failing_clients: Replace a CA that cannot vouch for the new one: clients that know it alone fail from the
            step reissue on.
        etcd_snapshot: The file on the node, the first control plane, for what etcd holds before the rotation; without
            it one below `/var/lib/kubepki/etcd`.
        no_etcd_snapshot: Begin without a snapshot of etcd.
        token_life: How long a token may be in use that the service-account key which goes has signed; until then that
            key stays trusted.
        restart_pods: Restart every pod that may have read the CAs before both were trusted, as disruption budgets
            allow.
        audit_log: The API server's audit logs, as JSON lines, plain or gzip: who has used which certificate.
        unused_for: For how long no certificate of the old CA may have been used.
        new_credential: Kubeconfigs and client certificates of the new CA that no node has, or folders of them: their
            use stops nothing.

    Raises:
        ConfigurationError: `plan.unknown_name`, `plan.bad_request` for an argument that the verb has no use for,
            `rotate.bad_nodes`.
        EnvironmentFailure: `rotate.node_failed`, `rotate.bad_answer`, `rotate.clocks`, `rotate.versions`,
            `rotate.unseen`; `cluster.*` when the cluster cannot be asked.
        RefusedError: `rotate.*`: what stands against it, and what to do about it.

    """
    return _core.plan_rotation(verb, request(locals(), "verb"))


@asked("ConductRequest", "verb")
def rotate(
    verb: Literal["start", "resume", "finish", "abort"],
    *,
    authority: Iterable[str] = (),
    nodes: StrPath | None = None,
    new_ca: StrPath | None = None,
    common_name: str | None = None,
    allow_failing_clients: bool = False,
    etcd_snapshot: StrPath | None = None,
    no_etcd_snapshot: bool = False,
    token_life: timedelta = timedelta(hours=24),
    restart_pods: bool = False,
    audit_log: StrPath | Iterable[StrPath] = (),
    unused_for: timedelta = timedelta(hours=24),
    new_credential: StrPath | Iterable[StrPath] = (),
    timeout: timedelta = timedelta(minutes=5),
    progress: Callable[[str, str, str], object] | None = None,
) -> RotationReport:
    """Replace a CA, or the service accounts' key, on all nodes, one step after the other, with gates between.

    `start` ends where the new one signs and both are trusted; `finish` gives up the old one, `abort` the new one, and
    `resume` goes on with what has broken off. How far each node is, is read off its files before every step: a call
    that fails, or is killed, is gone on with by the next one.

    >>> report = rotate("start", nodes="nodes.yaml", authority=["ca"])  # doctest: +SKIP
    >>> [(step.node, step.phase, step.duration) for step in report.steps]  # doctest: +SKIP

    Args:
        verb: What is done.
        authority: What is replaced: `ca`, `front-proxy-ca`, `etcd-ca`, `sa`; without any, all of them.
        nodes: A YAML file with the cluster's nodes, and the words that run kubepki on each; without it the cluster is
            this node.
        new_ca: The new CA: its certificate, those above it, and its key, in PEM. Without it one is made like the old
            one.
        common_name: The common name of a CA that is made, instead of the old one's.
        allow_failing_clients: Replace a CA that cannot vouch for the new one: clients that know it alone fail from the
            step reissue on.
        etcd_snapshot: The file on the node, the first control plane, for what etcd holds before the rotation; without
            it one below `/var/lib/kubepki/etcd`.
        no_etcd_snapshot: Begin without a snapshot of etcd.
        token_life: How long a token may be in use that the service-account key which goes has signed; until then that
            key stays trusted.
        restart_pods: Restart every pod that may have read the CAs before both were trusted, as disruption budgets
            allow.
        audit_log: The API server's audit logs, as JSON lines, plain or gzip: who has used which certificate.
        unused_for: For how long no certificate of the old CA may have been used.
        new_credential: Kubeconfigs and client certificates of the new CA that no node has, or folders of them: their
            use stops nothing.
        timeout: How long each component may take to come back, and the cluster to follow.
        progress: Called with (node, event, text). Events are "keeping" and "kept" (etcd's snapshot; its file), "begins"
            and "ended" (a step), "says" (a line that the node prints), "unused" (what audit logs say). It may raise to
            stop the work, as a signal handler may (Ctrl-C): the step that is being done is ended first.

    Raises:
        ConfigurationError: As `plan_rotation`; `plan.bad_request`.
        EnvironmentFailure: As `plan_rotation`; `rotate.no_snapshot` before anything is begun.
        FindingError: `rotate.no_progress` when something undoes a step.
        RefusedError: As `plan_rotation`.

    """
    return _core.rotate(verb, request(locals(), "verb", "progress"), progress)

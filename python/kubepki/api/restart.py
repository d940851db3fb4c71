"""Restarting the components of a node, so that they use the certificates that are on disk."""

from __future__ import annotations

from datetime import timedelta

from kubepki import _core
from kubepki.api.request import in_utc, request
from kubepki.arguments import asked
from kubepki.errors import InterruptedAfterChange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import RestartPlan, RestartReport


@asked("RestartRequest", "components", without="timeout")
def plan_restart(
    components: Literal["all"] | Iterable[str] = "all",
    *,
    force: bool = False,
    kubelet: bool = False,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    rootfs: StrPath | None = None,
    ignore_quorum: bool = False,
    manifests_dir: StrPath | None = None,
    now: datetime | None = None,
) -> RestartPlan:
    """Say which components do not use what is on disk, and change nothing.

    The certificate that a component serves is compared with the one on disk; for all else that it reads, the time when
    it started with the time when the file changed. What cannot be seen must be restarted.

    Args:
        components: Which components: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`; `kubelet`
            only by its name.
        force: Also restart components that are up to date.
        kubelet: Also restart the kubelet with systemctl, last; first if it does not run.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        ignore_quorum: Restart etcd even if that costs the cluster its quorum for a moment.
        manifests_dir: The directory of static-pod manifests of the node, instead of where the kubelet's configuration
            says.
        now: The moment for which the plan holds.

    Raises:
        ConfigurationError: `plan.unknown_name`, `restart.not_here`, or `api.naive_datetime`.
        FindingError: `restart.bad_kubelet_configuration`.
        EnvironmentFailure: `restart.no_static_pods`. What else of the node stands against a restart is in `obstacles`.

    """
    return _core.plan_restart(request(locals()), in_utc(now))


@asked("RestartRequest", "components")
def restart(
    components: Literal["all"] | Iterable[str] = "all",
    *,
    force: bool = False,
    kubelet: bool = False,
    kubelet_dir: StrPath = "/var/lib/kubelet",
    rootfs: StrPath | None = None,
    timeout: timedelta = timedelta(minutes=5),
    ignore_quorum: bool = False,
    manifests_dir: StrPath | None = None,
    progress: Callable[[str, str, float, str], object] | None = None,
    now: datetime | None = None,
) -> RestartReport:
    """Restart the components that do not use what is on disk, one at a time; the next when the one before is well.

    A component's process is asked to end, and the kubelet starts it again; where neither its process nor its container
    can be seen, and for the API server while etcd restarts, its manifest is moved out of the kubelet's sight and back.
    Whatever goes wrong meanwhile, it is put back; after `kill -9` the next call does that first. On the main thread
    SIGINT, SIGTERM and SIGHUP have their effect when the manifest is back, unless the program has handlers of its own;
    those run at once, and may raise. On another thread Python hears no signals: a program that restarts there handles
    SIGTERM itself.

    Args:
        components: Which components: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`; `kubelet`
            only by its name.
        force: Also restart components that are up to date.
        kubelet: Also restart the kubelet with systemctl, last; first if it does not run.
        kubelet_dir: The kubelet's directory of the node, with its `config.yaml` and its certificates in `pki`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        timeout: How long each component may take to end, and again to come back.
        ignore_quorum: Restart etcd even if that costs the cluster its quorum for a moment.
        manifests_dir: The directory of static-pod manifests of the node, instead of where the kubelet's configuration
            says.
        progress: Called with (component, phase, seconds in it, what is waited for) when something of it is new and
            about once a second. Phases are "inspected", "stopped", "held" (its manifest is out), "started", "done". It
            may raise to stop the work, as a signal handler may (Ctrl-C): then the manifest is put back, and what was
            raised is raised.
        now: As for `plan_restart`.

    Raises:
        ConfigurationError: As `plan_restart`; `restart.bad_timeout`.
        FindingError: As `plan_restart`; `plan.blocked` when a component would not come up again.
        RefusedError: `restart.held_conflict`.
        EnvironmentFailure: `restart.no_static_pods`, `restart.no_kubelet`, `restart.quorum_at_risk`;
            `restart.not_stopped`, `restart.not_healthy`; `store.*`, `process.*`.
        PartialError: The same when other components had been restarted before; `restart.not_put_back`.

    """
    wanted = request(locals())
    return _carry_out(lambda heard: _core.restart(wanted, heard, in_utc(now)), progress)


def must_restart(changed: Iterable[str]) -> list[str]:
    """Return the components that read at their start something that was changed.

    >>> must_restart(["scheduler.conf", "apiserver"])
    ['kube-scheduler']
    """
    return _core.must_restart(list(changed))


def _carry_out(
    do: Callable[[Callable[[str, str, float, str], object]], RestartReport],
    progress: Callable[[str, str, float, str], object] | None,
) -> RestartReport:
    """Restart, with signals heard when every manifest is in its place."""
    import signal

    from kubepki.api.interrupt import ENDING, Held

    report: RestartReport | None = None
    raised: BaseException | None = None
    with Held(ENDING) as signals:
        try:
            report = do(signals.heard(progress))
        except KeyboardInterrupt:
            # Every manifest is in its place. A process that was to end ends below, as it would have.
            if signals.noted in (None, signal.SIGINT):
                raise
            raised = KeyboardInterrupt()
        else:
            late = signals.is_outermost and signals.noted is signal.SIGINT
            raised = InterruptedAfterChange(report) if late else None
    signals.deliver()
    if raised is not None or report is None:
        raise raised or KeyboardInterrupt
    return report

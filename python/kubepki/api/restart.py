"""Restarting the components of a node, so that they use the certificates that are on disk."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from kubepki import _core
from kubepki.api.node import DEFAULT_KUBELET_DIR, in_utc, path_text, selection
from kubepki.arguments import checked
from kubepki.errors import InterruptedAfterChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import StrPath
    from kubepki.types import RestartPlan, RestartReport


class RestartOptions(TypedDict, total=False):
    """Which restart: the arguments that `plan_restart` and `restart` share.

    | argument | it means |
    |---|---|
    | `force` | those that are up to date are restarted too |
    | `kubelet` | the kubelet is asked for too; it is restarted last, or first if it does not run, with systemctl |
    | `ignore_quorum` | etcd is restarted though that costs its quorum |
    | `kubelet_dir` | the kubelet's folder, with its `config.yaml` (`/var/lib/kubelet`) |
    | `manifests_dir` | the static-pod manifests, instead of what the kubelet's configuration says |
    | `rootfs` | the folder in front of every path; ports and processes are this host's in any case |
    """

    force: bool
    kubelet: bool
    ignore_quorum: bool
    kubelet_dir: StrPath
    manifests_dir: StrPath | None
    rootfs: StrPath | None


@checked
def plan_restart(
    components: Literal["all"] | Iterable[str] = "all",
    *,
    now: datetime | None = None,
    **options: Unpack[RestartOptions],
) -> RestartPlan:
    """Say which components do not use what is on disk, and change nothing.

    The certificate that a component serves is compared with the one on disk; for all else that it reads, the time when
    it started with the time when the file changed. What cannot be seen must be restarted.

    Args:
        components: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, or all of them; `kubelet`
            only by its name.
        now: The moment for which the plan holds.
        **options: See `RestartOptions`.

    Raises:
        ConfigurationError: `plan.unknown_name`, `restart.not_here`, or `api.naive_datetime`.
        FindingError: `restart.bad_kubelet_configuration`.
        EnvironmentFailure: `restart.no_static_pods`. What else of the node stands against a restart is in `obstacles`.

    """
    return _core.plan_restart(_request(components, **options), in_utc(now))


@checked
def restart(
    components: Literal["all"] | Iterable[str] = "all",
    *,
    timeout: timedelta = timedelta(minutes=5),
    progress: Callable[[str, str, float, str], object] | None = None,
    now: datetime | None = None,
    **options: Unpack[RestartOptions],
) -> RestartReport:
    """Restart the components that do not use what is on disk, one at a time; the next when the one before is well.

    A component's process is asked to end, and the kubelet starts it again; where neither its process nor its container
    can be seen, and for the API server while etcd restarts, its manifest is moved out of the kubelet's sight and back.
    Whatever goes wrong meanwhile, it is put back; after `kill -9` the next call does that first. On the main thread
    SIGINT, SIGTERM and SIGHUP have their effect when the manifest is back, unless the program has handlers of its own;
    those run at once, and may raise. On another thread Python hears no signals: a program that restarts there handles
    SIGTERM itself.

    Args:
        components: As for `plan_restart`.
        timeout: How long each component may take to end, and again to come back.
        progress: Called with (component, phase, seconds in it, what is waited for) when something of it is new and
            about once a second. Phases are "inspected", "stopped", "held" (its manifest is out), "started", "done". It
            may raise to stop the work, as a signal handler may (Ctrl-C): then the manifest is put back, and what was
            raised is raised.
        now: As for `plan_restart`.
        **options: See `RestartOptions`.

    Raises:
        ConfigurationError: As `plan_restart`; `restart.bad_timeout`.
        FindingError: As `plan_restart`; `plan.blocked` when a component would not come up again.
        RefusedError: `restart.held_conflict`.
        EnvironmentFailure: `restart.no_static_pods`, `restart.no_kubelet`, `restart.quorum_at_risk`;
            `restart.not_stopped`, `restart.not_healthy`; `store.*`, `process.*`.
        PartialError: The same when other components had been restarted before; `restart.not_put_back`.

    """
    request = _request(components, timeout=timeout, **options)
    return _carry_out(lambda heard: _core.restart(request, heard, in_utc(now)), progress)


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


def _request(
    components: Literal["all"] | Iterable[str],
    *,
    timeout: timedelta | None = None,
    force: bool = False,
    kubelet: bool = False,
    ignore_quorum: bool = False,
    kubelet_dir: StrPath = DEFAULT_KUBELET_DIR,
    manifests_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
) -> dict[str, Any]:
    how: dict[str, Any] = {"ignore_quorum": ignore_quorum, "manifests_dir": path_text(manifests_dir)}
    if timeout is not None:
        how["timeout_seconds"] = timeout.total_seconds()
    return {
        "components": selection(components),
        "force": force,
        "kubelet": kubelet,
        "kubelet_dir": os.fspath(kubelet_dir),
        "how": how,
        "rootfs": path_text(rootfs),
    }

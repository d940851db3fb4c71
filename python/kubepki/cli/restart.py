"""`kubepki restart`: components that do not use the certificates on disk are restarted, one at a time.

The certificate that each serves is compared with the one on disk, and the time when it started with the times when
the other files that it reads changed. Its process is then asked to end, and the kubelet starts it again, in the order
etcd, kube-apiserver, kube-controller-manager, kube-scheduler; the next one when the one before is well. While etcd
restarts, the API server that has no other is stopped.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from kubepki.api import restart as restarting
from kubepki.cli import options, output
from kubepki.errors import EnvironmentFailure, FindingError, Interrupted, InterruptedAfterChange

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer, _SubParsersAction
    from collections.abc import Callable

    from kubepki.types import RestartPlan, RestartReport

_PHASES = {
    "inspected": "looking",
    "stopped": "asked to end, waiting until it has ended",
    "held": "manifest moved out, waiting until it has ended",
    "started": "coming back, waiting until it is well",
    "done": "well, and serving what is on disk",
}
_PHASES_OF_KUBELET = {**_PHASES, "stopped": "restarting the service"}


# A dry run has found what a run would do: no error has this code, so that a monitor can tell the two apart.
RESTART_IS_DUE = 10


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `restart` and its arguments."""
    parser = subparsers.add_parser("restart", help="restart what does not use the files on disk", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="COMPONENT",
        help="etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet (default: all but the kubelet)",
    )
    parser.add_argument("--all", action="store_true", help="also restart components that are up to date")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be done, and change nothing; exit code 10 when that is something",
    )
    parser.add_argument(
        "--kubelet", action="store_true", help="also restart the kubelet with systemctl, last; first if it does not run"
    )
    options.add_kubelet_dir_option(parser)
    add_restart_options(parser)
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of every path of the node")
    options.add_output_option(parser)


def add_restart_options(parser: _ActionsContainer) -> None:
    """Add the options that say how components are restarted."""
    parser.add_argument(
        "--timeout",
        default="5m",
        metavar="DURATION",
        help="how long each component may take to end, and again to come back (default: %(default)s)",
    )
    parser.add_argument(
        "--ignore-quorum",
        action="store_true",
        help="restart etcd even if that costs the cluster its quorum for a moment",
    )
    parser.add_argument(
        "--manifests-dir", metavar="DIR", help="the static-pod manifests (default: as the kubelet's configuration says)"
    )


def run(arguments: Namespace) -> int:
    """Plan, show the plan, and do it unless it is a dry run."""
    request = {
        "components": arguments.names or "all",
        "force": arguments.all,
        "kubelet": arguments.kubelet,
        "ignore_quorum": arguments.ignore_quorum,
        "kubelet_dir": arguments.kubelet_dir,
        "manifests_dir": arguments.manifests_dir,
        "rootfs": arguments.rootfs,
    }
    timeout = options.duration(arguments.timeout, "--timeout")
    if arguments.dry_run:
        plan = restarting.plan_restart(**request)
        _show(arguments.output, plan, None)
        return _conclude_dry_run(plan)
    report = restart(lambda progress: restarting.restart(**request, timeout=timeout, progress=progress))
    _show(arguments.output, report.plan, report)
    conclude(report)
    return 0


def restart(do: Callable[[Callable[[str, str, float, str], object]], RestartReport]) -> RestartReport:
    """Restart, and say on stderr how far it is; a closed terminal or a stopped service is heard as Ctrl-C is."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A parent that has a signal ignored (nohup) means it.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        return do(_Talk())
    except InterruptedAfterChange as interrupt:
        report: RestartReport = interrupt.report
        return report
    except KeyboardInterrupt:
        message = "the restart was interrupted: every manifest is in its place; `kubepki restart` restarts the rest"
        raise Interrupted(message, code="restart.interrupted") from None


def conclude(report: RestartReport) -> None:
    """Say what was done."""
    if report.put_back:
        output.say(f"put back after an interrupted restart: {', '.join(report.put_back)}")
    if report.restarted:
        output.say(f"restarted {len(report.restarted)}: {', '.join(each.name for each in report.restarted)}")
    else:
        output.say("nothing to restart: every selected component already uses the files on disk")
    _name_outdated_kubelet(report.plan)


class _Talk:
    """Says once what is being done, and on a terminal what is still waited for."""

    def __init__(self) -> None:
        self._said = ("node", "inspected")
        self._is_open = False

    def __call__(self, component: str, phase: str, seconds: float, detail: str) -> None:
        """Print a line when the phase is new."""
        if (component, phase) != self._said:
            self._said = (component, phase)
            self._end_line()
            phases = _PHASES_OF_KUBELET if component == "kubelet" else _PHASES
            output.say(f"{component}: {phases[phase]}")
        elif sys.stderr.isatty() and detail:
            sys.stderr.write(f"\r\x1b[K  {seconds:.0f} s: {output.printable(detail)[:100]}")
            sys.stderr.flush()
            self._is_open = True

    def _end_line(self) -> None:
        if self._is_open:
            sys.stderr.write("\r\x1b[K")
            self._is_open = False


def _show(form: str, plan: RestartPlan, report: RestartReport | None) -> None:
    rootfs = str(plan.rootfs) if plan.rootfs else None
    for held in plan.held:
        back = options.command("restart", rootfs)
        output.say(f"held: {held.component}: {held.held} belongs to {held.manifest}; `{back}` puts it back")
    for finding in plan.findings:
        output.say_finding(finding)
    if form == "text":
        output.show(plan)
        return
    done = None
    if report is not None:
        done = {"put_back": list(report.put_back), "restarted": [each.to_dict() for each in report.restarted]}
    print(output.structured({"plan": plan.to_dict(), "report": done}, form))


def _conclude_dry_run(plan: RestartPlan) -> int:
    if plan.is_blocked:
        output.say("nothing would be done: there are critical findings")
        return FindingError.exit_code
    for obstacle in plan.obstacles:
        raise EnvironmentFailure(obstacle.message, code=obstacle.code, hint=obstacle.hint)
    if plan.is_empty:
        output.say("dry run: nothing to restart")
    else:
        output.say(f"dry run: nothing was changed; {len(plan.restarts)} would be restarted")
    _name_outdated_kubelet(plan)
    return 0 if plan.is_empty else RESTART_IS_DUE


def _name_outdated_kubelet(plan: RestartPlan) -> None:
    kubelet = plan.components[-1]
    if kubelet.action.value == "skip" and any(endpoint.is_current is False for endpoint in kubelet.endpoints):
        restart = options.command("restart kubelet", str(plan.rootfs) if plan.rootfs else None)
        output.say(f"the kubelet does not serve the certificate on disk: `{restart}` restarts it")

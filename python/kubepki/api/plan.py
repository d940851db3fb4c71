"""Planning what a node lacks, and doing what a plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kubepki import _core
from kubepki.api.node import in_utc, node_fields, selection
from kubepki.arguments import checked
from kubepki.errors import InterruptedAfterChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from typing_extensions import Unpack

    from kubepki.api.node import NodeOptions, StrPath
    from kubepki.types import Plan, Report


@checked
def plan(
    config: StrPath | None = None,
    *,
    certificates: Literal["all"] | Iterable[str] = "all",
    kubeconfigs: Literal["all"] | Iterable[str] = "all",
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    recover: bool = False,
    now: datetime | None = None,
    **node: Unpack[NodeOptions],
) -> Plan:
    """Plan what a node lacks: CAs, certificates, `sa` and kubeconfigs, as `kubeadm init` would make them.

    Nothing is changed, but for `recover`: then a change that was interrupted (a power cut, `kill -9`) is completed or
    taken back first. Without it such a change is left for the next run that applies something: a script that goes on
    to `apply` passes True, one that only looks does not.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     planned = plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder)
    >>> [(artefact.name, artefact.action.value, artefact.reason) for artefact in planned.artefacts]
    [('ca', 'create', 'missing')]

    Source: kubeadm `cmd/phases/init/certs.go`, `phases/certs/certs.go`, `phases/kubeconfig/kubeconfig.go`.

    Args:
        config: See `kubepki.api`, as for `node`.
        certificates: kubeadm's names (`apiserver`, `etcd-ca`, `sa`), or all; `()` for none.
        kubeconfigs: File names (`admin.conf`), or all; `()` for none.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        recover: Whether an interrupted change is ended first.
        now: The moment from which validity counts.
        **node: Which node, and where its files are.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    return _core.plan_init(
        {
            "node": node_fields(config, **node),
            "certificates": selection(certificates),
            "kubeconfigs": selection(kubeconfigs),
            "outlive_authority": outlive_ca,
            "recover": recover,
        },
        in_utc(now),
    )


@checked
def apply(plan: Plan, *, progress: Callable[[int, int, str], object] | None = None) -> Report:
    """Do what a plan says, in one transaction: afterwards every file is there, or every file is as it was.

    Args:
        plan: A plan of this version of kubepki.
        progress: Called with (keys ready, keys in all, what the newest is for or "") about twenty times a second. It
            may raise to stop the work, as a signal handler may (Ctrl-C): nothing has been changed then, and `apply`
            raises what was raised. Ctrl-C that comes later is raised when all is done.

    Raises:
        ConfigurationError: `plan.bad` for a plan that another version made, or that was changed.
        FindingError: `plan.blocked` when critical findings stand against it; `context["findings"]` has all of them.
        RefusedError: `plan.stale` when a file has changed since the plan was made.
        EnvironmentFailure: `store.*` when writing fails.
        KeyboardInterrupt: Nothing was changed; but for its child `kubepki.errors.InterruptedAfterChange`, which has the
            report of what was changed.

    """
    from kubepki.api.interrupt import Held

    with Held() as interrupts:
        report, raised = _core.apply_plan(plan, interrupts.heard(progress))
        if interrupts.is_outermost and interrupts.noted:
            raised = raised or KeyboardInterrupt()
        if isinstance(raised, KeyboardInterrupt):
            raise InterruptedAfterChange(report) from raised
    if raised is not None:
        raise raised
    return report

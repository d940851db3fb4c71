"""Planning what a node lacks, and doing what a plan says."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import encoded, in_utc, request
from kubepki.arguments import asked, checked
from kubepki.errors import InterruptedAfterChange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from typing import Literal

    from kubepki.arguments import StrPath
    from kubepki.types import Plan, Report


@asked("InitRequest", "config")
def plan(
    config: StrPath | None = None,
    *,
    certificates: Literal["all"] | Iterable[str] = "all",
    kubeconfigs: Literal["all"] | Iterable[str] = "all",
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    recover: bool = False,
    config_text: str | None = None,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
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
        config: The kubeadm configuration (v1beta3, v1beta4), or `cluster` for the one that the cluster has; kubeadm's
            defaults without one.
        certificates: Which CAs, certificates and key pairs, by kubeadm's names (`apiserver`, `etcd-ca`, `sa`); all, or
            none for an empty list.
        kubeconfigs: Which kubeconfigs, by their file names (`admin.conf`); all, or none for an empty list.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA: refuse it, let it end with
            the CA, or make it anyway, as kubeadm does.
        recover: First end a change that was interrupted: complete it, or take it back. It is the only change that
            planning makes.
        config_text: The configuration itself as YAML or JSON text, instead of `config`.
        lenient: Warn of unknown fields, as kubeadm does; they are errors otherwise.
        node_name: The node's name, instead of the configuration's.
        certificates_dir: The directory of certificates of the node, instead of the configuration's `certificatesDir`.
        kubeconfig_dir: The directory of kubeconfigs of the node, instead of `/etc/kubernetes`.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    return _core.plan_init(request(locals()), in_utc(now))


@checked
def apply(
    plan: Plan,
    *,
    ca_key_passphrase: str | bytes | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> Report:
    """Do what a plan says, in one transaction: afterwards every file is there, or every file is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     report = apply(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))
    >>> [(change.name, change.action.value) for change in report.changed]
    [('ca', 'create')]

    Args:
        plan: A plan of this version of kubepki.
        ca_key_passphrase: The passphrase that `plan_sign` was given, which no plan holds.
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

    passphrase = None if ca_key_passphrase is None else encoded(ca_key_passphrase)
    with Held() as interrupts:
        report, raised = _core.apply_plan(plan, passphrase, interrupts.heard(progress))
        if interrupts.is_outermost and interrupts.noted:
            raised = raised or KeyboardInterrupt()
        if isinstance(raised, KeyboardInterrupt):
            raise InterruptedAfterChange(report) from raised
    if raised is not None:
        raise raised
    return report


@checked
def rehearse(plan: Plan) -> None:
    """Raise what applying a plan would be refused for, and change nothing: permissions, a lock, a backup's place.

    What only the change itself can find (a disk that is full) is not found.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     rehearse(plan(node_name="cp1", certificates=["ca"], kubeconfigs=(), rootfs=folder))

    Args:
        plan: A plan of this version of kubepki.

    Raises:
        FindingError: `plan.blocked` when critical findings stand against it.
        RefusedError: What `apply` refuses.
        EnvironmentFailure: `store.*`: a folder that cannot be written to, a lock that another process holds.

    """
    _core.rehearse_plan(plan)

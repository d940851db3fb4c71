"""`kubepki certs renew`: renews certificates, one, some or all, in one transaction.

Everything is read from disk: certificates may have expired and the API server may be down. What a certificate says
stays as it is: its whole subject, names, usages. stdout holds kubeadm's lines.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from kubepki.api import plan as planning
from kubepki.api import renew as renewing
from kubepki.api.restart import Reservation, must_restart
from kubepki.cli import options, output
from kubepki.cli import restart as restarting
from kubepki.cli.carry_out import say_backup
from kubepki.cli.progress import KeyProgress
from kubepki.cli.uninterrupted import uninterrupted
from kubepki.errors import EnvironmentFailure, FindingError, Interrupted, PartialError
from kubepki.types import Action, Cause, Severity

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from contextlib import AbstractContextManager

    from kubepki.api.interrupt import Held
    from kubepki.types import Artefact, Plan, Report, RestartReport


# Where kubeadm looks for the names of a certificate when it makes it anew.
_NAME_FIELDS = {
    "apiserver": "apiServer.certSANs",
    "etcd-server": "etcd.local.serverCertSANs",
    "etcd-peer": "etcd.local.peerCertSANs",
}


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs renew` and its arguments."""
    parser = subparsers.add_parser("renew", help="renew certificates", description=__doc__)
    names = ", ".join(renewing.renewable_names())
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"all (what kubeadm renews), or some of: {names}")
    options.add_node_options(parser)
    parser.add_argument(
        "--kubeconfig", metavar="FILE", help="accepted for kubeadm's sake and not used: no cluster is asked"
    )
    _add_choices(parser)
    _add_contents(parser)
    _add_restart(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")
    parser.add_argument(
        "--diff", action="store_true", help="show a diff of the decoded certificates (text output), and change nothing"
    )
    options.add_output_option(parser)


def _add_choices(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what is renewed, and how")
    group.add_argument("--before", metavar="DURATION", help="only what ends within this time, as 30d; safe to repeat")
    group.add_argument("--kubelet", action="store_true", help="with all: the kubelet's three too")
    options.add_kubelet_dir_option(group)
    group.add_argument(
        "--force", action="store_true", help="go on with an expired CA, or with a certificate of another node"
    )
    options.add_backup_options(group)


def _add_restart(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("afterwards")
    group.add_argument(
        "--restart", action="store_true", help="restart the components that do not use what is on disk, one at a time"
    )
    restarting.add_restart_options(group)


def _add_contents(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what the new certificates say")
    group.add_argument("--validity", metavar="DURATION", help="instead of the configuration's period, or 365d")
    group.add_argument("--algorithm", metavar="NAME", help="the kind of the new keys, as ECDSA-P256 (default: as is)")
    group.add_argument("--keep-key", action="store_true", help="keep the keys; only the certificates are new")
    group.add_argument("--add-san", action=options.CommaSeparated, metavar="NAME", help="add an alternative name")
    group.add_argument("--remove-san", action=options.CommaSeparated, metavar="NAME", help="remove one")
    group.add_argument("--sans-from-config", action="store_true", help="use the alternative names of --config")
    group.add_argument(
        "--outlive-ca",
        choices=("refuse", "clamp", "allow"),
        default="clamp",
        help="a certificate that would be valid for longer than its CA: let it end with the CA (default), refuse it, "
        "or make it anyway, as kubeadm does",
    )


def run(arguments: Namespace) -> int:
    """Plan the renewal, and do it unless it is a dry run."""
    if arguments.kubeconfig:
        output.say("note: --kubeconfig is not used: kubepki reads files only")
    # Whatever only shows writes nothing.
    arguments.dry_run = arguments.dry_run or arguments.diff
    plan = _plan(arguments)
    output.warn(plan.warnings)
    for finding in plan.findings:
        # What is missing or external has its line on stdout, as for kubeadm.
        if finding.severity is not Severity.INFO or finding.code not in ("file.missing", "authority.external"):
            output.say_finding(finding)
    if arguments.dry_run or plan.is_blocked:
        _print(arguments, plan, None)
        return _conclude(arguments, plan, None)

    def change(interrupts: Held) -> int:
        with KeyProgress() as progress:
            report = planning.apply(plan, progress=progress)
        if reservation and not interrupts.noted:
            return _restart(arguments, plan, report, reservation)
        _print(arguments, plan, report)
        if reservation:
            output.say("nothing was restarted: `kubepki restart` does it")
        return _conclude(arguments, plan, report)

    with _reservation(arguments) as reservation:
        return uninterrupted(change)


def _reservation(arguments: Namespace) -> AbstractContextManager[Reservation | None]:
    """Take the right to restart before anything is renewed: a run that would not get it renews nothing."""
    if not arguments.restart:
        return nullcontext()
    return Reservation(
        kubelet=arguments.kubelet or any(name.startswith("kubelet") for name in arguments.names),
        kubelet_dir=arguments.kubelet_dir,
        ignore_quorum=arguments.ignore_quorum,
        manifests_dir=arguments.manifests_dir,
        rootfs=arguments.rootfs,
        timeout=options.duration(arguments.timeout, "--timeout"),
    )


def _restart(arguments: Namespace, plan: Plan, report: Report, reservation: Reservation) -> int:
    """Restart what does not use the new files, and print both reports; the renewal's in any case."""
    if arguments.output == "text":
        _print(arguments, plan, report)
    _summarise(arguments, plan, report)
    restarted = None
    try:
        restarted = restarting.restart(reservation.restart)
    except Interrupted as error:
        raise Interrupted(f"the certificates are renewed; {error.message}", code=error.code) from error
    except EnvironmentFailure as error:
        if not report.changed:
            raise
        raise PartialError(
            f"the certificates are renewed; {error.message}", code=error.code, hint=error.hint, context=error.context
        ) from error
    finally:
        if arguments.output != "text":
            _print(arguments, plan, report, restarted)
    restarting.conclude(restarted)
    return _exit_code(arguments, plan)


def _plan(arguments: Namespace) -> Plan:
    duration = options.duration
    return renewing.plan_renew(
        "all" if arguments.names == ["all"] else arguments.names,
        **options.node_arguments(arguments),
        kubelet=arguments.kubelet,
        kubelet_dir=arguments.kubelet_dir,
        before=duration(arguments.before, "--before") if arguments.before else None,
        validity=duration(arguments.validity, "--validity") if arguments.validity else None,
        algorithm=arguments.algorithm,
        keep_key=arguments.keep_key,
        add_sans=arguments.add_san or (),
        remove_sans=arguments.remove_san or (),
        sans_from_config=arguments.sans_from_config,
        outlive_ca=arguments.outlive_ca,
        force=arguments.force,
        backup_dir=options.backup_dir(arguments),
        recover=not arguments.dry_run,
    )


def _print(arguments: Namespace, plan: Plan, report: Report | None, restarted: RestartReport | None = None) -> None:
    if arguments.output != "text":
        data = {
            "plan": plan.to_dict(),
            "report": report.to_dict() if report else None,
            "restart": restarted.to_dict() if restarted else None,
            "warnings": [problem.to_dict() for problem in plan.warnings],
        }
        print(output.structured(data, arguments.output))
    elif arguments.diff:
        print(output.lines(plan.diff()), end="")
    elif arguments.dry_run or plan.is_blocked:
        output.show(plan)
    else:
        _print_lines(arguments, plan)


def _print_lines(arguments: Namespace, plan: Plan) -> None:
    """Print what kubeadm prints, in its order."""
    for artefact in plan.artefacts:
        if line := _line(artefact):
            output.show(line)
    users = must_restart(each.name for each in plan.changes)
    if "all" in arguments.names and plan.changes and not arguments.restart:
        print(f"\n{notice(users)}")


def notice(components: list[str]) -> str:
    """Return kubeadm's last line, for the components that use what was renewed."""
    if not components:
        return "Done renewing certificates. No component has to be restarted."
    *others, last = components
    listed = f"{', '.join(others)} and {last}" if others else last
    they = "they" if others else "it"
    return f"Done renewing certificates. You must restart the {listed}, so that {they} can use the new certificates."


def _line(artefact: Artefact) -> str | None:
    if artefact.action is Action.RENEW:
        return f"{artefact.long_name} renewed"
    if artefact.cause is Cause.MISSING:
        return f"MISSING! {artefact.long_name}"
    if artefact.cause is Cause.EXTERNAL_AUTHORITY:
        base_name = "etcd/ca" if artefact.issuer == "etcd-ca" else artefact.issuer
        return f"Detected external {base_name}, {artefact.long_name} can't be renewed"
    return None


def _conclude(arguments: Namespace, plan: Plan, report: Report | None) -> int:
    if plan.is_blocked:
        critical = sum(finding.is_critical for finding in plan.findings)
        output.say(f"nothing was changed: {options.counted(critical, 'critical finding')}")
        return FindingError.exit_code
    _summarise(arguments, plan, report)
    if report is None and arguments.restart:
        output.say("dry run: components that do not use the files on disk would be restarted afterwards")
    return _exit_code(arguments, plan)


def _remind_of_names(arguments: Namespace, report: Report) -> None:
    """Say that kubeadm does not know of names that were changed here, and where it looks for them."""
    fields = [_NAME_FIELDS[each.name] for each in report.changed if each.name in _NAME_FIELDS]
    if fields and (arguments.add_san or arguments.remove_san):
        output.say(
            f"kubeadm takes names from the cluster's configuration: change {' and '.join(fields)} there too, "
            "`kubectl -n kube-system edit configmap kubeadm-config`"
        )


def _exit_code(arguments: Namespace, plan: Plan) -> int:
    passed_over = [each.name for each in plan.artefacts if each.action is Action.SKIP and each.name in arguments.names]
    if not passed_over:
        return 0
    # `all` passes over what cannot be renewed here; what was asked for by name was not done.
    output.say(f"not renewed: {', '.join(passed_over)}")
    return PartialError.exit_code if plan.changes else FindingError.exit_code


def _summarise(arguments: Namespace, plan: Plan, report: Report | None) -> None:
    kept = sum(each.action is Action.KEEP for each in plan.artefacts)
    stays = f"; {kept} kept" if kept else ""
    if plan.is_empty:
        output.say(f"nothing to do{stays}")
    elif report is None:
        output.say(f"dry run: nothing was changed; {len(plan.changes)} would be renewed{stays}")
    else:
        output.say(f"renewed {len(report.changed)}: {', '.join(each.name for each in report.changed)}{stays}")
        say_backup(report)
        users = must_restart(each.name for each in report.changed)
        _remind_of_names(arguments, report)
        if users and not arguments.restart:
            output.say(f"to use them: {options.command(' '.join(('restart', *users)), arguments.rootfs)}")

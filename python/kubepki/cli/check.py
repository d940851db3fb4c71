"""`kubepki check`: everything that can be known of a node's certificates, for people and for monitoring.

CAs, certificates, kubeconfigs, `sa`, the kubelet's own certificates, and any file or folder named besides. The exit
code is that of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown.
3 is also the code of everything that keeps the check from running: wrong flags, a wrong configuration.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubepki.api import check as checking
from kubepki.cli import options, output
from kubepki.errors import ConfigurationError
from kubepki.types import Severity, Status, table

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from datetime import datetime, timedelta

    from kubepki.types import Certificate, CheckReport

# Every error ends with it, wrong flags too: monitoring would take the 2 of a usage error for a critical state.
FAILURE_EXIT_CODE = int(Status.UNKNOWN)

_DAY = 86_400
_SIZES = ((_DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `check` and its arguments."""
    parser = subparsers.add_parser("check", help="check everything; exit code for monitoring", description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="more files and folders to check")
    options.add_node_options(parser)
    parser.add_argument("--warning", default="30d", metavar="DURATION", help="warn with less left (default: 30d)")
    parser.add_argument("--critical", default="7d", metavar="DURATION", help="critical with less left (default: 7d)")
    options.add_kubelet_dir_option(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Print the report and return its exit code."""
    report = _check(arguments)
    output.warn(report.warnings)
    if arguments.output == "text":
        print(_text(report))
    else:
        print(output.structured(report.to_dict(), arguments.output))
    return report.exit_code


def _check(arguments: Namespace) -> CheckReport:
    warning, critical = (
        options.duration(arguments.warning, "--warning"),
        options.duration(arguments.critical, "--critical"),
    )
    if warning < critical:
        raise ConfigurationError(
            f"--warning {arguments.warning} is shorter than --critical {arguments.critical}",
            code="cli.thresholds",
            hint="a warning comes before the critical state: give it the longer time",
        )
    return checking.check(
        **options.node_arguments(arguments),
        warning=warning,
        critical=critical,
        kubelet_dir=arguments.kubelet_dir,
        extra=arguments.paths,
    )


def _text(report: CheckReport) -> str:
    rows = [
        (each.name, f"{each.not_after:%Y-%m-%d %H:%M} UTC", _left(each.remaining), each.key, each.subject, each.issuer)
        for each in report.certificates
    ]
    parts = [table(("NAME", "EXPIRES", "REMAINING", "KEY", "SUBJECT", "ISSUER"), rows)] if rows else []
    parts += [output.finding_text(finding, sys.stdout) for finding in report.findings]
    return "\n\n".join([*parts, output.lines(_summary(report))])


def _summary(report: CheckReport) -> str:
    """Return the one line that a monitoring system shows."""
    counts = [
        f"{count} {severity.value}"
        for severity in (Severity.CRITICAL, Severity.WARNING)
        if (count := sum(finding.severity is severity for finding in report.findings))
    ]
    counts.append(options.counted(len(report.certificates), "certificate"))
    expired = sorted((each for each in report.certificates if each.remaining.total_seconds() < 0), key=_end)
    if expired:
        counts.append(f"{expired[0].name} {_left(expired[0].remaining)}")
        counts += [f"{len(expired) - 1} more expired"] if expired[1:] else []
    elif report.certificates:
        first = min(report.certificates, key=_end)
        counts.append(f"the first to expire is {first.name} ({_left(first.remaining)} left)")
    return f"{report.status.name}: {', '.join(counts)}"


def _end(certificate: Certificate) -> datetime:
    return certificate.not_after


def _left(remaining: timedelta) -> str:
    seconds = int(remaining.total_seconds())
    if remaining.total_seconds() < 0:
        ago = max(-seconds, 1)
        size, unit = next((size, unit) for size, unit in _SIZES if ago >= size)
        return f"expired {options.counted(ago // size, unit)} ago"
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY}d"
    return f"{seconds // 3600}h{seconds % 3600 // 60}m"

"""`kubepki certs sign`: answers signing requests, where the CAs' keys are.

Each request is checked against kubeadm's catalogue, and against a configuration and a policy if they are given.
Anything else is refused with every reason, and then nothing is signed. Which node a request is from is what you say,
never what the request says: --node-name and --role, or --nodes for many. Usages and constraints are the catalogue's,
never the request's; alternative names are the request's.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from kubepki.api.requests import plan_sign
from kubepki.cli import options, output
from kubepki.cli.carry_out import Words, add_dry_run_option, carry_out
from kubepki.errors import ConfigurationError, PartialError, RefusedError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction

    from kubepki.types import Plan


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs sign` and its arguments."""
    parser = subparsers.add_parser(
        "sign", help="sign requests, checked against the catalogue and a policy", description=__doc__
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="[NAME=]FILE",
        help="requests; NAME as kubeadm has it, where the file does not say it",
    )
    parser.add_argument("--csr-dir", metavar="DIR", help="sign every .csr below DIR")
    parser.add_argument(
        "--role",
        choices=["control-plane", "worker", "etcd"],
        help="the kind of node that the requests are from; without it nothing but a worker's kubelet.conf is signed",
    )
    parser.add_argument(
        "--nodes",
        metavar="FILE",
        help="YAML with the node of each folder below --csr-dir, for many nodes: cp1: {role: control-plane}",
    )
    parser.add_argument(
        "--ca-dir",
        "--cert-dir",
        metavar="DIR",
        help="the CAs, laid out as in certificatesDir (default: the configuration's, /etc/kubernetes/pki)",
    )
    parser.add_argument("--out-dir", metavar="DIR", help="write certificates below DIR, not beside their requests")
    validity = parser.add_mutually_exclusive_group()
    validity.add_argument("--days", type=int, metavar="N", help="valid for N days")
    validity.add_argument("--validity", metavar="DURATION", help="valid for DURATION, as 8760h (default) or 90d")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="what may be signed besides the catalogue, or may not; see the guide",
    )
    serial = parser.add_mutually_exclusive_group()
    serial.add_argument("--ca-serial", metavar="FILE", help="count serial numbers in FILE, as openssl x509 -CAserial")
    serial.add_argument("--srl", action="store_true", help="the same in a file beside each CA (ca.srl)")
    parser.add_argument("--force", action="store_true", help="overwrite certificates that are there")
    parser.add_argument("--partial", action="store_true", help="sign what can be signed, whatever else is refused")
    options.add_configuration_options(parser, required=False)
    options.add_outlive_option(parser)
    add_dry_run_option(parser)
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Judge the requests, and sign them."""
    if not arguments.files and arguments.csr_dir is None:
        raise ConfigurationError(
            "there is nothing to sign", code="cli.usage", hint="name a folder (--csr-dir DIR) or files"
        )
    named, unnamed = _split(arguments.files)
    if named and unnamed:
        raise ConfigurationError(
            "either every file has a NAME, or none", code="cli.usage", hint=f"write NAME={unnamed[0]} too"
        )
    plan = plan_sign(
        arguments.csr_dir,
        files=named or unnamed,
        ca_dir=arguments.ca_dir,
        out_dir=arguments.out_dir,
        validity=_validity(arguments),
        policy=arguments.policy,
        serial_file=arguments.ca_serial,
        serial_files=arguments.srl,
        outlive_ca=arguments.outlive_ca,
        force=arguments.force,
        partial=arguments.partial,
        config=arguments.config,
        lenient=arguments.lenient,
        node_name=arguments.node_name,
        role=arguments.role,
        nodes=arguments.nodes,
        rootfs=arguments.rootfs,
        recover=not arguments.dry_run,
    )
    refused = [each for each in plan.artefacts if each.action.value == "blocked"]
    nothing = "nothing was signed" if refused else "nothing to do: every request is signed already"
    status = carry_out(arguments, plan, Words(done="signed", nothing=nothing))
    if plan.is_blocked:
        return RefusedError.exit_code if _is_refused(plan) else status
    if refused:
        output.say(f"not signed {len(refused)}: {', '.join(each.name for each in refused)}")
        return status or PartialError.exit_code
    return status


def _is_refused(plan: Plan) -> bool:
    critical = [finding for finding in plan.findings if finding.is_critical]
    return all(
        finding.code.startswith("request.")
        or finding.code in ("x509.request_damaged", "x509.no_request", "x509.other_format")
        for finding in critical
    )


def _split(files: list[str]) -> tuple[dict[str, str], list[str]]:
    named: dict[str, str] = {}
    for file in files:
        name, equals, path = file.partition("=")
        if equals and name in named:
            raise ConfigurationError(
                f"{name} is named twice",
                code="cli.usage",
                hint="sign them one after the other, or put them into folders (--csr-dir)",
            )
        if equals:
            named[name] = path
    return named, [file for file in files if "=" not in file]


def _validity(arguments: Namespace) -> timedelta | None:
    if arguments.days is not None:
        return _days(arguments.days) if arguments.days > 0 else _not_positive(arguments.days)
    if arguments.validity is None:
        return None
    validity = options.duration(arguments.validity, "--validity")
    return validity if validity > timedelta() else _not_positive(arguments.validity)


def _days(days: int) -> timedelta:
    validity = options.duration(f"{days}d", "--days")
    try:
        datetime.now(timezone.utc) + validity
    except OverflowError:
        raise ConfigurationError(
            f"--days: {days} days are longer than the calendar, which ends with the year 9999",
            code="cli.duration",
            hint="give --days a smaller number, as 365",
        ) from None
    return validity


def _not_positive(given: object) -> timedelta:
    raise ConfigurationError(
        f"a validity of {given} is not positive",
        code="cli.duration",
        hint="write a number above 0 and a unit: 30d, 8760h",
    )

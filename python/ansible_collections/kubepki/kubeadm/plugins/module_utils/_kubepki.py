# Copyright: The kubepki contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door to the package kubepki: what all modules and filters of this collection share.

In: the options of a module. Out: what the module returns: plain data, differences without key material, failures with
kubepki's code and hint. It decides nothing about certificates.

Note that this is private to the collection.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.kubepki.kubeadm.plugins.module_utils import _words

LIBRARY_VERSION: str | None = None
try:
    import kubepki

    # An older library may lack what is imported next: its version says more than what is missing.
    LIBRARY_VERSION = kubepki.__version__
    from kubepki.api.duration import duration
    from kubepki.api.duration import moment as read_moment
    from kubepki.api.process import refuse_core_dumps
    from kubepki.api.restart import must_restart
    from kubepki.errors import KubepkiError
    from kubepki.types.text import one_line
except ImportError:
    IMPORT_ERROR: str | None = traceback.format_exc()
else:
    IMPORT_ERROR = None

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from kubepki import Artefact, Certificate, Finding, Plan, Report

URL = "https://github.com/kubepki/kubepki"

# The collection's version, as in galaxy.yml, which does not travel to the host with a module.
VERSION = "0.1.0"

# The options of plugins/doc_fragments/node.py. Every module of the action group takes them, used or not, so that a play
# gives them once for all.
NODE_OPTIONS: dict[str, Any] = {
    "config": {"type": "path"},
    "config_content": {"type": "raw"},
    "lenient": {"type": "bool", "default": False},
    "node_name": {"type": "str"},
    "certificates_dir": {"type": "path"},
    "kubeconfig_dir": {"type": "path"},
    "rootfs": {"type": "path"},
}

# The options of plugins/doc_fragments/backup.py.
BACKUP_OPTIONS: dict[str, Any] = {
    "backup": {"type": "bool", "default": True},
    "backup_dir": {"type": "path", "default": "/var/lib/kubepki/backups"},
}


SIGNING_OPTIONS: dict[str, Any] = {
    "issuer": {"type": "str", "choices": ["ca", "kubernetes"], "default": "ca"},
    "signer": {"type": "str"},
    "issuer_ca": {"type": "path"},
    "approve": {"type": "bool", "default": False},
    "timeout": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "request_timeout": {"type": "str", "default": "30s"},
}


class Module(AnsibleModule):
    """A module whose every failure has a code and a hint, those of Ansible's own checks of options among them."""

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End the module with an error."""
        if "code" not in result:
            hint = f"`ansible-doc kubepki.kubeadm.{self._name.rpartition('.')[2]}` says which options there are"
            result.update(code="ansible.bad_options", hint=hint, category="usage")
        super().fail_json(msg, **result)
        raise AssertionError(msg)  # it ends the process


class LibraryProblem(NamedTuple):
    """Why the package cannot be used here, and what to do about it."""

    code: str
    message: str
    hint: str


def library_problem() -> LibraryProblem | None:
    """Return what is wrong with the package on this host; None when it is there, in the collection's version."""
    install = f"{sys.executable} -m pip install kubepki=={VERSION}"
    if LIBRARY_VERSION is None:
        return LibraryProblem(
            code="ansible.library_missing",
            message=missing_required_lib("kubepki", url=URL),
            hint=f"install it there: `{install}`; the role kubepki.kubeadm.install does it without the system's Python",
        )
    library, collection = (_feature_release(each) for each in (LIBRARY_VERSION, VERSION))
    if library != collection:
        newer = (
            f"`python3 -m pip install kubepki=={LIBRARY_VERSION}` on the controller, where ansible-core is installed"
        )
        return LibraryProblem(
            code="ansible.version_mismatch",
            message=f"the package kubepki is {LIBRARY_VERSION} here, the collection kubepki.kubeadm is {VERSION}",
            hint="upgrade the "
            + (f"collection: {newer}" if library > collection else f"package on this host: `{install}`"),
        )
    if IMPORT_ERROR:
        return LibraryProblem(
            code="ansible.library_broken",
            message=f"the package kubepki {LIBRARY_VERSION} cannot be loaded",
            hint=f"install it anew: `{install} --force-reinstall`",
        )
    return None


def _feature_release(version: str) -> tuple[int, ...]:
    """Return the part of a version within which library and collection go together."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])


def make_module(options: Mapping[str, Any], **others: Any) -> AnsibleModule:
    """Build the module; it fails at once, and says how to help, where the package cannot be used."""
    module = Module(
        argument_spec={**NODE_OPTIONS, **options},
        supports_check_mode=True,
        mutually_exclusive=[("config", "config_content"), *others.pop("mutually_exclusive", [])],
        **others,
    )
    problem = library_problem()
    if problem:
        module.fail_json(
            msg=f"{problem.message} [{problem.code}]\nhint: {problem.hint}",
            code=problem.code,
            hint=problem.hint,
            category="environment",
            exception=IMPORT_ERROR,
        )
    # The process is ours: no key of it gets into a core file.
    refuse_core_dumps()
    return module


def node_arguments(module: AnsibleModule) -> dict[str, Any]:
    """Return the node's options as arguments of kubepki's functions."""
    names = ("config", "lenient", "node_name", "certificates_dir", "kubeconfig_dir", "rootfs")
    arguments = {name: module.params[name] for name in names}
    arguments["config_text"] = configuration_text(module.params["config_content"])
    return arguments


def configuration_text(content: Any) -> str | None:
    """Return an inline configuration as text: every mapping is a document, and JSON is YAML."""
    if content is None or isinstance(content, str):
        return content
    documents = content if isinstance(content, list) else [content]
    return "".join(f"---\n{json.dumps(document, indent=2)}\n" for document in documents)


@contextmanager
def failures(module: AnsibleModule) -> Iterator[None]:
    """Let an error of kubepki end the module, with its code and its hint."""
    try:
        yield
    except KubepkiError as error:
        problems = [_spoken(module, each, "hint") for each in error.context.get("problems") or []]
        findings = [_spoken(module, each, "remedy") for each in error.context.get("findings") or []]
        hint = spoken(module, error.hint)
        lines = [f"{error.message} [{error.code}]"]
        if len(problems) > 1:
            lines = [f"{len(problems)} problems [{error.code}]"]
            lines.extend(_problem(each) for each in problems)
        lines.extend(f"{each['subject']}: {each['evidence']} [{each['code']}]" for each in findings)
        lines = list(map(one_line, lines))
        if hint:
            lines.append(f"hint: {hint}")
        module.fail_json(
            msg="\n".join(lines),
            code=error.code,
            hint=hint,
            category=error.category,
            findings=findings,
            problems=problems,
        )


def spoken(module: AnsibleModule, text: str) -> str:
    """Return a hint in the names of the module's options."""
    return _words.in_options(text, module.argument_spec)


def _spoken(module: AnsibleModule, data: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {**data, field: spoken(module, data[field] or "")}


def found(module: AnsibleModule, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain data, with remedies in the names of the module's options."""
    return [_spoken(module, each.to_dict(), "remedy") for each in findings]


class _Stopped(BaseException):
    """A signal asked the module to end."""


@contextmanager
def stopped_by_signals(module: AnsibleModule) -> Iterator[None]:
    """Let a signal that would end the module (a connection that breaks, a time limit) end it as a failure.

    kubepki puts back what it has moved away before it lets the exception of a signal through.
    """

    def stop(number: int, _frame: Any) -> None:
        raise _Stopped(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, stop)
    try:
        yield
    except _Stopped as stopped:
        module.fail_json(
            msg=f"stopped by {stopped}: every manifest is in its place [restart.interrupted]",
            code="restart.interrupted",
            hint="run it again: what uses the files on disk is not restarted once more",
            category="interrupted",
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _problem(problem: Mapping[str, Any]) -> str:
    place = ":".join(str(problem[part]) for part in ("file", "line", "column") if problem[part])
    hint = f" ({problem['hint']})" if problem["hint"] else ""
    return f"{place}: {problem['field']}: {problem['message']}{hint}"


def span(text: str) -> timedelta:
    """Read a duration: `30d`, `2w`, `720h`."""
    return duration(text)


def backups(module: AnsibleModule) -> dict[str, Any]:
    """Return whether, and where, the files that change are kept."""
    return {"backup_dir": module.params["backup_dir"], "no_backup": not module.params["backup"]}


def signing(module: AnsibleModule) -> dict[str, Any]:
    """Return who signs, and how it is asked."""
    given = module.params
    words = {name: given[name] for name in ("issuer", "signer", "issuer_ca", "approve", "kubeconfig")}
    timeout = span(given["timeout"]) if given["timeout"] else None
    return {**words, "timeout": timeout, "request_timeout": span(given["request_timeout"])}


def users_of(changed: Iterable[str]) -> list[str]:
    """Return the components that must be restarted to use what was changed, in the order for it."""
    return must_restart(changed)


def names(chosen: Iterable[str] | None) -> Any:
    """Return names as kubepki takes them: all without a list."""
    return "all" if chosen is None else list(chosen)


# ---- plans ---------------------------------------------------------------------------------------------------


def carry_out(module: AnsibleModule, plan: Plan) -> dict[str, Any]:
    """Do what a plan says, but for check mode; return what the module returns."""
    return described(module, plan, carried_out(module, plan))


def carried_out(module: AnsibleModule, plan: Plan) -> Report | None:
    """Do what a plan says; return what was done, None when nothing was.

    A plan that is blocked ends the module, in check mode too: the run that it foretells would fail.
    """
    for problem in plan.warnings:
        module.warn(str(problem))
    if plan.is_blocked:
        blocked(module, plan.findings)
    if module.check_mode:
        kubepki.rehearse(plan)
    return None if module.check_mode or plan.is_empty else kubepki.apply(plan)


def blocked(module: AnsibleModule, findings: Iterable[Finding]) -> None:
    """End the module because of critical findings; all of them are named."""
    critical = [each for each in findings if each.is_critical]
    lines = [f"nothing was changed: {len(critical)} critical {'finding' if len(critical) == 1 else 'findings'}"]
    lines.extend(
        f"{each.subject}: {each.evidence} [{each.code}]; {spoken(module, each.remedy or '')}" for each in critical
    )
    module.fail_json(
        msg="\n".join(map(one_line, lines)),
        code="plan.blocked",
        hint="resolve the findings, and run it again",
        category="finding",
        findings=found(module, findings),
    )


def described(module: AnsibleModule, plan: Plan, report: Report | None) -> dict[str, Any]:
    """Return a plan, and what it changed if it was carried out, as a module's result."""
    made = {each.name: each for each in report.changed} if report else {}
    result: dict[str, Any] = {
        "changed": not plan.is_empty,
        "changes": [_change(each, made.get(each.name)) for each in plan.changes],
        "findings": found(module, plan.findings),
    }
    if "backup" in module.params:
        result["backup"] = str(report.backup) if report and report.backup else None
    if module._diff:
        result["diff"] = [_difference(each, made.get(each.name)) for each in plan.changes]
    return result


def nothing(module: AnsibleModule) -> dict[str, Any]:
    """Return the result of a run that had nothing to do."""
    backup = {"backup": None} if "backup" in module.params else {}
    return {"changed": False, "changes": [], "findings": [], **backup, **({"diff": []} if module._diff else {})}


def joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of two plans as one."""
    lists = {key: [*first[key], *second[key]] for key in ("changes", "findings", "diff") if key in first}
    return {**first, **second, **lists, "changed": first["changed"] or second["changed"]}


def write_certificates(folder: str, certificates: Iterable[Mapping[str, str]]) -> list[str]:
    """Write certificates into a folder, each named so that kubepki knows its place; return their paths."""
    paths = []
    for each in certificates:
        path = Path(folder) / f"{each['name'].replace('/', '-')}.crt"
        path.write_text(each["content"], encoding="utf-8")
        paths.append(str(path))
    return paths


def _change(artefact: Artefact, made: Any) -> dict[str, Any]:
    return {
        "name": artefact.name,
        "action": artefact.action.value,
        "reason": artefact.reason,
        "files": [str(file.path) for file in artefact.files],
        "expires_at": rfc3339(made.expires_at if made else artefact.expires_at),
        "serial": made.serial if made else None,
        "previous_serial": artefact.current.serial if artefact.current else None,
    }


def _difference(artefact: Artefact, made: Any) -> dict[str, str]:
    """Return one artefact before and after, decoded: names, times, numbers, and nothing that is secret."""
    files = ", ".join(str(file.path) for file in artefact.files)
    serial = made.serial if made else None
    if artefact.action.value == "remove":
        return titled(f"{artefact.name} ({files})", f"files: {one_line(files)}\n", "")
    after = artefact.after_text or artefact.request_text or lines(_key(artefact))
    if serial:
        after = after.replace("serial: (new)\n", f"serial: {serial}\n")
    after += lines(artefact.to_dict().get("kubeconfig") or {})
    return titled(f"{artefact.name} ({files})", artefact.before_text, f"action: {artefact.action.value}\n{after}")


def titled(title: str, before: str, after: str) -> dict[str, str]:
    """Return what is there and what will be, as a difference for people."""
    title = one_line(title)
    return {"before_header": title, "after_header": title, "before": before, "after": after}


def _key(artefact: Artefact) -> dict[str, str]:
    return {"key": artefact.new_key.value} if artefact.new_key else {}


def lines(fields: Mapping[str, Any]) -> str:
    """Return plain data as lines of text, for a difference."""
    text = []
    for field, value in sorted(fields.items()):
        if isinstance(value, list):
            text.append(f"{field}:")
            text.extend(f"  {each}" for each in value)
        else:
            text.append(f"{field}: {value}")
    return "".join(f"{one_line(line)}\n" for line in text)


# ---- certificates --------------------------------------------------------------------------------------------


def facts(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as plain data, with the whole days that are left."""
    return {
        **certificate.to_dict(),
        "days_left": certificate.days_left,
        "expired": certificate.is_expired,
    }


class Unusable(Exception):
    """What was given to a filter or a lookup cannot be used, or the package is missing; the message says why."""


def facts_of_text(pem: str, *, every: bool = False) -> Any:
    """Return the facts of the first certificate in PEM text, or of every one.

    Raises:
        Unusable: When there is none, or the package is missing.

    """
    problem = library_problem()
    if problem:
        raise Unusable(f"{problem.message} [{problem.code}]; {problem.hint}")
    try:
        read = [facts(each) for each in kubepki.parse_certificates(pem)]
    except KubepkiError as error:
        raise Unusable(f"{error.message} [{error.code}]; {error.hint}") from error
    return read if every else read[0]


def facts_of_file(path: str) -> list[dict[str, Any]]:
    """Return the facts of the certificates of a file.

    Raises:
        Unusable: When it cannot be read, or the package is missing.

    """
    problem = library_problem()
    if problem:
        raise Unusable(f"{problem.message} [{problem.code}]; {problem.hint}")
    (file,) = kubepki.read_certificates(path)
    if file.problem:
        raise Unusable(f"{file.problem.message} [{file.problem.code}]; {file.problem.hint}")
    return [facts(each) for each in file.certificates]


def page_of(path: str, title: str) -> str:
    """Return the page of what was collected in a JSON file.

    Raises:
        Unusable: When it cannot be read, or the package is missing.

    """
    problem = library_problem()
    if problem:
        raise Unusable(f"{problem.message} [{problem.code}]; {problem.hint}")
    try:
        return kubepki.audit(path).collect().to_html(title)
    except KubepkiError as error:
        raise Unusable(f"{error.message} [{error.code}]; {error.hint}") from error


def moment(text: str, now: datetime | None = None) -> datetime:
    """Read a moment: `+30d`, `20301231235959Z`, or RFC 3339.

    Raises:
        Unusable: When it is none, or the package is missing.

    """
    problem = library_problem()
    if problem:
        raise Unusable(f"{problem.message} [{problem.code}]; {problem.hint}")
    try:
        return read_moment(text, now)
    except KubepkiError as error:
        raise Unusable(f"{error.message} [{error.code}]; {error.hint}") from error


def nothing_seen(module: AnsibleModule) -> dict[str, Any]:
    """Return as a finding that a node has no certificate at all: most often it was looked for in the wrong place."""
    options = {name: module.params[name] for name in ("rootfs", "certificates_dir", "kubeconfig_dir")}
    given = ", ".join(f"{name}: {value}" for name, value in options.items() if value)
    return _finding(
        code="ansible.nothing_seen",
        severity="warning",
        subject="node",
        path=options["rootfs"] or "/",
        evidence="no certificate and no kubeconfig was found" + (f" with {given}" if given else ""),
        remedy="say where the node's files are, with rootfs, certificates_dir and kubeconfig_dir, or make them first",
    )


def _finding(**fields: str) -> dict[str, Any]:
    return dict(fields)


def rfc3339(time: datetime | None) -> str | None:
    """Return a moment as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else None

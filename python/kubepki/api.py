"""What scripts call: load a configuration, plan, apply, check, report.

Everything reads files alone; no cluster is asked. `rootfs` is put in front of every path of the node, so that a
mounted disk or a folder can stand for one. Every function that depends on time takes `now` (aware; the system's
clock by default). The GIL is released while the core works.

| parameter | it means |
|---|---|
| `config` | a kubeadm configuration file (v1beta3, v1beta4); kubeadm's defaults without one |
| `lenient` | unknown fields are warnings, as for kubeadm, not errors |
| `node_name` | the node's name instead of the configuration's |
| `certificates_dir` | instead of the configuration's `certificatesDir` (`/etc/kubernetes/pki`) |
| `kubeconfig_dir` | instead of `/etc/kubernetes` |
| `rootfs` | the folder in front of every path; `store.rootfs_not_a_directory` when it is none |
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

from kubepki import _core
from kubepki.errors import ConfigurationError
from kubepki.expiration import ExpirationReport, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kubepki.types import CertificateFile, CheckReport, Configuration, Plan, Report

StrPath = str | os.PathLike[str]

__all__ = [
    "apply",
    "certificate_names",
    "check",
    "check_expiration",
    "kubeconfig_names",
    "load_config",
    "plan",
    "read_certificates",
]


def load_config(
    config: StrPath | None = None,
    *,
    lenient: bool = False,
    node_name: str | None = None,
    rootfs: StrPath | None = None,
) -> Configuration:
    """Read and judge a kubeadm configuration; `kubeadm config validate`, with all problems at once.

    >>> spec = load_config(node_name="cp1").spec
    >>> spec.algorithm, spec.certificate_validity.days, str(spec.certificates_dir)
    (<Algorithm.RSA_2048: 'RSA-2048'>, 365, '/etc/kubernetes/pki')

    Source: kubeadm `cmd/config.go` (`newCmdConfigValidate`), `util/config/strict/strict.go`.

    Raises:
        ConfigurationError: `config.invalid`, with every problem in `context["problems"]`.
        EnvironmentFailure: `store.*` when the file cannot be read.

    """
    from kubepki.types import Configuration

    node = _node(config, lenient=lenient, node_name=node_name, rootfs=rootfs)
    return Configuration.from_dict(_core.load_configuration(node))


def plan(
    config: StrPath | None = None,
    *,
    certificates: Literal["all"] | Iterable[str] = "all",
    kubeconfigs: Literal["all"] | Iterable[str] = "all",
    outlive_ca: Literal["refuse", "clamp", "allow"] = "refuse",
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    recover: bool = False,
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
        config: See the module.
        certificates: kubeadm's names (`apiserver`, `etcd-ca`, `sa`), or all; `()` for none.
        kubeconfigs: File names (`admin.conf`), or all; `()` for none.
        outlive_ca: What to do with a certificate that would be valid for longer than its CA.
        lenient: See the module.
        node_name: See the module.
        certificates_dir: See the module.
        kubeconfig_dir: See the module.
        rootfs: See the module.
        recover: Whether an interrupted change is ended first.
        now: The moment from which validity counts.

    Raises:
        ConfigurationError: `config.*`, `plan.unknown_name`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*`. A file of the node that cannot be used is a finding in the plan instead.

    """
    from kubepki.types import Plan

    planned = _core.plan_init(
        {
            "node": _node(
                config,
                lenient=lenient,
                node_name=node_name,
                certificates_dir=certificates_dir,
                kubeconfig_dir=kubeconfig_dir,
                rootfs=rootfs,
            ),
            "certificates": _selection(certificates),
            "kubeconfigs": _selection(kubeconfigs),
            "outlive_authority": outlive_ca,
            "recover": recover,
        },
        _utc(now),
    )
    return Plan.from_dict({**planned["plan"], "warnings": planned["warnings"]})


def apply(plan: Plan, *, progress: Callable[[int, int, str], object] | None = None) -> Report:
    """Do what a plan says, in one transaction: afterwards every file is there, or every file is as it was.

    Args:
        plan: A plan of this version of kubepki.
        progress: Called with (keys ready, keys in all, what the newest is for or "") about twenty times a second. It
            may raise to stop the work, as a signal handler may (Ctrl-C): nothing has been changed then, and `apply`
            raises what was raised.

    Raises:
        ConfigurationError: `plan.bad` for a plan that another version made, or that was changed.
        FindingError: `plan.blocked` when critical findings stand against it; `context["findings"]` has all of them.
        RefusedError: `plan.stale` when a file has changed since the plan was made.
        EnvironmentFailure: `store.*` when writing fails.

    """
    from kubepki.types import Report

    return Report.from_dict(_core.apply_plan(plan.to_dict(), progress))


def check(
    config: StrPath | None = None,
    *,
    warning: timedelta = timedelta(days=30),
    critical: timedelta = timedelta(days=7),
    kubelet_dir: StrPath = "/var/lib/kubelet",
    extra: StrPath | Iterable[StrPath] = (),
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> CheckReport:
    """Say everything that can be known of a node's certificates: ends, chains, keys, names, usages, modes.

    Without a configuration the kind of node is read off its files, and names are not judged.

    Args:
        config: See the module.
        warning: A certificate with at most this much left is a warning.
        critical: A certificate with at most this much left is critical.
        kubelet_dir: The kubelet's folder, whose `pki` is looked into.
        extra: Files and folders to check besides.
        lenient: See the module.
        node_name: See the module.
        certificates_dir: See the module.
        kubeconfig_dir: See the module.
        rootfs: See the module.
        now: The moment for which the report holds.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`. Nothing on the node is an exception: it is a finding.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    from kubepki.types import CheckReport

    report = _core.check(
        {
            "node": _node(
                config,
                lenient=lenient,
                node_name=node_name,
                certificates_dir=certificates_dir,
                kubeconfig_dir=kubeconfig_dir,
                rootfs=rootfs,
            ),
            "warning_seconds": int(warning.total_seconds()),
            "critical_seconds": int(critical.total_seconds()),
            "kubelet_dir": os.fspath(kubelet_dir),
            "extra": _paths(extra),
        },
        _utc(now),
    )
    return CheckReport.from_dict(report)


def check_expiration(
    config: StrPath | None = None,
    *,
    lenient: bool = False,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
    now: datetime | None = None,
) -> ExpirationReport:
    """Report what `kubeadm certs check-expiration` reports, for a tree in any state.

    A file that is missing, unreadable or corrupt is a row; kubeadm fails the whole command.

    Source: kubeadm `cmd/certs.go` (`newCmdCertsExpiration`), `phases/certs/renewal/manager.go`.

    Raises:
        ConfigurationError: `config.*`, or `api.naive_datetime`.
        EnvironmentFailure: `store.*` when the configuration cannot be read.

    """
    node = _node(
        config,
        lenient=lenient,
        node_name=node_name,
        certificates_dir=certificates_dir,
        kubeconfig_dir=kubeconfig_dir,
        rootfs=rootfs,
    )
    forms = _core.expiration(node, _utc(now))
    warnings = tuple(map(Problem.from_dict, forms["warnings"]))
    return ExpirationReport(forms["text"], forms["json"], forms["yaml"], warnings)


def read_certificates(
    paths: StrPath | Iterable[StrPath], *, rootfs: StrPath | None = None, now: datetime | None = None
) -> list[CertificateFile]:
    """Read the certificates of many files at once, on all cores; the answers are in the order of `paths`.

    A file that cannot be used is an answer with a `problem`, not an exception. A file may hold several certificates.

    >>> read_certificates("/no/such/file.crt")[0].problem.code
    'store.missing'

    Args:
        paths: Files; one path alone is taken as a list of one.
        rootfs: See the module.
        now: The moment for which `remaining` holds.

    Raises:
        ConfigurationError: `store.rootfs_not_a_directory`, or `api.naive_datetime`.

    """
    from kubepki.types import CertificateFile

    return [CertificateFile.from_dict(each) for each in _core.read_certificates(_paths(paths), rootfs, _utc(now))]


def certificate_names() -> list[str]:
    """Return every name that `plan(certificates=...)` takes, in kubeadm's order."""
    return _core.certificate_names()


def kubeconfig_names() -> list[str]:
    """Return every name that `plan(kubeconfigs=...)` takes, in kubeadm's order."""
    return _core.kubeconfig_names()


def _node(
    config: StrPath | None,
    *,
    lenient: bool,
    node_name: str | None = None,
    certificates_dir: StrPath | None = None,
    kubeconfig_dir: StrPath | None = None,
    rootfs: StrPath | None = None,
) -> dict[str, Any]:
    def text(path: StrPath | None) -> str | None:
        return None if path is None else os.fspath(path)

    return {
        "config": text(config),
        "lenient": lenient,
        "node_name": node_name,
        "certificates_dir": text(certificates_dir),
        "kubeconfig_dir": text(kubeconfig_dir),
        "rootfs": text(rootfs),
    }


def _paths(paths: StrPath | Iterable[StrPath]) -> list[str]:
    # A text is an iterable of texts too, and its letters are no paths.
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]


def _selection(names: Literal["all"] | Iterable[str]) -> str | dict[str, list[str]]:
    if names == "all":
        return "all"
    chosen = [names] if isinstance(names, str) else list(names)
    return {"names": chosen} if chosen else "none"


def _utc(now: datetime | None) -> datetime | None:
    if now is None:
        return None
    if now.utcoffset() is None:
        raise ConfigurationError(
            f"`now` has no time zone: {now.isoformat()}",
            code="api.naive_datetime",
            hint="use an aware datetime, as datetime.now(timezone.utc)",
        )
    return now.astimezone(timezone.utc)

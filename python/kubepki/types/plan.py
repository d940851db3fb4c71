"""What a run will do, and what it did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki._core import Problem, long_name, printable
from kubepki.errors import ConfigurationError
from kubepki.expiration import Value, moment
from kubepki.types import difference
from kubepki.types.certificate import Certificate
from kubepki.types.configuration import Algorithm
from kubepki.types.finding import Finding
from kubepki.types.text import minute, optional_moment, optional_path, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Kind(Enum):
    """What kind of thing an artefact is."""

    CERTIFICATE_AUTHORITY = "certificate_authority"
    CERTIFICATE = "certificate"
    KEY_PAIR = "key_pair"
    KUBECONFIG = "kubeconfig"
    FILE = "file"


class Action(Enum):
    """What happens to an artefact.

    It is made, gets a new certificate, gets a key and a signing request, gets what was signed elsewhere, trusts other
    CAs, is taken away, becomes what it was; or it stays, is not this node's to have, or cannot be done as things are.
    """

    CREATE = "create"
    RENEW = "renew"
    REQUEST = "request"
    INSTALL = "install"
    TRUST = "trust"
    REMOVE = "remove"
    RESTORE = "restore"
    KEEP = "keep"
    SKIP = "skip"
    BLOCKED = "blocked"

    @property
    def is_change(self) -> bool:
        """Whether a file changes."""
        return self not in (Action.KEEP, Action.SKIP, Action.BLOCKED)


class Cause(Enum):
    """Why an artefact is skipped or blocked; its `reason` says it in words."""

    MISSING = "missing"
    NOT_ON_NODE = "not_on_node"
    NO_CLIENT_CERTIFICATE = "no_client_certificate"
    EXTERNAL_AUTHORITY = "external_authority"
    OTHER_AUTHORITY = "other_authority"
    UNUSABLE_AUTHORITY = "unusable_authority"
    OUTLIVES_AUTHORITY = "outlives_authority"
    LEFT_TO_KUBELET = "left_to_kubelet"
    NOT_SIGNED = "not_signed"
    UNUSABLE = "unusable"
    EXISTS = "exists"
    OTHER_NODE = "other_node"
    UNKNOWN_NODE = "unknown_node"
    REFUSED = "refused"
    EXPOSED = "exposed"
    STILL_NEEDED = "still_needed"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that an artefact consists of, and the permission bits that it is made with."""

    path: Path
    mode: int

    def __str__(self) -> str:
        """Return the path."""
        return printable(str(self.path))


@dataclass(frozen=True, slots=True)
class Artefact(Value):
    """One certificate, CA, key pair or kubeconfig of a plan, and what happens to it."""

    name: str
    kind: Kind
    action: Action
    cause: Cause | None
    reason: str
    files: tuple[PlannedFile, ...]
    issuer: str | None
    new_key: Algorithm | None
    expires_at: datetime | None
    current: Certificate | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Artefact:
        """Build an artefact from its plain data."""
        return cls(
            data["name"],
            Kind(data["kind"]),
            Action(data["action"]),
            Cause(data["cause"]) if "cause" in data else None,
            data["reason"],
            tuple(PlannedFile(Path(file["path"]), file["mode"]) for file in data["files"]),
            data["issuer"],
            Algorithm(data["new_key"]) if data.get("new_key") else None,
            optional_moment(data["expires_at"]),
            Certificate.from_dict(data["current"]) if data.get("current") else None,
            data,
        )

    @property
    def long_name(self) -> str | None:
        """What kubeadm calls its certificate in messages."""
        return long_name(self.name)

    @property
    def subject_alt_names(self) -> tuple[str, ...]:
        """The alternative names of its new certificate, as `DNS:localhost`; none where none is made."""
        return difference.planned_names(self.data.get("certificate"))

    @property
    def names_added(self) -> tuple[str, ...]:
        """The alternative names that the new certificate has, and the current one has not."""
        return () if self.current is None else _without(self.subject_alt_names, self.current.subject_alt_names)

    @property
    def names_removed(self) -> tuple[str, ...]:
        """The alternative names that the current certificate has, and the new one has not."""
        if self.current is None or not self.data.get("certificate"):
            return ()
        return _without(self.current.subject_alt_names, self.subject_alt_names)

    @property
    def before_text(self) -> str:
        """What is there, decoded, for a diff; nothing where nothing is. It holds no key material."""
        return difference.text_before(self)

    @property
    def after_text(self) -> str:
        """What will be there; what is known only when it is made reads `(new)`."""
        if not self.action.is_change:
            return self.before_text
        return difference.text_after(self)


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)


@dataclass(frozen=True, slots=True)
class Plan(Value):
    """All that one run will do, and all that stands against it; nothing has been changed yet.

    It can be printed, compared, kept as JSON (`to_dict`, `from_dict`) and applied later: `apply` refuses it when a
    file has changed since.
    """

    operation: str
    made_at: datetime
    rootfs: Path | None
    artefacts: tuple[Artefact, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Problem, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Build a plan from the plain data that `to_dict` gave.

        Raises:
            ConfigurationError: `plan.bad` when it is no plan.

        """
        try:
            return cls(
                data["operation"],
                moment(data["made_at"]),
                optional_path(data["rootfs"]),
                tuple(map(Artefact.from_dict, data["artefacts"])),
                tuple(map(Finding.from_dict, data["findings"])),
                tuple(map(Problem.from_dict, data["warnings"])),
                data,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ConfigurationError(
                f"this is not a plan: {type(error).__name__}: {error}",
                code="plan.bad",
                hint="give what `Plan.to_dict` gave, unchanged, to the same version of kubepki",
            ) from error

    @property
    def changes(self) -> tuple[Artefact, ...]:
        """The artefacts that change, in the plan's order."""
        return tuple(each for each in self.artefacts if each.action.is_change)

    @property
    def is_blocked(self) -> bool:
        """Whether a critical finding stands against it."""
        return any(finding.is_critical for finding in self.findings)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    def diff(self) -> str:
        """Return a unified diff of all certificates, decoded, without key material; nothing when nothing changes."""
        return "".join(difference.unified(each.name, each.before_text, each.after_text) for each in self.changes)

    def __str__(self) -> str:
        """Return the plan as a table."""
        if any(each.current for each in self.artefacts):
            return difference.renewal_table(self.artefacts)
        rows = [
            (each.name, each.action.value, each.reason, minute(each.expires_at), ", ".join(map(str, each.files)))
            for each in self.artefacts
        ]
        return table(("NAME", "ACTION", "REASON", "EXPIRES", "FILES"), rows)


@dataclass(frozen=True, slots=True)
class Changed(Value):
    """One artefact that was changed; serial numbers are hexadecimal."""

    name: str
    action: Action
    files: tuple[Path, ...]
    serial: str | None
    previous_serial: str | None
    expires_at: datetime | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Changed:
        """Build it from its plain data."""
        return cls(
            data["name"],
            Action(data["action"]),
            tuple(map(Path, data["files"])),
            data["serial"],
            data["previous_serial"],
            optional_moment(data["expires_at"]),
            data,
        )


@dataclass(frozen=True, slots=True)
class Report(Value):
    """What applying a plan changed, in the plan's order; `backup` has the files that were replaced or removed."""

    changed: tuple[Changed, ...]
    backup: Path | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Build a report from its plain data."""
        return cls(tuple(map(Changed.from_dict, data["changed"])), optional_path(data["backup"]), data)

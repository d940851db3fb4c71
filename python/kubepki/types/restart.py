"""What a restart would do, and what it did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubepki._core import Finding
from kubepki.expiration import Value, moment
from kubepki.types.text import optional_moment, optional_path, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class RestartAction(Enum):
    """What happens to a component: it is restarted, is up to date, is not asked for, or would not come up again."""

    RESTART = "restart"
    KEEP = "keep"
    SKIP = "skip"
    BLOCKED = "blocked"


class RestartWay(Enum):
    """How a component is restarted.

    Its process is asked to end and the kubelet starts the container again, or the container runtime is asked to stop
    it; its manifest is moved out and back; the API server's is out while etcd restarts; systemd restarts the kubelet.
    """

    IN_PLACE = "in_place"
    RUNTIME = "runtime"
    MANIFEST = "manifest"
    AROUND_ETCD = "around_etcd"
    SERVICE = "service"

    def __str__(self) -> str:
        """Return it in words."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class LiveCertificate:
    """A certificate that is served, or that is on disk to be served; serial and fingerprint (SHA-256) hexadecimal."""

    subject: str
    serial: str
    not_before: datetime
    not_after: datetime
    fingerprint: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LiveCertificate:
        """Build it from its plain data."""
        return cls(
            data["subject"],
            data["serial"],
            moment(data["not_before"]),
            moment(data["not_after"]),
            data["fingerprint"],
        )


@dataclass(frozen=True, slots=True)
class Endpoint(Value):
    """One port of a component: what it serves (or the problem that kept it from being seen), and what is on disk.

    `path` and `on_disk` are None for a certificate that is made in memory.
    """

    purpose: str
    address: str
    served: LiveCertificate | None
    problem: str | None
    path: Path | None
    on_disk: LiveCertificate | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Endpoint:
        """Build it from its plain data."""
        served, on_disk = data["served"], data["on_disk"]
        return cls(
            data["purpose"],
            data["address"],
            LiveCertificate.from_dict(served) if served else None,
            data["problem"],
            optional_path(data["path"]),
            LiveCertificate.from_dict(on_disk) if on_disk else None,
            data,
        )

    @property
    def is_current(self) -> bool | None:
        """Whether it serves what is on disk; None where that cannot be said."""
        if self.served is None or self.on_disk is None:
            return None
        return self.served.fingerprint == self.on_disk.fingerprint


@dataclass(frozen=True, slots=True)
class ComponentRestart(Value):
    """One component, what happens to it, and how; `manifest` is None for the kubelet.

    `awaited` says what of the files on disk it has not loaded yet and loads by itself, `way_reason` why a restart is
    not done by a shorter way, `back_off` how long the kubelet may wait before it starts the component again.
    """

    name: str
    action: RestartAction
    reasons: tuple[str, ...]
    awaited: tuple[str, ...]
    way: RestartWay | None
    way_reason: str | None
    back_off: timedelta
    manifest: Path | None
    started_at: datetime | None
    endpoints: tuple[Endpoint, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ComponentRestart:
        """Build it from its plain data."""
        return cls(
            data["name"],
            RestartAction(data["action"]),
            tuple(data["reasons"]),
            tuple(data["awaited"]),
            RestartWay(data["way"]) if data["way"] else None,
            data["way_reason"],
            timedelta(seconds=data["back_off_seconds"]),
            optional_path(data["manifest"]),
            optional_moment(data["started_at"]),
            tuple(map(Endpoint.from_dict, data["endpoints"])),
            data,
        )


@dataclass(frozen=True, slots=True)
class HeldManifest(Value):
    """A manifest that a restart which did not end has left outside; it belongs to `manifest` and is at `held`."""

    component: str
    manifest: Path
    held: Path
    held_at: datetime | None
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HeldManifest:
        """Build it from its plain data."""
        return cls(
            data["component"], Path(data["manifest"]), Path(data["held"]), optional_moment(data["held_at"]), data
        )


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What of the node itself stands against a restart; `restart` raises it."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class RestartPlan(Value):
    """All that a restart would do; nothing has been changed."""

    made_at: datetime
    rootfs: Path | None
    manifests_dir: Path
    file_check_frequency: timedelta
    held: tuple[HeldManifest, ...]
    components: tuple[ComponentRestart, ...]
    findings: tuple[Finding, ...]
    obstacles: tuple[Obstacle, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RestartPlan:
        """Build it from its plain data."""
        return cls(
            moment(data["made_at"]),
            optional_path(data["rootfs"]),
            Path(data["manifests_dir"]),
            timedelta(seconds=data["file_check_frequency_seconds"]),
            tuple(map(HeldManifest.from_dict, data["held"])),
            tuple(map(ComponentRestart.from_dict, data["components"])),
            tuple(map(Finding.from_dict, data["findings"])),
            tuple(Obstacle(**each) for each in data["obstacles"]),
            data,
        )

    @property
    def restarts(self) -> tuple[ComponentRestart, ...]:
        """The components that are restarted, in order."""
        return tuple(each for each in self.components if each.action is RestartAction.RESTART)

    @property
    def is_blocked(self) -> bool:
        """Whether a critical finding stands against it."""
        return any(finding.is_critical for finding in self.findings)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.held or self.restarts)

    def __str__(self) -> str:
        """Return the plan as a table, one line a port."""
        rows = []
        for component in self.components:
            reason = "; ".join((*component.reasons, *component.awaited, *filter(None, (component.way_reason,))))
            first = (component.name, component.action.value, str(component.way or ""))
            for endpoint in component.endpoints or (None,):
                rows.append((*first, *_ports(endpoint), reason))
                first, reason = ("", "", ""), ""
        return table(("NAME", "ACTION", "HOW", "PORT", "SERVED", "ON DISK", "REASON"), rows)


@dataclass(frozen=True, slots=True)
class Restarted(Value):
    """One component that was restarted, how long that took, and what it serves now."""

    name: str
    way: RestartWay | None
    duration: timedelta
    started_at: datetime | None
    endpoints: tuple[Endpoint, ...]
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Restarted:
        """Build it from its plain data."""
        return cls(
            data["name"],
            RestartWay(data["way"]) if data["way"] else None,
            timedelta(seconds=data["seconds"]),
            optional_moment(data["started_at"]),
            tuple(map(Endpoint.from_dict, data["endpoints"])),
            data,
        )


@dataclass(frozen=True, slots=True)
class RestartReport(Value):
    """What a restart did: manifests of an earlier run that were put back, components that were restarted, in order."""

    put_back: tuple[str, ...]
    restarted: tuple[Restarted, ...]
    plan: RestartPlan
    data: Mapping[str, Any] = dataclasses.field(repr=False, hash=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RestartReport:
        """Build it from its plain data."""
        return cls(
            tuple(data["put_back"]),
            tuple(map(Restarted.from_dict, data["restarted"])),
            RestartPlan.from_dict(data["plan"]),
            data,
        )


def _ports(endpoint: Endpoint | None) -> tuple[str, str, str]:
    if endpoint is None:
        return "", "", ""
    served = _certificate(endpoint.served) if endpoint.served else "(not seen)"
    on_disk = _certificate(endpoint.on_disk) if endpoint.on_disk else "(in memory)" if endpoint.path is None else ""
    return endpoint.address, served, on_disk


def _certificate(certificate: LiveCertificate) -> str:
    return f"{certificate.serial} until {certificate.not_after:%Y-%m-%d %H:%M}"

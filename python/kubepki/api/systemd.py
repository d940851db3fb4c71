"""Renewal by a systemd timer: the texts of the units, writing them, removing them."""

from __future__ import annotations

from kubepki import _core
from kubepki.api.request import request
from kubepki.arguments import asked, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubepki.arguments import StrPath
    from kubepki.types import Schedule, Unit, UnitChange


@checked
def schedule_units(schedule: Schedule) -> tuple[Unit, ...]:
    """Return the service and the timer of a schedule.

    >>> from pathlib import Path
    >>> from kubepki import Schedule
    >>> service, timer = schedule_units(Schedule(Path("/usr/bin/kubepki")))
    >>> service.name, [line for line in timer.text.splitlines() if line.startswith("On")]
    ('kubepki-renew.service', ['OnCalendar=daily'])

    Raises:
        ConfigurationError: `systemd.bad_value`.

    """
    return tuple(_core.schedule_units(schedule.to_dict()))


@asked("UnitsRequest", "schedule")
def install_units(
    schedule: Schedule,
    *,
    unit_dir: StrPath = "/etc/systemd/system",
    rootfs: StrPath | None = None,
    force: bool = False,
    dry_run: bool = False,
    tell_systemd: bool = False,
) -> tuple[UnitChange, ...]:
    """Write the service and the timer, both or none; a file that says what it should is left alone.

    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> from kubepki import Schedule
    >>> with TemporaryDirectory() as folder:
    ...     changes = install_units(Schedule(Path("/usr/bin/kubepki")), rootfs=folder, dry_run=True)
    >>> [(change.path.name, change.action) for change in changes]
    [('kubepki-renew.service', 'created'), ('kubepki-renew.timer', 'created')]

    Args:
        schedule: When, and how, certificates are renewed.
        unit_dir: The directory of units of the node.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        force: Overwrite, or remove, units whose content is another.
        dry_run: Show what would be done, and change nothing.
        tell_systemd: Tell systemd, too: start the timer, or stop it.

    Raises:
        ConfigurationError: `systemd.bad_value`; `systemd.other_root` for `now` with `rootfs`.
        RefusedError: `systemd.other_content`; `context["files"]` has what is there and what should be.
        EnvironmentFailure: `store.*`; `process.*` when systemd cannot be told.

    """
    return tuple(_core.install_units(schedule.to_dict(), request(locals(), "schedule")))


@asked("UnitsRequest")
def remove_units(
    *,
    unit_dir: StrPath = "/etc/systemd/system",
    rootfs: StrPath | None = None,
    force: bool = False,
    dry_run: bool = False,
    tell_systemd: bool = False,
) -> tuple[UnitChange, ...]:
    """Remove the service and the timer, both or none; the arguments are those of `install_units`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     remove_units(rootfs=folder)
    ()

    Args:
        unit_dir: The directory of units of the node.
        rootfs: The directory in front of every path of the node: a mounted disk, a folder.
        force: Overwrite, or remove, units whose content is another.
        dry_run: Show what would be done, and change nothing.
        tell_systemd: Tell systemd, too: start the timer, or stop it.

    Raises:
        ConfigurationError: `systemd.other_root`.
        RefusedError: `systemd.not_ours` for a file that kubepki did not write, without `force`.
        EnvironmentFailure: `store.*`, `process.*`.

    """
    return tuple(_core.remove_units(request(locals())))

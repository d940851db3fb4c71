"""Renewal by a systemd timer: the texts of the units, writing them, removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubepki import _core
from kubepki.api.node import path_text
from kubepki.arguments import checked

if TYPE_CHECKING:
    from kubepki.api.node import StrPath
    from kubepki.types import Schedule, Unit, UnitChange

DEFAULT_UNIT_DIR = "/etc/systemd/system"


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


@checked
def install_units(
    schedule: Schedule,
    *,
    unit_dir: StrPath = DEFAULT_UNIT_DIR,
    rootfs: StrPath | None = None,
    force: bool = False,
    dry_run: bool = False,
    now: bool = False,
) -> tuple[UnitChange, ...]:
    """Write the service and the timer, both or none; a file that says what it should is left alone.

    Args:
        schedule: When, and how, certificates are renewed.
        unit_dir: Where systemd looks for units.
        rootfs: See `kubepki.api`.
        force: Whether files that say something else are overwritten.
        dry_run: Whether to only say what would be done.
        now: Whether systemd is asked to read the units and to start the timer (or, removing, to stop it).

    Raises:
        ConfigurationError: `systemd.bad_value`; `systemd.other_root` for `now` with `rootfs`.
        RefusedError: `systemd.other_content`; `context["files"]` has what is there and what should be.
        EnvironmentFailure: `store.*`; `process.*` when systemd cannot be told.

    """
    return tuple(
        _core.install_units(schedule.to_dict(), _request(unit_dir, rootfs, force=force, dry_run=dry_run, now=now))
    )


@checked
def remove_units(
    *,
    unit_dir: StrPath = DEFAULT_UNIT_DIR,
    rootfs: StrPath | None = None,
    force: bool = False,
    dry_run: bool = False,
    now: bool = False,
) -> tuple[UnitChange, ...]:
    """Remove the service and the timer, both or none; the arguments are those of `install_units`.

    Raises:
        ConfigurationError: `systemd.other_root`.
        RefusedError: `systemd.not_ours` for a file that kubepki did not write, without `force`.
        EnvironmentFailure: `store.*`, `process.*`.

    """
    return tuple(_core.remove_units(_request(unit_dir, rootfs, force=force, dry_run=dry_run, now=now)))


def _request(unit_dir: StrPath, rootfs: StrPath | None, *, force: bool, dry_run: bool, now: bool) -> dict[str, Any]:
    return {
        "unit_dir": path_text(unit_dir),
        "rootfs": path_text(rootfs),
        "force": force,
        "dry_run": dry_run,
        "now": now,
    }

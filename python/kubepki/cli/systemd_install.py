"""`kubepki systemd install`: a service that renews what is about to end, and a timer that starts it.

The service runs `kubepki certs renew all --before ...`, which changes nothing while nothing is about to end. Nodes
differ by a random delay, and a run that was missed while a node was off is made up for.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kubepki.api import systemd
from kubepki.cli import options, output
from kubepki.cli.carry_out import add_dry_run_option
from kubepki.cli.uninterrupted import uninterrupted_if
from kubepki.errors import ConfigurationError, RefusedError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction
    from collections.abc import Iterable

    from kubepki.types import Schedule, UnitChange

_SAID = {"created": "created", "replaced": "replaced", "removed": "removed", "unchanged": "already as wanted"}


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `systemd install` and its arguments."""
    parser = subparsers.add_parser(
        "install", help="write a service and a timer that renew certificates", description=__doc__
    )
    parser.add_argument("--print", action="store_true", help="print both units, and write nothing")
    schedule = parser.add_argument_group("the schedule")
    schedule.add_argument(
        "--before", default="30d", metavar="DURATION", help="renew what ends within this time (default: %(default)s)"
    )
    schedule.add_argument(
        "--on-calendar", default="daily", metavar="WHEN", help="when, as systemd.time(7) has it (default: %(default)s)"
    )
    schedule.add_argument(
        "--randomized-delay",
        default="1h",
        metavar="DURATION",
        help="the longest random delay (default: %(default)s)",
    )
    schedule.add_argument("--kubelet", action="store_true", help="renew the kubelet's certificates too")
    schedule.add_argument("--restart", action="store_true", help="restart the components that use what was renewed")
    schedule.add_argument("--config", metavar="FILE", help="the node's kubeadm configuration, an absolute path")
    schedule.add_argument("--program", metavar="FILE", help="kubepki on the node (default: the one that runs now)")
    add_unit_options(parser)
    parser.add_argument("--force", action="store_true", help="overwrite units whose content differs")


def add_unit_options(parser: ArgumentParser) -> None:
    """Add the options that say where units are, and what may be done."""
    parser.add_argument(
        "--unit-dir", default=systemd.DEFAULT_UNIT_DIR, metavar="DIR", help="where units are (default: %(default)s)"
    )
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of the folder of units and of --config")
    add_dry_run_option(parser)
    parser.add_argument("--now", action="store_true", help="tell systemd, too: start the timer, or stop it")
    options.add_output_option(parser)


def run(arguments: Namespace) -> int:
    """Write the units, and say what to do next."""
    schedule = _schedule(arguments)
    if arguments.print:
        print("\n".join(f"# {arguments.unit_dir}/{unit.name}\n{unit}" for unit in systemd.schedule_units(schedule)))
        return 0
    return uninterrupted_if(not arguments.dry_run, lambda: _install(arguments, schedule))


def _install(arguments: Namespace, schedule: Schedule) -> int:
    try:
        changes = systemd.install_units(
            schedule,
            unit_dir=arguments.unit_dir,
            rootfs=arguments.rootfs,
            force=arguments.force,
            dry_run=arguments.dry_run,
            now=arguments.now,
        )
    except RefusedError as error:
        for file in error.context.get("files", ()):
            output.say("".join(_difference(**file)).rstrip("\n"))
        raise
    print_changes(changes, arguments.output)
    if arguments.dry_run:
        output.say("dry run: nothing was changed")
    elif arguments.rootfs:
        output.say(f"enable it: {systemctl('enable kubepki-renew.timer', arguments.rootfs)}")
    elif arguments.now:
        output.say("kubepki-renew.timer is started: systemctl list-timers kubepki-renew.timer")
    else:
        output.say("start it: systemctl daemon-reload && systemctl enable --now kubepki-renew.timer")
    return 0


def systemctl(words: str, rootfs: str | None) -> str:
    """Return a command of systemctl as a message names it."""
    from shlex import quote

    return f"systemctl --root={quote(rootfs)} {words}" if rootfs else f"systemctl {words}"


def print_changes(changes: Iterable[UnitChange], form: str) -> None:
    """Print what was done to each file."""
    if form == "text":
        for change in changes:
            output.show(f"{output.printable(change.path)}: {_SAID[change.action]}")
    else:
        print(output.structured({"units": [change.to_dict() for change in changes]}, form))


def _schedule(arguments: Namespace) -> Schedule:
    from kubepki.types import Schedule

    writes: tuple[Path, ...] = ()
    if arguments.config:
        from kubepki.api.configuration import load_config

        # A configuration that cannot be read would make every run fail; and it may have its certificates elsewhere.
        if not Path(arguments.config).is_absolute():
            arguments.config = str(Path(arguments.config).absolute())
        writes = (Path(load_config(arguments.config, rootfs=arguments.rootfs).spec.certificates_dir),)
    return Schedule(
        Path(arguments.program) if arguments.program else _running_program(),
        before=options.duration(arguments.before, "--before"),
        on_calendar=arguments.on_calendar,
        randomized_delay=options.duration(arguments.randomized_delay, "--randomized-delay"),
        restart=arguments.restart,
        kubelet=arguments.kubelet,
        config=Path(arguments.config) if arguments.config else None,
        writes=writes,
    )


def _running_program() -> Path:
    """Return the `kubepki` that runs, or the one beside the interpreter (`python -m kubepki`)."""
    for candidate in (Path(sys.argv[0]), Path(sys.executable).parent / "kubepki"):
        if candidate.name == "kubepki" and candidate.is_file():
            return candidate.absolute()
    raise ConfigurationError(
        "the path of the installed kubepki cannot be determined",
        code="cli.program_unknown",
        hint="name it: --program /usr/local/bin/kubepki",
    )


def _difference(path: str, found: str, wanted: str) -> list[str]:
    from difflib import unified_diff

    return list(
        unified_diff(found.splitlines(keepends=True), wanted.splitlines(keepends=True), path, f"{path} (wanted)")
    )

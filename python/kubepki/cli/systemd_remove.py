"""`kubepki systemd remove`: remove the service and the timer that `systemd install` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.systemd import remove_units
from kubepki.cli import output
from kubepki.cli.systemd_install import add_unit_options, print_changes, systemctl
from kubepki.cli.uninterrupted import uninterrupted_if

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `systemd remove` and its arguments."""
    parser = subparsers.add_parser("remove", help="remove them", description=__doc__)
    add_unit_options(parser)
    parser.add_argument("--force", action="store_true", help="remove units of that name that kubepki did not write")


def run(arguments: Namespace) -> int:
    """Remove the units, and say what to do next."""
    return uninterrupted_if(not arguments.dry_run, lambda: _remove(arguments))


def _remove(arguments: Namespace) -> int:
    changes = remove_units(
        unit_dir=arguments.unit_dir,
        rootfs=arguments.rootfs,
        force=arguments.force,
        dry_run=arguments.dry_run,
        now=arguments.now,
    )
    print_changes(changes, arguments.output)
    if not changes:
        below = f" below {arguments.rootfs}" if arguments.rootfs else ""
        output.say(f"nothing to do: there are no such units in {arguments.unit_dir}{below}")
    elif arguments.dry_run:
        output.say("dry run: nothing was changed")
    elif arguments.rootfs:
        output.say(f"if it was enabled: {systemctl('disable kubepki-renew.timer', arguments.rootfs)}")
    elif not arguments.now:
        output.say("if it was started: systemctl disable --now kubepki-renew.timer && systemctl daemon-reload")
    return 0

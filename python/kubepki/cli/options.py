"""The arguments that several verbs share, and how they are read."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubepki.api.node import DEFAULT_BACKUP_DIR
from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer

    from kubepki.types import Algorithm

FORMATS = ("text", "json", "yaml")

_UNIT_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[wdhms])")


class CommaSeparated(argparse.Action):
    """An option that can be repeated and takes several values between commas, as kubeadm's do."""

    def __call__(self, _parser: ArgumentParser, namespace: Namespace, values: object, _option: object = None) -> None:
        """Add the values."""
        known = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*known, *str(values).split(",")])


def add_node_options(parser: ArgumentParser) -> None:
    """Add the options that say which node, and where its files are."""
    node = parser.add_argument_group("the node")
    add_configuration_options(node, required=False)
    node.add_argument("--cert-dir", metavar="DIR", help="instead of the configuration's certificatesDir")
    node.add_argument("--kubeconfig-dir", metavar="DIR", help="instead of /etc/kubernetes")


def add_configuration_options(parser: _ActionsContainer, *, required: bool) -> None:
    """Add the options that say which configuration."""
    missing = "" if required else " (default: kubeadm's defaults)"
    parser.add_argument("--config", metavar="FILE", required=required, help=f"kubeadm configuration{missing}")
    parser.add_argument("--lenient", action="store_true", help="warn of unknown fields, as kubeadm does; not an error")
    parser.add_argument("--node-name", metavar="NAME", help="the node's name instead of the configuration's")
    parser.add_argument("--rootfs", metavar="DIR", help="put DIR in front of every path of the node")


def add_output_option(parser: ArgumentParser) -> None:
    """Add `-o`."""
    parser.add_argument(
        "-o", "--output", choices=FORMATS, default="text", help="the form of the output (default: text)"
    )


def add_outlive_option(parser: ArgumentParser) -> None:
    """Add `--outlive-ca`."""
    parser.add_argument(
        "--outlive-ca",
        choices=("refuse", "clamp", "allow"),
        default="refuse",
        help="a certificate that would be valid for longer than its CA: refuse it (default), let it end with the CA, "
        "or make it all the same, as kubeadm does",
    )


def add_out_options(parser: ArgumentParser) -> None:
    """Add `--out` and `--force`, for what is printed otherwise."""
    parser.add_argument("--out", metavar="FILE", help="write it into FILE (mode 0600), not to stdout")
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")


def secret(given: str | None, file: str | None) -> str | None:
    """Return a secret from the command line, or from a file or stdin (`-`), without the line break at its end."""
    if file is None:
        return given
    if file == "-":
        import sys

        return sys.stdin.readline().rstrip("\r\n")
    from pathlib import Path

    return Path(file).read_text(encoding="utf-8", errors="replace").rstrip("\r\n")


def algorithm(name: str | None) -> Algorithm | None:
    """Return the algorithm of that name."""
    from kubepki.types import Algorithm

    return None if name is None else Algorithm.parse(name)


def add_backup_options(parser: _ActionsContainer) -> None:
    """Add the options of verbs that replace or remove files."""
    add_backup_dir_option(parser)
    parser.add_argument("--no-backup", action="store_true", help="do not keep the files that are replaced or removed")


def add_backup_dir_option(parser: _ActionsContainer) -> None:
    """Add the option that says where backups are."""
    parser.add_argument(
        "--backup-dir", default=DEFAULT_BACKUP_DIR, metavar="DIR", help="where backups are kept (default: %(default)s)"
    )


def backup_dir(arguments: Namespace) -> str | None:
    """Return what `add_backup_options` read as the `backup_dir` of `kubepki.api` functions."""
    return None if arguments.no_backup else arguments.backup_dir


def node_arguments(arguments: Namespace) -> dict[str, Any]:
    """Return what `add_node_options` read as arguments of `kubepki.api` functions."""
    return {
        "config": arguments.config,
        "lenient": arguments.lenient,
        "node_name": arguments.node_name,
        "certificates_dir": arguments.cert_dir,
        "kubeconfig_dir": arguments.kubeconfig_dir,
        "rootfs": arguments.rootfs,
    }


def duration(text: str) -> timedelta:
    """Read a duration as Go writes it (`720h`, `1h30m`), or in days and weeks (`30d`, `2w`).

    >>> duration("1w12h").total_seconds()
    648000.0

    Raises:
        ConfigurationError: `cli.duration`.

    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigurationError(
            f"{text!r} is not a duration",
            code="cli.duration",
            hint="write a number and a unit: 30d, 2w, 720h, 1h30m",
            context={"text": text},
        )
    try:
        return timedelta(seconds=sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise ConfigurationError(
            f"the duration {text!r} is too long", code="cli.duration", hint="a few thousand years are the most"
        ) from None

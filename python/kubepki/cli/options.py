"""The arguments that several verbs share, and how they are read."""

from __future__ import annotations

import argparse
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubepki.api.node import DEFAULT_BACKUP_DIR, DEFAULT_KUBELET_DIR
from kubepki.cli import output
from kubepki.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer

    from kubepki.types import Algorithm

FORMATS = ("text", "json", "yaml")

_UNIT_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[wdhms])")


# No Secret, and no document around one, is larger: 1 MiB is what the API server takes.
_LIMIT = 4 << 20


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


def add_kubelet_dir_option(parser: _ActionsContainer) -> None:
    """Add `--kubelet-dir`."""
    parser.add_argument(
        "--kubelet-dir", default=DEFAULT_KUBELET_DIR, metavar="DIR", help="the kubelet's folder (default: %(default)s)"
    )


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
        "or make it anyway, as kubeadm does",
    )


def add_out_options(parser: ArgumentParser) -> None:
    """Add `--out` and `--force`, for what is printed otherwise."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=_output_file,
        help="write it into FILE (mode 0600); default: stdout, as `-`",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")


def _output_file(text: str) -> str | None:
    if not text:
        raise argparse.ArgumentTypeError("the name of a file must not be empty")
    return None if text == "-" else text


def command(words: str, rootfs: str | None) -> str:
    """Return a command of kubepki as a message names it: it works as printed, below the same root folder too.

    >>> command("restart", "/mnt/my node")
    "kubepki restart --rootfs '/mnt/my node'"

    """
    if rootfs is None:
        return f"kubepki {words}"
    from shlex import quote

    return f"kubepki {words} --rootfs {quote(rootfs)}"


def node_command(words: str, arguments: Namespace) -> str:
    """Return a command of kubepki, between backquotes, that is about the same node as this run."""
    return output.complete_commands(f"`kubepki {words}`", node_arguments(arguments))


def counted(number: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "certificate"), counted(0, "certificate")
    ('1 certificate', '0 certificates')

    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def secret(given: str | None, file: str | None) -> str | None:
    """Return a secret from the command line, or the first line of a file or of stdin (`-`).

    Raises:
        ConfigurationError: `cli.too_large`.

    """
    if file is None:
        return given
    return content(file, one_line=True).decode(errors="replace").rstrip("\r\n")


def content(file: str, *, one_line: bool = False) -> bytes:
    """Return what is in a file of this machine, or on stdin (`-`).

    Raises:
        ConfigurationError: `cli.too_large`.

    """
    import sys
    from contextlib import nullcontext
    from pathlib import Path

    with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
        found = stream.readline(_LIMIT + 1) if one_line else stream.read(_LIMIT + 1)
    if len(found) > _LIMIT:
        raise ConfigurationError(
            f"{'stdin' if file == '-' else file} is larger than {_LIMIT} bytes",
            code="cli.too_large",
            hint="check that it is the right file",
        )
    return found


def add_certificate_key_options(parser: ArgumentParser) -> None:
    """Add the options that say which certificate key."""
    key = parser.add_mutually_exclusive_group()
    key.add_argument("--certificate-key", metavar="HEX", help="the key; others see it in the list of processes")
    key.add_argument("--certificate-key-file", metavar="FILE", help="the same from a file, or from stdin (-)")


def certificate_key(arguments: Namespace) -> str | None:
    """Return the certificate key of the options, or of the environment."""
    given = secret(arguments.certificate_key, arguments.certificate_key_file)
    return given if given is not None else os.environ.get("KUBEPKI_CERTIFICATE_KEY")


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


def duration(text: str, option: str | None = None) -> timedelta:
    """Read a duration as Go writes it (`720h`, `1h30m`), or in days and weeks (`30d`, `2w`).

    `option` is where it was given, for messages.

    >>> duration("1w12h").total_seconds()
    648000.0

    Raises:
        ConfigurationError: `cli.duration`.

    """
    where = f"{option}: " if option else ""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ConfigurationError(
            f"{where}{text!r} is not a duration",
            code="cli.duration",
            hint="write a number and a unit: 30d, 2w, 720h, 1h30m",
            context={"text": text},
        )
    try:
        return timedelta(seconds=sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise ConfigurationError(
            f"{where}the duration {text!r} is too long",
            code="cli.duration",
            hint="a few thousand years are the most",
        ) from None

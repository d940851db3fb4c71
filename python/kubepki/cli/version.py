"""`kubepki version`: which kubepki this is, for people and for bug reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki._core import build_info

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `version` and its arguments."""
    parser = subparsers.add_parser("version", help="print which kubepki this is", description=__doc__)
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="the form of the output (default: text)"
    )


def run(arguments: Namespace) -> int:
    """Print the version."""
    if arguments.output == "json":
        import json

        print(json.dumps(build_info(), indent=2))
    else:
        print(build_text())
    return 0


def build_text() -> str:
    """Return what this build is, and how it makes RSA keys; `kubepki --version --verbose` prints it too."""
    facts = build_info()
    return (
        f"kubepki {facts['version']} ({facts['profile']}, {facts['os']} {facts['architecture']})\n"
        f"RSA keys: {facts['key_generation']}"
    )

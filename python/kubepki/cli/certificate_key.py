"""`kubepki certs certificate-key`: a new key under which a bundle is encrypted, as kubeadm prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubepki.api.bundle import certificate_key

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _SubParsersAction


def add_parser(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `certs certificate-key`, which has no arguments."""
    subparsers.add_parser("certificate-key", help="print a new key for bundles", description=__doc__)


def run(_arguments: Namespace) -> int:
    """Print the key."""
    print(certificate_key())
    return 0

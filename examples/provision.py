#!/usr/bin/env python3
"""Give a node the certificates that it lacks: plan, show, apply.

    provision.py kubeadm.yaml --rootfs /mnt/node --apply

Without `--apply` it shows what it would do. The exit code is that of the error, as for the command line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import kubepki
from kubepki import FindingError, KubepkiError


def main() -> int:
    """Read the arguments, do the work, and say what went wrong if something did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="kubeadm configuration of the node")
    parser.add_argument("--rootfs", type=Path, help="folder that stands for the node's /")
    parser.add_argument("--apply", action="store_true", help="do it")
    arguments = parser.parse_args()
    try:
        return provision(arguments.config, arguments.rootfs, apply=arguments.apply)
    except KubepkiError as error:
        print(f"{error.message}\nhint: {error.hint}\ncode: {error.code}", file=sys.stderr)
        return error.exit_code


def provision(config: Path, rootfs: Path | None, *, apply: bool) -> int:
    """Plan what is missing, show it, and make it if `apply` says so."""
    plan = kubepki.plan(config, rootfs=rootfs, recover=apply)
    for problem in plan.warnings:
        print(f"warning: {problem}", file=sys.stderr)
    for finding in plan.findings:
        print(finding, file=sys.stderr)
    for artefact in plan.artefacts:
        print(f"{artefact.action.value:8} {artefact.name:26} {artefact.reason}")
    if plan.is_blocked:
        return FindingError.exit_code
    if not apply:
        return 0

    # All files or none. A file that has changed since the plan was made raises RefusedError.
    report = kubepki.apply(plan)
    for changed in report.changed:
        print(f"made {changed.name}: serial {changed.serial or 'none'}")

    checked = kubepki.check(config, rootfs=rootfs)
    print(f"{checked.status.name}: {len(checked.certificates)} certificates, {len(checked.findings)} findings")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Reading 10,000 certificates from as many files: kubepki against pyca/cryptography, and the memory of a process."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography import x509

import kubepki
from measure import report, side_by_side

CERTIFICATES = 10_000
GOLDEN = Path(__file__).parent.parent / "golden"


def with_pyca(paths: list[Path]) -> None:
    """Read what a report needs: subject, issuer, serial, end, names."""
    for path in paths:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.subject.rfc4514_string()
        certificate.issuer.rfc4514_string()
        assert certificate.serial_number < 2**63
        assert certificate.not_valid_after_utc > certificate.not_valid_before_utc
        with contextlib.suppress(x509.ExtensionNotFound):
            list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def peak_memory(command: list[str]) -> float:
    """Run a `kubepki` command; return its largest resident set in MB.

    The process tells it itself at its end: what `wait4` says counts the parent that it was forked from too.
    """
    program = (
        "import atexit, re, runpy, sys; "
        "told = lambda: print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr); "
        "atexit.register(told); runpy.run_module('kubepki', run_name='__main__')"
    )
    told = subprocess.run([sys.executable, "-c", program, *command[1:]], check=True, capture_output=True, text=True)
    return int(told.stderr.split()[-1]) / 1024


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        source = sorted((GOLDEN / "minimal/kubernetes/pki").rglob("*.crt"))
        paths = [Path(folder, f"{number:05}.crt") for number in range(CERTIFICATES)]
        for number, path in enumerate(paths):
            path.write_bytes(source[number % len(source)].read_bytes())
        contestants = {
            "kubepki": lambda: kubepki.read_certificates(paths),
            "pyca/cryptography": lambda: with_pyca(paths),
        }
        report(f"Reading {CERTIFICATES:,} certificates", side_by_side(contestants, 7), "kubepki")

    with tempfile.TemporaryDirectory() as rootfs:
        kubepki.apply(kubepki.plan(GOLDEN / "minimal/config.yaml", rootfs=rootfs))
        command = [str(Path(sys.executable).with_name("kubepki")), "certs", "check-expiration", "--rootfs", rootfs]
        print(f"\nLargest resident set of `kubepki certs check-expiration`: {peak_memory(command):.1f} MB")


if __name__ == "__main__":
    main()

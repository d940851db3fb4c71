"""Certificates that were seen, and what was found of a whole node."""

from __future__ import annotations

from kubepki._core import Certificate, CertificateFile, CheckReport, FileProblem

__all__ = ["Certificate", "CertificateFile", "CheckReport", "FileProblem"]

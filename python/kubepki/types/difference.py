"""Certificates decoded to lines, for a plan's table and its diff: no key material, nothing that is not yet decided."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from kubepki._core import alternative_name, parse_certificates, printable
from kubepki.expiration import moment
from kubepki.types.certificate import Certificate
from kubepki.types.text import minute, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kubepki.types.plan import Artefact

# What is known only when the certificate is made.
NEW = "(new)"


def planned_names(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return a planned certificate's alternative names as `DNS:localhost`."""
    names = certificate["subject_alt_names"] if certificate else ()
    return tuple(map(alternative_name, names))


def seen_text(certificate: Certificate | None) -> str:
    """Return a certificate that was seen as lines of text."""
    if certificate is None:
        return ""
    return _lines(
        {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "serial": certificate.serial,
            "not before": _second(certificate.not_before),
            "not after": _second(certificate.not_after),
            "key": certificate.key,
            "public key sha256": certificate.public_key_sha256,
            "key usages": ", ".join(certificate.key_usages),
            "extended key usages": ", ".join(certificate.extended_key_usages),
            "names": list(certificate.subject_alt_names),
        }
    )


def text_before(artefact: Artefact) -> str:
    """Return what is there: the certificate, and the CAs that make way for others."""
    trust = _trust(artefact)
    # A set of CAs is shown whole; its first certificate is one of them.
    own = "" if trust is artefact.data else seen_text(artefact.current)
    return own + _trusted([Certificate.from_dict(one) for one in trust["replaces"]] if trust else [])


def text_after(artefact: Artefact) -> str:
    """Return what will be there: a certificate that is signed or installed, and the CAs that are trusted then."""
    trust = _trust(artefact)
    if trust is artefact.data:
        own = ""
    elif artefact.data["action"] == "install":
        installed = artefact.data.get("certificates")
        own = seen_text(_parsed(installed)[0]) if installed else seen_text(artefact.current)
    else:
        own = _planned_text(artefact.data, artefact.current)
    return own + _trusted(_parsed(trust["certificates"]) if trust else [])


def _trust(artefact: Artefact) -> Mapping[str, Any] | None:
    """Return the set of CAs that an artefact's step changes, if it changes one."""
    if artefact.data["action"] == "trust":
        return artefact.data
    trust: Mapping[str, Any] | None = artefact.data.get("trust")
    return trust


def _trusted(certificates: Sequence[Certificate]) -> str:
    each = [f"{one.subject}, serial {one.serial}, until {_second(one.not_after)}" for one in certificates]
    return _lines({"trusted CAs": each})


def _parsed(pem: str) -> list[Certificate]:
    return parse_certificates(pem.encode())


def _planned_text(artefact: Mapping[str, Any], current: Certificate | None) -> str:
    """Return the certificate that an artefact's plan describes as lines of text; nothing where it describes none."""
    certificate = artefact.get("certificate")
    if not certificate:
        return ""
    keeps_key = current is not None and not artefact["new_key"]
    return _lines(
        {
            "subject": certificate["subject"]["text"],
            "issuer": current.issuer if current else artefact["issuer"] or certificate["subject"]["text"],
            "serial": NEW,
            "not before": _second(moment(certificate["not_before"])),
            "not after": _second(moment(certificate["not_after"])),
            "key": current.key if keeps_key and current else artefact["new_key"],
            "public key sha256": current.public_key_sha256 if keeps_key and current else NEW,
            "key usages": ", ".join(certificate["key_usages"]),
            "extended key usages": ", ".join(certificate["extended_key_usages"]),
            "names": list(planned_names(certificate)),
        }
    )


def unified(name: str, before: str, after: str) -> str:
    """Return the unified diff between two decoded certificates."""
    name = printable(name)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"{name} (is)" if before else "/dev/null",
        f"{name} (will be)" if after else "/dev/null",
    )
    return "".join(lines)


def renewal_table(artefacts: Sequence[Artefact]) -> str:
    """Return a plan's table with what is there beside what will be."""
    header = ("NAME", "ACTION", "REASON", "ENDS", "WILL END", "SERIAL", "KEY", "NAMES", "FILES")
    return table(header, [_row(each) for each in artefacts])


def _row(artefact: Artefact) -> tuple[str, ...]:
    current = artefact.current
    names = [*(f"+{name}" for name in artefact.names_added), *(f"-{name}" for name in artefact.names_removed)]
    changes = artefact.action.is_change
    return (
        artefact.name,
        artefact.action.value,
        artefact.reason,
        minute(current.not_after if current else None),
        minute(artefact.expires_at if changes else None),
        current.serial if current else "",
        _key(artefact, current) if changes else "",
        ", ".join(names),
        ", ".join(map(str, artefact.files)) if changes else "",
    )


def _key(artefact: Artefact, current: Certificate | None) -> str:
    if artefact.new_key is None:
        return "kept" if artefact.action.value == "renew" else ""
    new = artefact.new_key.value
    return new if current is None or current.key == new else f"{current.key} -> {new}"


def _lines(fields: Mapping[str, str | list[str]]) -> str:
    lines = []
    for field, value in fields.items():
        if isinstance(value, list):
            lines += [f"{field}:", *(f"  {each}" for each in value)] if value else []
        elif value:
            lines.append(f"{field}: {value}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _second(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")

"""Makes the corpus: certificates and chains with one thing odd in each, and the verdicts of Go on them.

In: nothing, but Go for the verdicts. Out: `corpus.json`. Run it after a change: `python generate.py`. Keys are made
from fixed numbers where that is possible; RSA keys and signatures differ from run to run, verdicts must not.
"""

# ruff: noqa: E731
from __future__ import annotations

import argparse
import base64
import difflib
import json
import random
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from der import (
    CRITICAL,
    NULL,
    attribute,
    bits,
    boolean,
    common_name,
    extension,
    integer,
    octets,
    oid,
    seq,
    set_of,
    text,
    tlv,
)

HERE = Path(__file__).parent
AT = "2026-11-26T12:00:00Z"
SHA256 = seq(oid("1.2.840.10045.4.3.2"))
RSA_SHA256 = seq(oid("1.2.840.113549.1.1.11"), NULL)

certificates: dict[str, bytes] = {}
cases: list[dict] = []


def ec_key(number: int, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0x1234567890 + number, curve or ec.SECP256R1())


ROOT, INTER, LEAF, OTHER, INTER2 = (ec_key(number) for number in range(1, 6))


def spki(key) -> bytes:
    if isinstance(key, bytes):
        return key
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key, body: bytes, hash_=None, pss: int | None = None) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(body, ec.ECDSA(hash_ or hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        hash_ = hash_ or hashes.SHA256()
        pad = padding.PKCS1v15() if pss is None else padding.PSS(padding.MGF1(hash_), pss)
        return key.sign(body, pad, hash_)
    return key.sign(body)


def utc(value: str) -> bytes:
    return text(23, value)


DEFAULT_VALIDITY = seq(utc("250101000000Z"), utc("350101000000Z"))


def key_usage(*positions: int) -> bytes:
    number = 0
    for position in positions:
        number |= 1 << (15 - position)
    content = number.to_bytes(2, "big").rstrip(b"\0")
    unused = 0
    if content:
        while not content[-1] >> unused & 1:
            unused += 1
    return bits(content, unused)


SERVER, CLIENT, ANY = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
KU, EKU, BC, SAN = "2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.17"
dns = lambda name: text(0x82, name)
ip = lambda content: tlv(0x87, content)
uri = lambda value: text(0x86, value)
email = lambda value: text(0x81, value)


def usages(*kinds: str) -> bytes:
    return seq(*(oid(kind) for kind in kinds))


def leaf_extensions(**change) -> list[bytes]:
    parts = {
        "ku": extension(KU, key_usage(0, 2), CRITICAL),
        "eku": extension(EKU, usages(SERVER, CLIENT)),
        "bc": extension(BC, seq(), CRITICAL),
        "san": extension(SAN, seq(dns("leaf.example.com"), ip(b"\x0a\0\0\x05"))),
        "more": b"",
    }
    parts.update(change)
    return [part for part in parts.values() if part]


def ca_extensions(**change) -> list[bytes]:
    parts = {
        "ku": extension(KU, key_usage(0, 2, 5), CRITICAL),
        "bc": extension(BC, seq(boolean(255)), CRITICAL),
        "more": b"",
    }
    parts.update(change)
    return [part for part in parts.values() if part]


def certificate(
    *,
    subject: bytes,
    issuer: bytes,
    key,
    signer,
    extensions: list[bytes] | None,
    version: bytes = tlv(0xA0, integer(2)),
    serial: bytes = integer(4711),
    validity: bytes = DEFAULT_VALIDITY,
    algorithm: bytes = SHA256,
    outer: bytes | None = None,
    after_key: bytes = b"",
    after_extensions: bytes = b"",
    wrap=lambda content: tlv(0xA3, content),
    signature=None,
    hash_=None,
    pss=None,
    behind: bytes = b"",
) -> bytes:
    extended = b"" if extensions is None else wrap(seq(*extensions))
    body = seq(
        version, serial, algorithm, issuer, validity, subject, spki(key), after_key, extended, after_extensions
    )
    made = bits(sign(signer, body, hash_, pss)) if signature is None else signature
    return seq(body, outer or algorithm, made, behind)


NAME = {name: common_name(name) for name in ["root", "inter", "inter2", "leaf", "other"]}


def root(**change) -> bytes:
    wanted = {"subject": NAME["root"], "issuer": NAME["root"], "key": ROOT, "signer": ROOT, "extensions": ca_extensions()}
    return certificate(**(wanted | change))


def inter(**change) -> bytes:
    wanted = {"subject": NAME["inter"], "issuer": NAME["root"], "key": INTER, "signer": ROOT, "extensions": ca_extensions()}
    return certificate(**(wanted | change))


def leaf(**change) -> bytes:
    wanted = {"subject": NAME["leaf"], "issuer": NAME["root"], "key": LEAF, "signer": ROOT, "extensions": leaf_extensions()}
    return certificate(**(wanted | change))


def below(**change) -> bytes:
    """A leaf below the intermediate."""
    return leaf(**({"issuer": NAME["inter"], "signer": INTER} | change))


def add(name: str, der: bytes) -> str:
    for known, content in certificates.items():
        if content == der:
            return known
    assert name not in certificates, name
    certificates[name] = der
    return name


def case(name: str, leaf_: bytes, roots: list[bytes] | None = None, middle: list[bytes] = (), at: str = AT) -> None:
    roots = [PLAIN_ROOT] if roots is None else roots
    assert all(one["name"] != name for one in cases), name
    cases.append(
        {
            "name": name,
            "leaf": add(f"{name}/leaf", leaf_),
            "intermediates": [add(f"{name}/intermediate{n}", one) for n, one in enumerate(middle)],
            "roots": [add(f"{name}/root{n}", one) for n, one in enumerate(roots)],
            "at": at,
        }
    )


PLAIN_ROOT, PLAIN_INTER, PLAIN_LEAF, PLAIN_BELOW = root(), inter(), leaf(), below()
certificates |= {"root": PLAIN_ROOT, "inter": PLAIN_INTER, "leaf": PLAIN_LEAF, "below": PLAIN_BELOW}


def on_each(name: str, **change) -> None:
    """The same oddity on a leaf, an intermediate and a root."""
    more = change.pop("more", None)
    with_more = lambda base: {"extensions": base(more=more)} if more is not None else {}
    case(f"{name} on the leaf", leaf(**(change | with_more(leaf_extensions))))
    case(f"{name} on the intermediate", PLAIN_BELOW, middle=[inter(**(change | with_more(ca_extensions)))])
    case(f"{name} on the root", PLAIN_LEAF, [root(**(change | with_more(ca_extensions)))])


def plain() -> None:
    case("plain", PLAIN_LEAF)
    case("plain through an intermediate", PLAIN_BELOW, middle=[PLAIN_INTER])
    case("intermediate missing", PLAIN_BELOW)
    case("intermediate trusted", PLAIN_BELOW, [PLAIN_INTER])
    case("second root vouches", PLAIN_LEAF, [root(key=OTHER, signer=OTHER), PLAIN_ROOT])
    case("namesake root", PLAIN_LEAF, [root(key=OTHER, signer=OTHER)])
    case("other root", PLAIN_LEAF, [root(subject=NAME["other"], issuer=NAME["other"])])
    case("no root", PLAIN_LEAF, [])
    case("the leaf is trusted itself", PLAIN_LEAF, [PLAIN_LEAF])
    case("the root as leaf", PLAIN_ROOT)
    case("self-signed leaf trusted", leaf(issuer=NAME["leaf"], signer=LEAF), [leaf(issuer=NAME["leaf"], signer=LEAF)])
    own = leaf(issuer=NAME["leaf"], signer=LEAF)
    case("self-signed leaf trusted, the same bytes", own, [own])
    case("false signature", leaf(signature=bits(sign(ROOT, b"something else"))))
    case("empty signature", leaf(signature=bits(b"")))
    case("signature with unused bits", leaf(signature=bits(b"\x30\x80", 3)))
    case("issuer in another string type", leaf(issuer=common_name("root", 19)))
    case("issuer in another case", leaf(issuer=common_name("Root")))
    case("issuer empty", leaf(issuer=seq()), [root(subject=seq(), issuer=seq())])
    case("root signed by somebody else", PLAIN_LEAF, [root(issuer=NAME["other"], signer=OTHER)])
    case("root with a false signature", PLAIN_LEAF, [root(signature=bits(b"\0" * 70))])
    case("expired root", PLAIN_LEAF, [root(validity=seq(utc("200101000000Z"), utc("210101000000Z")))])
    case("root of tomorrow", PLAIN_LEAF, [root(validity=seq(utc("300101000000Z"), utc("310101000000Z")))])
    case("expired leaf", leaf(validity=seq(utc("200101000000Z"), utc("210101000000Z"))))
    case("leaf of tomorrow", leaf(validity=seq(utc("300101000000Z"), utc("310101000000Z"))))
    case("expired intermediate", PLAIN_BELOW, middle=[inter(validity=seq(utc("200101000000Z"), utc("210101000000Z")))])
    case("expired and valid root", PLAIN_LEAF, [root(validity=seq(utc("200101000000Z"), utc("210101000000Z"))), PLAIN_ROOT])
    case("last second", PLAIN_LEAF, at="2035-01-01T00:00:00Z")
    case("one second later", PLAIN_LEAF, at="2035-01-01T00:00:01Z")
    case("first second", PLAIN_LEAF, at="2025-01-01T00:00:00Z")
    case("one second earlier", PLAIN_LEAF, at="2024-12-31T23:59:59Z")


def times() -> None:
    later = utc("350101000000Z")
    many = {
        "without seconds": utc("2501010000Z"),
        "in 1950": utc("500101000000Z"),
        "in 1969": utc("690101000000Z"),
        "with an offset": utc("250101000000+0100"),
        "with an offset, without seconds": utc("2501010000-0730"),
        "with an offset of zero": utc("250101000000+0000"),
        "with an offset of a day": utc("250101000000+2400"),
        "with an offset of 25 hours": utc("250101000000+2500"),
        "with an offset of 60 minutes": utc("250101000000+0060"),
        "with no zone": utc("250101000000"),
        "with a lower-case zone": utc("250101000000z"),
        "on 29 February 2024": utc("240229000000Z"),
        "on 29 February 2023": utc("230229000000Z"),
        "on 30 February": utc("240230000000Z"),
        "at 24 hours": utc("250101240000Z"),
        "at second 60": utc("250101000060Z"),
        "at minute 60": utc("250101006000Z"),
        "in month 13": utc("251301000000Z"),
        "in month 0": utc("250001000000Z"),
        "on day 0": utc("250100000000Z"),
        "with a fraction": utc("250101000000.5Z"),
        "with a sign": utc("+50101000000Z"),
        "with blanks": utc(" 50101000000Z"),
        "empty": utc(""),
        "generalized": text(24, "20250101000000Z"),
        "generalized, in 1949": text(24, "19490101000000Z"),
        "generalized, in the year 0": text(24, "00000101000000Z"),
        "generalized, in the year 9999": text(24, "99991231235959Z"),
        "generalized without seconds": text(24, "202501010000Z"),
        "generalized with a fraction": text(24, "20250101000000.0Z"),
        "generalized with an offset": text(24, "20250101000000+0100"),
        "generalized with no zone": text(24, "20250101000000"),
        "generalized with five digits": text(24, "120250101000000Z"),
        "as PrintableString": text(19, "250101000000Z"),
    }
    for name, start in many.items():
        case(f"begins {name}", leaf(validity=seq(start, later)))
    case("ends in 9999", leaf(validity=seq(utc("250101000000Z"), text(24, "99991231235959Z"))))
    case("ends in 2050 as UTCTime", leaf(validity=seq(utc("250101000000Z"), utc("500101000000Z"))))
    case("begins after its end", leaf(validity=seq(later, utc("250101000000Z"))))
    case("three times", leaf(validity=seq(utc("250101000000Z"), later, later)))
    case("one time", leaf(validity=seq(later)))
    for name in ["without seconds", "in 1950", "generalized, in 1949", "with an offset"]:
        case(f"the root begins {name}", PLAIN_LEAF, [root(validity=seq(many[name], later))])


def heads() -> None:
    for name, serial in {
        "negative": b"\x02\x01\xff",
        "negative of eight bytes": b"\x02\x08\x80" + b"\0" * 7,
        "zero": b"\x02\x01\0",
        "of 20 bytes": integer((1 << 159) - 1),
        "of 21 bytes": integer(1 << 160),
        "of 100 bytes": integer(1 << 790),
        "not minimal": b"\x02\x02\0\x01",
        "not minimal and negative": b"\x02\x02\xff\x80",
        "empty": b"\x02\0",
        "an OCTET STRING": b"\x04\x01\x05",
    }.items():
        on_each(f"serial {name}", serial=serial)
    none: list[bytes] | None = None
    for name, version, extensions in [
        ("1", b"", none),
        ("1, written", tlv(0xA0, integer(0)), none),
        ("2", tlv(0xA0, integer(1)), none),
        ("3 without extensions", tlv(0xA0, integer(2)), none),
        ("4", tlv(0xA0, integer(3)), none),
        ("negative", tlv(0xA0, integer(-1)), none),
        ("empty", tlv(0xA0), none),
        ("with more", tlv(0xA0, integer(2), integer(2)), none),
        ("of 9 bytes", tlv(0xA0, integer(1 << 65)), none),
        ("of another tag", tlv(0x80, b"\x02"), none),
    ]:
        change = {"version": version, "extensions": extensions}
        case(f"version {name} of the leaf", leaf(**change))
        case(f"version {name} below the intermediate", below(**change), middle=[PLAIN_INTER])
        case(f"version {name} of the intermediate", PLAIN_BELOW, middle=[inter(**change)])
        case(f"version {name} of the root", PLAIN_LEAF, [root(**change)])
        case(f"version {name} of the root, with an intermediate", PLAIN_BELOW, [root(**change)], [PLAIN_INTER])
    for number in (0, 1):
        version = b"" if number == 0 else tlv(0xA0, integer(1))
        case(f"version {number + 1} with extensions on the leaf", leaf(version=version))
        case(f"version {number + 1} with extensions on the root", PLAIN_LEAF, [root(version=version)])
        case(f"version {number + 1} with extensions on the intermediate", PLAIN_BELOW, middle=[inter(version=version)])
        bad = leaf_extensions(san=extension(SAN, seq(ip(b"12345"))))
        case(f"version {number + 1} with broken extensions", leaf(version=version, extensions=bad))
    for name, change in {
        "issuer's unique identifier": {"after_key": tlv(0x81, b"\0abc")},
        "both unique identifiers": {"after_key": tlv(0x81, b"\0abc") + tlv(0x82, b"\0def")},
        "unique identifiers in the wrong order": {"after_key": tlv(0x82, b"\0abc") + tlv(0x81, b"\0def")},
        "constructed unique identifier": {"after_key": tlv(0xA1, b"\0abc")},
        "more behind the extensions": {"after_extensions": integer(5)},
        "junk behind the extensions": {"after_extensions": b"\xff\xff"},
        "extensions under another tag": {"wrap": lambda content: tlv(0xA4, content)},
        "extensions under a primitive tag": {"wrap": lambda content: tlv(0x83, content)},
        "extensions with more behind": {"wrap": lambda content: tlv(0xA3, content, integer(1))},
        "extensions that are a set": {"wrap": lambda content: tlv(0xA3, b"\x31" + content[1:])},
        "no extensions in the sequence": {"extensions": []},
        "more behind the signature": {"behind": integer(5)},
        "junk behind the signature": {"behind": b"\xff"},
        "outer algorithm other": {"outer": seq(oid("1.2.840.10045.4.3.3"))},
        "outer algorithm with NULL": {"outer": seq(oid("1.2.840.10045.4.3.2"), NULL)},
        "both algorithms with NULL": {"algorithm": seq(oid("1.2.840.10045.4.3.2"), NULL)},
        "algorithm unknown": {"algorithm": seq(oid("1.2.3.4.5"))},
        "algorithm with two parameters": {"algorithm": seq(oid("1.2.840.10045.4.3.2"), NULL, NULL)},
        "algorithm with junk": {"algorithm": seq(oid("1.2.840.10045.4.3.2"), b"\xff")},
        "algorithm empty": {"algorithm": seq()},
        "algorithm of another hash": {"algorithm": seq(oid("1.2.840.10045.4.3.3"))},
        "algorithm of RSA": {"algorithm": RSA_SHA256},
    }.items():
        on_each(name, **change)
    certificates["nothing"] = b""
    certificates["junk"] = b"junk"
    certificates["trailing"] = PLAIN_LEAF + b"\0"
    certificates["twice"] = PLAIN_LEAF + PLAIN_LEAF
    certificates["cut off"] = PLAIN_LEAF[:-1]
    certificates["long length"] = b"\x30\x83\x00" + PLAIN_LEAF[2:]
    certificates["indefinite length"] = b"\x30\x80" + PLAIN_LEAF[4:] + b"\0\0"


def names() -> None:
    for name, value in {
        "PrintableString": text(19, "plain"),
        "PrintableString with @": text(19, "a@b"),
        "PrintableString with *": text(19, "*.b"),
        "PrintableString with &": text(19, "a&b"),
        "PrintableString with _": text(19, "a_b"),
        "PrintableString with :": text(19, "system:node:a"),
        'PrintableString with "': text(19, 'a"b'),
        "PrintableString with é": text(19, b"\xe9"),
        "UTF8String with é": text(12, "é"),
        "UTF8String that is Latin-1": text(12, b"\xe9"),
        "UTF8String too long": text(12, b"\xc0\x80"),
        "UTF8String of a surrogate": text(12, b"\xed\xa0\x80"),
        "UTF8String with NUL": text(12, b"a\0b"),
        "T61String": text(20, b"\xe9\xff"),
        "BMPString": text(30, "leaf".encode("utf-16-be")),
        "BMPString odd": text(30, b"\0a\0"),
        "BMPString with a surrogate": text(30, b"\xd8\x3d\xde\x00"),
        "BMPString with a noncharacter": text(30, b"\xff\xfe"),
        "BMPString with FDD0": text(30, b"\xfd\xd0"),
        "BMPString with an end": text(30, b"\0a\0\0"),
        "BMPString with FFFD": text(30, b"\xff\xfd"),
        "IA5String": text(22, "a@b"),
        "IA5String with é": text(22, b"\xe9"),
        "NumericString": text(18, "12 34"),
        "NumericString with letters": text(18, "12a"),
        "UniversalString": text(28, b"\0\0\0a"),
        "VisibleString": text(26, "leaf"),
        "GeneralString": text(27, "leaf"),
        "an INTEGER": integer(5),
        "an empty string": text(12, ""),
        "a long string": text(12, "a" * 500),
        "constructed string": tlv(0x2C, text(12, "leaf")),
    }.items():
        case(f"subject: {name}", leaf(subject=seq(attribute("2.5.4.3", value))))
    for name in ["NumericString with letters", "PrintableString with _", "T61String", "BMPString"]:
        value = {
            "NumericString with letters": text(18, "12a"),
            "PrintableString with _": text(19, "a_b"),
            "T61String": text(20, b"\xe9"),
            "BMPString": text(30, b"\0r"),
        }[name]
        issuer = seq(attribute("2.5.4.10", value))
        case(f"issuer and root: {name}", leaf(issuer=issuer), [root(subject=issuer, issuer=issuer)])
    case("subject empty", leaf(subject=seq()))
    case("subject with an empty set", leaf(subject=seq(set_of())))
    two = set_of(seq(oid("2.5.4.10"), text(12, "b")), seq(oid("2.5.4.10"), text(12, "a")))
    case("subject with an unsorted set", leaf(subject=seq(two)))
    case("subject with an element behind", leaf(subject=seq(set_of(seq(oid("2.5.4.3"), text(12, "a"), text(12, "b"))))))
    case("subject with junk behind", leaf(subject=seq(set_of(seq(oid("2.5.4.3"), text(12, "a"), b"\xff")))))
    case("subject without a value", leaf(subject=seq(set_of(seq(oid("2.5.4.3"))))))
    case("subject with sequences for sets", leaf(subject=seq(seq(seq(oid("2.5.4.3"), text(12, "a"))))))
    case("subject that is a set", leaf(subject=set_of(seq(seq(oid("2.5.4.3"), text(12, "a"))))))
    for name, kind in {
        "not minimal": b"\x06\x04\x55\x04\x80\x03",
        "cut off": b"\x06\x03\x55\x04\x83",
        "empty": b"\x06\0",
        "of 2^31-1": b"\x06\x06\x55\x87\xff\xff\xff\x7f",
        "of 2^31": b"\x06\x06\x55\x88\x80\x80\x80\x00",
        "of one byte": b"\x06\x01\x55",
    }.items():
        case(f"attribute's identifier {name}", leaf(subject=seq(set_of(seq(kind, text(12, "a"))))))
        case(f"extension's identifier {name}", leaf(extensions=leaf_extensions(more=seq(kind, octets(b"")))))
    case("no common name", leaf(subject=seq(attribute("2.5.4.10", text(12, "o")))))
    case("no alternative names", leaf(extensions=leaf_extensions(san=b"")))


def alternative_names() -> None:
    odd: dict[str, bytes] = {
        "empty": seq(),
        "a set": set_of(dns("a")),
        "more behind": seq(dns("a")) + integer(1),
        "address of 5 bytes": seq(ip(b"12345")),
        "address of 0 bytes": seq(ip(b"")),
        "address of 16 bytes": seq(ip(b"\0" * 15 + b"\1")),
        "address of 8 bytes": seq(ip(b"12345678")),
        "DNS name with é": seq(dns("é")),
        "DNS name empty": seq(dns("")),
        "DNS name with blanks": seq(dns("a b")),
        "DNS name with an escape": seq(dns("a\x1b[31mb")),
        "DNS name with NUL": seq(dns("a\0b")),
        "DNS name with a dot at its end": seq(dns("a.")),
        "DNS name with two dots": seq(dns("a..b")),
        "DNS name of 300 characters": seq(dns("a" * 300)),
        "DNS wildcard in the middle": seq(dns("a.*.b")),
        "DNS name constructed": seq(tlv(0xA2, b"a")),
        "mail with é": seq(email("é@b")),
        "mail that is none": seq(email("nobody")),
        "directory name alone": seq(tlv(0xA4, NAME["other"])),
        "other name alone": seq(tlv(0xA0, oid("1.2.3"), tlv(0xA0, text(12, "x")))),
        "other name and DNS": seq(tlv(0xA0, oid("1.2.3"), tlv(0xA0, text(12, "x"))), dns("a")),
        "registered identifier": seq(tlv(0x88, b"\x2a\x03")),
        "unknown tag": seq(tlv(0x9E, b"x")),
        "high tag": seq(b"\x9f\x21\x01x"),
        "cut off": b"\x30\x10" + dns("a"),
    }
    for name, value in odd.items():
        case(f"alternative names: {name}", leaf(extensions=leaf_extensions(san=extension(SAN, value))))
        case(f"critical alternative names: {name}", leaf(extensions=leaf_extensions(san=extension(SAN, value, CRITICAL))))
    uris = [
        "spiffe://cluster.local/ns/x", "https://example.com", "https://example.com:443/x?y#z", "https://a_b/", "https:///x",
        "http://[::1]:80/", "http://[::1]", "http://[::1%25eth0]/", "http://[::1%eth0]/", "http://[1.2.3.4]/", "http://[::ffff:1.2.3.4]/",
        "http://[::1/", "http://::1]/", "http://a:b/", "http://a:80:90/", "spiffe://a:80:90/", "spiffe://a:b:90/", "http://a:/", "http://exa mple.com/",
        "http://example.com./", "http://.example.com/", "http://a..b/", "http://user@host/", "http://user:pa ss@host/", "http://us%zzer@host/",
        "http://a%41/", "http://a%80/", "http://a%25/", "http://host/%zz", "http://host/%41", "http://host/#%zz", "http://host/#%41", "http://host/?%zz",
        "urn:uuid:1234", "mailto:a@b", "a:b", ":a", "a b:c", "//host/x", "///host", "/path", "path", "path:colon", "1a:b", "*", "", "#", "#a\x01", "a\x01",
        "http://host\x7f/", "http://h<o>st/", "http://h\\st/", "http://h^st/", "http://h`st/", "http://h|st/", "http://h{st/", "http://1.2.3.4/", "http://@/", "http://a@b@c/", "HTTP://A:80:90/",
        "http://host?x", "http://ho%st/", "http://[fe80::1%25a%20b]/", "http://[fe80::1%25]/", "http://[::1]a/", "http://x[::1]/", "é:a",
    ]  # fmt: skip
    for value in uris:
        extensions = leaf_extensions(san=extension(SAN, seq(uri(value))))
        case(f"URI {value!a}", leaf(extensions=extensions))


def extensions() -> None:
    unknown = "1.2.3.4.5.6"
    on_each("unknown extension", more=extension(unknown, NULL))
    on_each("unknown critical extension", more=extension(unknown, NULL, CRITICAL))
    on_each("critical by 01", more=extension(unknown, NULL, boolean(1)))
    on_each("critical, written false", more=extension(unknown, NULL, boolean(0)))
    on_each("critical of two bytes", more=extension(unknown, NULL, tlv(1, b"\0\0")))
    on_each("unknown extension twice", more=extension(unknown, NULL) + extension(unknown, b"\x05\x01a"))
    on_each("extension without a value", more=seq(oid(unknown)))
    on_each("extension with more", more=seq(oid(unknown), octets(NULL), integer(1)))
    on_each("extension that is a BIT STRING", more=seq(oid(unknown), bits(NULL)))
    on_each("empty extension", more=seq())
    known = {
        "netscape type": ("2.16.840.1.113730.1.1", bits(b"\xa0", 5)),
        "certificate policies": ("2.5.29.32", seq(seq(oid("2.5.29.32.0")))),
        "policies with a qualifier": ("2.5.29.32", seq(seq(oid("1.2.3"), seq(seq(oid("1.3.6.1.5.5.7.2.1"), text(22, "u")))))),
        "policies twice the same": ("2.5.29.32", seq(seq(oid("1.2.3")), seq(oid("1.2.3")))),
        "policies empty": ("2.5.29.32", seq()),
        "policies of a large number": ("2.5.29.32", seq(seq(oid("1.2.99999999999999999999")))),
        "policies that are none": ("2.5.29.32", seq(oid("1.2.3"))),
        "policies not minimal": ("2.5.29.32", seq(seq(tlv(6, b"\x2a\x80\x01")))),
        "inhibitAnyPolicy": ("2.5.29.54", integer(0)),
        "inhibitAnyPolicy negative": ("2.5.29.54", integer(-1)),
        "inhibitAnyPolicy large": ("2.5.29.54", integer(1 << 70)),
        "inhibitAnyPolicy that is none": ("2.5.29.54", NULL),
        "policy mappings": ("2.5.29.33", seq(seq(oid("1.2.3"), oid("1.2.4")))),
        "policy mappings half": ("2.5.29.33", seq(seq(oid("1.2.3")))),
        "policy constraints": ("2.5.29.36", seq(tlv(0x80, b"\5"), tlv(0x81, b"\5"))),
        "policy constraints now": ("2.5.29.36", seq(tlv(0x80, b"\0"))),
        "policy constraints not minimal": ("2.5.29.36", seq(tlv(0x80, b"\0\0"))),
        "policy constraints empty": ("2.5.29.36", seq()),
        "policy constraints large": ("2.5.29.36", seq(tlv(0x80, b"\1" * 9))),
        "subject key identifier": ("2.5.29.14", octets(b"12345")),
        "subject key identifier empty": ("2.5.29.14", octets(b"")),
        "subject key identifier that is none": ("2.5.29.14", seq()),
        "authority key identifier": ("2.5.29.35", seq(tlv(0x80, b"12345"))),
        "authority key identifier empty": ("2.5.29.35", seq()),
        "authority key identifier by name": ("2.5.29.35", seq(tlv(0xA1, tlv(0xA4, NAME["root"])), tlv(0x82, b"\1"))),
        "authority key identifier that is none": ("2.5.29.35", octets(b"12345")),
        "authority key identifier without content": ("2.5.29.35", b""),
        "authority key identifier constructed": ("2.5.29.35", seq(tlv(0xA0, octets(b"1")))),
        "CRL distribution points": ("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA0, uri("http://a/")))))),
        "CRL distribution points without a name": ("2.5.29.31", seq(seq(tlv(0x81, b"\0")))),
        "CRL distribution points by a relative name": ("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA1, seq(oid("2.5.4.3"), text(12, "a"))))))),
        "CRL distribution points empty": ("2.5.29.31", seq()),
        "CRL distribution points that are none": ("2.5.29.31", NULL),
        "freshest CRL": ("2.5.29.46", seq()),
        "issuer alternative name": ("2.5.29.18", seq(dns("a"))),
        "private key usage period": ("2.5.29.16", seq(tlv(0x80, b"20250101000000Z"))),
        "subject directory attributes": ("2.5.29.9", seq()),
        "authority information access": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://a/")))),
        "authority information access by a name": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), tlv(0xA4, NAME["root"])))),
        "authority information access empty": ("1.3.6.1.5.5.7.1.1", seq()),
        "authority information access that is none": ("1.3.6.1.5.5.7.1.1", seq(seq(uri("http://a/")))),
        "subject information access": ("1.3.6.1.5.5.7.1.11", seq()),
        "must staple": ("1.3.6.1.5.5.7.1.24", seq(integer(5))),
        "poison": ("1.3.6.1.4.1.11129.2.4.3", NULL),
    }
    for name, (kind, value) in known.items():
        on_each(name, more=extension(kind, value))
        on_each(f"critical {name}", more=extension(kind, value, CRITICAL))
    replaced = {
        "key usage empty": ("ku", extension(KU, bits(b""), CRITICAL)),
        "key usage of no bits": ("ku", extension(KU, bits(b"\0"), CRITICAL)),
        "key usage with set unused bits": ("ku", extension(KU, b"\x03\x02\x04\xa8", CRITICAL)),
        "key usage with 8 unused bits": ("ku", extension(KU, b"\x03\x02\x08\x00", CRITICAL)),
        "key usage that is none": ("ku", extension(KU, NULL, CRITICAL)),
        "key usage not critical": ("ku", extension(KU, key_usage(0))),
        "key usage keyCertSign": ("ku", extension(KU, key_usage(5))),
        "key usage decipherOnly": ("ku", extension(KU, key_usage(8))),
        "key usage of 17 bits": ("ku", extension(KU, bits(b"\x06\0\x80", 7))),
        "key usage with more": ("ku", extension(KU, key_usage(0, 5) + integer(1))),
        "key usage missing": ("ku", b""),
        "basic constraints missing": ("bc", b""),
        "basic constraints false": ("bc", extension(BC, seq(boolean(0)))),
        "basic constraints empty": ("bc", extension(BC, seq())),
        "basic constraints 01": ("bc", extension(BC, seq(boolean(1)))),
        "basic constraints with a path length alone": ("bc", extension(BC, seq(integer(0)))),
        "basic constraints with a negative path length": ("bc", extension(BC, seq(boolean(255), integer(-1)))),
        "basic constraints with a path length of 2^63": ("bc", extension(BC, seq(boolean(255), integer(1 << 63)))),
        "basic constraints with a path length of 2^63-1": ("bc", extension(BC, seq(boolean(255), integer((1 << 63) - 1)))),
        "basic constraints with a path length not minimal": ("bc", extension(BC, seq(boolean(255), b"\x02\x02\0\0"))),
        "basic constraints with path length 0": ("bc", extension(BC, seq(boolean(255), integer(0)))),
        "basic constraints with path length 1": ("bc", extension(BC, seq(boolean(255), integer(1)))),
        "basic constraints with more": ("bc", extension(BC, seq(boolean(255), integer(3), integer(1)))),
        "basic constraints that are none": ("bc", extension(BC, NULL)),
        "basic constraints in the wrong order": ("bc", extension(BC, seq(integer(0), boolean(255)))),
    }
    for name, (part, value) in replaced.items():
        case(f"{name} on the leaf", leaf(extensions=leaf_extensions(**{part: value})))
        case(f"{name} on the intermediate", PLAIN_BELOW, middle=[inter(extensions=ca_extensions(**{part: value}))])
        odd_root = root(extensions=ca_extensions(**{part: value}))
        case(f"{name} on the root", PLAIN_LEAF, [odd_root])
        case(f"{name} on the root, with an intermediate", PLAIN_BELOW, [odd_root], [PLAIN_INTER])
    purposes = {
        "serverAuth": [SERVER], "clientAuth": [CLIENT], "both": [SERVER, CLIENT], "OCSP": ["1.3.6.1.5.5.7.3.9"], "any": [ANY],
        "any and OCSP": ["1.3.6.1.5.5.7.3.9", ANY], "unknown": ["1.2.3.4"], "unknown and clientAuth": ["1.2.3.4", CLIENT], "none": [],
        "Netscape's": ["2.16.840.1.113730.4.1"], "Microsoft's": ["1.3.6.1.4.1.311.10.3.3"], "twice": [SERVER, SERVER], "code signing": ["1.3.6.1.5.5.7.3.3"],
    }  # fmt: skip
    for name, kinds in purposes.items():
        for critical in (b"", CRITICAL):
            word = "critical usages" if critical else "usages"
            value = extension(EKU, usages(*kinds), critical)
            case(f"{word} {name} on the leaf", leaf(extensions=leaf_extensions(eku=value)))
            case(f"{word} {name} on the intermediate", PLAIN_BELOW, middle=[inter(extensions=ca_extensions(more=value))])
            case(f"{word} {name} on the root", PLAIN_LEAF, [root(extensions=ca_extensions(more=value))])
    case("usages missing", leaf(extensions=leaf_extensions(eku=b"")))
    case("usages that are none", leaf(extensions=leaf_extensions(eku=extension(EKU, NULL))))
    case("usages that are strings", leaf(extensions=leaf_extensions(eku=extension(EKU, seq(text(12, "serverAuth"))))))
    split = inter(extensions=ca_extensions(more=extension(EKU, usages(SERVER))))
    case("usages that exclude each other", below(extensions=leaf_extensions(eku=extension(EKU, usages(CLIENT)))), middle=[split])


def keys() -> None:
    rsa_keys = {size: rsa.generate_private_key(65537, size) for size in (1024, 1536, 2048, 3072, 4096)}
    small = rsa.generate_private_key(3, 2048)
    dsa_key = dsa.generate_private_key(1024)
    ed = ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    for size, key in rsa_keys.items():
        case(f"RSA {size} in the leaf", leaf(key=key))
        for hash_, number in ((hashes.SHA256(), 11), (hashes.SHA384(), 12), (hashes.SHA512(), 13), (hashes.SHA1(), 5), (hashes.MD5(), 4)):
            made = {"signer": key, "algorithm": seq(oid(f"1.2.840.113549.1.1.{number}"), NULL), "hash_": hash_}
            case(f"RSA {size} by {hash_.name}", leaf(**made), [root(key=key)])
    weak = {"key": small, "algorithm": RSA_SHA256, "signer": small}
    case("RSA with e = 3", leaf(algorithm=RSA_SHA256, signer=small), [root(**weak)])
    strong = rsa_keys[2048]
    case("RSA algorithm without parameters", leaf(signer=strong, algorithm=seq(oid("1.2.840.113549.1.1.11"))), [root(key=strong)])
    case("RSA algorithm with other parameters", leaf(signer=strong, algorithm=seq(oid("1.2.840.113549.1.1.11"), integer(5))), [root(key=strong)])
    case("RSA signature too short", leaf(signer=strong, algorithm=RSA_SHA256, signature=bits(b"\1" * 255)), [root(key=strong)])
    case("RSA signature by another key", leaf(signer=rsa_keys[3072], algorithm=RSA_SHA256), [root(key=strong)])
    case("ECDSA algorithm, RSA key", leaf(signer=strong), [root(key=strong)])
    case("ISO's SHA-1", leaf(signer=strong, hash_=hashes.SHA1(), algorithm=seq(oid("1.3.14.3.2.29"), NULL)), [root(key=strong)])
    for name, hash_, size in (("SHA-256", "1", 32), ("SHA-384", "2", 48), ("SHA-512", "3", 64)):
        inner = seq(oid(f"2.16.840.1.101.3.4.2.{hash_}"), NULL)
        bare = seq(oid(f"2.16.840.1.101.3.4.2.{hash_}"))
        real = {"1": hashes.SHA256(), "2": hashes.SHA384(), "3": hashes.SHA512()}[hash_]

        def pss(hash_part, mask, salt, *more, mgf="1.2.840.113549.1.1.8"):
            return seq(
                oid("1.2.840.113549.1.1.10"),
                seq(tlv(0xA0, hash_part), tlv(0xA1, seq(oid(mgf), mask)), tlv(0xA2, integer(salt)), *more),
            )

        for what, algorithm, salt in (
            ("usual", pss(inner, inner, size), size),
            ("without NULL", pss(bare, bare, size), size),
            ("with a trailer", pss(inner, inner, size, tlv(0xA3, integer(1))), size),
            ("with another trailer", pss(inner, inner, size, tlv(0xA3, integer(2))), size),
            ("with another salt", pss(inner, inner, 20), 20),
            ("with another mask", pss(inner, seq(oid("1.3.14.3.2.26"), NULL), size), size),
            ("with another function", pss(inner, inner, size, mgf="1.2.3"), size),
            ("with more behind", pss(inner, inner, size, tlv(0xA4, integer(1))), size),
            ("with defaults", seq(oid("1.2.840.113549.1.1.10"), seq()), 20),
            ("without parameters", seq(oid("1.2.840.113549.1.1.10")), 20),
        ):
            change = {"signer": strong, "algorithm": algorithm, "hash_": real, "pss": salt}
            case(f"RSA-PSS {name} {what}", leaf(**change), [root(key=strong)])
    sha256 = seq(oid("2.16.840.1.101.3.4.2.1"), NULL)
    usual = seq(tlv(0xA0, sha256), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), sha256)), tlv(0xA2, integer(32)))
    small_pss = {"signer": rsa_keys[1024], "algorithm": seq(oid("1.2.840.113549.1.1.10"), usual), "pss": 32}
    case("small RSA-PSS", leaf(**small_pss), [root(key=rsa_keys[1024])])
    for name, curve in {"P-224": ec.SECP224R1(), "P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}.items():
        key = ec_key(9, curve)
        case(f"{name} in the leaf", leaf(key=key))
        for hash_, number in ((hashes.SHA256(), 2), (hashes.SHA384(), 3), (hashes.SHA512(), 4)):
            algorithm = seq(oid(f"1.2.840.10045.4.3.{number}"))
            case(f"{name} by {hash_.name}", leaf(signer=key, algorithm=algorithm, hash_=hash_), [root(key=key)])
        sha1 = {"signer": key, "algorithm": seq(oid("1.2.840.10045.4.1")), "hash_": hashes.SHA1()}
        case(f"{name} by sha1", leaf(**sha1), [root(key=key)])
        sha224 = {"signer": key, "algorithm": seq(oid("1.2.840.10045.4.3.1")), "hash_": hashes.SHA224()}
        case(f"{name} by sha224", leaf(**sha224), [root(key=key)])
    case("Ed25519 in the leaf", leaf(key=ed))
    case("Ed25519 signs", leaf(signer=ed, algorithm=seq(oid("1.3.101.112"))), [root(key=ed)])
    case("Ed25519 with NULL", leaf(signer=ed, algorithm=seq(oid("1.3.101.112"), NULL)), [root(key=ed)])
    case("Ed25519 false", leaf(signer=ed, algorithm=seq(oid("1.3.101.112")), signature=bits(b"\1" * 64)), [root(key=ed)])
    case("Ed448 in the leaf", leaf(key=ed448.Ed448PrivateKey.generate()))
    case("Ed448 in the root", PLAIN_LEAF, [root(key=ed448.Ed448PrivateKey.generate())])
    case("X25519 in the leaf", leaf(key=x25519.X25519PrivateKey.from_private_bytes(b"\1" * 32)))
    case("DSA in the leaf", leaf(key=dsa_key))
    signed = {"signature": bits(dsa_key.sign(b"x", hashes.SHA256())), "algorithm": seq(oid("2.16.840.1.101.3.4.3.2"))}
    case("DSA signs", leaf(**signed), [root(key=dsa_key)])
    for name, curve in {"secp256k1": ec.SECP256K1(), "brainpool": ec.BrainpoolP256R1(), "P-192": ec.SECP192R1()}.items():
        case(f"{name} in the leaf", leaf(key=ec_key(9, curve)))
    numbers = LEAF.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    p256 = seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    n = strong.public_key().public_numbers().n
    rsa_ai = seq(oid("1.2.840.113549.1.1.1"), NULL)
    odd = {
        "EC compressed": seq(p256, bits(bytes([2 + y[-1] % 2]) + x)),
        "EC hybrid": seq(p256, bits(bytes([6 + y[-1] % 2]) + x + y)),
        "EC point off the curve": seq(p256, bits(b"\4" + x + y[:-1] + bytes([y[-1] ^ 1]))),
        "EC point cut": seq(p256, bits(b"\4" + x + y[:-1])),
        "EC point at infinity": seq(p256, bits(b"\0")),
        "EC zero point": seq(p256, bits(b"\4" + b"\0" * 64)),
        "EC coordinate as large as the prime": seq(p256, bits(b"\4" + prime.to_bytes(32, "big") + y)),
        "EC empty": seq(p256, bits(b"")),
        "EC without a curve": seq(seq(oid("1.2.840.10045.2.1")), bits(b"\4" + x + y)),
        "EC with NULL for a curve": seq(seq(oid("1.2.840.10045.2.1"), NULL), bits(b"\4" + x + y)),
        "EC with explicit parameters": seq(seq(oid("1.2.840.10045.2.1"), seq(integer(1))), bits(b"\4" + x + y)),
        "EC with two parameters": seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"), NULL), bits(b"\4" + x + y)),
        "ECDH's identifier": seq(seq(oid("1.3.132.1.12"), oid("1.2.840.10045.3.1.7")), bits(b"\4" + x + y)),
        "more behind the key": seq(p256, bits(b"\4" + x + y), NULL),
        "key that is an OCTET STRING": seq(p256, octets(b"\4" + x + y)),
        "RSA without NULL": seq(seq(oid("1.2.840.113549.1.1.1")), bits(seq(integer(n), integer(65537)))),
        "RSA with other parameters": seq(seq(oid("1.2.840.113549.1.1.1"), integer(1)), bits(seq(integer(n), integer(65537)))),
        "RSA with a negative modulus": seq(rsa_ai, bits(seq(integer(-n), integer(65537)))),
        "RSA with modulus zero": seq(rsa_ai, bits(seq(integer(0), integer(65537)))),
        "RSA with exponent zero": seq(rsa_ai, bits(seq(integer(n), integer(0)))),
        "RSA with a negative exponent": seq(rsa_ai, bits(seq(integer(n), integer(-3)))),
        "RSA with an even exponent": seq(rsa_ai, bits(seq(integer(n), integer(4)))),
        "RSA with exponent one": seq(rsa_ai, bits(seq(integer(n), integer(1)))),
        "RSA with an exponent of 2^31-1": seq(rsa_ai, bits(seq(integer(n), integer(2**31 - 1)))),
        "RSA with an exponent of 2^31+1": seq(rsa_ai, bits(seq(integer(n), integer(2**31 + 1)))),
        "RSA with an exponent of 2^63": seq(rsa_ai, bits(seq(integer(n), integer(2**63)))),
        "RSA with an even modulus": seq(rsa_ai, bits(seq(integer(n + 1), integer(65537)))),
        "RSA with a small modulus": seq(rsa_ai, bits(seq(integer(n >> 1536 | 1), integer(65537)))),
        "RSA with a modulus not minimal": seq(rsa_ai, bits(seq(tlv(2, b"\0\0" + n.to_bytes(256, "big")), integer(65537)))),
        "RSA with more": seq(rsa_ai, bits(seq(integer(n), integer(65537), integer(1)))),
        "RSA with more behind": seq(rsa_ai, bits(seq(integer(n), integer(65537)) + b"\0")),
        "RSA with unused bits": seq(rsa_ai, b"\x03" + seq(integer(n), integer(65537))[1:3] + b"\1" + seq(integer(n), integer(65537))[4:]),
        "Ed25519 short": seq(seq(oid("1.3.101.112")), bits(b"\1" * 31)),
        "Ed25519 with NULL parameters": seq(seq(oid("1.3.101.112"), NULL), bits(b"\1" * 32)),
        "X25519 of no length": seq(seq(oid("1.3.101.110")), bits(b"")),
        "unknown algorithm": seq(seq(oid("1.2.3.4")), bits(b"abc")),
        "unknown algorithm with junk": seq(seq(oid("1.2.3.4"), b"\xff"), bits(b"abc")),
        "DSA without parameters": seq(seq(oid("1.2.840.10040.4.1")), bits(integer(5))),
        "DSA with zero": seq(seq(oid("1.2.840.10040.4.1"), seq(integer(3), integer(0), integer(3))), bits(integer(5))),
        "DSA of three": seq(seq(oid("1.2.840.10040.4.1"), seq(integer(3), integer(5), integer(3))), bits(integer(5))),
    }
    for name, info in odd.items():
        case(f"key: {name}", leaf(key=info))
        case(f"key of the root: {name}", leaf(signer=strong, algorithm=RSA_SHA256), [root(key=info)])
        case(f"key of the root, ECDSA: {name}", leaf(signer=LEAF), [root(key=info)])


def paths() -> None:
    ca = lambda length: ca_extensions(bc=extension(BC, seq(boolean(255), integer(length)), CRITICAL))
    lower = certificate(subject=NAME["inter2"], issuer=NAME["inter"], key=INTER2, signer=INTER, extensions=ca_extensions())
    end = leaf(issuer=NAME["inter2"], signer=INTER2)
    for allowed in (0, 1, 2):
        case(f"path length {allowed} of the root, two intermediates", end, [root(extensions=ca(allowed))], [PLAIN_INTER, lower])
        case(f"path length {allowed} of the root, one intermediate", PLAIN_BELOW, [root(extensions=ca(allowed))], [PLAIN_INTER])
        case(f"path length {allowed} of the root, none", PLAIN_LEAF, [root(extensions=ca(allowed))])
        case(f"path length {allowed} of the intermediate", end, middle=[inter(extensions=ca(allowed)), lower])
    # Self-issued: the CA gives its own name a new key.
    renewed = root(key=OTHER, extensions=ca_extensions())
    case("self-issued intermediate", leaf(signer=OTHER), [root(extensions=ca(0))], [renewed])
    case("self-issued intermediate, path length 1", leaf(signer=OTHER), [root(extensions=ca(1))], [renewed])
    case("intermediates in the wrong order", end, middle=[lower, PLAIN_INTER])
    case("intermediate twice", PLAIN_BELOW, middle=[PLAIN_INTER, PLAIN_INTER])
    case("root among the intermediates", PLAIN_BELOW, middle=[PLAIN_ROOT, PLAIN_INTER])
    crossed = inter(subject=NAME["root"], issuer=NAME["inter"], key=ROOT, signer=INTER)
    case("cross-signed in a circle", PLAIN_BELOW, middle=[PLAIN_INTER, crossed])
    case("cross-signed in a circle without a root", PLAIN_BELOW, [root(key=OTHER, signer=OTHER)], [PLAIN_INTER, crossed])
    two = [root(extensions=ca(0)), PLAIN_ROOT]
    case("one of two roots allows it", PLAIN_BELOW, two, [PLAIN_INTER])
    case("leaf with keyCertSign signs", leaf(issuer=NAME["leaf"], subject=NAME["other"], key=OTHER, signer=LEAF), middle=[PLAIN_LEAF])
    case("leaf trusted as a root", leaf(issuer=NAME["leaf"], subject=NAME["other"], key=OTHER, signer=LEAF), [PLAIN_LEAF])
    skid = lambda content: extension("2.5.29.14", octets(content))
    akid = lambda content: extension("2.5.29.35", seq(tlv(0x80, content)))
    for name, has, wants in (("fit", b"1", b"1"), ("differ", b"1", b"2"), ("are missing below", b"1", None), ("are missing above", None, b"1")):
        roots = [root(extensions=ca_extensions(more=skid(has) if has else b""))]
        made = leaf(extensions=leaf_extensions(more=akid(wants) if wants else b""))
        case(f"key identifiers {name}", made, roots)
    many = [root(key=ec_key(100 + number), signer=ec_key(100 + number)) for number in range(99)]
    case("99 namesakes", PLAIN_LEAF, [*many, PLAIN_ROOT])
    many.append(root(key=ec_key(300), signer=ec_key(300)))
    case("100 namesakes", PLAIN_LEAF, [*many, PLAIN_ROOT])
    case("100 namesakes, ours first by its identifier", leaf(extensions=leaf_extensions(more=akid(b"1"))), [*many, root(extensions=ca_extensions(more=skid(b"1")))])
    case("leaf is a CA", leaf(extensions=ca_extensions(more=extension(SAN, seq(dns("leaf.example.com"))))))


def constraints() -> None:
    subtree = lambda name, *more: seq(name, *more)
    nc = lambda permitted=None, excluded=None: seq(
        b"" if permitted is None else tlv(0xA0, *(subtree(one) for one in permitted)),
        b"" if excluded is None else tlv(0xA1, *(subtree(one) for one in excluded)),
    )
    net = lambda address, mask: ip(bytes(address) + bytes(mask))
    encodings = {
        "empty": seq(),
        "permitted empty": seq(tlv(0xA0)),
        "both empty": seq(tlv(0xA0), tlv(0xA1)),
        "permitted empty, excluded not": seq(tlv(0xA0), tlv(0xA1, seq(dns("a")))),
        "more inside": seq(tlv(0xA0, seq(dns("example.com"))), integer(1)),
        "more behind": nc([dns("example.com")]) + integer(1),
        "in the wrong order": seq(tlv(0xA1, seq(dns("a"))), tlv(0xA0, seq(dns("example.com")))),
        "minimum": seq(tlv(0xA0, seq(dns("example.com"), tlv(0x80, b"\0")), seq(net([10, 0, 0, 0], [255, 0, 0, 0])))),
        "directory name": nc([tlv(0xA4, NAME["leaf"])]),
        "directory name and DNS": nc([tlv(0xA4, NAME["leaf"]), dns("example.com"), net([10, 0, 0, 0], [255, 0, 0, 0])]),
        "other name": nc(None, [tlv(0xA0, oid("1.2.3"))]),
        "address of 5 bytes": nc([ip(b"12345")]),
        "address of 4 bytes": nc([ip(b"1234")]),
        "mask with a hole": nc([net([10, 0, 0, 0], [255, 0, 255, 0])]),
        "mask with a hole in a byte": nc([net([10, 0, 0, 0], [253, 0, 0, 0])]),
        "mask of nothing": nc([net([0, 0, 0, 0], [0, 0, 0, 0])]),
        "URI that is an address": nc([uri("1.2.3.4")]),
        "URI that is an IPv6 address": nc([uri("::1")]),
        "DNS with a dot at its end": nc([dns("example.com.")]),
        "DNS with two dots": nc([dns("example..com")]),
        "DNS of a dot": nc([dns(".")]),
        "DNS with é": nc([dns("é")]),
        "DNS with a blank": nc([dns("a b")]),
        "DNS wildcard": nc([dns("*.example.com")]),
        "DNS of everything": nc([dns(""), net([0, 0, 0, 0], [0, 0, 0, 0])]),
        "mail of two @": nc([email("a@b@c")]),
        "mail without a local part": nc([email("@b")]),
        "mail with dots": nc([email("a..b@c")]),
        "mail domain": nc([email("example.com")]),
    }
    for name, value in encodings.items():
        for critical in (b"", CRITICAL):
            word = "critical name constraints" if critical else "name constraints"
            more = extension("2.5.29.30", value, critical)
            case(f"{word}: {name}", PLAIN_LEAF, [root(extensions=ca_extensions(more=more))])
    case("name constraints on the leaf", leaf(extensions=leaf_extensions(more=extension("2.5.29.30", nc([dns("other")]), CRITICAL))))
    case("name constraints on the intermediate", PLAIN_BELOW, middle=[inter(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("other")]), CRITICAL)))])
    case("name constraints on the intermediate, fitting", PLAIN_BELOW, middle=[inter(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("example.com"), net([10, 0, 0, 0], [255, 0, 0, 0])]), CRITICAL)))])
    tables = {
        "DNS": (
            dns,
            [["example.com"], [".example.com"], ["example.com", "a.example.com", "a-a.example.com"], ["EXAMPLE.com"], [""], ["com"], ["x.com", "example.com", "www.example.com"], ["*.example.com"], ["leaf"]],
            ["example.com", "a.example.com", "a.b.example.com", "aexample.com", "EXAMPLE.COM", "example.com.", ".example.com", "", "*.example.com", "*.com", "*", "example.org", "a b.example.com", "leaf", "com", "a..example.com", "*.a.example.com", "a-a.example.com"],
        ),
        "URI": (
            uri,
            [["example.com"], [".example.com"], ["EXAMPLE.com", "x.org"], [""]],
            ["http://example.com/", "http://a.example.com:80/x", "http://EXAMPLE.COM", "http://example.org/", "urn:a", "http://1.2.3.4/", "http://[::1]/", "http://[::1]:80/", "http://user@example.com/", "http://example.com:/", "spiffe://a:1:2/", "spiffe://example.com", "http:///x", "/x", "http://1.2.3.4:80/"],
        ),
        "mail": (
            email,
            [["example.com"], [".example.com"], ["a@example.com"], ["A@EXAMPLE.com", "x.org"], ['"a"@example.com'], [""]],
            ["a@example.com", "b@example.com", "A@example.com", "a@EXAMPLE.COM", "a@b.example.com", "a@example.org", "nobody", "", "@example.com", "a@", '"a"@example.com', '"a b"@example.com', "a\\b@example.com", "a..b@example.com", "a@x.org", "a@example.com.", "a@exam ple.com", '"a\\"@example.com', "\\@example.com"],
        ),
    }  # fmt: skip
    for form, (make, all_constraints, all_names) in tables.items():
        for constraint in all_constraints:
            shown = " ".join(constraint) or "everything"
            for word, value in (("permits", nc([make(one) for one in constraint])), ("excludes", nc(None, [make(one) for one in constraint]))):
                odd_root = root(extensions=ca_extensions(more=extension("2.5.29.30", value, CRITICAL)))
                for name in all_names:
                    extensions = leaf_extensions(san=extension(SAN, seq(make(name))))
                    case(f"{form}: {word} {shown}: {name!a}", leaf(extensions=extensions), [odd_root])
    four, six = lambda *parts: bytes(parts), lambda first, last: bytes([first]) + b"\0" * 14 + bytes([last])
    mapped = lambda *parts: b"\0" * 10 + b"\xff\xff" + bytes(parts)
    full6, none6 = b"\xff" * 16, b"\0" * 16
    ranges = {
        "10/8": [ip(four(10, 0, 0, 0) + four(255, 0, 0, 0))],
        "10.0.0.5/8": [ip(four(10, 0, 0, 5) + four(255, 0, 0, 0))],
        "9/8 and 10.0.0.5/8": [ip(four(9, 0, 0, 0) + four(255, 0, 0, 0)), ip(four(10, 0, 0, 5) + four(255, 0, 0, 0))],
        "10.0.0.1/32, 10/8": [ip(four(10, 0, 0, 1) + four(255, 255, 255, 255)), ip(four(10, 0, 0, 0) + four(255, 0, 0, 0))],
        "0/0": [ip(four(0, 0, 0, 0) + four(0, 0, 0, 0))],
        "fd00::/8": [ip(six(0xFD, 0) + b"\xff" + b"\0" * 15)],
        "::/0": [ip(none6 + none6)],
        "fd00::1/128": [ip(six(0xFD, 1) + full6)],
        "mapped 10.0.0.1/128": [ip(mapped(10, 0, 0, 1) + full6)],
        "mapped 10/104": [ip(mapped(10, 0, 0, 0) + b"\xff" * 13 + b"\0" * 3)],
        "10/9 and 10.128/9": [ip(four(10, 0, 0, 0) + four(255, 128, 0, 0)), ip(four(10, 128, 0, 0) + four(255, 128, 0, 0))],
        "192.168.0/17": [ip(four(192, 168, 0, 0) + four(255, 255, 128, 0))],
    }
    addresses = {
        "10.0.0.1": four(10, 0, 0, 1), "10.0.0.5": four(10, 0, 0, 5), "10.200.0.0": four(10, 200, 0, 0), "11.0.0.1": four(11, 0, 0, 1), "9.9.9.9": four(9, 9, 9, 9), "0.0.0.0": four(0, 0, 0, 0),
        "fd00::1": six(0xFD, 1), "fe00::1": six(0xFE, 1), "::": none6, "mapped 10.0.0.1": mapped(10, 0, 0, 1), "192.168.127.255": four(192, 168, 127, 255), "192.168.128.0": four(192, 168, 128, 0),
    }  # fmt: skip
    for shown, value in ranges.items():
        for word, constraint in (("permits", nc(value)), ("excludes", nc(None, value))):
            odd_root = root(extensions=ca_extensions(more=extension("2.5.29.30", constraint, CRITICAL)))
            for name, content in addresses.items():
                extensions = leaf_extensions(san=extension(SAN, seq(ip(content))))
                case(f"IP: {word} {shown}: {name}", leaf(extensions=extensions), [odd_root])
    dns_only = root(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("example.com")], [dns("bad.example.com")]), CRITICAL)))
    for name in ("good.example.com", "bad.example.com", "x.bad.example.com", "example.org"):
        case(f"permitted and excluded: {name}", leaf(extensions=leaf_extensions(san=extension(SAN, seq(dns(name))))), [dns_only])
    case("constraints and no names", leaf(subject=common_name("evil.example.org"), extensions=leaf_extensions(san=b"")), [dns_only])
    case("constraints and a directory name", leaf(extensions=leaf_extensions(san=extension(SAN, seq(tlv(0xA4, NAME["other"]))))), [dns_only])
    case("constraints on DNS, an address and a mail that is none", leaf(extensions=leaf_extensions(san=extension(SAN, seq(email("nobody"))))), [dns_only])
    case("constraints on DNS and a URI without a host", leaf(extensions=leaf_extensions(san=extension(SAN, seq(uri("urn:a"))))), [dns_only])
    named_inter = inter(extensions=ca_extensions(more=extension(SAN, seq(dns("inter.example.org")))))
    case("constraints on the names of an intermediate", PLAIN_BELOW, [dns_only], [named_inter])
    strict = inter(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("a.example.com")]), CRITICAL)))
    for name in ("a.example.com", "b.example.com"):
        case(f"constraints at two levels: {name}", below(extensions=leaf_extensions(san=extension(SAN, seq(dns(name))))), [dns_only], [strict])
    case("constraints of one of two roots", leaf(extensions=leaf_extensions(san=extension(SAN, seq(dns("x.org"))))), [dns_only, PLAIN_ROOT])


def policies() -> None:
    policy = lambda *kinds: extension("2.5.29.32", seq(*(seq(oid(kind)) for kind in kinds)))
    constraint = lambda explicit=None, mapping=None: extension(
        "2.5.29.36",
        seq(b"" if explicit is None else tlv(0x80, bytes([explicit])), b"" if mapping is None else tlv(0x81, bytes([mapping]))),
        CRITICAL,
    )
    mapping = lambda *pairs: extension("2.5.29.33", seq(*(seq(oid(one), oid(two)) for one, two in pairs)))
    inhibit = lambda skip: extension("2.5.29.54", integer(skip), CRITICAL)
    any_policy, p1, p2 = "2.5.29.32.0", "1.2.3.1", "1.2.3.2"
    of_leaf = {"none": b"", "P1": policy(p1), "P2": policy(p2), "any": policy(any_policy), "asks": policy(p1) + constraint(0), "asks without one": constraint(0)}
    of_inter = {
        "none": b"", "asks": constraint(0), "asks later": constraint(1), "P1, asks": policy(p1) + constraint(0), "any, asks": policy(any_policy) + constraint(0),
        "P1 to P2, asks": policy(p1) + mapping((p1, p2)) + constraint(0), "any to P2": policy(any_policy) + mapping((any_policy, p2)),
        "P1 to P2 inhibited": policy(p1) + mapping((p1, p2)) + constraint(0, 0), "any, asks, inhibits any": policy(any_policy) + constraint(0) + inhibit(0),
        "any and a mapping, asks": policy(any_policy) + mapping((p1, p2)) + constraint(0), "P1 P2, asks": policy(p1, p2) + constraint(0),
    }  # fmt: skip
    of_root = {"none": b"", "asks": constraint(0), "P1": policy(p1)}
    upper = {"none": None, "P1": policy(p1), "any": policy(any_policy), "inhibits mapping": policy(p1) + constraint(None, 0), "inhibits any": policy(any_policy) + inhibit(0), "asks, any": policy(any_policy) + constraint(0)}
    for leaf_name, leaf_more in of_leaf.items():
        for inter_name, inter_more in of_inter.items():
            for root_name, root_more in of_root.items():
                case(
                    f"policies: leaf {leaf_name}, intermediate {inter_name}, root {root_name}",
                    below(extensions=leaf_extensions(more=leaf_more)),
                    [root(extensions=ca_extensions(more=root_more))],
                    [inter(extensions=ca_extensions(more=inter_more))],
                )
            for upper_name, upper_more in upper.items():
                if upper_more is None or leaf_name == "asks":
                    continue
                top = inter(subject=NAME["inter2"], key=INTER2, extensions=ca_extensions(more=upper_more))
                low = inter(issuer=NAME["inter2"], signer=INTER2, extensions=ca_extensions(more=inter_more))
                case(
                    f"policies: leaf {leaf_name}, lower {inter_name}, upper {upper_name}",
                    below(extensions=leaf_extensions(more=leaf_more)),
                    middle=[low, top],
                )


class Node:
    """An element: with children, or with content. OCTET STRINGs that hold DER have children too."""

    def __init__(self, tag: int, content: bytes, children: list[Node] | None) -> None:
        self.tag, self.content, self.children = tag, content, children

    @classmethod
    def all_of(cls, der: bytes) -> list[Node]:
        nodes = []
        while der:
            tag, size, start = der[0], der[1], 2
            if size & 0x80:
                start += size & 0x7F
                size = int.from_bytes(der[2:start], "big")
            content, der = der[start : start + size], der[start + size :]
            if len(content) != size:
                raise ValueError("cut off")
            children = None
            if tag & 0x20 or tag == 4:
                try:
                    children = cls.all_of(content)
                except (ValueError, IndexError):
                    children = None
            nodes.append(cls(tag, content, children))
        return nodes

    def encode(self) -> bytes:
        content = self.content if self.children is None else b"".join(child.encode() for child in self.children)
        return tlv(self.tag, content)

    def below(self) -> list[tuple[Node, int]]:
        """Every element below, as its parent and position."""
        found = []
        for position, child in enumerate(self.children or []):
            found += [(self, position), *child.below()]
        return found


TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1E, 0x30, 0x31)
OTHER_TAGS = (0x80, 0x81, 0x82, 0x83, 0x84, 0x86, 0x87, 0x88, 0xA0, 0xA1, 0xA2, 0xA3, 0xA4)


def mutate_tree(chance: random.Random, body: bytes) -> bytes:
    """Changes one or two elements; lengths fit afterwards."""
    (tree,) = Node.all_of(body)
    for _ in range(chance.choice((1, 1, 2))):
        parent, at = chance.choice(tree.below())
        if at >= len(parent.children):
            continue
        node = parent.children[at]
        kind = chance.randrange(8)
        if kind == 0:
            del parent.children[at]
        elif kind == 1:
            parent.children.insert(at, node)
        elif kind == 2:
            node.tag = chance.choice(TAGS + OTHER_TAGS)
        elif kind == 3:
            other = chance.randrange(len(parent.children))
            parent.children[at], parent.children[other] = parent.children[other], parent.children[at]
        elif node.children is None or kind == 4:
            content = bytearray(node.content)
            if kind == 5 and content:
                content[chance.randrange(len(content))] = chance.choice((0, 1, 0x20, 0x2E, 0x2F, 0x3A, 0x40, 0x5B, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            elif kind == 6 and content:
                del content[chance.randrange(len(content))]
            elif kind == 7:
                content.insert(chance.randrange(len(content) + 1), chance.choice((0, 0x2E, 0x40, 0x80, 0xFF, chance.randrange(256))))
            elif content:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            node.content, node.children = bytes(content), None
        else:
            parent.children.insert(chance.randrange(len(parent.children) + 1), Node.all_of(chance.choice((integer(0), NULL, boolean(255), text(12, "x"), octets(b""))))[0])
    return tree.encode()


def mutate_bytes(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        place = chance.randrange(4, len(changed))
        kind = chance.randrange(4)
        if kind == 0:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[place] = chance.choice((*TAGS, *OTHER_TAGS, 0x00, 0xFF, chance.randrange(256)))
        elif kind == 2:
            changed[place] = (changed[place] + chance.choice((-1, 1))) % 256
        else:
            other = chance.randrange(4, len(changed))
            changed[place], changed[other] = changed[other], changed[place]
    return bytes(changed)


def mutants(seed: int, count: int) -> list[dict]:
    """Certificates with something changed, most signed again; each as edits of another, and whether it is a root."""
    chance = random.Random(seed)
    rich_names = seq(dns("a.example.com"), ip(b"\x0a\0\0\1"), uri("https://a.example.com:80/x"), email("a@b.example.com"))
    policy = extension("2.5.29.32", seq(seq(oid("1.2.3"))))
    rich_leaf = leaf(
        extensions=leaf_extensions(
            san=extension(SAN, rich_names),
            more=policy
            + extension("2.5.29.35", seq(tlv(0x80, b"12345")))
            + extension("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://a/"))))
            + extension("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA0, uri("http://a/")))))),
        )
    )
    permitted = tlv(0xA0, seq(dns("example.com")), seq(ip(bytes([10, 0, 0, 0, 255, 0, 0, 0]))), seq(email("example.com")))
    excluded = tlv(0xA1, seq(dns("bad.example.com")), seq(uri(".bad.example.com")))
    rich_root = root(
        extensions=ca_extensions(
            bc=extension(BC, seq(boolean(255), integer(1)), CRITICAL),
            more=extension("2.5.29.30", seq(permitted, excluded), CRITICAL)
            + extension(EKU, usages(SERVER, CLIENT))
            + extension("2.5.29.36", seq(tlv(0x80, b"\5"), tlv(0x81, b"\1")), CRITICAL)
            + extension("2.5.29.54", integer(0), CRITICAL)
            + extension("2.5.29.14", octets(b"12345")),
        )
    )
    certificates["rich"], certificates["rich root"] = rich_leaf, rich_root
    bases = {"leaf": PLAIN_LEAF, "rich": rich_leaf, "rich root": rich_root}
    made = []
    for number in range(count):
        base = chance.choice(list(bases))
        der = bases[base]
        body, tail = seq_content(der)
        changed = mutate_bytes(chance, body) if number % 4 == 0 else mutate_tree(chance, body)
        if number % 8 != 0:
            # The inner algorithm stands in the signed part: when it was changed, the outer one no longer fits.
            tail = SHA256 + bits(sign(ROOT, changed))
        made.append({"base": base, "edits": edits(der, seq(changed, tail)), "is_root": base == "rich root"})
    return made


def seq_content(der: bytes) -> tuple[bytes, bytes]:
    """The signed part of a certificate, and what comes behind it."""
    (certificate_,) = Node.all_of(der)
    parts = [part.encode() for part in certificate_.children]
    return parts[0], b"".join(parts[1:])


def edits(old: bytes, new: bytes) -> list[list]:
    """Differences of two certificates, as [offset in the old, bytes taken away, bytes put there]."""
    found: list[list] = []
    for word, start, end, new_start, new_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if word == "equal":
            continue
        if found and start - (found[-1][0] + found[-1][1]) < 6:
            # Short equal parts cost more to leave out than to write again.
            last = found[-1]
            between = old[last[0] + last[1] : start]
            found[-1] = [last[0], end - last[0], last[2] + between.hex() + new[new_start:new_end].hex()]
        else:
            found.append([start, end - start, new[new_start:new_end].hex()])
    return found


def packed(name: str, der: bytes, place: dict[str, int]) -> list:
    """A certificate as edits of a plain one, by its position, or as it is."""
    plain = {"leaf": PLAIN_LEAF, "root": PLAIN_ROOT, "inter": PLAIN_INTER, "below": PLAIN_BELOW}
    if name in plain:
        return [None, der.hex()]
    kind = name.rsplit("/", 1)[-1].rstrip("0123456789")
    base = {"root": "root", "intermediate": "inter"}.get(kind, "leaf")
    return [place[base], edits(plain[base], der)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--mutants", type=int, default=1600)
    parser.add_argument("--output", type=Path, default=HERE / "corpus.json")
    options = parser.parse_args()
    for part in (plain, times, heads, names, alternative_names, extensions, keys, paths, constraints, policies):
        part()
    changed = mutants(options.seed, options.mutants)
    everything = dict(certificates)
    for number, one in enumerate(changed):
        der = bytearray(certificates[one["base"]])
        for offset, taken, put in reversed(one["edits"]):
            der[offset : offset + taken] = bytes.fromhex(put)
        everything[f"mutant {number}"] = bytes(der)
    asked = cases + [
        {
            "name": f"mutant {number}",
            "leaf": "rich" if one["is_root"] else f"mutant {number}",
            "intermediates": [],
            "roots": [f"mutant {number}" if one["is_root"] else "rich root" if one["base"] == "rich" else "root"],
            "at": AT,
        }
        for number, one in enumerate(changed)
    ]
    question = {"certificates": {name: base64.b64encode(der).decode() for name, der in everything.items()}, "cases": asked}
    answer = subprocess.run(["go", "run", "."], cwd=HERE / "judge", input=json.dumps(question), capture_output=True, text=True, check=True)
    verdict = json.loads(answer.stdout)
    for one in cases:
        one["verdict"] = verdict["cases"][one["name"]]
    flags = lambda found: "".join(letter for letter, use in (("a", "any"), ("s", "server"), ("c", "client")) if not found[use])
    place = {name: position for position, name in enumerate(certificates)}
    parts = {
        # How each is made, and Go's message if it cannot read it.
        "certificates": [[*packed(name, der, place), verdict["certificates"][name]] for name, der in certificates.items()],
        # Name, leaf, intermediates, roots, moment, verdict (any purpose, server, client), Go's message.
        "cases": [
            [
                one["name"],
                place[one["leaf"]],
                [place[name] for name in one["intermediates"]],
                [place[name] for name in one["roots"]],
                one["at"],
                flags(one["verdict"]),
                one["verdict"]["any"],
            ]
            for one in cases
        ],
        # A certificate, edits of it, whether Go reads the result, its leaf and its root (none: itself), verdict.
        "mutants": [
            [
                place[one["base"]],
                one["edits"],
                not verdict["certificates"][f"mutant {number}"],
                place.get(asked[len(cases) + number]["leaf"]),
                place.get(asked[len(cases) + number]["roots"][0]),
                flags(verdict["cases"][f"mutant {number}"]),
            ]
            for number, one in enumerate(changed)
        ],
    }
    short = lambda value: json.dumps(value, separators=(",", ":"))
    lists = [f'"{name}":[\n' + ",\n".join(short(one) for one in part) + "\n]" for name, part in parts.items()]
    options.output.write_text(f'{{"go":"{verdict["go"]}",\n' + ",\n".join(lists) + "}\n")
    read = sum(not one[2] for one in parts["certificates"])
    good = sum(bool(one[5]) for one in parts["cases"])
    print(f"{len(certificates)} certificates, {read} read; {len(cases)} cases, {good} verified;", end=" ")
    print(f"{len(changed)} mutants, {sum(one[2] for one in parts['mutants'])} read, {sum(bool(one[5]) for one in parts['mutants'])} verified")


if __name__ == "__main__":
    main()

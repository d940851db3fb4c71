"""Chains, times, the fields in front of the extensions, names."""

from __future__ import annotations

from build import (
    LEAF,
    NAME,
    OTHER,
    PLAIN_BELOW,
    PLAIN_INTER,
    PLAIN_LEAF,
    PLAIN_ROOT,
    ROOT,
    RSA_SHA256,
    SAN,
    below,
    case,
    certificates,
    inter,
    ip,
    leaf,
    leaf_extensions,
    on_each,
    root,
    sign,
    utc,
)
from der import NULL, attribute, bits, common_name, extension, integer, octets, oid, seq, set_of, text, tlv


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
    case(
        "expired and valid root",
        PLAIN_LEAF,
        [root(validity=seq(utc("200101000000Z"), utc("210101000000Z"))), PLAIN_ROOT],
    )
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

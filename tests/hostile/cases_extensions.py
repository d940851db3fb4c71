"""Alternative names and all other extensions."""

from __future__ import annotations

from build import (
    ANY,
    BC,
    CLIENT,
    EKU,
    KU,
    NAME,
    PLAIN_BELOW,
    PLAIN_INTER,
    PLAIN_LEAF,
    SAN,
    SERVER,
    below,
    ca_extensions,
    case,
    dns,
    email,
    inter,
    ip,
    key_usage,
    leaf,
    leaf_extensions,
    on_each,
    root,
    uri,
    usages,
)
from der import CRITICAL, NULL, bits, boolean, extension, integer, octets, oid, seq, set_of, text, tlv


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
        case(
            f"critical alternative names: {name}", leaf(extensions=leaf_extensions(san=extension(SAN, value, CRITICAL)))
        )
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
        "policies with a qualifier": (
            "2.5.29.32",
            seq(seq(oid("1.2.3"), seq(seq(oid("1.3.6.1.5.5.7.2.1"), text(22, "u"))))),
        ),
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
        "CRL distribution points by a relative name": (
            "2.5.29.31",
            seq(seq(tlv(0xA0, tlv(0xA1, seq(oid("2.5.4.3"), text(12, "a")))))),
        ),
        "CRL distribution points empty": ("2.5.29.31", seq()),
        "CRL distribution points that are none": ("2.5.29.31", NULL),
        "freshest CRL": ("2.5.29.46", seq()),
        "issuer alternative name": ("2.5.29.18", seq(dns("a"))),
        "private key usage period": ("2.5.29.16", seq(tlv(0x80, b"20250101000000Z"))),
        "subject directory attributes": ("2.5.29.9", seq()),
        "authority information access": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://a/")))),
        "authority information access by a name": (
            "1.3.6.1.5.5.7.1.1",
            seq(seq(oid("1.3.6.1.5.5.7.48.1"), tlv(0xA4, NAME["root"]))),
        ),
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
        "basic constraints with a path length of 2^63-1": (
            "bc",
            extension(BC, seq(boolean(255), integer((1 << 63) - 1))),
        ),
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
            case(
                f"{word} {name} on the intermediate", PLAIN_BELOW, middle=[inter(extensions=ca_extensions(more=value))]
            )
            case(f"{word} {name} on the root", PLAIN_LEAF, [root(extensions=ca_extensions(more=value))])
    case("usages missing", leaf(extensions=leaf_extensions(eku=b"")))
    case("usages that are none", leaf(extensions=leaf_extensions(eku=extension(EKU, NULL))))
    case("usages that are strings", leaf(extensions=leaf_extensions(eku=extension(EKU, seq(text(12, "serverAuth"))))))
    split = inter(extensions=ca_extensions(more=extension(EKU, usages(SERVER))))
    case(
        "usages that exclude each other",
        below(extensions=leaf_extensions(eku=extension(EKU, usages(CLIENT)))),
        middle=[split],
    )

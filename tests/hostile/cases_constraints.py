"""Name constraints and certificate policies."""

from __future__ import annotations

from build import (
    INTER2,
    NAME,
    PLAIN_BELOW,
    PLAIN_LEAF,
    PLAIN_ROOT,
    SAN,
    below,
    ca_extensions,
    case,
    dns,
    email,
    inter,
    ip,
    leaf,
    leaf_extensions,
    root,
    uri,
)
from der import CRITICAL, common_name, extension, integer, oid, seq, tlv


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
    case(
        "name constraints on the leaf",
        leaf(extensions=leaf_extensions(more=extension("2.5.29.30", nc([dns("other")]), CRITICAL))),
    )
    case(
        "name constraints on the intermediate",
        PLAIN_BELOW,
        middle=[inter(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("other")]), CRITICAL)))],
    )
    case(
        "name constraints on the intermediate, fitting",
        PLAIN_BELOW,
        middle=[
            inter(
                extensions=ca_extensions(
                    more=extension("2.5.29.30", nc([dns("example.com"), net([10, 0, 0, 0], [255, 0, 0, 0])]), CRITICAL)
                )
            )
        ],
    )
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
            for word, value in (
                ("permits", nc([make(one) for one in constraint])),
                ("excludes", nc(None, [make(one) for one in constraint])),
            ):
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
        "10.0.0.1/32, 10/8": [
            ip(four(10, 0, 0, 1) + four(255, 255, 255, 255)),
            ip(four(10, 0, 0, 0) + four(255, 0, 0, 0)),
        ],
        "0/0": [ip(four(0, 0, 0, 0) + four(0, 0, 0, 0))],
        "fd00::/8": [ip(six(0xFD, 0) + b"\xff" + b"\0" * 15)],
        "::/0": [ip(none6 + none6)],
        "fd00::1/128": [ip(six(0xFD, 1) + full6)],
        "mapped 10.0.0.1/128": [ip(mapped(10, 0, 0, 1) + full6)],
        "mapped 10/104": [ip(mapped(10, 0, 0, 0) + b"\xff" * 13 + b"\0" * 3)],
        "10/9 and 10.128/9": [
            ip(four(10, 0, 0, 0) + four(255, 128, 0, 0)),
            ip(four(10, 128, 0, 0) + four(255, 128, 0, 0)),
        ],
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
    dns_only = root(
        extensions=ca_extensions(
            more=extension("2.5.29.30", nc([dns("example.com")], [dns("bad.example.com")]), CRITICAL)
        )
    )
    for name in ("good.example.com", "bad.example.com", "x.bad.example.com", "example.org"):
        case(
            f"permitted and excluded: {name}",
            leaf(extensions=leaf_extensions(san=extension(SAN, seq(dns(name))))),
            [dns_only],
        )
    case(
        "constraints and no names",
        leaf(subject=common_name("evil.example.org"), extensions=leaf_extensions(san=b"")),
        [dns_only],
    )
    case(
        "constraints and a directory name",
        leaf(extensions=leaf_extensions(san=extension(SAN, seq(tlv(0xA4, NAME["other"]))))),
        [dns_only],
    )
    case(
        "constraints on DNS, an address and a mail that is none",
        leaf(extensions=leaf_extensions(san=extension(SAN, seq(email("nobody"))))),
        [dns_only],
    )
    case(
        "constraints on DNS and a URI without a host",
        leaf(extensions=leaf_extensions(san=extension(SAN, seq(uri("urn:a"))))),
        [dns_only],
    )
    named_inter = inter(extensions=ca_extensions(more=extension(SAN, seq(dns("inter.example.org")))))
    case("constraints on the names of an intermediate", PLAIN_BELOW, [dns_only], [named_inter])
    strict = inter(extensions=ca_extensions(more=extension("2.5.29.30", nc([dns("a.example.com")]), CRITICAL)))
    for name in ("a.example.com", "b.example.com"):
        case(
            f"constraints at two levels: {name}",
            below(extensions=leaf_extensions(san=extension(SAN, seq(dns(name))))),
            [dns_only],
            [strict],
        )
    case(
        "constraints of one of two roots",
        leaf(extensions=leaf_extensions(san=extension(SAN, seq(dns("x.org"))))),
        [dns_only, PLAIN_ROOT],
    )


def policies() -> None:
    policy = lambda *kinds: extension("2.5.29.32", seq(*(seq(oid(kind)) for kind in kinds)))
    constraint = lambda explicit=None, mapping=None: extension(
        "2.5.29.36",
        seq(
            b"" if explicit is None else tlv(0x80, bytes([explicit])),
            b"" if mapping is None else tlv(0x81, bytes([mapping])),
        ),
        CRITICAL,
    )
    mapping = lambda *pairs: extension("2.5.29.33", seq(*(seq(oid(one), oid(two)) for one, two in pairs)))
    inhibit = lambda skip: extension("2.5.29.54", integer(skip), CRITICAL)
    any_policy, p1, p2 = "2.5.29.32.0", "1.2.3.1", "1.2.3.2"
    of_leaf = {
        "none": b"",
        "P1": policy(p1),
        "P2": policy(p2),
        "any": policy(any_policy),
        "asks": policy(p1) + constraint(0),
        "asks without one": constraint(0),
    }
    of_inter = {
        "none": b"", "asks": constraint(0), "asks later": constraint(1), "P1, asks": policy(p1) + constraint(0), "any, asks": policy(any_policy) + constraint(0),
        "P1 to P2, asks": policy(p1) + mapping((p1, p2)) + constraint(0), "any to P2": policy(any_policy) + mapping((any_policy, p2)),
        "P1 to P2 inhibited": policy(p1) + mapping((p1, p2)) + constraint(0, 0), "any, asks, inhibits any": policy(any_policy) + constraint(0) + inhibit(0),
        "any and a mapping, asks": policy(any_policy) + mapping((p1, p2)) + constraint(0), "P1 P2, asks": policy(p1, p2) + constraint(0),
    }  # fmt: skip
    of_root = {"none": b"", "asks": constraint(0), "P1": policy(p1)}
    upper = {
        "none": None,
        "P1": policy(p1),
        "any": policy(any_policy),
        "inhibits mapping": policy(p1) + constraint(None, 0),
        "inhibits any": policy(any_policy) + inhibit(0),
        "asks, any": policy(any_policy) + constraint(0),
    }
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

"""Keys, signatures, and paths to a trusted certificate."""

from __future__ import annotations

from build import (
    BC,
    INTER,
    INTER2,
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
    ca_extensions,
    case,
    certificate,
    dns,
    ec_key,
    inter,
    leaf,
    leaf_extensions,
    root,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from der import CRITICAL, NULL, bits, boolean, extension, integer, octets, oid, seq, tlv


def keys() -> None:
    rsa_keys = {size: rsa.generate_private_key(65537, size) for size in (1024, 1536, 2048, 3072, 4096)}
    small = rsa.generate_private_key(3, 2048)
    dsa_key = dsa.generate_private_key(1024)
    ed = ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    for size, key in rsa_keys.items():
        case(f"RSA {size} in the leaf", leaf(key=key))
        for hash_, number in (
            (hashes.SHA256(), 11),
            (hashes.SHA384(), 12),
            (hashes.SHA512(), 13),
            (hashes.SHA1(), 5),
            (hashes.MD5(), 4),
        ):
            made = {"signer": key, "algorithm": seq(oid(f"1.2.840.113549.1.1.{number}"), NULL), "hash_": hash_}
            case(f"RSA {size} by {hash_.name}", leaf(**made), [root(key=key)])
    weak = {"key": small, "algorithm": RSA_SHA256, "signer": small}
    case("RSA with e = 3", leaf(algorithm=RSA_SHA256, signer=small), [root(**weak)])
    strong = rsa_keys[2048]
    case(
        "RSA algorithm without parameters",
        leaf(signer=strong, algorithm=seq(oid("1.2.840.113549.1.1.11"))),
        [root(key=strong)],
    )
    case(
        "RSA algorithm with other parameters",
        leaf(signer=strong, algorithm=seq(oid("1.2.840.113549.1.1.11"), integer(5))),
        [root(key=strong)],
    )
    case(
        "RSA signature too short",
        leaf(signer=strong, algorithm=RSA_SHA256, signature=bits(b"\1" * 255)),
        [root(key=strong)],
    )
    case("RSA signature by another key", leaf(signer=rsa_keys[3072], algorithm=RSA_SHA256), [root(key=strong)])
    case("ECDSA algorithm, RSA key", leaf(signer=strong), [root(key=strong)])
    case(
        "ISO's SHA-1",
        leaf(signer=strong, hash_=hashes.SHA1(), algorithm=seq(oid("1.3.14.3.2.29"), NULL)),
        [root(key=strong)],
    )
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
    for name, curve in {
        "P-224": ec.SECP224R1(),
        "P-256": ec.SECP256R1(),
        "P-384": ec.SECP384R1(),
        "P-521": ec.SECP521R1(),
    }.items():
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
    case(
        "Ed25519 false", leaf(signer=ed, algorithm=seq(oid("1.3.101.112")), signature=bits(b"\1" * 64)), [root(key=ed)]
    )
    case("Ed448 in the leaf", leaf(key=ed448.Ed448PrivateKey.generate()))
    case("Ed448 in the root", PLAIN_LEAF, [root(key=ed448.Ed448PrivateKey.generate())])
    case("X25519 in the leaf", leaf(key=x25519.X25519PrivateKey.from_private_bytes(b"\1" * 32)))
    case("DSA in the leaf", leaf(key=dsa_key))
    signed = {"signature": bits(dsa_key.sign(b"x", hashes.SHA256())), "algorithm": seq(oid("2.16.840.1.101.3.4.3.2"))}
    case("DSA signs", leaf(**signed), [root(key=dsa_key)])
    for name, curve in {
        "secp256k1": ec.SECP256K1(),
        "brainpool": ec.BrainpoolP256R1(),
        "P-192": ec.SECP192R1(),
    }.items():
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
        "EC with two parameters": seq(
            seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"), NULL), bits(b"\4" + x + y)
        ),
        "ECDH's identifier": seq(seq(oid("1.3.132.1.12"), oid("1.2.840.10045.3.1.7")), bits(b"\4" + x + y)),
        "more behind the key": seq(p256, bits(b"\4" + x + y), NULL),
        "key that is an OCTET STRING": seq(p256, octets(b"\4" + x + y)),
        "RSA without NULL": seq(seq(oid("1.2.840.113549.1.1.1")), bits(seq(integer(n), integer(65537)))),
        "RSA with other parameters": seq(
            seq(oid("1.2.840.113549.1.1.1"), integer(1)), bits(seq(integer(n), integer(65537)))
        ),
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
        "RSA with a modulus not minimal": seq(
            rsa_ai, bits(seq(tlv(2, b"\0\0" + n.to_bytes(256, "big")), integer(65537)))
        ),
        "RSA with more": seq(rsa_ai, bits(seq(integer(n), integer(65537), integer(1)))),
        "RSA with more behind": seq(rsa_ai, bits(seq(integer(n), integer(65537)) + b"\0")),
        "RSA with unused bits": seq(
            rsa_ai, b"\x03" + seq(integer(n), integer(65537))[1:3] + b"\1" + seq(integer(n), integer(65537))[4:]
        ),
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
    lower = certificate(
        subject=NAME["inter2"], issuer=NAME["inter"], key=INTER2, signer=INTER, extensions=ca_extensions()
    )
    end = leaf(issuer=NAME["inter2"], signer=INTER2)
    for allowed in (0, 1, 2):
        case(
            f"path length {allowed} of the root, two intermediates",
            end,
            [root(extensions=ca(allowed))],
            [PLAIN_INTER, lower],
        )
        case(
            f"path length {allowed} of the root, one intermediate",
            PLAIN_BELOW,
            [root(extensions=ca(allowed))],
            [PLAIN_INTER],
        )
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
    case(
        "cross-signed in a circle without a root", PLAIN_BELOW, [root(key=OTHER, signer=OTHER)], [PLAIN_INTER, crossed]
    )
    two = [root(extensions=ca(0)), PLAIN_ROOT]
    case("one of two roots allows it", PLAIN_BELOW, two, [PLAIN_INTER])
    case(
        "leaf with keyCertSign signs",
        leaf(issuer=NAME["leaf"], subject=NAME["other"], key=OTHER, signer=LEAF),
        middle=[PLAIN_LEAF],
    )
    case(
        "leaf trusted as a root", leaf(issuer=NAME["leaf"], subject=NAME["other"], key=OTHER, signer=LEAF), [PLAIN_LEAF]
    )
    skid = lambda content: extension("2.5.29.14", octets(content))
    akid = lambda content: extension("2.5.29.35", seq(tlv(0x80, content)))
    for name, has, wants in (
        ("fit", b"1", b"1"),
        ("differ", b"1", b"2"),
        ("are missing below", b"1", None),
        ("are missing above", None, b"1"),
    ):
        roots = [root(extensions=ca_extensions(more=skid(has) if has else b""))]
        made = leaf(extensions=leaf_extensions(more=akid(wants) if wants else b""))
        case(f"key identifiers {name}", made, roots)
    many = [root(key=ec_key(100 + number), signer=ec_key(100 + number)) for number in range(99)]
    case("99 namesakes", PLAIN_LEAF, [*many, PLAIN_ROOT])
    many.append(root(key=ec_key(300), signer=ec_key(300)))
    case("100 namesakes", PLAIN_LEAF, [*many, PLAIN_ROOT])
    case(
        "100 namesakes, ours first by its identifier",
        leaf(extensions=leaf_extensions(more=akid(b"1"))),
        [*many, root(extensions=ca_extensions(more=skid(b"1")))],
    )
    case("leaf is a CA", leaf(extensions=ca_extensions(more=extension(SAN, seq(dns("leaf.example.com"))))))

"""Certificates by hand: a builder with a sound default for each part, and the register of all that was made."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from der import CRITICAL, NULL, bits, boolean, common_name, extension, integer, oid, seq, text, tlv

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
    body = seq(version, serial, algorithm, issuer, validity, subject, spki(key), after_key, extended, after_extensions)
    made = bits(sign(signer, body, hash_, pss)) if signature is None else signature
    return seq(body, outer or algorithm, made, behind)


NAME = {name: common_name(name) for name in ["root", "inter", "inter2", "leaf", "other"]}


def root(**change) -> bytes:
    wanted = {
        "subject": NAME["root"],
        "issuer": NAME["root"],
        "key": ROOT,
        "signer": ROOT,
        "extensions": ca_extensions(),
    }
    return certificate(**(wanted | change))


def inter(**change) -> bytes:
    wanted = {
        "subject": NAME["inter"],
        "issuer": NAME["root"],
        "key": INTER,
        "signer": ROOT,
        "extensions": ca_extensions(),
    }
    return certificate(**(wanted | change))


def leaf(**change) -> bytes:
    wanted = {
        "subject": NAME["leaf"],
        "issuer": NAME["root"],
        "key": LEAF,
        "signer": ROOT,
        "extensions": leaf_extensions(),
    }
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

"""DER by hand: what libraries refuse to write is what the corpus is made of."""

from __future__ import annotations


def length(count: int) -> bytes:
    if count < 128:
        return bytes([count])
    digits = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag]) + length(len(content)) + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *parts)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = b""
    for number in [first * 40 + second, *rest]:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.insert(0, number & 0x7F | 0x80)
        content += bytes(digits)
    return tlv(0x06, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    return tlv(0x03, bytes([unused]), content)


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def boolean(value: int) -> bytes:
    return tlv(0x01, bytes([value]))


def text(tag: int, value: bytes | str) -> bytes:
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def attribute(kind: str, value: bytes) -> bytes:
    return set_of(seq(oid(kind), value))


def common_name(value: str, tag: int = 12) -> bytes:
    return seq(attribute("2.5.4.3", text(tag, value)))


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    return seq(oid(kind), critical, octets(value))


CRITICAL = boolean(0xFF)
NULL = b"\x05\x00"

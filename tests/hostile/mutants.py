"""Certificates with something changed by chance, most of them signed again."""

from __future__ import annotations

import difflib
import random

from build import (
    BC,
    CLIENT,
    EKU,
    PLAIN_LEAF,
    ROOT,
    SAN,
    SERVER,
    SHA256,
    ca_extensions,
    certificates,
    dns,
    email,
    ip,
    leaf,
    leaf_extensions,
    root,
    sign,
    uri,
    usages,
)
from der import CRITICAL, NULL, bits, boolean, extension, integer, octets, oid, seq, text, tlv


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
                content[chance.randrange(len(content))] = chance.choice(
                    (0, 1, 0x20, 0x2E, 0x2F, 0x3A, 0x40, 0x5B, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
            elif kind == 6 and content:
                del content[chance.randrange(len(content))]
            elif kind == 7:
                content.insert(
                    chance.randrange(len(content) + 1),
                    chance.choice((0, 0x2E, 0x40, 0x80, 0xFF, chance.randrange(256))),
                )
            elif content:
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            node.content, node.children = bytes(content), None
        else:
            parent.children.insert(
                chance.randrange(len(parent.children) + 1),
                Node.all_of(chance.choice((integer(0), NULL, boolean(255), text(12, "x"), octets(b""))))[0],
            )
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
    rich_names = seq(
        dns("a.example.com"), ip(b"\x0a\0\0\1"), uri("https://a.example.com:80/x"), email("a@b.example.com")
    )
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
    permitted = tlv(
        0xA0, seq(dns("example.com")), seq(ip(bytes([10, 0, 0, 0, 255, 0, 0, 0]))), seq(email("example.com"))
    )
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

"""From the tree back to bytes: each value as it was, lengths counted anew, even, in order.

Encoding rules: PS3.5 section 7; file meta information: PS3.10 section 7.1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

from medview.dicom.doctor.anatomy import Anatomy, Item, Node
from medview.dicom.elements import (
    EXPLICIT,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    ByteSource,
    Encoding,
)
from medview.dicom.encoding import element_header, mark, padded
from medview.dicom.instance import DEFLATED_LE
from medview.dicom.keywords import vr_of
from medview.dicom.uids import IMPLEMENTATION_CLASS


class Writer:
    """Writes nodes of one source in one encoding."""

    def __init__(self, source: ByteSource, encoding: Encoding) -> None:
        self._source = source
        self._big = encoding.big

    def nodes(self, nodes: Iterable[Node], encoding: Encoding) -> bytes:
        """Elements one after another, without the retired lengths of groups (PS3.5 7.2).

        A repair changes what stands in a group; that of the meta group is counted anew.
        """
        kept = (node for node in nodes if node.tag & 0xFFFF or node.tag >> 16 == 2)
        return b"".join(self._node(node, encoding) for node in kept)

    def _node(self, node: Node, encoding: Encoding) -> bytes:
        vr = node.vr or vr_of(node.tag)
        if node.items is not None:
            inner = encoding
            if node.is_private_implicit:
                inner = Encoding(explicit=False, big=encoding.big)
            value = b"".join(self._item(item, inner) for item in node.items)
            if node.is_undefined:
                value += self._mark(SEQUENCE_END, 0)
        elif node.fragments is not None:
            value = self._fragments(node)
        else:
            value = self._value(node, vr)
        length = UNDEFINED if node.is_undefined else len(value)
        return element_header(node.tag, vr, length, encoding) + value

    def _value(self, node: Node, vr: str) -> bytes:
        raw = node.raw if node.raw is not None else self._source.read(node.start, node.length)
        return padded(raw, vr)

    def _mark(self, tag: int, length: int) -> bytes:
        return mark(tag, length, big=self._big)

    def _item(self, item: Item, encoding: Encoding) -> bytes:
        value = self.nodes(item.nodes, encoding)
        if item.is_undefined:
            return self._mark(ITEM, UNDEFINED) + value + self._mark(ITEM_END, 0)
        return self._mark(ITEM, len(value)) + value

    def _fragments(self, node: Node) -> bytes:
        """Encapsulated pixels, each fragment as it was; `raw` replaces the offset table."""
        parts = []
        for number, (start, length) in enumerate(node.fragments or ()):
            value = self._source.read(start, length)
            if number == 0 and node.raw is not None:
                value = node.raw
            value += b"\0" * (len(value) % 2)
            parts.append(self._mark(ITEM, len(value)) + value)
        return b"".join(parts) + self._mark(SEQUENCE_END, 0)


def offset_table(node: Node, frames: int) -> bytes:
    """The Basic Offset Table of one fragment a frame; empty where fragments are shared out."""
    fragments = (node.fragments or [])[1:]
    if len(fragments) != frames:
        return b""
    offsets, at = [], 0
    for _, length in fragments:
        offsets.append(at)
        at += 8 + length + length % 2
    return struct.pack(f"<{len(offsets)}I", *offsets) if at < UNDEFINED else b""


def in_order(nodes: Sequence[Node]) -> list[Node]:
    """Ascending, the first of doubles alone (PS3.5 7.1)."""
    found: dict[int, Node] = {}
    for node in nodes:
        found.setdefault(node.tag, node)
    return [found[tag] for tag in sorted(found)]


def file_bytes(anatomy: Anatomy, nodes: Sequence[Node], syntax: str) -> bytes:
    """The whole file: preamble, meta information, data set (deflated where the syntax says)."""
    body = Writer(anatomy.source, anatomy.encoding).nodes(nodes, anatomy.encoding)
    if syntax == DEFLATED_LE:
        machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = machine.compress(body) + machine.flush()
        body += b"\0" * (len(body) % 2)
    preamble = b"\0" * 128
    if anatomy.has_preamble:
        preamble = anatomy.meta_source.read(0, 128)
    return preamble + b"DICM" + _meta(anatomy, nodes, syntax) + body


def _meta(anatomy: Anatomy, nodes: Sequence[Node], syntax: str) -> bytes:
    """Group 2 as it was, with what is demanded put right."""
    kept = {
        node.tag: Node(node.tag, node.vr,
                       raw=anatomy.meta_source.read(node.start, node.length))
        for node in anatomy.meta
    }  # fmt: skip
    top = {node.tag: node for node in nodes}
    uids = {0x00020010: syntax.encode(), 0x00020012: IMPLEMENTATION_CLASS.encode()}
    for here, there in ((0x00020002, 0x00080016), (0x00020003, 0x00080018)):
        if there in top and anatomy.value(top[there]).strip(b" \0"):
            uids[here] = anatomy.value(top[there]).strip(b" \0")
    kept[0x00020001] = Node(0x00020001, "OB", raw=b"\0\1")
    kept[0x00020013] = Node(0x00020013, "SH", raw=b"MEDVIEW")
    for tag, value in uids.items():
        kept[tag] = Node(tag, "UI", raw=value)
    kept.pop(0x00020000, None)
    writer = Writer(anatomy.meta_source, EXPLICIT)
    body = writer.nodes(in_order(list(kept.values())), EXPLICIT)
    return writer.nodes([Node(0x00020000, "UL", raw=struct.pack("<I", len(body)))], EXPLICIT) + body

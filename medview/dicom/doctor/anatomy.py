"""A file taken apart byte by byte: every element with its place, and what is wrong on the way.

Unlike the reader's walk, which passes over what it does not need, nothing is skipped here: the
tree can be written again with each value byte for byte as it was. Bounded in depth and number of
elements. Encoding rules: PS3.5 section 7, PS3.10 section 7.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from medview.dicom.charset import defined_terms
from medview.dicom.doctor.finding import shown_tag
from medview.dicom.elements import (
    ITEM,
    ITEM_END,
    PIXEL_TAGS,
    SEQUENCE_END,
    UNDEFINED,
    ByteSource,
    Elements,
    Encoding,
)
from medview.dicom.encoding import LONG_VRS, VALUE_REPRESENTATIONS
from medview.dicom.keywords import tag_of, vr_of

_LONG_VR = frozenset(vr.decode() for vr in LONG_VRS)
_KNOWN_VR = frozenset(vr.decode() for vr in VALUE_REPRESENTATIONS)
# A header with more is made to tire a reader. Enhanced objects of 5,000 frames stay below it.
_MOST_NODES = 500_000  # elements and items together, about 200 MB in memory
_MOST_AT_TOP = 20_000  # as the reader's walk
_MOST_FRAGMENTS = 1_000_000  # slides have one for each tile
_DEEPEST = 24
_SEARCHED = 1 << 16  # how far a lost element is looked for
_MOST_SEARCHES = 8
_LARGEST_VALUE = 1 << 20


class Fault(NamedTuple):
    """Something wrong with the structure; stated and found are lengths in bytes."""

    kind: str
    tag: int
    offset: int
    stated: int = 0
    found: int = 0


@dataclass(slots=True)
class Item:
    """An item of a sequence."""

    nodes: list[Node]
    is_undefined: bool = False


@dataclass(slots=True)
class Node:
    """An element. `raw` replaces the bytes of the file; fragments: (start, length), table first."""

    tag: int
    vr: str
    offset: int = 0
    start: int = 0
    length: int = 0
    is_undefined: bool = False
    items: list[Item] | None = None
    fragments: list[tuple[int, int]] | None = None
    raw: bytes | None = None
    is_private_implicit: bool = False  # UN of undefined length: its items have no VR


@dataclass(slots=True)
class Anatomy:
    """One file taken apart. offsets point into `source` (inflated where the file is deflated)."""

    path: str
    source: ByteSource
    encoding: Encoding
    has_preamble: bool
    meta: list[Node]
    meta_source: ByteSource
    nodes: list[Node]
    start: int
    declared_syntax: str = ""
    stray: int = 0  # bytes before the first element that belong to nothing
    faults: list[Fault] = field(default_factory=list)
    _elements: Elements | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every element up to the end of the file was found."""
        return not any(fault.kind in LOSSES for fault in self.faults)

    @property
    def is_beyond_reason(self) -> bool:
        """Whether taking apart was given up for the number or depth of what is there."""
        return any(fault.kind == "too-much" for fault in self.faults)

    def find(self, tag: int) -> Node | None:
        """The first top-level element of a tag."""
        return next((node for node in self.nodes if node.tag == tag), None)

    def value(self, node: Node) -> bytes:
        """The bytes of a value, at most 1 MiB of it."""
        if node.raw is not None:
            return node.raw
        return self.source.read(node.start, min(node.length, _LARGEST_VALUE))

    @property
    def top(self) -> Elements:
        """The top level as the reader's decoded view; binary bulk is left out."""
        if self._elements is None:
            made = Elements(self.encoding)
            for node in reversed(self.nodes):
                if node.items is None and node.length <= _LARGEST_VALUE and not is_bulk(node):
                    made.values[node.tag] = (node.vr or vr_of(node.tag), self.value(node))
            made.charsets = defined_terms(made.raw("SpecificCharacterSet"))
            self._elements = made
        return self._elements

    def meta_text(self, keyword: str) -> str:
        """A value of the file meta information."""
        node = next((node for node in self.meta if node.tag == tag_of(keyword)), None)
        if node is None:
            return ""
        raw = self.meta_source.read(node.start, min(node.length, 1024))
        return raw.decode("ascii", "replace").strip(" \0")

    def walk(self) -> Iterator[tuple[Node, str]]:
        """Every element with its way from the top, as (gggg,eeee)[item].(gggg,eeee)."""
        waiting = [(node, shown_tag(node.tag)) for node in reversed(self.nodes)]
        while waiting:
            node, way = waiting.pop()
            yield node, way
            for number, item in reversed(list(enumerate(node.items or (), 1))):
                waiting.extend(
                    (child, f"{way}[{number}].{shown_tag(child.tag)}")
                    for child in reversed(item.nodes)
                )


LOSSES = frozenset(("cut", "garbage", "sequence-damaged", "too-much", "no-vr"))


def is_bulk(node: Node) -> bool:
    """Pixels and other bulk that no check reads as a value."""
    return node.tag in PIXEL_TAGS or node.fragments is not None


class Head(NamedTuple):
    """The beginning of an element; vr is empty where an explicit one is missing."""

    tag: int
    vr: str
    length: int
    start: int


def read_head(source: ByteSource, offset: int, encoding: Encoding) -> Head | None:
    """The element header at an offset; None where fewer than its bytes are left."""
    raw = source.read(offset, 12)
    if len(raw) < 8:
        return None
    order = "big" if encoding.big else "little"
    tag = _number(raw, 0, 2, order) << 16 | _number(raw, 2, 2, order)
    if tag >> 16 == 0xFFFE or not encoding.explicit:
        kind = "" if tag >> 16 == 0xFFFE else vr_of(tag)
        return Head(tag, kind, _number(raw, 4, 4, order), offset + 8)
    vr = raw[4:6].decode("latin-1")
    if vr in _LONG_VR and len(raw) < 12:
        return None
    if vr in _LONG_VR:
        return Head(tag, vr, _number(raw, 8, 4, order), offset + 12)
    if vr in _KNOWN_VR:
        return Head(tag, vr, _number(raw, 6, 2, order), offset + 8)
    return Head(tag, "", _number(raw, 4, 4, order), offset + 8)


def _number(raw: bytes, at: int, size: int, order: str) -> int:
    return int.from_bytes(raw[at : at + size], "big" if order == "big" else "little")


def is_plausible(head: Head | None, encoding: Encoding, end: int, after: int) -> bool:
    """Whether a header may be that of the next element: known, ascending, inside."""
    if head is None or head.tag <= after or head.tag >> 16 in (0xFFFE, 0xFFFF):
        return False
    if head.length != UNDEFINED and head.start + head.length > end and head.tag not in PIXEL_TAGS:
        return False
    if encoding.explicit and not head.vr:
        return False
    is_private = bool(head.tag >> 16 & 1)
    return is_private or head.tag & 0xFFFF == 0 or vr_of(head.tag) != "UN"


def chain_length(source: ByteSource, offset: int, encoding: Encoding, most: int = 8) -> int:
    """How many plausible elements follow one another from an offset, at most `most`."""
    count, after = 0, -1
    while count < most:
        head = read_head(source, offset, encoding)
        if not is_plausible(head, encoding, source.size, after) or head is None:
            return count
        count += 1
        if head.length == UNDEFINED or head.start + head.length >= source.size:
            return most  # cannot be followed further without taking it apart
        offset, after = head.start + head.length, head.tag
    return count


class Dissection:
    """Takes one data set apart; what is wrong is noted in `faults`."""

    def __init__(self, source: ByteSource, encoding: Encoding) -> None:
        self._source = source
        self._encoding = encoding
        self._count = 0
        self._searches = 0
        self._is_spent = False
        self.faults: list[Fault] = []

    def data_set(self, offset: int, end: int | None = None) -> list[Node]:
        """The elements from an offset to the end of the source."""
        end = self._source.size if end is None else end
        nodes: list[Node] = []
        while True:
            offset, closed = self._level(nodes, offset, end, (self._encoding, 0))
            if not closed or offset >= end:
                return nodes
            tag = nodes[-1].tag if nodes else 0
            offset, is_lost = self._over_stray(tag, offset, end)
            if is_lost:
                return nodes

    def _over_stray(self, tag: int, offset: int, end: int) -> tuple[int, bool]:
        """Past a delimiter or item outside of any sequence; whether all after it is lost."""
        self._searches += 1
        head = read_head(self._source, offset, self._encoding)
        is_lost = self._searches > _MOST_SEARCHES
        if head is None or head.tag != ITEM:  # `_level` is past an item's end already
            self._fault("stray-delimiter", tag, offset)
            return (
                head.start if head is not None and head.tag == SEQUENCE_END else offset
            ), is_lost
        is_lost = is_lost or head.length == UNDEFINED or head.start + head.length > end
        stop = end if is_lost else head.start + head.length
        self._fault("garbage", tag, offset, stop - offset)
        return stop, is_lost

    def _fault(self, kind: str, tag: int, offset: int, stated: int = 0, found: int = 0) -> None:
        self.faults.append(Fault(kind, tag, offset, stated, found))

    def _spend(self, tag: int, offset: int, *, is_too_many: bool) -> bool:
        """Count an element or item; whether there is no more allowance. Noted once."""
        self._count += 1
        if not self._is_spent and (is_too_many or self._count > _MOST_NODES):
            self._is_spent = True
            self._fault("too-much", tag, offset)
        return self._is_spent

    def _level(
        self, nodes: list[Node], offset: int, end: int, how: tuple[Encoding, int]
    ) -> tuple[int, bool]:
        """Elements until the end or a delimiter; where it stopped and whether by a delimiter."""
        encoding, depth = how
        while offset < end:
            head = read_head(self._source, offset, encoding)
            if head is None or head.start > end:
                self._fault("trailing", 0, offset, end - offset)
                return end, False
            if head.tag in (ITEM_END, SEQUENCE_END, ITEM):
                # A delimiter of the sequence above closes the item too; its own is missing then.
                return (head.start if head.tag == ITEM_END else offset), True
            if self._is_lost(head, offset, end, encoding):
                return end, False
            too_many = depth > _DEEPEST or (depth == 0 and len(nodes) >= _MOST_AT_TOP)
            if self._spend(head.tag, offset, is_too_many=too_many):
                return end, False
            node = Node(head.tag, head.vr, offset, head.start, head.length)
            offset = self._value(node, head, end, how)
            nodes.append(node)
            if self._is_spent:
                return end, False
        return offset, False

    def _is_lost(self, head: Head, offset: int, end: int, encoding: Encoding) -> bool:
        """Whether no element stands here: padding at the end, or bytes without sense."""
        if head.tag == 0 and not self._source.read(offset, min(end - offset, 1 << 20)).strip(b"\0"):
            self._fault("trailing", 0, offset, end - offset)
            return True
        if encoding.explicit and not head.vr:
            is_known = vr_of(head.tag) != "UN" or head.tag >> 16 & 1
            if is_known and (head.length == UNDEFINED or head.start + head.length <= end):
                self._fault("no-vr", head.tag, offset)
                return False
            self._fault("garbage", head.tag, offset, end - offset)
            return True
        return False

    def _value(self, node: Node, head: Head, end: int, how: tuple[Encoding, int]) -> int:
        """Go over the value; where the next element begins."""
        encoding, depth = how
        if head.length == UNDEFINED:
            node.is_undefined = True
            if head.tag in PIXEL_TAGS or (head.vr in ("OB", "OW") and depth <= _DEEPEST):
                return self._fragments(node, end)
            node.is_private_implicit = head.vr == "UN" and encoding.explicit
            inner = Encoding(explicit=False, big=encoding.big) if head.vr == "UN" else encoding
            return self._sequence(node, None, end, (inner, depth))
        stop = head.start + head.length
        if head.vr == "SQ":
            return self._sequence(node, stop, end, how)
        if head.length % 2:
            self._fault("odd-length", head.tag, node.offset, head.length)
        if stop > end or not self._follows(stop, end, encoding, head.tag):
            stop = self._found_again(node, stop, end, encoding)
        node.length = stop - head.start
        return stop

    def _follows(self, stop: int, end: int, encoding: Encoding, tag: int) -> bool:
        if end - stop < 8:
            return True
        head = read_head(self._source, stop, encoding)
        if head is None or head.tag >> 16 == 0xFFFE or head.tag == 0:
            return True
        if tag in PIXEL_TAGS:
            return True
        return (bool(head.vr) if encoding.explicit else head.start + head.length <= end) or (
            head.length == UNDEFINED
        )

    def _found_again(self, node: Node, stop: int, end: int, encoding: Encoding) -> int:
        """Where an element with a wrong length truly ends; noted as cut where that is unknown."""
        found = None if node.tag in PIXEL_TAGS else self._search(node, end, encoding)
        if found is not None:
            self._fault("length", node.tag, node.offset, node.length, found - node.start)
            return found
        if stop > end:
            self._fault("cut", node.tag, node.offset, node.length, end - node.start)
            return end
        return stop

    def _search(self, node: Node, end: int, encoding: Encoding) -> int | None:
        self._searches += 1
        if self._searches > _MOST_SEARCHES:
            return None
        for at in range(node.start, min(end - 8, node.start + _SEARCHED)):
            head = read_head(self._source, at, encoding)
            # Close by in the dictionary's order, or chance would find an element anywhere.
            if head is None or not 0 <= (head.tag >> 16) - (node.tag >> 16) <= 0x30:
                continue
            if is_plausible(head, encoding, end, node.tag) and (
                chain_length(self._source, at, encoding, 4) == 4
            ):
                return at
        return None

    def _fragments(self, node: Node, end: int) -> int:
        """Encapsulated pixels (PS3.5 A.4)."""
        node.fragments, offset = [], node.start
        while offset < end:
            head = read_head(self._source, offset, self._encoding)
            if head is not None and head.tag == SEQUENCE_END:
                return head.start
            if head is None or head.tag != ITEM:
                break
            if len(node.fragments) >= _MOST_FRAGMENTS:
                self._spend(node.tag, offset, is_too_many=True)
                return end
            there = min(head.length, end - head.start)
            node.fragments.append((head.start, there))
            if there < head.length:
                self._fault("cut", node.tag, offset, head.length, there)
                return end
            offset = head.start + head.length
        self._fault("delimiter", node.tag, offset)
        return offset

    def _sequence(self, node: Node, stated: int | None, end: int, how: tuple[Encoding, int]) -> int:
        """Items of a sequence; where it ends. `stated`: its end as the header says."""
        node.items, offset = [], node.start
        if stated is not None and stated > end:
            self._fault("sequence-damaged", node.tag, node.offset, node.length, end - node.start)
            node.items = None
            return end
        while offset < (end if stated is None else stated):
            head = read_head(self._source, offset, how[0])
            if head is None or head.tag != ITEM:
                return self._after_items(node, offset, stated, head)
            if self._spend(node.tag, offset, is_too_many=False):
                return end
            before = len(self.faults)
            offset = self._item(node.items, head, end, how)
            if self._is_spent:
                return end
            if any(fault.kind in LOSSES for fault in self.faults[before:]):
                return self._damaged(node, stated, end, before)
        if stated is None:
            self._fault("delimiter", node.tag, offset)
        elif offset != stated:
            self._fault("sequence-length", node.tag, node.offset, node.length, offset - node.start)
        return offset

    def _after_items(self, node: Node, offset: int, stated: int | None, head: Head | None) -> int:
        """What stands after the last item: the delimiter, or something that has no place here."""
        if head is not None and head.tag == SEQUENCE_END:
            if stated is not None and head.start != stated:
                self._fault(
                    "sequence-length", node.tag, node.offset, node.length, offset - node.start
                )
            return head.start
        if stated is None:
            self._fault("delimiter", node.tag, offset)
        else:
            self._fault("sequence-length", node.tag, node.offset, node.length, offset - node.start)
        return offset

    def _damaged(self, node: Node, stated: int | None, end: int, before: int) -> int:
        """A sequence that cannot be taken apart stays as bytes; what follows may be sound."""
        del self.faults[before:]
        node.items = None
        self._fault("sequence-damaged", node.tag, node.offset, node.length)
        stop = end if stated is None else stated
        node.length = stop - node.start
        return stop

    def _item(self, items: list[Item], head: Head, end: int, how: tuple[Encoding, int]) -> int:
        encoding, depth = how
        item = Item([], head.length == UNDEFINED)
        items.append(item)
        stop = end if item.is_undefined else head.start + head.length
        if stop > end:
            self._fault("cut", ITEM, head.start - 8, head.length, end - head.start)
            return end
        offset, is_closed = self._level(item.nodes, head.start, stop, (encoding, depth + 1))
        if self._is_spent:
            return offset
        if item.is_undefined:
            tail = self._source.read(offset - 8, 8)
            if not is_closed or tail[:4] not in (b"\xfe\xff\x0d\xe0", b"\xff\xfe\xe0\x0d"):
                self._fault("delimiter", ITEM, offset)
            return offset
        return stop

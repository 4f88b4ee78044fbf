"""A whole header as a tree of raw values, and back to bytes in the encoding of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.anonymize.bounds import LARGEST_PRIVATE, large_private_tags
from medview.dicom.charset import decode_text, defined_terms
from medview.dicom.elements import ITEM, Encoding
from medview.dicom.encoding import element_header, mark, padded
from medview.dicom.instance import Instance
from medview.dicom.keywords import vr_of

_DEEPEST = 24
_CLASS = 0x00080016


@dataclass(slots=True)
class Element:
    """One element: raw bytes, or the items of a sequence."""

    tag: int
    vr: str
    value: bytes = b""
    items: list[Item] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.items if self.items is not None else not self.value.strip(b" \0")


@dataclass(slots=True)
class Item:
    """A data set or an item of a sequence, elements by tag."""

    elements: dict[int, Element] = field(default_factory=dict)
    charsets: tuple[str, ...] = ("",)

    def raw(self, tag: int) -> bytes:
        """The bytes of a value without padding, empty where there is none."""
        element = self.elements.get(tag)
        return b"" if element is None else element.value.strip(b" \0")

    def ascii(self, tag: int) -> str:
        """A value of codes and numbers as text."""
        return self.raw(tag).decode("ascii", "replace")

    def text(self, tag: int) -> str:
        """A value in the item's character sets."""
        element = self.elements.get(tag)
        if element is None:
            return ""
        return decode_text(element.value, self.charsets, is_name=element.vr == "PN")

    def put(self, tag: int, vr: str, value: str | bytes) -> None:
        """Set a value; texts here are ASCII, unless a damaged file has others."""
        raw = value.encode("ascii", "replace") if isinstance(value, str) else value
        self.elements[tag] = Element(tag, vr, raw)

    def walk(self) -> Iterator[tuple[Item, Element]]:
        """Every element at every level with the item that it stands in."""
        for element in self.elements.values():
            yield self, element
            for item in element.items or ():
                yield from item.walk()


def read_tree(instance: Instance) -> Item:
    """Every element before the pixels. Raises UnreadableInstance where that cannot be had whole.

    pydicom reads; what the header walk has found must be there too, so that a file which one of
    the two readers sees only in part is refused rather than written in part.
    """
    from pydicom import dcmread

    from medview.dicom.write.files import tolerating_sources

    large = large_private_tags(instance)
    try:
        with tolerating_sources(), open_binary(instance.path) as file:
            data_set = dcmread(
                file, force=True, stop_before_pixels=True, defer_size=LARGEST_PRIVATE
            )
            top = _item(data_set, ("",), instance.encoding.big, 0, large)
    except UnreadableInstance:
        raise
    except OSError as error:
        raise UnreadableInstance(
            say("The system does not let MedView read this file."), instance.path
        ) from error
    except Exception as error:  # a hostile file can raise anything in a reader of others
        raise UnreadableInstance(
            say("The header cannot be read whole, so nothing could vouch for a copy."),
            instance.path,
            detail=type(error).__name__,
        ) from error
    _compare(instance, top)
    return top


def _compare(instance: Instance, top: Item) -> None:
    for tag, (_, value) in instance.elements.values.items():
        is_public = tag >> 16 > 2 and not tag >> 16 & 1 and tag != _CLASS  # that may be the meta's
        if is_public and value.strip(b" \0") and tag not in top.elements:
            raise UnreadableInstance(
                say("The header cannot be read whole, so nothing could vouch for a copy."),
                instance.path,
                tag=f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
            )


def _item(
    data_set: Any,
    charsets: tuple[str, ...],
    big: bool,
    depth: int,
    unread: frozenset[int] = frozenset(),
) -> Item:
    if depth > _DEEPEST:
        raise UnreadableInstance(say("Sequences are nested too deeply."))
    found = Item(charsets=charsets)
    for tag in sorted(int(tag) for tag in data_set.keys()):  # noqa: SIM118 - items() would decode
        # Group lengths are retired, and wrong after any change; delimiters may stand about astray.
        if tag & 0xFFFF == 0 or tag >> 16 == 0xFFFE:
            continue
        if tag in unread:  # it will go: so that it is logged, it stands here without its value
            found.elements[tag] = Element(tag, "UN")
            continue
        raw = data_set.get_item(tag)
        if tag == 0x00080005:
            text = raw.value if isinstance(raw.value, bytes) else "\\".join(_parts(raw.value))
            own = text if isinstance(text, bytes) else text.encode("ascii", "replace")
            found.charsets = defined_terms(own)
        element = _element(data_set, tag, raw, (found.charsets, big, depth))
        if element is not None:
            found.elements[tag] = element
    return found


def _parts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(part) for part in value or ()]


def _element(
    data_set: Any, tag: int, raw: Any, how: tuple[tuple[str, ...], bool, int]
) -> Element | None:
    charsets, big, depth = how
    vr = _vr(tag, raw.VR)
    if vr == "SQ":
        sequence = data_set[tag].value
        items = [_item(item, charsets, big, depth + 1) for item in sequence or ()]
        return Element(tag, vr, items=items)
    if getattr(raw, "is_little_endian", not big) == big:
        return None  # UN in a big-endian file is little-endian: its numbers would change meaning
    value = raw.value
    if value is None:
        return Element(tag, vr)
    return Element(tag, vr, value if isinstance(value, bytes) else _written(raw, big))


def _written(element: Any, big: bool) -> bytes:
    """The bytes of a value that pydicom has decoded already."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, not big
    write_data_element(buffer, element)
    return bytes(buffer.getvalue()[8:])


def _vr(tag: int, stated: str | None) -> str:
    """The stated VR; the dictionary's where none is stated or it is UN."""
    return vr_of(tag) if stated in (None, "UN") else str(stated)


def encode(item: Item, encoding: Encoding) -> bytes:
    """The elements as they stand in a file, in the order of tags, with explicit lengths."""
    parts: list[bytes] = []
    for tag in sorted(item.elements):
        element = item.elements[tag]
        value = element.value
        if element.items is not None:
            value = b"".join(
                mark(ITEM, len(data), big=encoding.big) + data
                for data in (encode(inner, encoding) for inner in element.items)
            )
        else:
            value = padded(value, element.vr)
        parts.append(element_header(tag, element.vr, len(value), encoding) + value)
    return b"".join(parts)

"""One copy: header cleaned, pixels in pieces, the file read again before it counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.anonymize.cleaning import Change, Cleaner
from medview.dicom.anonymize.options import PIXELS
from medview.dicom.anonymize.pixels import blanked, copied, syntax_of_copy
from medview.dicom.anonymize.text_in_pixels import Box
from medview.dicom.anonymize.tree import Item, encode, read_tree
from medview.dicom.elements import EXPLICIT
from medview.dicom.instance import Instance, NotDicom, open_instance
from medview.dicom.uids import IMPLEMENTATION_CLASS

_KEPT_SHAPE = ("Rows", "Columns", "NumberOfFrames", "BitsAllocated", "PixelRepresentation")


def write_copy(
    path: str, target: Path, cleaner: Cleaner, boxes: tuple[Box, ...], check: Callable[[], None]
) -> list[Change]:
    """Write the copy of one file, mode 0600, and read it again; memory holds a header and a frame.

    Raises UnreadableInstance where the source cannot be read whole or the copy is not right (then
    there is none), OSError where it cannot be written, Cancelled.
    """
    instance = open_instance(path)
    top = read_tree(instance)
    changes = cleaner.clean(top, (PIXELS,) if boxes else ())
    pixels = blanked(instance, top, boxes, check) if boxes else copied(instance, check)
    first = next(pixels, b"")  # blacking out changes the header too: it comes first
    syntax = syntax_of_copy(instance, is_blanked=bool(boxes))
    head = (
        _head(top, instance.elements.text("SOPClassUID"), syntax)
        + encode(top, instance.encoding)
        + first
    )
    _make_private(target.parent)
    try:
        _write(target, head, pixels)
        _verify(instance, target, is_blanked=bool(boxes))
    except UnreadableInstance:
        target.unlink(missing_ok=True)
        raise
    return changes


def _head(top: Item, sop_class: str, syntax: str) -> bytes:
    """Preamble of zeros and a file meta group of our own (PS3.10 7.1)."""
    meta = Item()
    meta.put(0x00020001, "OB", b"\0\1")
    meta.put(0x00020002, "UI", sop_class.encode("ascii", "replace"))
    meta.put(0x00020003, "UI", top.raw(0x00080018))
    meta.put(0x00020010, "UI", syntax)
    meta.put(0x00020012, "UI", IMPLEMENTATION_CLASS)
    meta.put(0x00020013, "SH", "MEDVIEW")
    rest = encode(meta, EXPLICIT)
    length = Item()
    length.put(0x00020000, "UL", len(rest).to_bytes(4, "little"))
    return b"\0" * 128 + b"DICM" + encode(length, EXPLICIT) + rest


def _make_private(folder: Path) -> None:
    """The folder and those above it that are not there, for the owner alone."""
    if not folder.exists():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700)


def _write(target: Path, head: bytes, pixels: Iterator[bytes]) -> None:
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(head)
        for piece in pixels:
            file.write(piece)


def _verify(source: Instance, target: Path, *, is_blanked: bool) -> None:
    """The copy must read as the source does: same shape, same count of pixel bytes."""
    try:
        copy = open_instance(str(target))
    except (NotDicom, UnreadableInstance) as error:
        raise _wrong(source) from error
    same = all(copy.elements.text(k) == source.elements.text(k) for k in _KEPT_SHAPE)
    old, new = source.elements.pixels, copy.elements.pixels
    if not same or (old is None) != (new is None):
        raise _wrong(source)
    if old is None or new is None or is_blanked or old.length == new.length:
        return
    there = min(old.length, source.size - old.offset)
    if new.length != there + there % 2:
        raise _wrong(source)


def _wrong(source: Instance) -> UnreadableInstance:
    return UnreadableInstance(
        say("The copy did not read as the original does, so it was not kept."), source.path
    )

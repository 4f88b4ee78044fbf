"""What a scan has seen of plain files, so that filling a volume does not walk their headers again.

Kept for this process only, bounded, and believed only while the file is the very same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from typing import NamedTuple

from medview.dicom.elements import Alike, Elements, Encoding, FileStamp, PixelPlace, file_stamp
from medview.dicom.instance import Instance
from medview.dicom.keywords import OVERLAY_ROWS, RESCALE_TAGS, tag_of
from medview.dicom.pixel_format import FORMAT_TAGS

_MOST = 20_000  # files, about 0.5 KB each
# Beside the format, what a slice needs of its own header; tables make a header worth reading.
_KEPT_TAGS = (*FORMAT_TAGS, *RESCALE_TAGS)
_TABLES = frozenset(
    tag_of(keyword)
    for keyword in ("ModalityLUTSequence", "SharedFunctionalGroupsSequence",
                    "PerFrameFunctionalGroupsSequence")
)  # fmt: skip
_OVERLAYS = frozenset(OVERLAY_ROWS)
_ALL_TAGS = frozenset((*_KEPT_TAGS, *OVERLAY_ROWS))
_Values = dict[int, tuple[str, bytes]]


class _Table(NamedTuple):
    """What the files of a series say alike."""

    encoding: Encoding
    values: _Values
    alike: Alike


class _Known(NamedTuple):
    """What is kept of a file."""

    table: _Table
    pixels: PixelPlace | None
    syntax: str
    size: int
    stamp: FileStamp


_lock = threading.Lock()
_files: dict[str, _Known] = {}
_tables: dict[Hashable, _Table] = {}


def remember(instance: Instance) -> None:
    """Keep what a fill needs of a single-frame file without tables or overlay planes."""
    top, stamp = instance.elements, instance.stamp
    if stamp is None or instance.inflated is not None:
        return
    table = top.once(_table_of, _ALL_TAGS)
    if table is None:
        return
    known = _Known(table, top.pixels, instance.syntax, instance.size, stamp)
    with _lock:
        if len(_files) >= _MOST:
            _files.clear()
            _tables.clear()
        _files[instance.path] = known


def _table_of(top: Elements) -> _Table | None:
    """One table for all headers that say the same; None where the header is worth reading."""
    if (
        top.integer("NumberOfFrames", 1) > 1
        or not _TABLES.isdisjoint(top.sequences)
        or not _OVERLAYS.isdisjoint(top.values)
        or top.text("PhotometricInterpretation").upper() == "PALETTE COLOR"
    ):
        return None
    found = tuple(map(top.values.get, _KEPT_TAGS))
    pixels = None if top.pixels is None else (top.pixels.tag, top.pixels.length)
    with _lock:
        table = _tables.get((top.encoding, pixels, found))
        if table is None:
            said = zip(_KEPT_TAGS, found, strict=True)
            values = {tag: value for tag, value in said if value is not None}
            table = _Table(top.encoding, values, Alike(frozenset()))
            _tables[top.encoding, pixels, found] = table
    return table


def recalled(path: str) -> Instance | None:
    """What was remembered of a file, None where nothing was or the file is another one now."""
    known = _files.get(path)
    if known is None:
        return None
    try:
        is_same = file_stamp(os.stat(path)) == known.stamp  # noqa: PTH116 - once a slice
    except OSError:
        return None
    if not is_same:
        return None
    encoding, values, alike = known.table
    slim = Elements(encoding, values=values, pixels=known.pixels, alike=alike)
    return Instance(path, slim, known.syntax, known.size, stamp=known.stamp)


def forget_all() -> None:
    """Remember nothing any more."""
    with _lock:
        _files.clear()
        _tables.clear()

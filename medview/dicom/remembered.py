"""What a scan has seen of plain files, so that filling a volume does not walk their headers again.

Kept for this process only, bounded, and believed only while the file is the very same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from medview.core.study import FrameRef
from medview.dicom.elements import (
    Alike,
    Elements,
    Encoding,
    FileStamp,
    PixelPlace,
    file_stamp,
    worked_out,
)
from medview.dicom.instance import Instance
from medview.dicom.keywords import OVERLAY_ROWS, RESCALE_TAGS, tag_of
from medview.dicom.pixel_format import FORMAT_TAGS

_MOST = 20_000  # files, about 0.5 KB each
_SECOND, _SETTLED = 10**9, 3 * 10**9  # nanoseconds
# Beside the format, what a slice needs of its own header; tables make a header worth reading.
_KEPT_TAGS = (*FORMAT_TAGS, *RESCALE_TAGS)
_TABLES = frozenset(
    tag_of(keyword)
    for keyword in ("ModalityLUTSequence", "SharedFunctionalGroupsSequence",
                    "PerFrameFunctionalGroupsSequence")
)  # fmt: skip
_GRAPHICS = frozenset((*OVERLAY_ROWS, tag_of("ShutterShape")))
_ALL_TAGS = frozenset((*_KEPT_TAGS, *_GRAPHICS))
_Values = dict[int, tuple[str, bytes]]


class Table(NamedTuple):
    """What the files of a series say alike."""

    encoding: Encoding
    values: _Values
    alike: Alike


class Known(NamedTuple):
    """What is kept of a file. table: shared by all files that say the same. uid: of its image.
    position: its Image Position (Patient)."""

    table: Table
    pixels: PixelPlace | None
    syntax: str
    size: int
    stamp: FileStamp
    uid: str
    position: tuple[float, ...]


_lock = threading.Lock()
_files: dict[str, Known | None] = {}  # None: one that changed between two scans
_tables: dict[Hashable, Table] = {}


def remember(instances: Iterable[Instance], since: int) -> None:
    """Keep what a fill needs of single-frame files without tables, overlay planes or shutter.

    since: when the first of them was read or earlier, in nanoseconds of `time.time_ns`.

    Not of one that has changed since an earlier scan: a stack of that may be shown yet, and its
    notes speak of what the file was.
    """
    instances = [one for one in instances if one.stamp is not None and one.inflated is None]
    tables = worked_out([one.elements for one in instances], _table_of, _ALL_TAGS)
    with _lock:
        for (path, top, syntax, size, _, _, stamp), table in zip(instances, tables, strict=True):
            before = _files.get(path)
            if before.stamp == stamp if before is not None else path in _files:
                continue
            if table is None or stamp is None or not _shows_writes(stamp, since):
                continue
            if len(_files) >= _MOST:
                _files.clear()
                _tables.clear()
            uid, _, position = top.own
            known = Known(table, top.pixels, syntax, size, stamp, uid, position)
            _files[path] = known if before is None else None


def _shows_writes(stamp: FileStamp, since: int) -> bool:
    """Whether a write after `since` would change the stamp: not at once where times are whole
    seconds."""
    changed = stamp[2]
    return changed % _SECOND != 0 or since - changed > _SETTLED


def _table_of(top: Elements) -> Table | None:
    """One table for all headers that say the same; None where the header is worth reading."""
    if (
        top.integer("NumberOfFrames", 1) > 1
        or not _TABLES.isdisjoint(top.sequences)
        or not _GRAPHICS.isdisjoint(top.values)
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
            table = Table(top.encoding, values, Alike(frozenset()))
            _tables[top.encoding, pixels, found] = table
    return table


def known_of(reference: FrameRef) -> Known | None:
    """What was remembered of a picture's file; whether that is the same still is for who reads it
    to see. None also where the file was scanned again since and held another picture then.
    """
    known = _files.get(reference.path)
    if known is None or known.uid != reference.sop_instance_uid:
        return None
    at = reference.position
    return known if at is None or known.position[:3] == at else None


def instance_of(path: str, known: Known) -> Instance:
    """The file as far as it was remembered."""
    encoding, values, alike = known.table
    slim = Elements(encoding, values=values, pixels=known.pixels, alike=alike)
    return Instance(path, slim, known.syntax, known.size, stamp=known.stamp)


def is_same(path: str, known: Known) -> bool:
    """Whether the file is the one that was remembered."""
    try:
        return file_stamp(os.stat(path)) == known.stamp  # noqa: PTH116 - once a slice
    except OSError:
        return False


def forget_all() -> None:
    """Remember nothing any more."""
    with _lock:
        _files.clear()
        _tables.clear()

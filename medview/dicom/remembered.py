"""What a scan has seen of plain files, so that filling a volume does not walk their headers again.

Kept for this process only, bounded, and believed only while the file is the very same.
"""

from __future__ import annotations

import os
import threading

from medview.dicom.elements import Elements, file_stamp
from medview.dicom.instance import Instance
from medview.dicom.keywords import OVERLAY_ROWS, tag_of
from medview.dicom.pixel_format import FORMAT_TAGS

_MOST = 20_000  # files, about 0.5 KB each
# Beside the format, what a slice needs of its own header; tables make a header worth reading.
_KEPT_TAGS = (*FORMAT_TAGS, tag_of("RescaleSlope"), tag_of("RescaleIntercept"))
_TABLES = frozenset(
    tag_of(keyword)
    for keyword in ("ModalityLUTSequence", "SharedFunctionalGroupsSequence",
                    "PerFrameFunctionalGroupsSequence")
)  # fmt: skip
_OVERLAYS = frozenset(OVERLAY_ROWS)
_Values = dict[int, tuple[str, bytes]]

_lock = threading.Lock()
_instances: dict[str, Instance] = {}
_values: dict[tuple[tuple[str, bytes] | None, ...], _Values] = {}


def remember(instance: Instance) -> None:
    """Keep what a fill needs of a single-frame file without tables or overlay planes."""
    top = instance.elements
    if (
        instance.stamp is None
        or instance.inflated is not None
        or top.integer("NumberOfFrames", 1) > 1
        or not _TABLES.isdisjoint(top.sequences)
        or not _OVERLAYS.isdisjoint(top.values)
        or top.text("PhotometricInterpretation").upper() == "PALETTE COLOR"
    ):
        return
    found = tuple(map(top.values.get, _KEPT_TAGS))
    with _lock:
        if len(_instances) >= _MOST:
            _instances.clear()
            _values.clear()
        values = _values.get(found)
        if values is None:
            said = zip(_KEPT_TAGS, found, strict=True)
            values = _values[found] = {tag: value for tag, value in said if value is not None}
        # Slices of a series share one table of values; only the place of the pixels is their own.
        slim = Elements(top.encoding, values=values, pixels=top.pixels)
        _instances[instance.path] = Instance(
            instance.path, slim, instance.syntax, instance.size, stamp=instance.stamp
        )


def recalled(path: str) -> Instance | None:
    """What was remembered of a file, None where nothing was or the file is another one now."""
    known = _instances.get(path)
    if known is None:
        return None
    try:
        is_same = file_stamp(os.stat(path)) == known.stamp  # noqa: PTH116 - once a slice
    except OSError:
        return None
    return known if is_same else None


def forget_all() -> None:
    """Remember nothing any more."""
    with _lock:
        _instances.clear()
        _values.clear()

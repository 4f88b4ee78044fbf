"""Checks of functional groups against the frames (PS3.3 C.7.6.16), and the long offset table."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence

from medview.core.words import say
from medview.dicom.doctor.anatomy import Item, Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, Check, Finding, declare
from medview.dicom.doctor.words import FIX_AT_SOURCE, WRONG_PICTURE
from medview.dicom.elements import PIXEL_TAGS

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_LONG_OFFSETS, _LONG_LENGTHS = 0x7FE00001, 0x7FE00002
# Macro, the element in it, how many numbers (PS3.3 C.7.6.16.2.3 and C.7.6.16.2.4).
_PLACES = ((0x00209113, 0x00200032, 3), (0x00209116, 0x00200037, 6))

GROUPS = declare(Check(
    id="frames.groups", severity=ERROR, title=say("Frames and their descriptions differ in number"),
    causes=say("Frames are shown with the place and values of others."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
PLACE = declare(Check(
    id="frames.place", severity=ERROR, title=say("A frame has no sound place in the patient"),
    causes=say("Distances and reconstructions are wrong or missing."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
LONG_TABLE = declare(Check(
    id="frames.extended-offsets", severity=ERROR,
    title=say("The extended table of frame offsets is wrong"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip


def frame_findings(case: Case) -> Iterator[Finding]:
    """What is wrong with the descriptions of single frames."""
    frames = max(1, case.top.integer("NumberOfFrames", 1))
    yield from _long_table(case, frames)
    node = case.anatomy.find(_PER_FRAME)
    if node is None or node.items is None:
        return
    if len(node.items) != frames:
        said = say("{found} descriptions stand for {frames} frames.",
                   found=len(node.items), frames=frames)  # fmt: skip
        yield case.finding(GROUPS, said, _PER_FRAME, node.offset)
    shared = case.anatomy.find(_SHARED)
    yield from _places(case, node, () if shared is None else shared.items or ())


def _places(case: Case, node: Node, shared: Sequence[Item]) -> Iterator[Finding]:
    """Position and orientation, where any frame or all together have one."""
    for macro, tag, count in _PLACES:
        common = next((_numbers(case, item, macro, tag) for item in shared), None)
        own = [_numbers(case, item, macro, tag) for item in node.items or ()]
        if common is None and not any(values is not None for values in own):
            continue  # slides, ultrasound and the like have no place of this kind
        wrong = [
            number
            for number, values in enumerate(own, 1)
            if not _is_sound(common if values is None else values, count)
        ]
        if wrong:
            said = say("{count} {count:frame lacks|frames lack} a sound one, the first is {first}.",
                       count=len(wrong), first=wrong[0])  # fmt: skip
            yield case.finding(PLACE, said, tag, node.offset)


def _child(nodes: list[Node], tag: int) -> Node | None:
    return next((node for node in nodes if node.tag == tag), None)


def _numbers(case: Case, item: Item, macro: int, tag: int) -> tuple[float, ...] | None:
    """The numbers in a macro of an item; None where the macro is not there."""
    group = _child(item.nodes, macro)
    if group is None:
        return None
    node = _child(group.items[0].nodes, tag) if group.items else None
    if node is None:
        return ()
    try:
        return tuple(float(part) for part in case.anatomy.value(node).strip(b" \0").split(b"\\"))
    except ValueError:
        return ()


def _is_sound(values: tuple[float, ...] | None, count: int) -> bool:
    """Finite and complete; directions have length one and stand upright (within 0.01)."""
    if values is None or len(values) != count or not all(map(math.isfinite, values)):
        return False
    if count == 3:
        return True
    row, column = values[:3], values[3:]
    upright = abs(sum(a * b for a, b in zip(row, column, strict=True))) < 0.01
    return upright and all(abs(math.hypot(*axis) - 1) < 0.01 for axis in (row, column))


def _long_table(case: Case, frames: int) -> Iterator[Finding]:
    """Extended Offset Table and its lengths: one fragment a frame (PS3.3 C.7.6.3.1.8)."""
    pixels = next((n for n in case.anatomy.nodes if n.tag in PIXEL_TAGS and n.fragments), None)
    table = case.anatomy.find(_LONG_OFFSETS)
    if table is None or pixels is None or not table.length:
        return
    fragments = (pixels.fragments or [])[1:]
    base = fragments[0][0] if fragments else 0
    offsets = _wide(case, table)
    lengths = _wide(case, case.anatomy.find(_LONG_LENGTHS))
    # An odd stream is padded: its length may be stated without the byte of padding.
    true = {start - base: (length - 1, length) for start, length in fragments}
    wrong = sum(at not in true for at in offsets)
    if len(lengths) == len(offsets):
        wrong += sum(
            at in true and length not in true[at]
            for at, length in zip(offsets, lengths, strict=True)
        )
    if len(offsets) != frames or len(lengths) != len(offsets):
        said = say("The table has {found} {found:entry|entries} for {frames} "
                   "{frames:frame|frames}.",
                   found=min(len(offsets), len(lengths)), frames=frames)  # fmt: skip
        yield case.finding(LONG_TABLE, said, table.tag, table.offset)
    elif wrong:
        said = say(
            "{count} of {frames} entries {count:leads|lead} to no picture.",
            count=wrong,
            frames=frames,
        )
        yield case.finding(LONG_TABLE, said, table.tag, table.offset)


def _wide(case: Case, node: Node | None) -> tuple[int, ...]:
    raw = b"" if node is None else case.anatomy.value(node)
    return struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])

"""Checks of compressed pixels: what the stream itself says against label and header."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.codecs import JPEG_LOSSLESS, may_overflow
from medview.dicom.doctor.anatomy import Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, WARNING, Check, Edit, Finding, declare
from medview.dicom.doctor.meta import SYNTAX_TAG
from medview.dicom.doctor.words import (
    FIX_AT_SOURCE,
    LOST,
    OTHERS_MISREAD,
    SAVE_COPY,
    SEND_AGAIN,
    WRONG_PICTURE,
)
from medview.dicom.elements import PIXEL_TAGS
from medview.dicom.pixels import is_torn

_JPEG = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"
_HEAD = 1 << 16
_LOSSY_STREAMS = frozenset(("JPEG Baseline", "JPEG Extended", "JPEG-LS near-lossless",
                            "JPEG 2000 irreversible", "HTJ2K irreversible"))  # fmt: skip

CODEC = declare(Check(
    id="stream.codec", severity=ERROR,
    title=say("The compression is another than the transfer syntax says"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The label is set to what the bytes are."),
))  # fmt: skip
NO_STREAM = declare(Check(
    id="stream.unknown", severity=ERROR, title=say("The compressed pixels are no known stream"),
    causes=WRONG_PICTURE, what_to_do=SEND_AGAIN,
))  # fmt: skip
SIZE = declare(Check(
    id="stream.size", severity=ERROR, title=say("Compressed picture and header differ in size"),
    causes=WRONG_PICTURE, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
DEPTH = declare(Check(
    id="stream.depth", severity=WARNING, title=say("Compressed picture and header differ in depth"),
    causes=say("Grey values may be scaled or wrapped around."), what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
END = declare(Check(
    id="stream.end", severity=ERROR, title=say("A compressed picture breaks off"),
    causes=LOST, what_to_do=SEND_AGAIN,
))  # fmt: skip
TABLE = declare(Check(
    id="stream.offset-table", severity=WARNING, title=say("The table of frame offsets is wrong"),
    causes=say("Programs that jump to a frame by the table show another one."),
    what_to_do=SAVE_COPY, repair=say("The table is counted anew, or emptied."),
))  # fmt: skip
COUNT = declare(Check(
    id="stream.frames", severity=ERROR, title=say("Fewer compressed pictures than frames"),
    causes=LOST, what_to_do=SEND_AGAIN,
))  # fmt: skip
LOSSY = declare(Check(
    id="stream.lossy", severity=WARNING, title=say("Lossy compression is not declared"),
    causes=say("Readers are not told that detail was given away."), what_to_do=SAVE_COPY,
    repair=say("Lossy Image Compression is set to 01."),
))  # fmt: skip


TORN = declare(Check(
    id="stream.torn", severity=ERROR, title=say("The compressed picture is torn"),
    causes=say("Its values are wrong, whatever program shows them."),
    what_to_do=say("Have it sent uncompressed; report it to the maker of the system that "
                   "compressed it."),
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stream:
    """What a code stream says of itself. syntaxes: labels that are true, the best one first."""

    name: str
    syntaxes: tuple[str, ...]
    rows: int = 0
    columns: int = 0
    bits: int = 0
    samples: int = 0


def identify(data: bytes) -> Stream | None:
    """The kind of a code stream by its first bytes; None where it is none that DICOM knows."""
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    begin = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if begin >= 0:
        return _jpeg_2000(data, begin)
    if data[:2] == b"\xff\x0a" or data[4:8] == b"JXL ":
        return Stream("JPEG XL", tuple(_JPEG + n for n in ("112", "110", "111")))
    if data[:4] in (b"\0\0\x01\xb3", b"\0\0\0\x01") or data[4:8] == b"ftyp":
        return Stream("MPEG", tuple(f"{_JPEG}{n}" for n in range(100, 109)))
    words = struct.unpack("<16I", data[:64]) if len(data) >= 64 else ()
    if words and 1 <= words[0] <= 15 and words[1] == 64 and not any(words[words[0] + 1 :]):
        return Stream("RLE", (_RLE,))
    return None


def _jpeg(data: bytes) -> Stream | None:
    at, frame = 2, b""
    marker = near = 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC)) or kind == 0xF7:
            marker, frame = kind, data[at + 4 : at + 10]
        if kind == 0xDA:
            count = data[at + 4] if at + 4 < len(data) else 0
            near = data[at + 5 + 2 * count] if at + 5 + 2 * count < len(data) else 0
            break
        at += 2 + length
    if len(frame) < 6:
        return None
    bits, rows, columns, samples = struct.unpack(">BHHB", frame)
    names = _jpeg_names(marker, near)
    return None if names is None else Stream(*names, rows, columns, bits, samples)


def _jpeg_names(marker: int, near: int) -> tuple[str, tuple[str, ...]] | None:
    """Name and labels; near: NEAR of JPEG-LS, the predictor of lossless JPEG."""
    if marker == 0xF7:
        if near:
            return "JPEG-LS near-lossless", (_JPEG + "81",)
        return "JPEG-LS lossless", (_JPEG + "80", _JPEG + "81")
    if marker == 0xC3:
        labels = (_JPEG + "70", _JPEG + "57") if near == 1 else (_JPEG + "57",)
        return "JPEG Lossless", labels
    if marker == 0xC0:
        return "JPEG Baseline", (_JPEG + "50", _JPEG + "51")
    if marker == 0xC1:
        return "JPEG Extended", (_JPEG + "51",)
    return ("JPEG", tuple(f"{_JPEG}{n}" for n in range(52, 67)))


def _jpeg_2000(data: bytes, begin: int) -> Stream | None:
    if len(data) < begin + 45:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", data, begin + 8)
    samples, depth = struct.unpack_from(">HB", data, begin + 40)
    coding = data.find(b"\xff\x52", begin + 40, begin + 4096)
    is_reversible = 0 <= coding < len(data) - 13 and data[coding + 13] == 1
    if data.find(b"\xff\x50", begin, begin + 256) >= 0:
        labels: tuple[str, ...] = ("201", "202", "203") if is_reversible else ("203",)
        name = "HTJ2K" if is_reversible else "HTJ2K irreversible"
    else:
        # A reversible stream may still have been cut to size: 91 is true of both.
        labels = ("90", "91") if is_reversible else ("91",)
        name = "JPEG 2000" if is_reversible else "JPEG 2000 irreversible"
    size = (bottom - top, right - left, (depth & 0x7F) + 1, samples)
    return Stream(name, tuple(_JPEG + label for label in labels), *size)


def stream_findings(case: Case) -> Iterator[Finding]:
    """What is wrong with encapsulated pixels."""
    node = next((n for n in case.anatomy.nodes if n.tag in PIXEL_TAGS and n.fragments), None)
    if node is None or node.fragments is None:
        yield from _flag(case, "")
        return
    frames = max(1, case.top.integer("NumberOfFrames", 1))
    fragments = node.fragments[1:]
    if len(fragments) < frames and case.syntax not in {f"{_JPEG}{n}" for n in range(100, 109)}:
        said = say("{there} of {count} pictures are there.", there=len(fragments), count=frames)
        yield case.finding(COUNT, said, node.tag, node.offset)
    yield from _table(case, node, frames)
    if not fragments:
        return
    offset, length = fragments[0]
    head = case.anatomy.source.read(offset, min(length, _HEAD))
    if _is_torn(case, head):
        said = say("The program that compressed it let its sums overflow.")
        yield case.finding(TORN, said, node.tag, offset)
    stream = identify(head)
    if stream is None:
        if case.syntax.startswith((_JPEG, _RLE)):
            said = say("The first picture does not begin like any compression that DICOM knows.")
            yield case.finding(NO_STREAM, said, node.tag, offset)
        return
    if case.syntax not in stream.syntaxes:
        said = say("The pixels are {name}; the label is {label}.",
                   name=stream.name, label=case.syntax or "-")  # fmt: skip
        edit = Edit(tag=SYNTAX_TAG, vr="UI", value=stream.syntaxes[0])
        can = case.anatomy.encoding.explicit and not case.anatomy.encoding.big
        yield case.finding(CODEC, said, SYNTAX_TAG, edit=edit, is_repairable=can)
    yield from _against_header(case, node, stream)
    yield from _ends(case, node, stream, frames)
    yield from _flag(case, stream.name)


def _is_torn(case: Case, head: bytes) -> bool:
    if case.instance is None or case.syntax != JPEG_LOSSLESS or not may_overflow(head):
        return False
    try:
        return is_torn(case.instance)
    except UnreadableInstance:
        return False  # the reader says why


def _against_header(case: Case, node: Node, stream: Stream) -> Iterator[Finding]:
    top = case.top
    if not stream.rows:
        return
    said_size = (top.integer("Rows"), top.integer("Columns"))
    if said_size != (stream.rows, stream.columns):
        said = say("The stream has {found} rows and columns, the header says {said}.",
                   found=f"{stream.rows} x {stream.columns}",
                   said=f"{said_size[0]} x {said_size[1]}")  # fmt: skip
        yield case.finding(SIZE, said, "Rows", node.offset)
    stored, allocated = top.integer("BitsStored"), top.integer("BitsAllocated")
    if allocated and (stream.bits > allocated or (stream.bits < stored and stream.bits <= 8)):
        said = say("The stream has {bits} bits, the header says {stored} of {allocated}.",
                   bits=stream.bits, stored=stored, allocated=allocated)  # fmt: skip
        yield case.finding(DEPTH, said, "BitsStored", node.offset)
    if stream.samples != top.integer("SamplesPerPixel", 1):
        said = say("The stream has {found} samples a pixel, the header says {said}.",
                   found=stream.samples, said=top.integer("SamplesPerPixel", 1))  # fmt: skip
        yield case.finding(SIZE, said, "SamplesPerPixel", node.offset)


def _ends(case: Case, node: Node, stream: Stream, frames: int) -> Iterator[Finding]:
    """JPEG pictures without their end marker; only where each has one fragment."""
    fragments = (node.fragments or [])[1:]
    if not stream.rows or not (len(fragments) == frames or frames == 1):
        return
    last = fragments if len(fragments) == frames else fragments[-1:]
    for number, (offset, length) in enumerate(last, 1):
        tail = case.anatomy.source.read(offset + max(0, length - 32), min(length, 32))
        if b"\xff\xd9" not in tail:
            said = say("Picture {number} has no end mark.", number=number)
            yield case.finding(END, said, node.tag, offset)
            return


def _table(case: Case, node: Node, frames: int) -> Iterator[Finding]:
    fragments = node.fragments or []
    if not fragments or not fragments[0][1]:
        return
    offset, length = fragments[0]
    raw = case.anatomy.source.read(offset, min(length, 4 * frames))
    stated = list(struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4]))
    if length != 4 * frames:
        said = say("The table has {found} {found:entry|entries} for {frames} "
                   "{frames:frame|frames}.",
                   found=length // 4, frames=frames)  # fmt: skip
        yield case.finding(TABLE, said, node.tag, offset)
        return
    base = fragments[1][0] if len(fragments) > 1 else 0
    starts = {start - base for start, _ in fragments[1:]}
    wrong = [n for n, at in enumerate(stated, 1) if at not in starts]
    if wrong or stated != sorted(set(stated)):
        said = say("{count} of {frames} entries {count:leads|lead} to no picture.",
                   count=len(wrong) or 1, frames=frames)  # fmt: skip
        yield case.finding(TABLE, said, node.tag, offset)


def _flag(case: Case, name: str) -> Iterator[Finding]:
    if name in _LOSSY_STREAMS and case.top.text("LossyImageCompression") != "01":
        said = say("The pixels are {name}, which gives detail away.", name=name)
        edit = Edit(tag=0x00282110, vr="CS", value="01")
        yield case.finding(LOSSY, said, "LossyImageCompression", edit=edit)
    elif case.top.text("LossyImageCompression") == "00" and _was_lossy(case):
        # Once 01 it stays 01, whatever the pixels are stored as now (PS3.3 C.7.6.1.1.5).
        said = say("It says 00 beside the ratio or method of a lossy compression.")
        edit = Edit(tag=0x00282110, vr="CS", value="01")
        yield case.finding(LOSSY, said, "LossyImageCompression", edit=edit)


def _was_lossy(case: Case) -> bool:
    ratios = case.top.floats("LossyImageCompressionRatio")
    return case.top.has("LossyImageCompressionMethod") or any(ratio > 1 for ratio in ratios)

"""Faults made by code, one at a time: what was done to a sound file, and which check answers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from dicom_read_cases import save, slice_of
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

Change = Callable[[bytes], bytes]
EXPLICIT_LE, IMPLICIT_LE = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0"


@dataclass(frozen=True)
class Fault:
    """check: the id that must be found; make: writes the file; is_repaired: a copy answers it."""

    check: str
    make: Callable[[Path], Path]
    is_repaired: bool = False


def sound(path: Path, **elements: Any) -> Path:
    """A CT slice without any fault."""
    return save(slice_of(0, **elements), path)


def with_bytes(change: Change, **elements: Any) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        sound(path, **elements).write_bytes(change(path.read_bytes()))
        return path

    return make


def with_elements(**elements: Any) -> Callable[[Path], Path]:
    return lambda path: sound(path, **elements)


def with_raw(tag: int, vr: str, raw: bytes) -> Callable[[Path], Path]:
    """An element whose bytes pydicom would not write."""

    def make(path: Path) -> Path:
        data = sound(path).read_bytes()
        path.write_bytes(
            data[: place(data, tag)] + element(tag, vr, raw) + data[after(data, tag) :]
        )
        return path

    return make


def element(tag: int, vr: str, raw: bytes) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<HI", 0, len(raw)) + raw
    return head + struct.pack("<H", len(raw)) + raw


def _walk(data: bytes) -> list[tuple[int, int, int]]:
    """(tag, begin, end) of the top level of a file of these tests."""
    found, at = [], 132
    while at + 8 <= len(data):
        group, number = struct.unpack_from("<HH", data, at)
        if data[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
            end = at + 12 + struct.unpack_from("<I", data, at + 8)[0]
        else:
            end = at + 8 + struct.unpack_from("<H", data, at + 6)[0]
        found.append((group << 16 | number, at, end))
        at = end
    return found


def place(data: bytes, tag: int) -> int:
    """Where an element stands, or where it would."""
    return next((begin for known, begin, _ in _walk(data) if known >= tag), len(data))


def after(data: bytes, tag: int) -> int:
    """Where an element ends; its place where it is absent."""
    return next((end for known, _, end in _walk(data) if known == tag), place(data, tag))


def _without_meta(data: bytes) -> bytes:
    return data[place(data, 0x00080005) :]


def _swap_first(data: bytes) -> bytes:
    """Modality before SOP Instance UID."""
    one, two = place(data, 0x00080018), place(data, 0x00080060)
    return data[:one] + data[two : after(data, 0x00080060)] + data[one:two] + data[
        after(data, 0x00080060) :
    ]  # fmt: skip


def _doubled(change: Change) -> Change:
    def make(data: bytes) -> bytes:
        begin, end = place(data, 0x00080060), after(data, 0x00080060)
        return data[:end] + change(data[begin:end]) + data[end:]

    return make


def _wrong_length(by: int) -> Change:
    def make(data: bytes) -> bytes:
        at = place(data, 0x00100020) + 6
        length = struct.unpack_from("<H", data, at)[0]
        return data[:at] + struct.pack("<H", length + by) + data[at + 2 :]

    return make


def _meta_length(data: bytes) -> bytes:
    return data[:140] + struct.pack("<I", 3) + data[144:]


def _sequence(length: int, tail: bytes = b"") -> Callable[[Path], Path]:
    item = element(0x00080100, "SH", b"T-D1")
    body = struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item + tail

    def make(path: Path) -> Path:
        data = sound(path).read_bytes()
        at = place(data, 0x00082218)
        head = struct.pack("<HH2sHI", 0x0008, 0x2218, b"SQ", 0, length)
        path.write_bytes(data[:at] + head + body + data[at:])
        return path

    return make


def _compressed(label: str, codec: str, **elements: Any) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        import imagecodecs

        pixels = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
        stream = {
            "jpeg": lambda: imagecodecs.jpeg8_encode(pixels),
            "j2k": lambda: imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True),
        }[codec]()
        made = slice_of(0, pixels, **elements)
        save(made, path)
        made.file_meta.TransferSyntaxUID = label
        made.PixelData = encapsulate([stream])
        made["PixelData"].is_undefined_length = True
        buffer = BytesIO()
        made.save_as(buffer, enforce_file_format=True)
        path.write_bytes(buffer.getvalue())
        return path

    return make


def _bad_table(data: bytes) -> bytes:
    """An offset table of two entries for one picture."""
    at = place(data, 0x7FE00010) + 12
    length = struct.unpack_from("<I", data, at + 4)[0]
    table = struct.pack("<HHI", 0xFFFE, 0xE000, 8) + bytes(8)
    return data[:at] + table + data[at + 8 + length :]


def _then(make: Callable[[Path], Path], change: Change) -> Callable[[Path], Path]:
    def both(path: Path) -> Path:
        make(path).write_bytes(change(path.read_bytes()))
        return path

    return both


def _without_end(data: bytes) -> bytes:
    return data[: data.rindex(b"\xff\xd9")] + b"\0\0" + data[data.rindex(b"\xff\xd9") + 2 :]


_JPEG = _compressed(JPEGBaseline8Bit, "jpeg", LossyImageCompression="01")
_J2K = _compressed(JPEG2000Lossless, "j2k")
LONG_UID = ".".join(["1.2"] * 30)
RELABELLED = EXPLICIT_LE.ljust(20, b"\0")

FAULTS = (
    Fault("file.no-preamble", with_bytes(lambda d: d[132:]), True),
    Fault("meta.missing", with_bytes(_without_meta), True),
    Fault("file.stray-start", with_bytes(lambda d: b" " + _without_meta(d)), True),
    Fault("meta.incomplete", with_bytes(
        lambda d: d[: place(d, 0x00020010)] + d[after(d, 0x00020010) :]), True),
    Fault("meta.group-length", with_bytes(_meta_length), True),
    Fault("meta.no-group-length", with_bytes(lambda d: d[:132] + d[144:]), True),
    Fault("meta.mismatch", with_bytes(
        lambda d: d[: place(d, 0x00020003)] + element(0x00020003, "UI", b"1.2.3\0")
        + d[after(d, 0x00020003) :]), True),
    Fault("meta.transfer-syntax", with_bytes(
        lambda d: d[: place(d, 0x00020010)] + element(0x00020010, "UI", IMPLICIT_LE)
        + d[after(d, 0x00020010) :]), True),
    Fault("file.cut", with_bytes(lambda d: d[: place(d, 0x7FE00010) + 30])),
    Fault("pixel.short", with_bytes(lambda d: d[: place(d, 0x7FE00010) + 30])),
    Fault("file.length-wrong", with_bytes(_wrong_length(4)), True),
    Fault("file.length-wrong", with_bytes(_wrong_length(30000)), True),
    Fault("file.sequence-length", _sequence(30), True),
    Fault("file.delimiter-missing", _sequence(0xFFFFFFFF), True),
    Fault("file.odd-length", with_raw(0x00100020, "LO", b"P12"), True),
    Fault("file.group-length", with_bytes(
        lambda d: d[: place(d, 0x00080005)] + element(0x00080000, "UL", b"\7\0\0\0")
        + d[place(d, 0x00080005) :]), True),
    Fault("file.element-order", with_bytes(_swap_first), True),
    Fault("file.element-doubled", with_bytes(_doubled(lambda raw: raw)), True),
    Fault("file.element-doubled", with_bytes(_doubled(lambda raw: raw.replace(b"CT", b"MR")))),
    Fault("file.delimiter-stray", with_bytes(
        lambda d: d[: place(d, 0x00180050)] + b"\xfe\xff\xdd\xe0\0\0\0\0"
        + d[place(d, 0x00180050) :]), True),
    Fault("file.trailing", with_bytes(lambda d: d + bytes(40)), True),
    Fault("file.no-element", with_bytes(
        lambda d: d[: place(d, 0x00180050)] + b"\xab\xcd" * 40)),
    Fault("value.format", with_raw(0x00080020, "DA", b"20261399")),
    Fault("value.format", with_raw(0x00200013, "IS", b"one ")),
    Fault("value.format", with_raw(0x00080030, "TM", b"99:99 ")),
    Fault("value.format", with_raw(0x00080018, "UI", b"1.02.3")),
    Fault("value.format", with_raw(0x00080020, "DA", b"20260230")),
    Fault("value.format", with_raw(0x00100020, "LO", b"P1\r\n22")),
    Fault("value.not-defined", with_raw(0x00100040, "CS", b"W ")),
    Fault("value.too-long", with_raw(0x00100010, "PN", b"X" * 80)),
    Fault("value.old-date", with_raw(0x00080020, "DA", b"1993.02.24")),
    Fault("value.too-long", with_raw(0x00180050, "DS", b"2.000000000000000001")),
    Fault("value.too-long", with_raw(0x00080018, "UI", LONG_UID.encode() + b"\0")),
    Fault("value.size", with_raw(0x00280010, "US", b"\6\0\0")),
    Fault("value.multiplicity", with_raw(0x00280010, "US", b"\6\0\5\0")),
    Fault("value.representation", with_raw(0x00080060, "LO", b"CT")),
    Fault("value.unknown", with_raw(0x00080060, "UN", b"CT")),
    Fault("charset.missing", with_raw(0x00100010, "PN", "张^三丰 ".encode("gb18030")), True),
    Fault("charset.missing", with_raw(0x00100010, "PN", "Äneas^Jürgen".encode()), True),
    Fault("charset.missing", with_raw(0x00100010, "PN", "Müller^Jörg ".encode("latin-1")), True),
    Fault("charset.missing", with_raw(0x00100010, "PN", "김^희중".encode("euc_kr")), True),
    Fault("charset.missing", with_raw(0x00100010, "PN", "ヤマダ^タロウ".encode("shift_jis")), True),
    Fault("charset.wrong", _then(with_raw(0x00080005, "CS", b"ISO_IR 192"), lambda d: d.replace(
        b"Test^Ada", "王^小明 ".encode("gb18030").ljust(8))), True),
    Fault("charset.unknown", with_raw(0x00080005, "CS", b"ISO-IR 100")),
    Fault("pixel.description", with_elements(Rows=0)),
    Fault("pixel.description", with_elements(PhotometricInterpretation="MONOCHROME")),
    Fault("pixel.description", with_elements(
        PhotometricInterpretation="RGB", SamplesPerPixel=3, PlanarConfiguration=7,
        PixelData=bytes(180))),
    Fault("pixel.description", with_elements(
        PhotometricInterpretation="YBR_FULL_422", SamplesPerPixel=3, PlanarConfiguration=0,
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, PixelData=bytes(90))),
    Fault("pixel.missing", with_elements(PixelData=None)),
    Fault("pixel.incomplete", with_elements(PhotometricInterpretation=None)),
    Fault("pixel.incomplete", with_elements(BitsStored=None)),
    Fault("pixel.long", with_elements(PixelData=bytes(600))),
    Fault("pixel.bits", with_elements(HighBit=11)),
    Fault("pixel.bits", with_elements(BitsStored=20, HighBit=19)),
    Fault("pixel.samples", with_elements(PhotometricInterpretation="RGB")),
    Fault("pixel.planar", with_elements(
        PhotometricInterpretation="RGB", SamplesPerPixel=3, PixelData=bytes(180))),
    Fault("pixel.palette", with_elements(PhotometricInterpretation="PALETTE COLOR")),
    Fault("pixel.window", with_elements(WindowWidth=[0, 1500])),
    Fault("pixel.window", with_elements(WindowWidth=400)),
    Fault("pixel.rescale", with_elements(RescaleSlope=None)),
    Fault("pixel.rescale", with_elements(RescaleSlope=0)),
    Fault("pixel.spacing", with_elements(PixelSpacing=None)),
    Fault("pixel.spacing-value", with_elements(PixelSpacing=[0, 0.5])),
    Fault("pixel.frames", with_raw(0x00280008, "IS", b"1A")),
    Fault("pixel.representation", with_elements(PixelRepresentation=None)),
    Fault("stream.codec", _compressed(JPEG2000Lossless, "jpeg", LossyImageCompression="01"), True),
    Fault("stream.lossy", _compressed(JPEGBaseline8Bit, "jpeg"), True),
    Fault("stream.lossy", _compressed(JPEGBaseline8Bit, "jpeg", LossyImageCompression="00"), True),
    Fault("stream.lossy", with_elements(LossyImageCompression="00",
                                        LossyImageCompressionRatio=[12.5]), True),
    Fault("stream.size", _compressed(JPEGBaseline8Bit, "jpeg", Rows=32)),
    Fault("stream.size", _compressed(JPEG2000Lossless, "j2k", Columns=32)),
    Fault("stream.depth", _compressed(JPEG2000Lossless, "j2k", BitsAllocated=16, BitsStored=12,
                                      HighBit=11)),
    Fault("stream.end", _then(_JPEG, _without_end)),
    Fault("stream.unknown", _then(_J2K, lambda d: d.replace(b"\xff\x4f\xff\x51", b"\0\0\0\0"))),
    Fault("stream.frames", _compressed(JPEG2000Lossless, "j2k", NumberOfFrames=4)),
    Fault("stream.offset-table", _then(_J2K, _bad_table), True),
    Fault("geometry.orientation", with_elements(
        ImageOrientationPatient=[1.01, 0, 0, 0, 1, 0.005]), True),
    Fault("geometry.orientation", with_elements(ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0])),
    Fault("geometry.orientation-values", with_elements(
        ImageOrientationPatient=[0, 0, 0, 0, 0, 0])),
    Fault("geometry.position-value", with_elements(ImagePositionPatient=[0, 0, 4e8])),
    Fault("geometry.position", with_elements(ImagePositionPatient=None)),
    Fault("identity.no-uid", with_elements(StudyInstanceUID=None)),
    Fault("identity.no-patient", with_elements(PatientID=None, PatientName=None)),
)  # fmt: skip


def made_series(folder: Path, count: int = 5, **changed: Callable[[int], Any]) -> Path:
    """A series in a folder, with elements that depend on the slice."""
    for k in range(count):
        made: Dataset = slice_of(k, **{name: value(k) for name, value in changed.items()})
        save(made, folder / f"{k}.dcm")
    return folder

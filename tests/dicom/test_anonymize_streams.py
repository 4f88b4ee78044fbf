"""A name hidden in the pixels, wherever no decoder looks, is not in the copy."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.uid import ExplicitVRBigEndian

from medview.dicom.anonymize import Decision, Export, Options, Secret, export, survey
from medview.dicom.instance import open_instance
from medview.dicom.pixels import PixelReader

SECRET = Secret(b"a key of exactly 32 bytes in all")
NAME = b"Quince^Ada"
PIXELS = (np.add.outer(np.arange(64) * 3, np.arange(64)) % 256).astype(np.uint8)
JPEG, JPEG_LS, JPEG_2000, RLE, DEFLATED = (
    f"1.2.840.10008.1.2.{n}" for n in ("4.50", "4.80", "4.90", "5", "8.1")
)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_J2K = imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k", reversible=True)
_JPG = imagecodecs.jpeg8_encode(PIXELS, level=90)
_JLS = imagecodecs.jpegls_encode(PIXELS)
_RLE = struct.pack("<16I", 1, 64, *[0] * 14) + imagecodecs.packbits_encode(PIXELS)

_DEFLATED = zlib.compress(PIXELS.tobytes(), wbits=-zlib.MAX_WBITS)


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def early(stream: bytes, marker: int, payload: bytes = NAME) -> bytes:
    """A segment behind the first two bytes."""
    return stream[:2] + segment(marker, payload) + stream[2:]


def in_tile(stream: bytes) -> bytes:
    """A comment in the header of the first tile part, whose length is set anew."""
    note, at = segment(0x64, b"\0\1" + NAME), stream.index(b"\xff\x90")
    length = int.from_bytes(stream[at + 6 : at + 10], "big")
    longer = (length + len(note) if length else 0).to_bytes(4, "big")
    return stream[: at + 6] + longer + stream[at + 10 : at + 12] + note + stream[at + 12 :]


def halved(stream: bytes, at: int) -> tuple[bytes, ...]:
    return stream[:at], stream[at:]


HIDDEN: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "comment": (JPEG, (early(_JPG, 0xFE),)),
    "camera": (JPEG, (early(_JPG, 0xE1, b"Exif\0\0" + NAME),)),
    "small picture": (JPEG, (early(_JPG, 0xE0, b"JFXX\0\x10" + NAME),)),
    "long JFIF": (JPEG, (early(_JPG, 0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0" + NAME),)),
    "long Adobe": (JPEG, (early(_JPG, 0xEE, b"Adobe\0d\0\0\0\0\0" + NAME),)),
    "between segments": (JPEG, (_JPG[:20] + NAME + _JPG[20:],)),
    "behind the scan": (JPEG, (_JPG[:-2] + segment(0xFE, NAME) + _JPG[-2:],)),
    "behind the end": (JPEG, (_JPG + NAME,)),
    "in the second fragment": (JPEG, halved(early(_JPG, 0xFE), 2)),
    "across two fragments": (JPEG, halved(early(_JPG, 0xFE), 12)),
    "in a fragment of its own": (JPEG, (_JPG, NAME)),
    "JPEG-LS comment": (JPEG_LS, (early(_JLS, 0xFE),)),
    "JPEG-LS end": (JPEG_LS, (_JLS + NAME,)),
    "JPEG 2000 tile": (JPEG_2000, (in_tile(_J2K),)),
    "JPEG 2000 end": (JPEG_2000, (_J2K + NAME,)),
    "RLE header": (RLE, (_RLE[:16] + NAME + _RLE[26:],)),
    "RLE end": (RLE, (_RLE + NAME,)),
    "deflated end": (DEFLATED, (_DEFLATED + NAME,)),
}
SOUND = {JPEG: (_JPG,), JPEG_LS: (_JLS,), JPEG_2000: (_J2K,), RLE: (_RLE,),
         DEFLATED: (_DEFLATED,)}  # fmt: skip


def stored(path: Path, syntax: str, fragments: tuple[bytes, ...]) -> Path:
    made = slice_of(0, PIXELS, PatientName="Quince^Ada")
    save(made, path)
    # pydicom does not know the deflated one and so does not write it.
    made.file_meta.TransferSyntaxUID = JPEG if syntax == DEFLATED else syntax
    even = [piece + b"\0" * (len(piece) % 2) for piece in (b"", *fragments)]
    items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece for piece in even)
    made.PixelData = items + SEQUENCE_END
    made["PixelData"].VR, made["PixelData"].is_undefined_length = "OB", True
    made.save_as(path, enforce_file_format=True)
    if syntax == DEFLATED:
        path.write_bytes(path.read_bytes().replace(JPEG.encode(), DEFLATED.encode() + b"\0"))
    return path


def copy_of(source: Path, out: Path) -> Path:
    how = Export(options=Options(), secret=SECRET, burned_in=Decision.KEEP)
    done = export(survey([source]), out, how)
    return done.folder / done.copies[0][1]


def shown(path: Path) -> NDArray[np.generic]:
    with PixelReader(open_instance(str(path))) as reader:
        return reader.stored(0).values


@pytest.mark.parametrize("where", HIDDEN)
def test_a_name_hidden_in_a_stream_goes_and_the_picture_stays(where: str, tmp_path: Path) -> None:
    syntax, fragments = HIDDEN[where]
    source = stored(tmp_path / "source.dcm", syntax, fragments)
    made = copy_of(source, tmp_path / "out")

    assert [part for part in (b"Quince", b"Ada") if part in made.read_bytes()] == []
    assert np.array_equal(shown(made), shown(stored(source, syntax, SOUND[syntax])))


def test_what_stands_behind_colour_of_half_width_goes(tmp_path: Path) -> None:
    made = slice_of(
        0, PIXELS, PatientName="Quince^Ada", SamplesPerPixel=3, PlanarConfiguration=0,
        PhotometricInterpretation="YBR_FULL_422",
    )  # fmt: skip
    picture = bytes(range(128)) * (2 * made.Rows * made.Columns // 128)
    made.PixelData = picture + NAME
    copy = copy_of(save(made, tmp_path / "source.dcm"), tmp_path / "out")

    assert b"Quince" not in copy.read_bytes()
    assert dcmread(copy).PixelData[: len(picture)] == picture


def test_a_name_among_the_image_types_goes(tmp_path: Path) -> None:
    made = slice_of(0, PatientName="Quince^Ada", ImageType=["ORIGINAL", "PRIMARY", "QUINCE_ADA"])
    source = save(made, tmp_path / "source.dcm")
    source.write_bytes(source.read_bytes().replace(b"QUINCE_ADA", b"QUINCE^ADA"))
    copy = copy_of(source, tmp_path / "out")

    assert list(dcmread(copy).ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"]


@pytest.mark.parametrize("is_big", [False, True])
def test_an_overlay_in_unused_bits_goes_and_the_values_stay(tmp_path: Path, is_big: bool) -> None:
    picture = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) % 4096
    drawn = (np.add.outer(np.arange(64), np.arange(64)) % 3 == 0).astype(np.uint16)
    made = slice_of(0, picture | drawn << 13, BitsStored=12, HighBit=11)
    plane = ((0x10, "US", 64), (0x11, "US", 64), (0x40, "CS", "G"), (0x50, "SS", [1, 1]))
    for element, vr, value in (*plane, (0x100, "US", 16), (0x102, "US", 13)):
        made.add_new((0x6000, element), vr, value)
    source = save(made, tmp_path / "source.dcm")
    if is_big:
        made.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        made.PixelData = (picture | drawn << 13).astype(">u2").tobytes()
        dcmwrite(source, made, implicit_vr=False, little_endian=False)
    copy = dcmread(copy_of(source, tmp_path / "out"))

    stored_words = np.frombuffer(copy.PixelData, ">u2" if is_big else "<u2")
    assert np.array_equal(stored_words.reshape(64, 64), picture)
    assert not copy.group_dataset(0x6000)


def test_a_picture_that_nobody_can_look_at_is_left_out_unless_asked_otherwise(
    tmp_path: Path,
) -> None:
    source = stored(tmp_path / "source.dcm", JPEG, (_JPG,))
    part_2 = b"1.2.840.10008.1.2.4.93"  # JPEG 2000, for which there is no decoder
    source.write_bytes(source.read_bytes().replace(JPEG.encode(), part_2))
    found = survey([source])

    assert ["cannot decode" in str(reason) for reason in found.suspicions[0].reasons] == [True]
    done = export(found, tmp_path / "out", Export(options=Options(), secret=SECRET))
    assert done.copies == ()

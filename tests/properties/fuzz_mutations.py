"""How the fuzzer spoils a file: each case follows from the seed, its number and the corpus.

Every fourth case is a series: the file with neighbours made of it, one of which is spoiled before
the scan, after it, or between two.
"""

from __future__ import annotations

import os
import random
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

LARGEST = 300_000
_EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
_LENGTHS = (0, 1, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_IMAGE_TAGS = (0x0002, 0x0004, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103, 0x0006,
               0x0106, 0x0120, 0x1052, 0x1053, 0x0030)  # fmt: skip


NEIGHBOURS = 5
_WAYS_OF_A_SERIES = ("before the scan", "after the scan", "between two scans")


@dataclass(frozen=True, slots=True)
class SeriesCase:
    """Sound files of a series, which of them is spoiled, what it becomes, and when."""

    path: Path
    sound: tuple[bytes, ...]
    victim: int
    spoiled: bytes
    way: str
    in_place: bool  # written to, or another file put in its place


def is_series(case: int) -> bool:
    """Whether a case is a series."""
    return case % 4 == 3


def spoiled_series(files: list[Path], seed: int, case: int) -> SeriesCase | None:
    """A series of a file's likes, one of them spoiled; None where no series can be made of it."""
    chosen = random.Random(f"{seed}/{case}/series")
    path = chosen.choice(files)
    sound = neighbours(path)
    if sound is None:
        return None
    victim = chosen.randrange(NEIGHBOURS)
    data = bytearray(chosen.choice((sound[victim], chosen.choice(sound))))
    for _ in range(chosen.choice((1, 1, 1, 2))):
        chosen.choice(_WAYS)(data, chosen)
    way = chosen.choice(_WAYS_OF_A_SERIES)
    return SeriesCase(path, sound, victim, bytes(data), way, chosen.random() < 0.5)


@lru_cache(maxsize=256)
def neighbours(path: Path) -> tuple[bytes, ...] | None:
    """The picture of a file at five places; None where it is none, or one of many frames."""
    import pydicom

    made = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for k in range(NEIGHBOURS):
                one = pydicom.dcmread(path)
                if "PixelData" not in one or int(one.get("NumberOfFrames") or 1) > 1:
                    return None
                one.Modality = "CT" if one.get("Modality") not in ("MR", "PT") else one.Modality
                one.SOPInstanceUID = f"1.2.3.{k}"
                one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
                one.ImageType, one.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], 10**k
                one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.5]
                one.ImagePositionPatient = [-10, -20, 2.5 * k]
                written = BytesIO()
                one.save_as(written)
                made.append(written.getvalue())
    except Exception:  # noqa: BLE001 - the corpus holds broken files too
        return None
    return tuple(made)


def corpus() -> list[Path]:
    """Small real files: those that come with pydicom and, where it is set, MEDVIEW_DATA's."""
    import pydicom.data

    folders = [Path(pydicom.data.__file__).parent]
    if os.environ.get("MEDVIEW_DATA"):
        folders.append(Path(os.environ["MEDVIEW_DATA"]) / "imaging")
    files = sorted(
        p for folder in folders for p in folder.rglob("*")
        if p.is_file() and 132 < p.stat().st_size < LARGEST
    )  # fmt: skip
    return [p for p in files if p.suffix not in (".json", ".md", ".txt", ".py", ".pyc", ".gz")]


def mutated(files: list[Path], seed: int, case: int) -> tuple[Path, bytes]:
    """The file that a case begins with, and what it becomes."""
    chosen = random.Random(f"{seed}/{case}")
    path = chosen.choice(files)
    data = bytearray(path.read_bytes())
    for _ in range(chosen.choice((1, 1, 1, 2, 3))):
        chosen.choice(_WAYS)(data, chosen)
    if chosen.random() < 0.05:
        other = chosen.choice(files).read_bytes()
        at = chosen.randrange(len(data) + 1)
        data[at:] = other[chosen.randrange(len(other)) :]
    return path, bytes(data)


def _place(data: bytearray, chosen: random.Random) -> int:
    """A place, in the header as often as not."""
    end = min(len(data), 4096) if chosen.random() < 0.5 else len(data)
    return chosen.randrange(max(1, end))


def _flip(data: bytearray, chosen: random.Random) -> None:
    for _ in range(chosen.choice((1, 1, 2, 8, 32))):
        if data:
            data[_place(data, chosen)] ^= 1 << chosen.randrange(8)


def _cut(data: bytearray, chosen: random.Random) -> None:
    del data[_place(data, chosen) :]


def _remove(data: bytearray, chosen: random.Random) -> None:
    at = _place(data, chosen)
    del data[at : at + chosen.choice((1, 2, 8, 64, 1000))]


def _insert(data: bytearray, chosen: random.Random) -> None:
    at = _place(data, chosen)
    data[at:at] = chosen.randbytes(chosen.choice((1, 2, 8, 64)))


def _write_length(data: bytearray, chosen: random.Random) -> None:
    at = _place(data, chosen) & ~1
    data[at : at + 4] = struct.pack("<I", chosen.choice(_LENGTHS))


def _spoil_image_value(data: bytearray, chosen: random.Random) -> None:
    """Change a value of the Image Pixel module, in either byte order."""
    element = chosen.choice(_IMAGE_TAGS)
    order = "<" if chosen.random() < 0.9 else ">"
    at = data.find(struct.pack(order + "HH", 0x0028, element))
    if at >= 0 and at + 10 <= len(data):
        value = chosen.choice((chosen.choice(_EXTREMES), chosen.randrange(1 << 16)))
        data[at + 8 : at + 10] = struct.pack(order + "H", value)


def _spoil_element_head(data: bytearray, chosen: random.Random) -> None:
    """Change tag, VR or length of an element with an even tag somewhere in the header."""
    group = chosen.choice((0x0002, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x7FE0, 0xFFFE))
    at = data.find(struct.pack("<H", group), _place(data, chosen) & ~1)
    if 0 <= at < len(data) - 8:
        where = at + chosen.randrange(8)
        data[where] = chosen.choice((0, 0xFF, chosen.randrange(256)))


def _double(data: bytearray, chosen: random.Random) -> None:
    at = _place(data, chosen)
    part = data[at : at + chosen.choice((8, 64, 500))]
    data[at:at] = part * chosen.choice((1, 2, 50))


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _flip, _cut, _remove, _insert, _write_length, _spoil_image_value,
    _spoil_image_value, _spoil_element_head, _double,
)  # fmt: skip

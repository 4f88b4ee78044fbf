"""Invented series on disk for the reading benchmarks: the same bytes every time."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

PLAIN, LS, SV1 = str(ExplicitVRLittleEndian), str(JPEGLSLossless), str(JPEGLosslessSV1)
J2K, HT, RLE = str(JPEG2000Lossless), str(HTJ2KLossless), str(RLELossless)
__all__ = ["HT", "J2K", "LS", "PLAIN", "RLE", "SV1", "Pixels", "series"]
Pixels = NDArray[np.uint16]


def _run_lengths(pixels: Pixels) -> bytes:
    """One frame by pydicom's encoder: no quick one is at hand, and it need not be quick."""
    rows, columns = pixels.shape
    return bytes(
        get_encoder(RLELossless).encode(
            pixels,
            encoding_plugin="pydicom",
            rows=rows,
            columns=columns,
            samples_per_pixel=1,
            bits_allocated=16,
            bits_stored=12,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
            number_of_frames=1,
        )
    )


_ENCODERS: dict[str, Callable[[Pixels], bytes]] = {
    LS: lambda pixels: bytes(imagecodecs.jpegls_encode(pixels)),
    SV1: lambda pixels: bytes(
        imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12)
    ),
    J2K: lambda pixels: bytes(
        imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k", reversible=True)
    ),
    HT: lambda pixels: bytes(imagecodecs.htj2k_encode(pixels, reversible=True)),
    RLE: _run_lengths,
}


def _slices(count: int, side: int) -> Iterator[Pixels]:
    """A thorax of ellipses with noise that neighbours share, 12 of 16 bits."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    body = np.where((x / 0.85) ** 2 + (y / 0.6) ** 2 < 1, 1040, 24)
    for centre in (-0.4, 0.4):
        body[((x - centre) / 0.28) ** 2 + (y / 0.42) ** 2 < 1] = 180
    first, second = (random.normal(0, 18, (side, side)).astype(np.float32) for _ in range(2))
    for _ in range(count):
        third = random.normal(0, 18, (side, side)).astype(np.float32)
        smooth = (first + second + third) / 1.7
        first, second = second, third
        yield np.clip(body + smooth, 0, 4095).astype(np.uint16)


@cache
def series(syntax: str, count: int, side: int = 512) -> Path:
    """A folder with one series, its file names in no order; gone when the program ends."""
    return written(syntax, count, _slices(count, side))


def written(syntax: str, count: int, pictures: Iterable[Pixels]) -> Path:
    """A folder with these pictures as one CT series, 0.7 x 0.7 x 1 mm; gone when the program ends.

    Stored numbers are HU + 1024; the names of the files are in no order.
    """
    base = tempfile.TemporaryDirectory(prefix="medview-bench-")
    atexit.register(base.cleanup)
    folder = Path(base.name)
    uids = [generate_uid() for _ in range(3)]
    names = np.random.default_rng(3).permutation(count)
    for k, pixels in enumerate(pictures):
        made = _slice(k, pixels, uids)
        encode = _ENCODERS.get(syntax)
        made.PixelData = encapsulate([encode(pixels)]) if encode else pixels.tobytes()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        made.save_as(folder / f"{names[k]:04d}.dcm", enforce_file_format=True)
    return folder


def _slice(k: int, pixels: Pixels, uids: list[Any]) -> Dataset:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = uids
    made.Modality, made.PatientID = "CT", "B"
    made.ImageType, made.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], k + 1
    made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.7, 0.7]
    made.ImagePositionPatient = [-180, -180, 1.0 * k]
    made.RescaleSlope, made.RescaleIntercept = 1, -1024
    made.Rows, made.Columns, made.SamplesPerPixel = *pixels.shape, 1
    made.PhotometricInterpretation, made.PixelRepresentation = "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.add_new(0x00090010, "LO", "BENCHMARK")
    made.add_new(0x00091001, "OB", bytes(12_000))  # a vendor's private block
    return made

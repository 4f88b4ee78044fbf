"""Reading against SimpleITK: raw (B1), JPEG-LS and JPEG lossless (B2), first picture (B5).

Invented data in a temporary folder; every array is compared with the peer's before timing.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLSLossless,
    generate_uid,
)

from benchmarks.pairs import Goal, Row, against_peer, main
from medview.dicom import VolumeFill, scan

_SLICES, _PACKED_SLICES = 300, 60
_PEER = f"SimpleITK {sitk.Version.VersionString()}"
Pixels = NDArray[np.uint16]
_ENCODERS: dict[str, Callable[[Pixels], bytes]] = {
    str(JPEGLSLossless): lambda pixels: bytes(imagecodecs.jpegls_encode(pixels)),
    str(JPEGLosslessSV1): lambda pixels: bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=12)),
}


def _phantom(count: int) -> Pixels:
    """A thorax of ellipses with correlated noise, 12 of 16 bits."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where((x / 0.85) ** 2 + (y / 0.6) ** 2 < 1, 1040, 24)
    for side in (-0.4, 0.4):
        body[((x - side) / 0.28) ** 2 + (y / 0.42) ** 2 < 1] = 180
    noise = random.normal(0, 18, (count + 2, 512, 512)).astype(np.float32)
    smooth = (noise[:-2] + noise[1:-1] + noise[2:]) / 1.7
    return np.clip(body + smooth, 0, 4095).astype(np.uint16)


def _write(folder: Path, volume: Pixels, syntax: str) -> None:
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    names = np.random.default_rng(3).permutation(len(volume))
    for k, pixels in enumerate(volume):
        made = Dataset()
        made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
        made.StudyInstanceUID, made.SeriesInstanceUID = study, series
        made.FrameOfReferenceUID, made.Modality, made.PatientID = frame, "CT", "B"
        made.ImageType, made.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], k + 1
        made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.7, 0.7]
        made.ImagePositionPatient = [-180, -180, 1.0 * k]
        made.RescaleSlope, made.RescaleIntercept = 1, -1024
        made.Rows, made.Columns, made.SamplesPerPixel = 512, 512, 1
        made.PhotometricInterpretation, made.PixelRepresentation = "MONOCHROME2", 0
        made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
        made.add_new(0x00090010, "LO", "BENCHMARK")
        made.add_new(0x00091001, "OB", bytes(12_000))  # a vendor's private block
        encode = _ENCODERS.get(syntax)
        made.PixelData = encapsulate([encode(pixels)]) if encode else pixels.tobytes()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = syntax
        made.save_as(folder / f"{names[k]:04d}.dcm", enforce_file_format=True)


def _ours(folder: Path) -> NDArray[Any]:
    stack = scan([folder]).patients[0].studies[0].series[0].stacks[0]
    fill = VolumeFill(stack)
    fill.run()
    return fill.volume.stored


def _first_picture(folder: Path) -> NDArray[Any]:
    """Index all and have the middle slice on the table."""
    stack = scan([folder]).patients[0].studies[0].series[0].stacks[0]
    fill = VolumeFill(stack)
    got: list[int] = []

    class Enough(Exception):
        pass

    def stop(k: int) -> None:
        got.append(k)
        raise Enough

    with contextlib.suppress(Enough):
        fill.run(on_slice=stop)
    return fill.volume.stored[got[0]]


def _peer(folder: Path) -> NDArray[Any]:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.GetArrayFromImage(reader.Execute())


@cache
def _volume() -> Pixels:
    return _phantom(_SLICES)


@cache
def _folder(syntax: str, count: int) -> Path:
    """A series on disk, and a proof that both readers give the same numbers."""
    base = tempfile.TemporaryDirectory(prefix="medview-bench-")
    atexit.register(base.cleanup)
    folder = Path(base.name)
    _write(folder, _volume()[:count], syntax)
    if not np.array_equal(_ours(folder).astype(int) - 1024, _peer(folder)):
        sys.exit(f"{syntax}: the arrays differ")
    return folder


def _row(
    name: str, what: str, goal: float, syntax: str, work: Callable[[Path], NDArray[Any]] = _ours
) -> Row:
    count = _SLICES if syntax not in _ENCODERS else _PACKED_SLICES
    folder = _folder(syntax, count)
    said = Goal(name=name, what=what, goal=goal, peer=_PEER, n=count)
    return against_peer(said, partial(_peer, folder), partial(work, folder), pairs=5)


_PLAIN, _LS, _SV1 = str(ExplicitVRLittleEndian), str(JPEGLSLossless), str(JPEGLosslessSV1)
ROWS: dict[str, Callable[[], Row]] = {
    "B1": partial(_row, "B1", "raw series to a fresh volume", 4.0, _PLAIN),
    "B2": partial(_row, "B2", "JPEG-LS series to volume", 2.0, _LS),
    "B2-lossless": partial(_row, "B2-lossless", "JPEG lossless series to volume", 2.3, _SV1),
    "B5": partial(_row, "B5", "sorted middle slice", 40.0, _PLAIN, _first_picture),
}


if __name__ == "__main__":
    sys.exit(main(ROWS))

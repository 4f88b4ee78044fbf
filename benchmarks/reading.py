"""Reading against SimpleITK: raw (B1), JPEG-LS and JPEG lossless (B2), first picture (B5), memory.

Invented data in a temporary folder; every array is compared with the peer's. Ratios are peer time
over ours, the median of alternating pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
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

from medview.dicom import VolumeFill, scan

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


def _timed(work: Callable[[Path], NDArray[Any]], folder: Path) -> tuple[float, float, NDArray[Any]]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work(folder)
    return time.perf_counter() - wall, time.process_time() - cpu, result


def _compare(
    name: str,
    what: str,
    goal: float,
    folder: Path,
    pairs: int,
    work: Callable[[Path], NDArray[Any]],
) -> dict[str, Any]:
    ratios, cpus, walls = [], [], []
    _timed(work, folder)
    for _ in range(pairs):
        peer_wall, _, theirs = _timed(_peer, folder)
        wall, cpu, mine = _timed(work, folder)
        if work is _ours and not np.array_equal(mine.astype(int) - 1024, theirs):
            sys.exit(f"{name}: the arrays differ")
        ratios.append(peer_wall / wall)
        cpus.append(cpu)
        walls.append(wall)
        del theirs, mine
    ratio = statistics.median(ratios)
    return {
        "name": name,
        "what": what,
        "ratio": round(ratio, 2),
        "goal": goal,
        "holds": ratio >= goal,
        "peer": f"SimpleITK {sitk.Version.VersionString()}",
        "cpu_s": round(statistics.median(cpus), 3),
        "wall_s": round(statistics.median(walls), 3),
        "pairs": pairs,
    }


def main() -> None:
    """Run and print, as JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=3)
    args = parser.parse_args()
    volume = _phantom(args.slices)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="medview-bench-") as base:
        raw = Path(base, "raw")
        raw.mkdir()
        _write(raw, volume, str(ExplicitVRLittleEndian))
        rows.append(_compare("B1", "raw series to volume", 4, raw, args.pairs, _ours))
        rows.append(_compare("B5", "sorted middle slice", 40, raw, args.pairs, _first_picture))
        for label, syntax, goal in (
            ("JPEG-LS", JPEGLSLossless, 2.0),
            ("JPEG lossless", JPEGLosslessSV1, 2.3),
        ):
            folder = Path(base, label.replace(" ", "-"))
            folder.mkdir()
            _write(folder, volume[:60], str(syntax))
            rows.append(_compare("B2", f"{label} series", goal, folder, args.pairs, _ours))
    if args.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        for row in rows:
            sys.stdout.write(f"{row['name']} {row['what']}: {row['ratio']} (goal {row['goal']})\n")


if __name__ == "__main__":
    main()

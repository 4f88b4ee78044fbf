"""Opening folders of 1,000, 10,000 and 100,000 small files: time and memory grow in a line.

    python -m benchmarks.folders [--counts 1000 10000 100000] [--zip] [--json]

Made files of 32 x 32 pixels, 250 a series, 1,000 a folder; each folder is opened in a process of
its own. CPU seconds count, since walls depend on who else uses the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

COUNTS = (1_000, 10_000, 100_000)
_PER_SERIES, _PER_FOLDER = 250, 1_000
_INSTANCE, _SERIES, _NUMBER, _PLACE = "1.2.8.1111111", "1.2.8.2222222", "333333", "44444.25"


def _template() -> bytes:
    """A CT slice whose UIDs, number and place can be overwritten in their length."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", _INSTANCE
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.8.3", _SERIES
    made.Modality, made.PatientID, made.PatientName = "CT", "SCALE", "Scale^Ada"
    made.StudyDate, made.ImageType = "20260131", ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.InstanceNumber, made.SeriesNumber = _NUMBER, 1
    made.ImageOrientationPatient, made.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.8]
    made.ImagePositionPatient = [-10, -20, _PLACE]
    made.RescaleSlope, made.RescaleIntercept = 1, -1000
    made.Rows = made.Columns = 32
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 1
    made.PixelData = np.zeros((32, 32), np.int16).tobytes()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = _INSTANCE
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = DicomBytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return bytes(buffer.getvalue())


def make(root: Path, count: int) -> Path:
    """`count` files below a new folder."""
    template, folder = _template(), root / str(count)
    for number in range(count):
        series, k = divmod(number, _PER_SERIES)
        raw = template.replace(_INSTANCE.encode(), f"1.2.8.1{number:06d}".encode())
        raw = raw.replace(_SERIES.encode(), f"1.2.8.2{series:06d}".encode())
        raw = raw.replace(_NUMBER.encode(), f"{k + 1:06d}".encode())
        raw = raw.replace(_PLACE.encode(), f"{k * 2.5:08.2f}".encode())
        path = folder / f"{number // _PER_FOLDER:03d}" / f"{number:06d}.dcm"
        if number % _PER_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(raw)
    return folder


def packed(folder: Path) -> Path:
    """The same files in a ZIP, deflated."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for file in sorted(folder.rglob("*.dcm")):
            made.write(file, str(file.relative_to(folder)))
    return path


def measure(path: Path) -> dict[str, float]:
    """Open a folder in this process: CPU and wall seconds, memory, what was found."""
    from medview.dicom import scan

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = scan([path])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    series = [s for p in found.patients for study in p.studies for s in study.series]
    assert found.unreadable == ()
    return {"files": found.dicom, "series": len(series), "cpu_s": round(cpu, 3),
            "wall_s": round(wall, 3), "memory_mb": grown >> 10}  # fmt: skip


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--zip", action="store_true", help="also as one ZIP each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(json.dumps(measure(args.measure)))
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="medview-folders-") as root:
        for count in args.counts:
            folder = make(Path(root), count)
            for path in [folder, packed(folder)] if args.zip else [folder]:
                command = [sys.executable, "-m", "benchmarks.folders", "--measure", str(path)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                rows.append({"kind": "ZIP" if path.suffix else "folder", **json.loads(done.stdout)})
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print("| what | files | series | CPU s | ms a file | wall s | memory MB |\n|" + "---|" * 7)
    for row in rows:
        each = 1000 * row["cpu_s"] / row["files"]
        print(f"| {row['kind']} | {row['files']:,} | {row['series']} | {row['cpu_s']:.2f} "
              f"| {each:.3f} | {row['wall_s']:.2f} | {row['memory_mb']} |")  # fmt: skip


if __name__ == "__main__":
    main()

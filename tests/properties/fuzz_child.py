"""The process in which the fuzzer opens spoiled files: it may die, the fuzzer sees it.

Reads lines `PATH` and answers each with two JSON lines: what MedView made of the file, and how
that compares with pydicom's reading of the same bytes.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

MEMORY = 3 << 30  # address space, all libraries included
_NUMBERS = (
    "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
    "RescaleSlope", "RescaleIntercept",
)  # fmt: skip
_MOST_FRAMES = 4
# JPEG baseline and extended: decoders may round differently.
_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")


def opened(path: str) -> tuple[dict[str, Any], list[tuple[int, Any]]]:
    """What MedView says of a file, and the (frame, decoded) it would show."""
    from medview.core.errors import MedViewError
    from medview.dicom import VolumeFill, scan
    from medview.dicom.instance import open_instance
    from medview.dicom.pixels import PixelReader

    found = scan([Path(path)])
    series = [s for p in found.patients for study in p.studies for s in study.series]
    stacks = [stack for one in series for stack in one.stacks]
    said: dict[str, Any] = {
        "unreadable": [n.reason for n in found.unreadable],
        "ignored": [n.reason for n in found.ignored],
        "objects": sum(len(study.objects) for p in found.patients for study in p.studies),
        "notes": [str(note) for stack in stacks for note in stack.notes],
        "shown": len(stacks),
    }
    frames: list[tuple[int, Any]] = []
    for stack in stacks[:4]:
        try:
            fill = VolumeFill(stack)
            fill.run()
        except MedViewError as error:
            said["notes"].append(error.what.english())
            continue
        said["notes"] += [s.english() for s in (*fill.failed.values(), *fill.notes)]
        for k, frame in list(enumerate(stack.frames))[:_MOST_FRAMES]:
            if k not in fill.failed:
                with PixelReader(open_instance(path)) as reader:
                    decoded = reader.stored(frame.frame)
                frames.append((frame.frame, (decoded, reader.form, fill.volume.stored[k].copy())))
        if fill.volume.block is not None:
            fill.volume.block.release()
    return said, frames


def compared(path: str, frames: list[tuple[int, Any]]) -> dict[str, Any]:
    """Whether pydicom reads the same numbers and pixels; {"undecided": why} where it does not."""
    import pydicom
    from pydicom.pixels import pixel_array

    from medview.dicom.instance import open_instance

    try:
        dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            return {"undecided": "no transfer syntax"}
    except Exception as error:  # noqa: BLE001 - whatever the reference does
        return {"undecided": type(error).__name__}
    top = open_instance(path).elements
    for keyword in _NUMBERS:
        theirs = _numbers(dataset, keyword)
        ours = top.floats(keyword)
        if theirs and tuple(theirs) != ours:
            return {"wrong": f"{keyword}: {ours} against {theirs}"}
    for index, (decoded, form, _) in frames:
        try:
            theirs_pixels = pixel_array(dataset, index=index, raw=not decoded.is_rgb)
        except Exception as error:  # noqa: BLE001 - whatever the reference does
            return {"undecided": f"{type(error).__name__}: {str(error)[:70]}"}
        is_lossy = dataset.file_meta.TransferSyntaxUID in _LOSSY
        said = _difference(decoded, form, theirs_pixels, 3 if is_lossy else 0)
        if said:
            return {"wrong": f"frame {index}: {said}"}
    return {"equal": True}


def _numbers(dataset: Any, keyword: str) -> list[float]:
    try:
        value = dataset.get(keyword)
        several = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
        numbers = [float(v) for v in several]
        return numbers if all(abs(v) < 1e300 for v in numbers) else []
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return []
    except Exception:  # noqa: BLE001 - whatever the reference does
        return []


def _difference(decoded: Any, form: Any, theirs: Any, tolerance: int) -> str:
    ours = decoded.values
    if ours.shape != theirs.shape:
        return f"shape {ours.shape} against {theirs.shape}"
    if form.is_float:
        return "" if np.array_equal(ours, theirs, equal_nan=True) else "other values"
    mask = (1 << form.bits_stored) - 1
    a, b = (np.asarray(v).astype(np.int64) & mask for v in (ours, theirs))
    worst = int(np.abs(a - b).max(initial=0))
    return f"values up to {worst} apart" if worst > tolerance else ""


def most_memory_mb() -> int:
    """The most this program itself has held: what is said of resources counts its parent too."""
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(text.split("VmHWM:")[1].split()[0]) >> 10


def main() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        path = line.rstrip("\n")
        try:
            said, frames = opened(path)
        except BaseException as error:  # noqa: BLE001 - told, and the next file is opened
            said, frames = {"raised": f"{type(error).__name__}: {error}"}, []
        said["memory"] = most_memory_mb()
        sys.stdout.write(json.dumps(said, default=str) + "\n")
        sys.stdout.flush()
        try:
            answer = compared(path, frames) if said.get("shown") else {}
        except BaseException as error:  # noqa: BLE001 - the same
            answer = {"undecided": f"comparison: {type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

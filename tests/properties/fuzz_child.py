"""The process in which the fuzzer opens spoiled files: it may die, the fuzzer sees it.

Reads lines `PATH` and answers each with two JSON lines: what MedView made of the file, and how
that compares with pydicom's reading of the same bytes. A JSON object instead of a path is a series:
its `folder`, the `victim` in it, the file whose bytes that becomes, when, and whether it is written
to or another file is put in its place.
"""

from __future__ import annotations

import json
import logging
import resource
import shutil
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

MEMORY = 3 << 30  # address space, all libraries included
_NUMBERS = (
    "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
    "RescaleSlope", "RescaleIntercept",
)  # fmt: skip
_MOST_FRAMES = 4
# By how much decoders may round differently: JPEG baseline and extended, lossy JPEG 2000.
_ROUNDED = {"1.2.840.10008.1.2.4.50": 3, "1.2.840.10008.1.2.4.51": 3, "1.2.840.10008.1.2.4.91": 1}

# The code stream of JPEG 2000 says itself how samples lie; pydicom takes the header's word.
_OWN_ORDER = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")


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
        if dataset.file_meta.TransferSyntaxUID in _OWN_ORDER and "PlanarConfiguration" in dataset:
            dataset.PlanarConfiguration = 0
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
        tolerance = _ROUNDED.get(dataset.file_meta.TransferSyntaxUID, 0)
        said = _difference(decoded.values, form, theirs_pixels, tolerance)
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


def _difference(ours: Any, form: Any, theirs: Any, tolerance: int) -> str:
    if ours.shape != theirs.shape:
        return f"shape {ours.shape} against {theirs.shape}"
    if form.is_float:
        return "" if np.array_equal(ours, theirs, equal_nan=True) else "other values"
    mask = (1 << form.bits_stored) - 1
    a, b = (np.asarray(v).astype(np.int64) & mask for v in (ours, theirs))
    worst = int(np.abs(a - b).max(initial=0))
    return f"values up to {worst} apart" if worst > tolerance else ""


def series_opened(ask: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    """What MedView says of a series of which one file is spoiled, and its stacks with their fills.

    A sound scan before teaches what the headers of the series have in common.
    """
    from medview.core.errors import MedViewError
    from medview.dicom import VolumeFill, scan
    from medview.dicom.remembered import forget_all

    forget_all()  # of the case before: files that changed are remembered no more
    folder, victim = Path(ask["folder"]), Path(ask["victim"])
    found = scan([folder])
    stacks = _stacks(found)
    if ask["spoiled"] and ask["in_place"]:
        victim.write_bytes(Path(ask["spoiled"]).read_bytes())
    elif ask["spoiled"]:
        shutil.move(shutil.copyfile(ask["spoiled"], f"{ask['spoiled']}.copy"), victim)
    if ask["way"] != "after the scan":
        found = scan([folder])
        stacks = [*(stacks if ask["way"] == "between two scans" else ()), *_stacks(found)]
    fills, notes = [], []
    for stack in stacks:
        notes += [str(note) for note in stack.notes]
        try:
            fill = VolumeFill(stack)
            fill.run()
        except MedViewError as error:
            notes.append(error.what.english())
            continue
        notes += [said.english() for said in fill.notes]
        fills.append((stack, fill))
    said: dict[str, Any] = {
        "unreadable": [*(n.reason for n in found.unreadable), *(() if fills else notes)],
        "ignored": [n.reason for n in found.ignored],
        "objects": sum(len(study.objects) for p in found.patients for study in p.studies),
        "notes": notes,
        "shown": len(fills),
    }
    return said, fills


def _stacks(found: Any) -> list[Any]:
    series = [s for p in found.patients for study in p.studies for s in study.series]
    return [stack for one in series for stack in one.stacks]


def series_compared(fills: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Whether each slice that is shown is what pydicom reads of its file as it is now."""
    undecided = ""
    for stack, fill in fills:
        for k, frame in enumerate(stack.frames):
            if k in fill.failed or frame.frame or frame.tile or fill.volume.is_colour:
                continue
            said, why = _slice_compared(stack, fill, k)
            if said:
                despite = [note.english() for note in (*stack.notes, *fill.notes)]
                return {"wrong": f"slice {k}: {said}", "despite": despite}
            undecided = undecided or why
    return {"undecided": undecided} if undecided else {"equal": True}


def _slice_compared(stack: Any, fill: Any, k: int) -> tuple[str, str]:
    """What is wrong with a slice, and why nothing can be said of it."""
    import pydicom
    from pydicom.pixels import pixel_array

    from medview.dicom.instance import open_instance
    from medview.dicom.pixel_format import pixel_format

    path = stack.frames[k].path
    try:
        dataset = pydicom.dcmread(path, force=True)
        theirs = pixel_array(dataset, index=0, raw=True)
    except Exception as error:  # noqa: BLE001 - whatever the reference does
        return "", f"{type(error).__name__}: {str(error)[:70]}"
    said = _other_words(dataset, stack, fill.volume, k)
    if said or dataset.get("ModalityLUTSequence"):
        return said, "a table"
    form = pixel_format(open_instance(path))
    tolerance = _ROUNDED.get(dataset.file_meta.get("TransferSyntaxUID", ""), 0)
    return _difference(fill.volume.stored[k], form, theirs, tolerance), ""


def _other_words(dataset: Any, stack: Any, volume: Any, k: int) -> str:
    """What pydicom reads otherwise of the header of a slice."""
    frame = stack.frames[k]
    if _ascii(str(dataset.get("SOPInstanceUID", ""))) != _ascii(frame.sop_instance_uid):
        return "another image"
    at = _numbers(dataset, "ImagePositionPatient")
    if at and frame.position is not None and tuple(at) != tuple(frame.position):
        return f"at {tuple(frame.position)}, not {at}"
    pair = volume.per_slice[k] if volume.per_slice is not None else (volume.slope, volume.intercept)
    wanted = [_numbers(dataset, word)[:1] for word in ("RescaleSlope", "RescaleIntercept")]
    is_said = all(wanted) and not dataset.get("ModalityLUTSequence") and stack.factor == 1
    if is_said and (wanted[0][0] or 1.0, wanted[1][0]) != tuple(pair):
        return f"rescale {tuple(pair)} against {wanted}"
    is_white = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    is_white |= str(dataset.get("PresentationLUTShape", "")) == "INVERSE"
    return "black for white" if is_white != volume.is_inverted else ""


def _ascii(text: str) -> str:
    """Bytes that no UID has are replaced in more than one way."""
    return text.encode("ascii", "replace").decode().strip(" ?\0")


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
        is_series = path.startswith("{")
        try:
            said, frames = series_opened(json.loads(path)) if is_series else opened(path)
        except BaseException as error:  # noqa: BLE001 - told, and the next file is opened
            said, frames = {"raised": f"{type(error).__name__}: {error}"}, []
        said["memory"] = most_memory_mb()
        sys.stdout.write(json.dumps(said, default=str) + "\n")
        sys.stdout.flush()
        try:
            compare = series_compared if is_series else partial(compared, path)
            answer = compare(frames) if said.get("shown") else {}
        except BaseException as error:  # noqa: BLE001 - the same
            answer = {"undecided": f"comparison: {type(error).__name__}: {error}"}
        if is_series:
            for _, fill in frames:
                fill.volume.block.release()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

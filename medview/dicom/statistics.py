"""What the pixels of files are: checksum, least, greatest and mean of the stored values."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.progress import Progress, no_progress
from medview.core.study import FileNote, Holdings, Stack
from medview.core.words import say
from medview.dicom.colour import is_colour
from medview.dicom.frames import Frame, frames_of
from medview.dicom.instance import Instance, NotDicom, open_instance
from medview.dicom.modality import modality_table, padding_of, rescale_of
from medview.dicom.pixel_format import native_shortfall
from medview.dicom.pixels import PixelReader

_WORKERS = 2


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """Of all stored values of a file; `frame_ranges` are modality values (low, high) a frame."""

    dtype: str
    shape: tuple[int, int, int, int]
    minimum: float
    maximum: float
    mean: float
    sha256: str
    frame_ranges: tuple[tuple[float, float], ...]

    def stored_json(self) -> dict[str, Any]:
        """The `stored` of medview.info/1."""
        is_whole = self.dtype[0] != "f"
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "min": int(self.minimum) if is_whole else self.minimum,
            "max": int(self.maximum) if is_whole else self.maximum,
            "mean": round(self.mean, 6),
            "sha256": self.sha256,
        }


def measure(path: str) -> FileStatistics:
    """Decode every frame of a file, one after the other. Raises UnreadableInstance."""
    try:
        instance = open_instance(path)
    except NotDicom as error:
        raise UnreadableInstance(say("The file has changed."), path) from error
    return _measured(instance)


def _measured(instance: Instance) -> FileStatistics:
    checksum, total, count = hashlib.sha256(), 0.0, 0
    ranges: list[tuple[float, float]] = []
    lows: list[float] = []
    highs: list[float] = []
    shape = (0, 0, 0)
    dtype = np.dtype(np.uint8)
    with PixelReader(instance) as reader:
        for frame in frames_of(instance):
            values = _frame_or_blank(reader, frame)
            dtype, shape = values.dtype, (*values.shape, 1)[:3]
            checksum.update(_little(values))
            values = _known(values)
            low, high = float(values.min()), float(values.max())
            lows.append(low)
            highs.append(high)
            with np.errstate(over="ignore"):  # sums of doubles may; the mean is infinite then
                total += float(values.sum(dtype=np.float64))
            count += values.size
            ranges.append(_modality_range(frame, reader, values, (low, high)))
    return FileStatistics(
        str(dtype),
        (len(lows), *shape),
        min(lows),
        max(highs),
        total / count,
        checksum.hexdigest(),
        tuple(ranges),
    )


def _frame_or_blank(reader: PixelReader, frame: Frame) -> NDArray[Any]:
    """A frame; blank where a cut file of uncompressed pixels has lost it but not the first."""
    try:
        values: NDArray[Any] = reader.stored(frame.index).values
    except UnreadableInstance:
        shortfall = native_shortfall(frame.instance, reader.form)
        if frame.index == 0 or (shortfall is None and not frame.instance.is_encapsulated):
            raise
        form = reader.form
        samples = (form.samples,) if form.samples > 1 else ()
        values = np.zeros((form.rows, form.columns, *samples), form.dtype)
    return np.ascontiguousarray(values)


def _known(values: NDArray[Any]) -> NDArray[Any]:
    """The numbers among floating-point values: maps mark what they do not know by NaN."""
    if values.dtype.kind != "f":
        return values
    found = values[np.isfinite(values)]
    return found if found.size else np.zeros(1, values.dtype)


def _little(values: NDArray[Any]) -> bytes:
    return (values if sys.byteorder == "little" else values.byteswap()).tobytes()


def _modality_range(
    frame: Frame, reader: PixelReader, values: NDArray[Any], stored: tuple[float, float]
) -> tuple[float, float]:
    if is_colour(reader.form):
        return stored
    table = modality_table(frame.instance.elements, reader.form)
    if table is not None:
        entries, first = table
        mapped = entries[np.clip(values.astype(np.int64) - first, 0, entries.size - 1)]
        return float(mapped.min()), float(mapped.max())
    padding = padding_of(frame.instance.elements, reader.form)
    if padding is not None:
        known = values[(values < padding[0]) | (values > padding[1])]
        stored = (float(known.min()), float(known.max())) if known.size else stored
    slope, intercept = rescale_of(frame)
    ends = (stored[0] * slope + intercept, stored[1] * slope + intercept)
    return min(ends), max(ends)


def measure_files(
    holdings: Holdings, progress: Progress = no_progress
) -> tuple[dict[str, FileStatistics], dict[str, FileNote]]:
    """Statistics of every file that is shown, and notes on those whose pixels cannot be decoded.

    Objects with pixels are measured too where that is possible.
    """
    shown = dict.fromkeys(frame.path for stack in _stacks(holdings) for frame in stack.frames)
    objects = [
        made.path
        for patient in holdings.patients
        for study in patient.studies
        for made in study.objects
        if made.kind in ("SEG", "RTDOSE")
    ]
    statistics: dict[str, FileStatistics] = {}
    broken: dict[str, FileNote] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        results = pool.map(_measure_or_note, [*shown, *objects])
        for done, result in enumerate(results, 1):
            path = [*shown, *objects][done - 1] if done > len(shown) else ""
            if isinstance(result, FileNote):
                if not path:
                    broken[result.path] = result
            else:
                statistics[result[0]] = result[1]
            progress(done, len(shown) + len(objects), "")
    return statistics, broken


def _stacks(holdings: Holdings) -> Iterable[Stack]:
    for patient in holdings.patients:
        for study in patient.studies:
            for series in study.series:
                yield from series.stacks


def _measure_or_note(path: str) -> tuple[str, FileStatistics] | FileNote:
    try:
        return path, measure(path)
    except MedViewError as error:
        tag = error.tag if isinstance(error, UnreadableInstance) else ""
        return FileNote(path=path, reason=error.what.english(), tag=tag)
    except OSError:
        said = say("The system does not let MedView read this file.")
        return FileNote(path=path, reason=said.english())


def range_of(stack: Stack, statistics: dict[str, FileStatistics]) -> tuple[float, float] | None:
    """Least and greatest value of a stack in its unit, None where its frames were not measured."""
    found = [
        statistics[frame.path].frame_ranges[frame.frame]
        for frame in stack.frames
        if frame.path in statistics
    ]
    if not found:
        return None
    factor = stack.factor
    return factor * min(low for low, _ in found), factor * max(high for _, high in found)

"""Reading against other readers: raw and compressed series, the first picture, memory, delays.

Invented data in a temporary folder; every array is compared with SimpleITK's before timing. What
is timed is what the window does: a scan of the folder, then a volume filled from its stack, with
compressed pictures decoded in processes of their own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom.pixels import get_decoder

from benchmarks.made_series import HT, J2K, LS, PLAIN, RLE, SV1, series
from benchmarks.pairs import Goal, Row, against_peer, main
from benchmarks.reading_limits import LIMITS, read_all
from medview.core.shared import allow_spare, wait_for_spare
from medview.dicom import VolumeFill, read_frame, scan
from medview.dicom.instance import open_instance

_COUNTS = {PLAIN: 600, RLE: 60, LS: 80, SV1: 80, J2K: 24, HT: 80}
_ITK = f"SimpleITK {sitk.Version.VersionString()}"
_PYDICOM = f"pydicom {pydicom.__version__}"


def _first_picture(folder: Path) -> NDArray[Any]:
    """Index all and have the middle slice on the table."""
    fill = VolumeFill(scan([folder]).patients[0].studies[0].series[0].stacks[0])

    class Enough(Exception):
        pass

    got: list[int] = []

    def stop(k: int) -> None:
        got.append(k)
        raise Enough

    with contextlib.suppress(Enough):
        fill.run(on_slice=stop)
    return fill.volume.stored[got[0]]


@cache
def _pointed_at(folder: Path) -> Path:
    return next(folder.iterdir())


def _clicked_file(folder: Path) -> NDArray[Any]:
    """One file that the user points at, shown before anything else is known."""
    path = _pointed_at(folder)
    stack = scan([path]).patients[0].studies[0].series[0].stacks[0]
    return read_frame(stack, 0).stored


def _itk(folder: Path) -> NDArray[Any]:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.GetArrayFromImage(reader.Execute())


def _pydicom(folder: Path) -> NDArray[Any]:
    """The loop that everybody writes: read, sort, rescale, stack."""
    files = [pydicom.dcmread(path) for path in folder.iterdir()]
    files.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    slices = [
        one.pixel_array.astype(np.int16) * int(one.RescaleSlope) + int(one.RescaleIntercept)
        for one in files
    ]
    return np.stack(slices).astype(np.int16)


def _pydicom_rle(folder: Path) -> NDArray[Any]:
    """The same with pydicom's own run-length decoder."""
    decoder = get_decoder(RLE)
    files = [pydicom.dcmread(path) for path in folder.iterdir()]
    files.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    arrays = [decoder.as_array(one, decoding_plugin="pydicom")[0] for one in files]
    return np.stack(arrays)


@cache
def _folder(syntax: str) -> Path:
    """A series on disk, and a proof that both readers give the same numbers."""
    folder = series(syntax, _COUNTS[syntax])
    if not np.array_equal(read_all(folder).volume.stored.astype(int) - 1024, _itk(folder)):
        sys.exit(f"{syntax}: the arrays differ")
    return folder


def _row(
    goal: Goal,
    syntax: str,
    peer: Callable[[Path], object] = _itk,
    ours: Callable[[Path], object] = read_all,
    pairs: int = 5,
) -> Row:
    """Fresh memory: nothing is kept from one volume to the next."""
    folder = _folder(syntax)
    allow_spare(0)
    return against_peer(goal, partial(peer, folder), partial(ours, folder), pairs=pairs)


def _recycled(
    goal: Goal,
    peer: Callable[[Path], object],
    ours: Callable[[Path], object] = read_all,
    pairs: int = 5,
) -> Row:
    """Memory of the series that was closed before, wiped meanwhile by the idle thread."""
    folder = _folder(PLAIN)
    allow_spare(1 << 30)
    try:
        return against_peer(
            goal,
            partial(peer, folder),
            partial(ours, folder),
            pairs=pairs,
            before=lambda: wait_for_spare(30),
        )
    finally:
        allow_spare(0)


def _against_copy(goal: Goal) -> Row:
    """The filling alone against one thread that copies the bytes of the files to touched memory.

    Beside it stands what copying them from memory to memory takes, where no system is asked.
    """
    folder = _folder(PLAIN)
    stack = scan([folder]).patients[0].studies[0].series[0].stacks[0]
    source = read_all(folder).volume.stored.copy()
    target = source.copy()
    places = [(one.path, open_instance(one.path).elements.pixels) for one in stack.frames]

    def copy(_: Path) -> None:
        for (path, place), slot in zip(places, target, strict=True):
            file = os.open(path, os.O_RDONLY)
            os.preadv(file, [slot.reshape(-1).view(np.uint8).data], place.offset if place else 0)
            os.close(file)

    def fill(_: Path) -> VolumeFill:
        made = VolumeFill(stack)
        made.run()
        return made

    target[...] = 0
    copy(folder)
    if not np.array_equal(target, source):
        sys.exit("the bare copy has other values")
    row = _recycled(goal, copy, fill, pairs=15)  # works of 30 ms: five pairs differ by a third
    start = time.perf_counter()
    np.copyto(target, source)
    return row | {"memory_to_memory_s": round(time.perf_counter() - start, 4)}


def _goal(name: str, what: str, goal: float, syntax: str, **more: Any) -> Goal:
    return Goal(**{"name": name, "what": what, "goal": goal, "n": _COUNTS[syntax], "peer": _ITK}
                | more)  # fmt: skip


ROWS: dict[str, Callable[[], Row]] = {
    "B1": lambda: _recycled(
        _goal("B1", "raw series to a recycled volume", 10.0, PLAIN, aim=15.0), _itk
    ),
    "B1-fresh": lambda: _row(_goal("B1-fresh", "raw series to a fresh volume", 4.0, PLAIN), PLAIN),
    "B1-pydicom": lambda: _recycled(
        _goal("B1-pydicom", "raw series to a recycled volume", 10.0, PLAIN, peer=_PYDICOM), _pydicom
    ),
    "B1-copy": lambda: _against_copy(
        _goal("B1-copy", "scanned raw series to a recycled volume", round(1 / 1.2, 3), PLAIN,
              peer="open, preadv, close: a bare copy of the files' bytes, one thread")
    ),
    "B2": lambda: _row(
        _goal("B2", "JPEG-LS series to volume", 2.0, LS, cpu_goal=1.25), LS
    ),
    "B2-lossless": lambda: _row(
        _goal("B2-lossless", "JPEG lossless series to volume", 2.3, SV1, cpu_goal=1.5), SV1
    ),
    "B3": lambda: _row(
        _goal("B3", "JPEG 2000 series to volume", 0.9, J2K, cpu_goal=1.05), J2K
    ),
    "B3-htj2k": lambda: _row(_goal("B3-htj2k", "HTJ2K series to volume", 2.5, HT), HT),
    "B4": lambda: _row(
        _goal("B4", "RLE series to volume", 6.0, RLE, peer=f"{_PYDICOM}, its own decoder"),
        RLE, _pydicom_rle,
    ),
    "B4-itk": lambda: _row(
        _goal("B4-itk", "RLE series to volume, CPU seconds", 20.0, RLE, is_cpu=True), RLE
    ),
    "B5": lambda: _row(
        _goal("B5", "sorted middle slice", 40.0, PLAIN), PLAIN, ours=_first_picture, pairs=11
    ),
    "B5-clicked": lambda: _row(
        _goal("B5-clicked", "the clicked file", 500.0, PLAIN), PLAIN, ours=_clicked_file, pairs=11
    ),
    **LIMITS,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(ROWS))

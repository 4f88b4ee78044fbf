"""Volumes in shared memory, filled slice by slice from the one that is looked at outwards."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import Cancelled, MedViewError, UnreadableInstance
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.shared import BlockWriter, SharedBlock
from medview.core.study import Stack
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.dicom.colour import is_colour, to_rgb
from medview.dicom.frames import Frame, frames_of
from medview.dicom.instance import Instance, NotDicom, open_instance
from medview.dicom.modality import modality_table, padding_of, rescale_of, windows_of
from medview.dicom.pixel_format import PixelFormat, native_shortfall, pixel_format
from medview.dicom.pixels import PixelReader
from medview.dicom.remembered import recalled

_WORKERS = max(1, min(4, os.cpu_count() or 1))
_OPEN_FILES = 16
_LOT_PLAIN, _LOT_PACKED = 30, 2  # slices a task: handing over costs as much as a plain slice
_log = logging.getLogger("medview.dicom")
Array = NDArray[np.generic]


@dataclass(frozen=True)
class _Plan:
    """What the whole volume has in common."""

    form: PixelFormat
    dtype: np.dtype[np.generic]
    has_table: bool

    @property
    def is_colour(self) -> bool:
        return is_colour(self.form)


class VolumeFill:
    """A volume that is there at once and gets its slices from `run`.

    volume: zeroed shared memory in the stored type; colour is [k, j, i, 3] uint8.
    ready: one bool a slice. failed: slices that could not be read, with the reason; they are
    padding (or 0) and the rest goes on. notes: what else is to be said. Raises
    UnreadableInstance when not one header can be read, MedViewError when memory is short.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.failed: dict[int, Sentence] = {}
        self.notes: list[Sentence] = []
        self.ready: NDArray[np.bool_] = np.zeros(len(stack.frames), bool)
        self._frames = self._read_headers()
        first = next((frame for frame in self._frames if frame is not None), None)
        if first is None:
            reason = next(iter(self.failed.values()), say("The stack is empty."))
            raise UnreadableInstance(reason)
        self._plan = _plan(first)
        self.volume = self._make_volume(first)
        self._is_packed = first.instance.is_encapsulated
        self._readers = _Readers()
        self._local = threading.local()

    def _read_headers(self) -> list[Frame | None]:
        by_path: dict[str, list[Frame] | Sentence] = {}
        found: list[Frame | None] = []
        is_first = True  # the first sound header speaks for the volume: it is read whole
        for k, reference in enumerate(self.stack.frames):
            if reference.path not in by_path:
                by_path[reference.path] = _frames_or_reason(reference.path, whole=is_first)
            frames = by_path[reference.path]
            if isinstance(frames, Sentence) or reference.frame >= len(frames):
                said = frames if isinstance(frames, Sentence) else say("The file has changed.")
                self.failed[k] = said
                found.append(None)
            else:
                is_first = False
                found.append(frames[reference.frame])
        return found

    def _make_volume(self, first: Frame) -> Volume:
        plan, geometry = self._plan, self.stack.geometry
        shape = geometry.shape + ((3,) if plan.is_colour else ())
        dtype = np.dtype(np.uint8) if plan.is_colour else plan.dtype
        block = SharedBlock.create(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        stored = block.array(shape, dtype)
        top = first.instance.elements
        padding = None if plan.is_colour or plan.has_table else padding_of(top, plan.form)
        slope, intercept, per_slice = self._rescale(first)
        shape_word = top.text("PresentationLUTShape").upper()
        return Volume(
            geometry=geometry,
            stored=stored,
            slope=slope,
            intercept=intercept,
            per_slice=per_slice,
            unit=self.stack.unit,
            padding=padding,
            is_inverted=plan.form.photometric == "MONOCHROME1"
            or (shape_word == "INVERSE" and not plan.is_colour),
            windows=() if plan.is_colour else windows_of(first),
            modality=top.text("Modality").upper(),
            block=block,
        )

    def _rescale(self, first: Frame) -> tuple[float, float, NDArray[np.float64] | None]:
        if self._plan.is_colour or self._plan.has_table:
            return 1.0, 0.0, None
        own = rescale_of(first)
        pairs = np.array([own if frame is None else rescale_of(frame) for frame in self._frames])
        return (*own, pairs if (pairs != pairs[0]).any() else None)

    def run(
        self,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        first: int | None = None,
        on_slice: Callable[[int], None] | None = None,
    ) -> None:
        """Fill all slices, `first` (default the middle one) before any other, then outwards.

        on_slice: called with each slice's number, in the thread that calls run. Raises Cancelled;
        slices that are ready then stay.
        """
        count = len(self.ready)
        order = list(
            outwards(count // 2 if first is None else min(max(first, 0), count - 1), count)
        )
        done = 0
        assert self.volume.block is not None  # noqa: S101 - _make_volume made it
        with self.volume.block.writer() as writer:
            try:
                self._one(writer, order[0], threads=_WORKERS)
                for k in self._rest(writer, order, cancel):
                    done += 1
                    self.ready[k] = k not in self.failed
                    if on_slice is not None:
                        on_slice(k)
                    progress(done, count, "")
            finally:
                self._readers.close()

    def _rest(
        self, writer: BlockWriter, order: list[int], cancel: CancelToken | None
    ) -> Iterator[int]:
        """The first slice, which is done, and then the others as threads finish them."""
        yield order[0]
        if len(order) == 1:
            return
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="medview-fill") as pool:
            jobs = {
                pool.submit(self._some, writer, lot, cancel): lot
                for lot in _lots(order[1:], _LOT_PACKED if self._is_packed else _LOT_PLAIN)
            }
            try:
                for job in as_completed(jobs):
                    job.result()
                    yield from jobs[job]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _some(self, writer: BlockWriter, lot: list[int], cancel: CancelToken | None) -> None:
        for k in lot:
            if cancel is not None and cancel.is_cancelled:
                raise Cancelled
            self._one(writer, k)

    def _one(self, writer: BlockWriter, k: int, threads: int = 1) -> None:
        frame, scratch = self._frames[k], self._scratch()
        try:
            if frame is not None:
                values = self._read(frame, scratch, threads)
                writer.write(k * scratch.nbytes, values.data)
        except MedViewError as error:
            self.failed[k] = error.what
        except OSError:
            self.failed[k] = say("The system does not let MedView read this file.")
        except Exception as error:  # noqa: BLE001 - no slice, however hostile, stops the rest
            _log.warning("slice refused", extra={"kind": type(error).__name__})
            self.failed[k] = say("The file is damaged in a way that MedView cannot name.")
        if k in self.failed:
            self._blank(scratch)
            with suppress(MedViewError):  # where memory is full the slice stays 0
                writer.write(k * scratch.nbytes, scratch.data)

    def _scratch(self) -> Array:
        """This thread's array for one slice: pages that are warm, used again and again."""
        found: Array | None = getattr(self._local, "scratch", None)
        if found is None:
            stored = self.volume.stored
            found = self._local.scratch = np.empty(stored.shape[1:], stored.dtype)
        return found

    def _blank(self, slot: Array) -> None:
        padding = self.volume.padding
        slot[...] = 0 if padding is None else np.clip(padding[0], *_limits(slot.dtype))

    def _read(self, frame: Frame, scratch: Array, threads: int) -> Array:
        """A frame as the volume keeps it, C-contiguous, perhaps in `scratch`."""
        with self._readers.of(frame.instance) as reader:
            form = reader.form
            size = (form.rows, form.columns)
            if size != scratch.shape[:2] or form.dtype != self._plan.form.dtype:
                raise UnreadableInstance(say("The file has changed."), frame.instance.path)
            shortfall = native_shortfall(frame.instance, form)
            if shortfall is not None:
                self._blank(scratch)
                if shortfall not in self.notes:
                    self.notes.append(shortfall)
            is_stored = not self._plan.has_table and not self._plan.is_colour
            if reader.is_plain and is_stored:
                reader.read_into(frame.index, scratch)
                return scratch
            shown = _shown(reader, frame, threads, scratch if is_stored else None)
            if shown.shape != scratch.shape:
                raise UnreadableInstance(say("The file has changed."), frame.instance.path)
            return np.ascontiguousarray(shown, scratch.dtype)


class _Readers:
    """Open files of multi-frame instances, one a thread and path, so that none is opened twice."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._all: list[PixelReader] = []

    def of(self, instance: Instance) -> PixelReader:
        """A reader to be used in a with statement; kept open only for multi-frame instances."""
        if instance.elements.integer("NumberOfFrames", 1) <= 1:
            return PixelReader(instance)
        kept: OrderedDict[str, _KeptReader] = self._local.__dict__.setdefault("kept", OrderedDict())
        if instance.path not in kept:
            if len(kept) >= _OPEN_FILES:
                kept.popitem(last=False)[1].finish()
            kept[instance.path] = _KeptReader(instance)
            self._all.append(kept[instance.path])
        return kept[instance.path]

    def close(self) -> None:
        """Close whatever is still open."""
        for reader in self._all:
            if isinstance(reader, _KeptReader):
                reader.finish()
        self._all.clear()
        self._local = threading.local()


class _KeptReader(PixelReader):
    """Stays open after a with statement."""

    def __exit__(self, *_: object) -> None:
        return

    def finish(self) -> None:
        """Close the file."""
        self._source.close()


def outwards(first: int, count: int) -> Iterator[int]:
    """first, first + 1, first - 1, first + 2 ... within 0 and count."""
    yield first
    for step in range(1, count):
        for k in (first + step, first - step):
            if 0 <= k < count:
                yield k


def _lots(order: list[int], largest: int) -> Iterator[list[int]]:
    """The order in parts that grow, so that the first neighbours are seen soon."""
    begin, size = 0, 1
    while begin < len(order):
        yield order[begin : begin + size]
        begin, size = begin + size, min(2 * size, largest)


def _frames_or_reason(path: str, *, whole: bool) -> list[Frame] | Sentence:
    known = None if whole else recalled(path)
    if known is not None:
        return [Frame(known, 0)]
    try:
        return frames_of(open_instance(path))
    except MedViewError as error:
        return error.what
    except NotDicom:
        return say("The file has changed.")


def _plan(first: Frame) -> _Plan:
    form = pixel_format(first.instance)
    table = modality_table(first.instance.elements, form)
    return _Plan(form, form.dtype if table is None else table[0].dtype, table is not None)


def _limits(dtype: np.dtype[np.generic]) -> tuple[float, float]:
    if dtype.kind == "f":
        return (-np.inf, np.inf)
    info = np.iinfo(str(dtype))
    return (float(info.min), float(info.max))


def _shown(reader: PixelReader, frame: Frame, threads: int, scratch: Array | None) -> Array:
    """A frame as the volume keeps it: RGB for colour, through the Modality LUT where one is."""
    decoded = reader.stored(frame.index, threads, scratch)
    top = frame.instance.elements
    if is_colour(reader.form):
        return to_rgb(decoded, top, reader.form)
    table = modality_table(top, reader.form)
    if table is None:
        return decoded.values
    entries, first = table
    mapped: Array = entries[np.clip(decoded.values.astype(np.int64) - first, 0, entries.size - 1)]
    return mapped


def load_volume(
    stack: Stack, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Volume:
    """The whole volume of a stack in shared memory.

    Slices that cannot be read stay blank; raises UnreadableInstance when none can be read,
    MedViewError when memory does not suffice, Cancelled.
    """
    fill = VolumeFill(stack)
    fill.run(progress, cancel)
    if len(fill.failed) == len(fill.ready):
        raise UnreadableInstance(next(iter(fill.failed.values())), stack.frames[0].path)
    return fill.volume


def read_frame(stack: Stack, index: int) -> Volume:
    """One picture of a stack as a volume of one slice, at its true place.

    Raises UnreadableInstance when it cannot be read.
    """
    reference = stack.frames[index]
    geometry = _slice_geometry(stack.geometry, index, reference.position)
    fill = VolumeFill(replace(stack, frames=(reference,), geometry=geometry))
    fill.run()
    if fill.failed:
        raise UnreadableInstance(fill.failed[0], reference.path)
    return fill.volume


def _slice_geometry(whole: Geometry, k: int, position: PatientPoint | None) -> Geometry:
    origin = position or whole.to_patient(VoxelIndex(float(k), 0.0, 0.0))
    return replace(whole, shape=(1, *whole.shape[1:]), origin=origin)

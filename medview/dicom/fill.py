"""Volumes in shared memory, filled slice by slice from the one that is looked at outwards."""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.shared import BlockWriter, SharedBlock
from medview.core.study import FrameRef, Stack
from medview.core.volume import FileWindow, VoiTable, Volume
from medview.core.words import Sentence, say
from medview.dicom.colour import is_colour, to_rgb
from medview.dicom.decoders import WORKERS, decoders, runs_apart
from medview.dicom.doubts import doubts_of
from medview.dicom.frames import Frame, Tile, frames_of
from medview.dicom.instance import NotDicom, open_instance
from medview.dicom.modality import (
    is_inverse,
    modality_table,
    padding_of,
    rescale_of,
    scaled,
    table_type,
    tables_of,
    voi_function_of,
    windows_of,
)
from medview.dicom.order import Outwards
from medview.dicom.overlays import bitmap_shutter_of, has_overlays, overlays_of
from medview.dicom.pixel_format import PixelFormat, native_shortfall, pixel_format
from medview.dicom.pixels import PixelReader
from medview.dicom.plain import FileChanged, KnownFiles, read_whole
from medview.dicom.readers import Readers
from medview.dicom.remembered import Known, Table, instance_of, is_same, known_of
from medview.dicom.shutters import shutter_of

_LOT_PLAIN, _LOT_PACKED = 30, 1  # slices a task: handing over costs as much as a plain slice
_WORTH_A_THREAD = 100_000  # bytes of a plain slice
_NICENESS = 5
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

    @property
    def is_stored(self) -> bool:
        """Whether the volume keeps the very values of the files."""
        return not self.has_table and not self.is_colour


class VolumeFill:
    """A volume that is there at once and gets its slices from `run`.

    volume: zeroed memory in the stored type, shared unless it is one plain picture, which is as
    soon copied when others ask for it; colour is [k, j, i, 3] uint8.
    ready: one bool a slice. failed: slices that could not be read, with the reason; they are
    padding (or 0) and the rest goes on. notes: what else is to be said. Raises
    UnreadableInstance when not one header can be read, MedViewError when memory is short.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.failed: dict[int, Sentence] = {}
        self.notes: list[Sentence] = []
        self.ready: NDArray[np.bool_] = np.zeros(len(stack.frames), bool)
        self._shows: tuple[str, bool] | None = None  # how the first header has pixels shown
        self._frames = self._read_headers()
        first = next((frame for frame in self._frames if isinstance(frame, Frame)), None)
        if first is None:
            reason = next(iter(self.failed.values()), say("The stack is empty."))
            raise UnreadableInstance(reason)
        self._plan = _plan(first)
        self._known = KnownFiles(self._plan.form) if self._plan.is_stored else None
        self._places: Array | None = None  # of the slices, while `run` fills warm pages
        self.volume = self._make_volume(first)
        self._is_packed = first.instance.is_encapsulated
        if self._is_packed and runs_apart(first.instance.syntax):
            decoders().start()  # while the rest is made ready
        self._readers = Readers()
        largest = _LOT_PACKED if self._is_packed else _LOT_PLAIN
        self._order = Outwards(len(self.ready), len(self.ready) // 2, largest)
        self._local = threading.local()

    def _read_headers(self) -> list[Frame | Known | None]:
        by_path: dict[str, list[Frame] | Sentence] = {}
        found: list[Frame | Known | None] = []
        is_first = True  # the first sound header speaks for the volume: it is read whole
        for k, reference in enumerate(self.stack.frames):
            known = None if is_first or reference.tile or reference.frame else known_of(reference)
            if known is not None:  # a frame is made of it when it is read
                found.append(known)
                continue
            if reference.path not in by_path:
                by_path[reference.path] = self._frames_now(reference.path)
            frames = by_path[reference.path]
            there = frames if isinstance(frames, Sentence) else self._the_same(frames, reference)
            if isinstance(there, Sentence):
                self.failed[k] = there
                found.append(None)
            else:
                is_first, self._shows = False, _shows(there)
                found.append(_tile(there, reference, self.stack))
        return found

    def _frames_now(self, path: str) -> list[Frame] | Sentence:
        """The frames of a file, or why there are none. One of which more is to be said than the
        scan had to say has changed."""
        try:
            frames = frames_of(open_instance(path))
            said = doubts_of(frames[0].instance)
        except MedViewError as error:
            return error.what
        except NotDicom:
            return _changed()
        noted = {note.english() for note in self.stack.notes} if said else set()
        return frames if noted.issuperset(map(Sentence.english, said)) else _changed()

    def _the_same(self, frames: list[Frame], reference: FrameRef) -> Frame | Sentence:
        """The frame that the scan saw; what stands in its file now may be another image, of another
        place or another patient, or the same to be shown otherwise."""
        if reference.frame < len(frames):
            found = frames[reference.frame]
            top = found.instance.elements
            place = found.position if found.is_spatial and reference.tile is None else None
            if (
                top.text("SOPInstanceUID") == reference.sop_instance_uid
                and (place == reference.position or reference.tile is not None)
                and top.text("PhotometricInterpretation") == self.stack.photometric
                and self._shows in (None, _shows(found))
            ):
                return found
        return _changed()

    def _frame(self, k: int) -> Frame | None:
        held = self._frames[k]
        if isinstance(held, Known):
            return Frame(instance_of(self.stack.frames[k].path, held), 0)
        return held

    def _make_volume(self, first: Frame) -> Volume:
        plan, geometry = self._plan, self.stack.geometry
        shape = geometry.shape + ((3,) if plan.is_colour else ())
        dtype = np.dtype(np.uint8) if plan.is_colour else plan.dtype
        block: SharedBlock | None = None
        if shape[0] == 1 and plan.is_stored and not first.instance.is_encapsulated:
            stored = _alone(shape, dtype)
        else:
            block = SharedBlock.create(math.prod(shape) * dtype.itemsize)
            stored = block.array(shape, dtype)
        top = first.instance.elements
        padding = None if plan.is_colour or plan.has_table else padding_of(top, plan.form)
        slope, intercept, per_slice = self._rescale(first)
        return Volume(
            geometry=geometry,
            stored=stored,
            slope=slope,
            intercept=intercept,
            per_slice=per_slice,
            unit=self.stack.unit,
            padding=padding,
            is_inverted=plan.form.photometric == "MONOCHROME1"
            or (is_inverse(top) and not plan.is_colour),
            windows=() if plan.is_colour else scaled(windows_of(first), self.stack.factor),
            voi_function=voi_function_of(first),
            tables=self._tables(first),
            slice_windows=self._windows_by_slice(first),
            modality=top.text("Modality").upper(),
            block=block,
        )

    def _rescale(self, first: Frame) -> tuple[float, float, NDArray[np.float64] | None]:
        if self._plan.is_colour or self._plan.has_table:
            return 1.0, 0.0, None
        factor = self.stack.factor  # SUV, or 1
        pairs = list(self._pairs(first))
        slope, intercept = rescale_of(first)
        per_slice = np.array(pairs) * factor if len(set(pairs)) > 1 else None
        return (slope * factor, intercept * factor, per_slice)

    def _pairs(self, first: Frame) -> Iterator[tuple[float, float]]:
        """Slope and intercept of each slice."""
        table: Table | None = None  # of the slice before
        for k, held in enumerate(self._frames):
            own = held.table if isinstance(held, Known) else None
            if own is None or own is not table:
                pair, table = rescale_of(self._frame(k) or first), own
            yield pair

    def look_at(self, k: int) -> None:
        """Read slice k next and go on from there outwards; from any thread, before or in `run`."""
        self._order.look_at(k)

    def _windows_by_slice(self, first: Frame) -> tuple[tuple[FileWindow, ...], ...]:
        """Only of pictures that each stand for themselves: a volume keeps one grey throughout."""
        if self._plan.is_colour or self.stack.geometry.is_spatial or not first.groups:
            return ()
        factor = self.stack.factor
        frames = map(self._frame, range(len(self._frames)))
        found = [() if frame is None else windows_of(frame) for frame in frames]
        return tuple(scaled(each, factor) for each in found) if len(set(found)) > 1 else ()

    def _tables(self, first: Frame) -> tuple[VoiTable, ...]:
        """Tables map what the file calls modality values: none where those were made SUV."""
        is_other = self._plan.is_colour or self.stack.factor != 1
        return () if is_other else tables_of(first, self._plan.form)

    def run(
        self,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        first: int | None = None,
        on_slice: Callable[[int], None] | None = None,
    ) -> None:
        """Fill all slices: the one looked at (else the middle one) before any other, then outwards.

        first: a slice to look at. on_slice: called with each slice's number, in the thread that
        calls run. Raises Cancelled; slices that are ready then stay.
        """
        if first is not None:
            self.look_at(first)
        count, done = len(self.ready), 0
        stored, block = self.volume.stored, self.volume.block
        with nullcontext() if block is None else block.writer() as writer:
            if writer is None:
                self._places = stored
            elif writer.is_warm:
                self._places = writer.array(stored.shape, stored.dtype)
            try:
                for k in self._filled(writer, cancel):
                    done += 1
                    self.ready[k] = k not in self.failed
                    self._read_graphics(k)
                    if on_slice is not None:
                        on_slice(k)
                    progress(done, count, "")
            finally:
                self._places = None
                self._readers.close()

    def _filled(self, writer: BlockWriter | None, cancel: CancelToken | None) -> Iterator[int]:
        """The slices as they are done: the first one in this thread, the others in several."""
        for k in self._order.take():
            self._one(writer, k, threads=WORKERS)
            yield k
        if len(self.ready) == 1:
            return
        done, stop = SimpleQueue[list[int] | None](), CancelToken()
        workers = self._workers
        with ThreadPoolExecutor(workers, "medview-fill", _be_modest) as pool:
            jobs = [
                pool.submit(self._work, writer, done, (stop, cancel or stop))
                for _ in range(workers)
            ]
            try:
                for _ in jobs:
                    while (lot := done.get()) is not None:
                        yield from lot
            finally:
                stop.cancel()
            for job in jobs:
                job.result()
        if cancel is not None:
            cancel.check()

    @property
    def _workers(self) -> int:
        """Threads that fill: small plain slices would only wait for each other's Python."""
        is_small = self.volume.stored[0].nbytes < _WORTH_A_THREAD
        return 1 if is_small and not self._is_packed else WORKERS

    def _read_graphics(self, k: int) -> None:
        """The overlay planes and the shutter of a slice; one that cannot be read leaves the
        picture as it is."""
        frame = self._frames[k]
        if not isinstance(frame, Frame):  # such files have neither, or cannot be read
            return
        if frame.tile is not None:  # overlays are of the whole mosaic
            return
        top = frame.instance.elements
        with suppress(MedViewError, NotDicom, OSError):
            if k not in self.failed and has_overlays(frame.instance):
                planes = overlays_of(frame)
                if planes:
                    self.volume.graphics[k] = planes
            if top.has("ShutterShape"):
                shutter = shutter_of(top, bitmap_shutter_of(frame))
                if shutter is not None:
                    self.volume.shutters[k] = shutter

    def _work(
        self,
        writer: BlockWriter | None,
        done: SimpleQueue[list[int] | None],
        cancels: tuple[CancelToken, CancelToken],
    ) -> None:
        """One thread's share: lots until nothing is left or somebody stops it; None says so."""
        try:
            while lot := self._order.take():
                for k in lot:
                    if cancels[0].is_cancelled or cancels[1].is_cancelled:
                        return
                    self._one(writer, k)
                done.put(lot)
        finally:
            done.put(None)

    def _one(self, writer: BlockWriter | None, k: int, threads: int = 1) -> None:
        scratch = self._slot(k)
        try:
            values = self._read_known(k, scratch)
            if values is None and (frame := self._frame(k)) is not None:
                values = self._read(frame, (writer, k, scratch), threads)
            if values is not None and writer is not None and not writer.is_warm:
                writer.write(k * scratch.nbytes, values.data)
            elif values is not None and values is not scratch:
                scratch[...] = values
        except MedViewError as error:
            self.failed[k] = error.what
        except OSError:
            self.failed[k] = say("The system does not let MedView read this file.")
        except Exception as error:  # noqa: BLE001 - no slice, however hostile, stops the rest
            _log.warning("slice refused", extra={"kind": type(error).__name__})
            self.failed[k] = say("The file is damaged in a way that MedView cannot name.")
        if k in self.failed:
            self._blank(scratch)
            if writer is not None and not writer.is_warm:
                with suppress(MedViewError):  # where memory is full the slice stays 0
                    writer.write(k * scratch.nbytes, scratch.data)

    def _slot(self, k: int) -> Array:
        """Where a slice is put together: its last place, where the pages of that are warm.

        Else this thread's array for one slice, whose own pages are used again and again.
        """
        if self._places is not None:
            place: Array = self._places[k]
            return place
        found: Array | None = getattr(self._local, "scratch", None)
        if found is None:
            stored = self.volume.stored
            found = self._local.scratch = _alone(stored.shape[1:], stored.dtype)
        return found

    def _blank(self, slot: Array) -> None:
        padding = self.volume.padding
        slot[...] = 0 if padding is None else np.clip(padding[0], *_limits(slot.dtype))

    def _as_it_is_now(self, k: int, frame: Frame) -> Frame:
        held = self._frames[k]
        if isinstance(held, Known) and not is_same(frame.instance.path, held):
            return self._anew(k, frame)
        return frame

    def _anew(self, k: int, before: Frame) -> Frame:
        """The frame of a file that was written to since its header was read.

        Raises UnreadableInstance where it cannot stand in the volume any more.
        """
        reference = self.stack.frames[k]
        frames = self._frames_now(reference.path)
        found = frames if isinstance(frames, Sentence) else self._the_same(frames, reference)
        if isinstance(found, Sentence):
            raise UnreadableInstance(found, reference.path)
        if (
            rescale_of(found) != rescale_of(before)
            or native_shortfall(found.instance, self._plan.form) is not None
        ):
            raise UnreadableInstance(_changed(), reference.path)
        return found

    def _read_tile(self, frame: Frame, tile: Tile, threads: int) -> Array:
        """A slice of a mosaic, cut out of the whole picture."""
        (row, column), (rows, columns) = tile[:2], tile.size
        with self._readers.of(frame.instance) as reader:
            shown = _shown(reader, frame, threads, None)
        cut = shown[row : row + rows, column : column + columns]
        if cut.shape[:2] != tile.size or reader.form.dtype != self._plan.form.dtype:
            raise UnreadableInstance(_changed(), frame.instance.path)
        return np.ascontiguousarray(cut)

    def _read_known(self, k: int, scratch: Array) -> Array | None:
        """A slice of which the scan has remembered all that is needed; None for any other."""
        held = self._frames[k]
        if self._known is None or not isinstance(held, Known):
            return None
        return scratch if self._known.read(self.stack.frames[k].path, held, scratch) else None

    def _read(
        self, frame: Frame, place: tuple[BlockWriter | None, int, Array], threads: int
    ) -> Array | None:
        """A frame as the volume keeps it, C-contiguous, perhaps in the slot; None: it is there."""
        writer, k, scratch = place
        if frame.tile is not None:
            return self._read_tile(frame, frame.tile, threads)
        is_stored = self._plan.is_stored
        try:
            if is_stored and read_whole(frame.instance, self._plan.form, scratch):
                return scratch
            frame = self._as_it_is_now(k, frame)
        except FileChanged:
            frame = self._anew(k, frame)
        with self._readers.of(frame.instance) as reader:
            form = reader.form
            size = (form.rows, form.columns)
            if size != scratch.shape[:2] or form.dtype != self._plan.form.dtype:
                raise UnreadableInstance(_changed(), frame.instance.path)
            shortfall = native_shortfall(frame.instance, form)
            if shortfall is not None:
                self._blank(scratch)
                if shortfall not in self.notes:
                    self.notes.append(shortfall)
            if reader.is_plain and is_stored:
                reader.read_into(frame.index, scratch)
                return scratch
            if reader.is_apart and is_stored and writer is not None:
                reader.store(frame.index, threads, writer, k * scratch.nbytes)
                return None
            shown = _shown(reader, frame, threads, scratch if is_stored else None)
            if shown.shape != scratch.shape:
                raise UnreadableInstance(_changed(), frame.instance.path)
            return np.ascontiguousarray(shown, scratch.dtype)


def _alone(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    """Zeroed memory of this process. Raises MedViewError where there is none."""
    try:
        return np.zeros(shape, dtype)
    except MemoryError as error:
        size = math.prod(shape) * dtype.itemsize >> 20
        said = say("There is not enough memory for this series ({size} MB).", size=size)
        raise MedViewError(said) from error


def _tile(frame: Frame, reference: FrameRef, stack: Stack) -> Frame:
    """The frame, or the part of it that is one slice of a mosaic."""
    if reference.tile is None:
        return frame
    _, rows, columns = stack.geometry.shape
    return replace(frame, tile=Tile(*reference.tile, (rows, columns), np.zeros(3)))


def _be_modest() -> None:
    """On Linux threads have priorities of their own: the window's goes first."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _changed() -> Sentence:
    return say("The file has changed.")


def _shows(frame: Frame) -> tuple[str, bool]:
    """What decides how stored values are shown, beside what `rescale_of` and the format say."""
    top = frame.instance.elements
    return table_type(top), is_inverse(top)


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

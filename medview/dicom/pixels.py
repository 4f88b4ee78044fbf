"""Stored values of single frames: from the file's bytes to arrays in the stored type."""

from __future__ import annotations

import math
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from medview.core.block_writer import BlockWriter
from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.codecs import Decoded, decode
from medview.dicom.decoder_pipe import FrameJob
from medview.dicom.decoders import decoders, runs_apart
from medview.dicom.elements import ByteSource
from medview.dicom.fragments import Fragment, fragments_of, join
from medview.dicom.instance import Instance
from medview.dicom.pixel_format import PixelFormat, pixel_format, unpacked, unreadable_kind
from medview.dicom.plain import is_plain, may_overfill
from medview.dicom.stored import as_stored, keep_stored_bits, stored_shape

Array = NDArray[np.generic]
_HALF, _MOST_TORN = 1 << 15, 0.01  # a step no picture takes, and the share of such steps


class PixelReader:
    """Reads the frames of one instance; a context manager that holds its file open.

    Not for several threads at once.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.form: PixelFormat = pixel_format(instance)
        self._source: ByteSource = instance.open()
        self._fragments: list[list[Fragment]] | None = None

    def __enter__(self) -> PixelReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.close()

    @property
    def is_plain(self) -> bool:
        """Whether bytes can go from the file straight into an array of the stored type."""
        return is_plain(self.instance, self.form)

    def read_into(self, index: int, target: Array) -> None:
        """Fill a C-contiguous [rows, columns] array of the stored type; only when is_plain.

        What a file that was cut lacks at its end stays as it was. Raises UnreadableInstance when
        not one byte of the frame is there, or fewer than there were when the header was read.
        """
        offset, count = self._native_range(index)
        view = target.reshape(-1).view(np.uint8).data[:count]
        if self._source.read_into(offset, view) < count:
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        if may_overfill(self.form):
            keep_stored_bits(target, self.form)

    def stored(self, index: int, threads: int = 1, scratch: Array | None = None) -> Decoded:
        """One frame, [rows, columns] or [rows, columns, samples], in the stored type.

        scratch: an array of the stored type and shape that the result may be written to.
        Raises UnreadableInstance when the frame is missing or its stream is damaged.
        """
        if not self.instance.is_encapsulated:
            return Decoded(as_stored(self._native(index), self.form, scratch))
        stream, syntax = self._stream(index), self.instance.syntax
        if runs_apart(syntax):
            return decoders().decode(syntax, stream, self.form, threads)
        decoded = decode(syntax, stream, self.form, threads, scratch)
        return Decoded(as_stored(decoded.values, self.form, scratch), decoded.is_rgb)

    @property
    def is_apart(self) -> bool:
        """Whether the frames are decoded in another process."""
        return self.instance.is_encapsulated and runs_apart(self.instance.syntax)

    def store(self, index: int, threads: int, writer: BlockWriter, offset: int) -> None:
        """Have one frame decoded straight into shared memory, in the stored type; if is_apart.

        Raises UnreadableInstance; then what stands there is not to be looked at.
        """
        stream = self._stream(index)
        # Where the picture will stand its code stream has room: cheaper than to send it.
        has_room = len(stream) <= math.prod(stored_shape(self.form)) * self.form.dtype.itemsize
        if has_room:
            writer.write(offset, memoryview(stream))
        job = FrameJob(
            syntax=self.instance.syntax,
            form=self.form,
            threads=threads,
            block=writer.name,
            offset=offset,
            packed=len(stream) if has_room else 0,
        )
        decoders().decode_into(job, b"" if has_room else stream)

    def _stream(self, index: int) -> bytes:
        if self._fragments is None:
            self._fragments = fragments_of(self.instance, self._source)
        if index >= len(self._fragments):
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        return join(self._source, self._fragments[index])

    def _native_range(self, index: int) -> tuple[int, int]:
        place = self.instance.elements.pixels
        if place is None:
            raise UnreadableInstance(say("The file holds no pixels."), self.instance.path)
        count = self.form.frame_bits // 8
        start = place.offset + index * count
        there = min(place.offset + place.length, self.instance.size) - start
        if there <= 0:
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        return start, min(count, there)

    def words(self, index: int) -> Array:
        """An uncompressed grey frame as it lies in the file, bits above Bits Stored included."""
        return self._native(index)

    def _native(self, index: int) -> Array:
        form = self.form
        if form.is_packed:
            return self._packed(index)
        raw = self._frame_bytes(index)
        dtype = form.dtype.newbyteorder("big" if self.instance.encoding.big else "little")
        values = np.frombuffer(raw, dtype)
        if form.samples == 1:
            return values.reshape(form.rows, form.columns)
        return _samples(values, form)

    def _frame_bytes(self, index: int) -> bytes:
        """The bytes of an uncompressed frame; what a cut file lacks is zero."""
        offset, there = self._native_range(index)
        whole = self.form.frame_bits // 8
        if not (self.instance.encoding.big and self._is_words_of_bytes):
            return self._source.read(offset, there).ljust(whole, b"\0")
        # 8-bit values in big-endian words stand in swapped pairs, over frame borders too.
        before = index * whole & 1
        raw = self._source.read(offset - before, before + whole + 1).ljust(whole + 2, b"\0")
        pairs = np.frombuffer(raw[: (before + whole + 1) // 2 * 2], "u1").reshape(-1, 2)
        return pairs[:, ::-1].tobytes()[before : before + whole]

    @property
    def _is_words_of_bytes(self) -> bool:
        place = self.instance.elements.pixels
        return self.form.bits_allocated == 8 and place is not None and place.vr == "OW"

    def _packed(self, index: int) -> Array:
        """Pixels run on over the ends of bytes and frames, lowest bits first (PS3.5 8.1.1)."""
        place, form = self.instance.elements.pixels, self.form
        offset = place.offset if place else 0
        first = index * form.frame_bits
        size = (first % 8 + form.frame_bits + 7) // 8
        raw = self._source.read(offset + first // 8, size)
        if form.bits_allocated > 1:  # what a cut file lacks is zero, as in whole bytes
            raw = raw.ljust(size if raw else 0, b"\0")
        values = unpacked(raw, first % 8, form)
        if values is None:
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        return values


def _samples(values: Array, form: PixelFormat) -> Array:
    """[rows, columns, samples] from interleaved, planar or 4:2:2 colour."""
    rows, columns = form.rows, form.columns
    if form.photometric == "YBR_PARTIAL_420":  # only video has it
        raise unreadable_kind(form.photometric)
    if form.is_subsampled and form.samples == 3:
        if columns % 2:
            said = say("Colour of half the columns needs an even number of them.")
            raise UnreadableInstance(said, tag="(0028,0011)")
        pairs = values[: rows * columns * 2].reshape(rows, columns // 2, 4)
        full = np.empty((rows, columns, 3), values.dtype)
        full[:, 0::2, 0], full[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
        full[:, :, 1] = np.repeat(pairs[..., 2], 2, axis=1)
        full[:, :, 2] = np.repeat(pairs[..., 3], 2, axis=1)
        return full
    count = rows * columns * form.samples
    if form.is_planar:
        return np.moveaxis(values[:count].reshape(form.samples, rows, columns), 0, 2)
    return values[:count].reshape(rows, columns, form.samples)


def is_torn(instance: Instance) -> bool:
    """Whether neighbours of a 16-bit picture differ by half of all values, again and again.

    Raises UnreadableInstance when the first frame cannot be decoded.
    """
    with PixelReader(instance) as reader:
        values = np.asarray(reader.stored(0).values, np.int32)
    return float((np.abs(np.diff(values, axis=1)) > _HALF).mean()) > _MOST_TORN

"""Stored values of single frames: from the file's bytes to arrays in the stored type."""

from __future__ import annotations

import sys
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.codecs import Decoded, decode
from medview.dicom.elements import ByteSource
from medview.dicom.fragments import Fragment, fragments_of, join
from medview.dicom.instance import Instance
from medview.dicom.pixel_format import PixelFormat, pixel_format

Array = NDArray[np.generic]
_LITTLE = sys.byteorder == "little"


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
        form = self.form
        return (
            _LITTLE
            and not self.instance.is_encapsulated
            and not self.instance.encoding.big
            and form.samples == 1
            and form.bits_allocated in (8, 16, 32, 64)
            and form.high_bit == form.bits_stored - 1
        )

    def read_into(self, index: int, target: Array) -> None:
        """Fill a C-contiguous [rows, columns] array of the stored type; only when is_plain.

        What a file that was cut lacks at its end stays as it was. Raises UnreadableInstance when
        not one byte of the frame is there, or fewer than there were when the header was read.
        """
        offset, count = self._native_range(index)
        view = target.reshape(-1).view(np.uint8).data[:count]
        if self._source.read_into(offset, view) < count:
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        if not self.form.is_float and self.form.bits_stored < self.form.bits_allocated:
            _keep_stored_bits(target, self.form)

    def stored(self, index: int, threads: int = 1, scratch: Array | None = None) -> Decoded:
        """One frame, [rows, columns] or [rows, columns, samples], in the stored type.

        scratch: an array of the stored type and shape that the result may be written to.
        Raises UnreadableInstance when the frame is missing or its stream is damaged.
        """
        if self.instance.is_encapsulated:
            decoded = self._decompressed(index, threads, scratch)
        else:
            decoded = Decoded(self._native(index))
        return Decoded(self._as_stored(decoded.values, scratch), decoded.is_rgb)

    def _decompressed(self, index: int, threads: int, scratch: Array | None) -> Decoded:
        if self._fragments is None:
            self._fragments = fragments_of(self.instance, self._source)
        if index >= len(self._fragments):
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        stream = join(self._source, self._fragments[index])
        return decode(self.instance.syntax, stream, self.form, threads, scratch)

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

    def _native(self, index: int) -> Array:
        form = self.form
        if form.bits_allocated == 1:
            return self._bits(index)
        if form.bits_allocated == 12:
            return self._twelve_bits(index)
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

    def _bits(self, index: int) -> Array:
        """1-bit pixels are packed over frame borders, the lowest bit first (PS3.5 8.1.1)."""
        place, count = self.instance.elements.pixels, self.form.rows * self.form.columns
        offset = place.offset if place else 0
        first = index * count
        raw = self._source.read(offset + first // 8, (first % 8 + count + 7) // 8)
        bits = np.unpackbits(np.frombuffer(raw, "u1"), bitorder="little")[first % 8 :][:count]
        if bits.size < count:
            raise UnreadableInstance(say("The file ends before this picture."), self.instance.path)
        return bits.reshape(self.form.rows, self.form.columns)

    def _twelve_bits(self, index: int) -> Array:
        """Two pixels in three bytes, low nibbles first (PS3.5 8.1.1 with Bits Allocated 12)."""
        raw = np.frombuffer(self._frame_bytes(index), "u1")
        triples = raw[: raw.size // 3 * 3].reshape(-1, 3).astype("u2")
        pairs = np.stack(
            (triples[:, 0] | (triples[:, 1] & 0x0F) << 8, triples[:, 1] >> 4 | triples[:, 2] << 4),
            axis=1,
        )
        return pairs.reshape(self.form.rows, self.form.columns)

    def _as_stored(self, values: Array, scratch: Array | None) -> Array:
        """The stored type and sign; bits above Bits Stored are no part of a value."""
        form = self.form
        if form.is_float or form.bits_allocated == 1:
            return values
        if values.dtype.kind == "i" and form.is_signed and values.dtype != form.dtype:
            return values.astype(form.dtype)
        if values.dtype.itemsize != form.dtype.itemsize:
            values = values.astype(f"u{form.dtype.itemsize}")
        if scratch is None or not np.shares_memory(values, scratch):
            values = np.array(values, dtype=values.dtype.newbyteorder("="), order="C")
        stored = values.view(form.dtype)
        _keep_stored_bits(stored, form)
        return stored


def _samples(values: Array, form: PixelFormat) -> Array:
    """[rows, columns, samples] from interleaved, planar or 4:2:2 colour."""
    rows, columns = form.rows, form.columns
    if form.is_subsampled:
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


def _keep_stored_bits(values: Array, form: PixelFormat) -> None:
    """In place: shift to the lowest bit, drop what lies above Bits Stored, extend the sign."""
    integers: NDArray[np.integer] = values  # type: ignore[assignment]
    width = form.dtype.itemsize * 8
    low = form.high_bit + 1 - form.bits_stored
    above = width - form.bits_stored - max(0, low)
    if above < 0 or (above == 0 and low <= 0):
        return
    if low <= 0 and _fits(integers, form):
        return  # nearly always: looking is cheaper than rewriting
    if above:
        np.left_shift(integers, above, out=integers)
    # For signed types this shift drags the sign along.
    np.right_shift(integers, width - form.bits_stored, out=integers)


def _fits(values: NDArray[np.integer], form: PixelFormat) -> bool:
    """Whether no bit above Bits Stored says anything."""
    if form.is_signed:
        half = 1 << (form.bits_stored - 1)
        return int(values.max()) < half and int(values.min()) >= -half
    return int(values.max()) < 1 << form.bits_stored

"""Decoded values in the type that the header names: checked, cut to Bits Stored, signed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.pixel_format import PixelFormat

Array = NDArray[np.generic]


def stored_shape(form: PixelFormat) -> tuple[int, ...]:
    """[rows, columns], or [rows, columns, samples] of a picture with more than one."""
    return (form.rows, form.columns) + ((form.samples,) if form.samples > 1 else ())


def as_stored(values: Array, form: PixelFormat, scratch: Array | None = None) -> Array:
    """A decoder's values in the stored type and sign, perhaps in `scratch`.

    Bits above Bits Stored are no part of a value. Raises UnreadableInstance where the values are
    of another shape or cannot be of that type.
    """
    _check_decoded(values, form)
    if form.is_float or (form.bits_allocated == 1 and values.dtype == np.uint8):
        return values
    if values.dtype.kind == "i" and form.is_signed and values.dtype != form.dtype:
        return values.astype(form.dtype)
    if values.dtype.itemsize != form.dtype.itemsize:
        values = values.astype(f"u{form.dtype.itemsize}")
    if scratch is None or not np.shares_memory(values, scratch):
        values = np.array(values, dtype=values.dtype.newbyteorder("="), order="C")
    stored = values.view(form.dtype)
    keep_stored_bits(stored, form)
    return stored


def _check_decoded(values: Array, form: PixelFormat) -> None:
    """A decoder goes by the code stream, whose word on type and shape may be another."""
    is_float = values.dtype.kind == "f"
    surplus = values.dtype.itemsize > form.dtype.itemsize and values.dtype.kind in "ui"
    if (
        values.shape != stored_shape(form)
        or is_float != form.is_float
        or (is_float and values.dtype.itemsize != form.dtype.itemsize)
        or values.dtype.kind not in "uifb"
        or (surplus and values.size and int(values.max()) >> form.bits_allocated)
    ):
        said = say(
            "The compressed pixels are {found}, the header says {said}.",
            found=f"{values.dtype} {values.shape}",
            said=f"{form.dtype} {stored_shape(form)}",
        )
        raise UnreadableInstance(said, tag="(0028,0100)")


def keep_stored_bits(values: Array, form: PixelFormat) -> None:
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

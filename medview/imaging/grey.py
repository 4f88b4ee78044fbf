"""From stored numbers to 8-bit grey in one pass: rescale and window folded, no second volume.

Integers go through 16-bit arithmetic (about 20 times numpy's float64 on a 3000 x 3000 film),
everything else through float32 blocks that stay in the cache (about 10 times).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medview.core.volume import Volume
from medview.imaging import acceleration
from medview.imaging.colour_maps import GREY, coloured
from medview.imaging.halves import in_halves, room_for
from medview.imaging.shutters import hidden_on
from medview.imaging.slice_plane import Sample, SlicePlane
from medview.imaging.window import Window, window_fractions

_ROWS = 64  # rows a block: 64 x 3000 x 2 bytes stay in the second-level cache
_LARGE = 1 << 21  # pixels of a film that is worth a compiled kernel
_TRIED = 24  # multipliers tried for the integer ramp; more gain nothing
_MOST_WRONG = 0.2  # share of stored values one grey level off; beyond, floats are better

Grey = NDArray[np.uint8]


class _IntegerRamp(NamedTuple):
    """byte = ((clip(stored, low, high) * factor + offset) mod 65536) // divisor."""

    low: int
    high: int
    factor: int
    offset: int
    divisor: int


@dataclass(frozen=True, slots=True)
class GreyLook:
    """How the reader looks at grey: turned over, through a colour map (see `colour_maps`)."""

    is_turned: bool = False
    colour_map: str = GREY


PLAIN = GreyLook()


def grey_slice(
    volume: Volume, plane: SlicePlane, index: int, window: Window, look: GreyLook = PLAIN
) -> Grey:
    """One slice as 8-bit grey (rows, columns), or RGB (rows, columns, 3) for colour.

    MONOCHROME1 is inverted here, last and once (C.7.6.3.1.2); what is no image, and what a shutter
    hides, is black whatever the look.
    """
    sample = plane.sample(volume, index)
    hidden = hidden_on(volume.shutters, plane, index)
    if hidden is not None:
        blank = hidden if sample.blank is None else hidden | sample.blank
        sample = replace(sample, blank=blank)
    return grey_sample(sample, window, is_inverted=volume.is_inverted, look=look)


def grey_sample(
    sample: Sample, window: Window, *, is_inverted: bool = False, look: GreyLook = PLAIN
) -> Grey:
    """The numbers of a slice as 8-bit grey, or as they are where they are colours."""
    if sample.numbers.ndim == 3:
        colours = np.ascontiguousarray(sample.numbers, np.uint8)
        if sample.blank is not None:
            colours = np.where(sample.blank[..., None], np.uint8(0), colours)
        return colours
    grey = window_to_grey(sample.numbers, sample.slope, sample.intercept, window)
    if is_inverted != look.is_turned:
        np.subtract(255, grey, out=grey)
    if look.colour_map != GREY:
        grey = coloured(grey, look.colour_map)
    if sample.blank is not None:
        grey[sample.blank] = 0
    return grey


def window_to_grey(
    stored: NDArray[np.generic],
    slope: float | NDArray[np.float32],
    intercept: float | NDArray[np.float32],
    window: Window,
) -> Grey:
    """Stored numbers (rows, columns) to 8-bit grey, round half up of 255 times the fraction.

    slope and intercept are numbers or (rows, 1) or (1, columns) arrays. Within one grey level
    of `window_fractions` (integers: nearly always equal).
    """
    is_curved = window.function in ("SIGMOID", "TABLE") or window.width == 1.0
    if isinstance(slope, float | int) and isinstance(intercept, float | int):
        is_short = stored.dtype in (np.int16, np.uint16, np.uint8, np.int8)
        if is_curved and is_short:
            table = _grey_table(float(slope), float(intercept), window, stored.dtype.str)
            return np.take(table, stored.view(f"u{stored.dtype.itemsize}"))
        if is_curved:
            return _by_formula(stored, slope, intercept, window)
        if is_short:
            compiled = _compiled_grey(stored, float(slope), float(intercept), window)
            if compiled is not None:
                return compiled
            ramp = _integer_ramp(float(slope), float(intercept), window, stored.dtype.str)
            if ramp is not None:
                return _integer_grey(stored, ramp)
        return _float_grey(stored, np.float32(slope), np.float32(intercept), window)
    return _by_formula(stored, slope, intercept, window)


def _compiled_grey(
    stored: NDArray[np.generic], slope: float, intercept: float, window: Window
) -> Grey | None:
    """By the compiled kernel; None while there is none. A large film asks for it."""
    if stored.dtype.type not in acceleration.TYPES:
        return None
    kernels = acceleration.ready()
    if kernels is None:
        if stored.size >= _LARGE:
            acceleration.begin()
        return None
    factor, shift = grey_line(slope, intercept, window)
    grey = room_for(stored.shape) if stored.size >= _LARGE else np.empty(stored.shape, np.uint8)

    def work(part: tuple[int, int]) -> None:
        rows = slice(*part)
        kernels.window_rows(stored[rows], factor, shift, grey[rows])

    in_halves(work, stored.shape, least=_LARGE)
    return grey


def grey_line(slope: float, intercept: float, window: Window) -> tuple[np.float32, np.float32]:
    """Factor and shift from stored numbers to grey levels plus a half, as single precision."""
    gain, offset = window.ramp
    factor = gain * 255.0 * slope
    return np.float32(factor), np.float32((gain * intercept + offset) * 255.0 + 0.5)


def _by_formula(
    stored: NDArray[np.generic],
    slope: float | NDArray[np.float32],
    intercept: float | NDArray[np.float32],
    window: Window,
) -> Grey:
    values = np.asarray(stored, np.float64) * slope + intercept
    return (np.nan_to_num(window_fractions(values, window)) * 255.0 + 0.5).astype(np.uint8)


def _float_grey(
    stored: NDArray[np.generic], slope: np.float32, intercept: np.float32, window: Window
) -> Grey:
    factor, shift = grey_line(float(slope), float(intercept), window)
    grey = np.empty(stored.shape, np.uint8)
    block = np.empty((_ROWS, stored.shape[1]), np.float32)
    for row in range(0, len(stored), _ROWS):
        part = stored[row : row + _ROWS]
        work = block[: len(part)]
        np.multiply(part, factor, out=work, casting="unsafe")
        np.add(work, shift, out=work)
        np.nan_to_num(work, copy=False)
        np.clip(work, 0.0, 255.0, out=work)
        grey[row : row + _ROWS] = work
    return grey


def _integer_grey(stored: NDArray[np.generic], ramp: _IntegerRamp) -> Grey:
    grey = np.empty(stored.shape, np.uint8)
    kind = stored.dtype.type
    low, high = kind(ramp.low), kind(ramp.high)
    # Products wrap modulo 65536 on purpose; the offset brings them back before the division.
    factor, offset, divisor = (
        np.uint16(ramp.factor),
        np.uint16(ramp.offset),
        np.uint16(ramp.divisor),
    )
    clipped = np.empty((_ROWS, stored.shape[1]), stored.dtype)
    wide = clipped if stored.dtype.itemsize == 2 else np.empty(clipped.shape, np.int16)
    for row in range(0, len(stored), _ROWS):
        part = stored[row : row + _ROWS]
        np.clip(part, low, high, out=clipped[: len(part)])
        if wide is not clipped:
            wide[: len(part)] = clipped[: len(part)]
        work = wide[: len(part)].view(np.uint16)
        np.multiply(work, factor, out=work)
        np.add(work, offset, out=work)
        np.floor_divide(work, divisor, out=work)
        np.copyto(grey[row : row + _ROWS], work, casting="unsafe")
    return grey


@lru_cache(maxsize=16)
def _grey_table(slope: float, intercept: float, window: Window, dtype: str) -> Grey:
    """The grey of every number that a stored type holds, in the order of its bits."""
    kind = np.dtype(dtype)
    bits = np.arange(1 << 8 * kind.itemsize).astype(f"u{kind.itemsize}")
    return _by_formula(bits.view(kind), slope, intercept, window)


@lru_cache(maxsize=64)
def _integer_ramp(
    slope: float, intercept: float, window: Window, dtype: str
) -> _IntegerRamp | None:
    """The 16-bit ramp nearest to the exact one, None where none is within one grey level."""
    gain, offset = window.ramp
    rise = gain * 255.0 * slope  # grey levels a stored step
    start = (gain * intercept + offset) * 255.0  # grey level at stored 0
    if rise <= 0 or not np.isfinite([rise, start]).all():
        return None
    bounds = np.iinfo(np.dtype(dtype))
    # Ends are the last stored values that are still quite black and white: what lies beyond is
    # clipped to them.
    low = int(np.clip(np.floor((0.499 - start) / rise), bounds.min, bounds.max))
    high = int(np.clip(np.ceil((254.501 - start) / rise), bounds.min, bounds.max))
    if high - low < 1 or low == bounds.max or high == bounds.min:
        return None
    return _best_ramp(low, high, rise, start)


def _best_ramp(low: int, high: int, rise: float, start: float) -> _IntegerRamp | None:
    steps = np.arange(high - low + 1)
    exact = np.floor(np.clip((steps + low) * rise + start, 0, 255) + 0.5)
    best: tuple[float, _IntegerRamp | None] = (np.inf, None)
    largest = 65535 // (high - low)
    for factor in range(largest, max(0, largest - _TRIED), -1):
        divisor = round(factor / rise)
        if not 1 <= divisor <= 65535:
            continue
        first = round(divisor * (low * rise + start + 0.5))
        for offset in (first, first - 1, first + 1):
            if offset < 0 or (high - low) * factor + offset > 65535:
                continue
            error = np.abs((steps * factor + offset) // divisor - exact)
            wrong = float(error.mean())
            ends_hold = error[0] == 0 and error[-1] == 0  # black stays black, white white
            if ends_hold and error.max() <= 1 and wrong < min(best[0], _MOST_WRONG):
                wrapped = (offset - low * factor) % 65536
                best = wrong, _IntegerRamp(low, high, factor, wrapped, divisor)
    return best[1]

"""Compiled kernels of the resampler (numba); imported only by `acceleration`, never at start.

Each row is clipped to the volume before its inner loop, which then needs no test: that is what
makes it quicker than a test at every pixel. `py_func` of a kernel is the same in plain Python.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RIM = 1e-3  # voxels: single precision may round a place up to the next whole one
EDGE = 1e-5  # voxels: what fixed point may be off at the end of a row of 16,000 pixels
VOXEL = 4294967296.0  # one voxel in fixed point: 32 bits behind the comma
MAX, MIN, SUM = 0, 1, 2  # what becomes of the layers of a slab
_JIT = {
    "nogil": True,
    "cache": True,
    "fastmath": True,
    "error_model": "numpy",
    "boundscheck": False,
}


@numba.njit(**_JIT)
def interval(start: float, step: float, low: float, high: float, count: int) -> tuple[int, int]:
    """The columns [first, end) of a row whose place start + step * column lies in [low, high)."""
    if step > 1e-12:
        first, end = np.ceil((low - start) / step), np.ceil((high - start) / step)
    elif step < -1e-12:
        first, end = np.floor((high - start) / step) + 1, np.floor((low - start) / step) + 1
    elif low <= start < high:
        first, end = 0.0, float(count)
    else:
        first, end = 0.0, 0.0
    return int(min(max(first, 0.0), count)), int(min(max(end, 0.0), count))


@numba.njit(**_JIT)
def place_of(matrix: NDArray[np.float64], row: int) -> tuple[float, float, float]:
    """[k, j, i] of the first column of a row; (3, 3) as in `linear_rows`."""
    return (
        matrix[0, 0] * row + matrix[0, 2],
        matrix[1, 0] * row + matrix[1, 2],
        matrix[2, 0] * row + matrix[2, 2],
    )


@numba.njit(**_JIT)
def inside(
    origin: tuple[float, float, float],
    step: tuple[float, float, float],
    shape: tuple[int, int, int],
    margin: float,
    count: int,
) -> tuple[int, int]:
    """The columns of a row whose places lie in the grid, all axes; margin: voxels beyond it."""
    first, end = 0, count
    for axis in range(3):
        low, high = interval(origin[axis], step[axis], -margin, shape[axis] - 1 + margin, count)
        first, end = max(first, low), min(end, high)
    return first, max(first, end)


@numba.njit(**_JIT)
def trilinear(array: NDArray[np.int16], k: np.float32, j: np.float32, i: np.float32) -> np.float32:
    """The number between eight voxels; 0 <= place < size - 1 on every axis."""
    # Unsigned 32-bit places spare the test for negative ones and half of the registers.
    kk, jj, ii = np.uint32(k), np.uint32(j), np.uint32(i)
    wk, wj, wi = k - np.float32(kk), j - np.float32(jj), i - np.float32(ii)
    one = np.uint32(1)
    a, b = np.float32(array[kk, jj, ii]), np.float32(array[kk, jj, ii + one])
    c, d = np.float32(array[kk, jj + one, ii]), np.float32(array[kk, jj + one, ii + one])
    a += (b - a) * wi
    c += (d - c) * wi
    a += (c - a) * wj
    e, f = np.float32(array[kk + one, jj, ii]), np.float32(array[kk + one, jj, ii + one])
    g = np.float32(array[kk + one, jj + one, ii])
    h = np.float32(array[kk + one, jj + one, ii + one])
    e += (f - e) * wi
    g += (h - g) * wi
    e += (g - e) * wj
    return np.float32(a + (e - a) * wk)


@numba.njit(**_JIT)
def fixed(place: float) -> int:
    """A place or a step in fixed point: whole voxels by a shift, no conversion at each pixel."""
    return int(place * VOXEL)


@numba.njit(**_JIT)
def share(place: int) -> np.float32:
    """What lies behind the comma of a place in fixed point, 0 to 1, to 24 bits."""
    return np.float32(np.int32((place >> 8) & 0xFFFFFF)) * np.float32(1 / 16777216)


@numba.njit(**_JIT)
def linear_run(
    array: NDArray[np.int16],
    origin: tuple[float, float, float],
    step: tuple[float, float, float],
    out: Floats,
    run: tuple[int, int, int],
) -> None:
    """As `trilinear`, for run (row, first, end) of out: a row clipped to the volume.

    A loop in fixed point takes two thirds of the time of one in floating point.
    """
    row, first, end = run
    k, j, i = (
        fixed(origin[0] + step[0] * first),
        fixed(origin[1] + step[1] * first),
        fixed(origin[2] + step[2] * first),
    )
    dk, dj, di = fixed(step[0]), fixed(step[1]), fixed(step[2])
    one = np.uint64(1)
    for column in range(first, end):
        kk, jj, ii = np.uint64(k >> 32), np.uint64(j >> 32), np.uint64(i >> 32)
        wj, wi = share(j), share(i)
        a, b = np.float32(array[kk, jj, ii]), np.float32(array[kk, jj, ii + one])
        c, d = np.float32(array[kk, jj + one, ii]), np.float32(array[kk, jj + one, ii + one])
        a += (b - a) * wi
        c += (d - c) * wi
        a += (c - a) * wj
        e, f = np.float32(array[kk + one, jj, ii]), np.float32(array[kk + one, jj, ii + one])
        g = np.float32(array[kk + one, jj + one, ii])
        h = np.float32(array[kk + one, jj + one, ii + one])
        e += (f - e) * wi
        g += (h - g) * wi
        e += (g - e) * wj
        out[row, column] = a + (e - a) * share(k)
        k, j, i = k + dk, j + dj, i + di


@numba.njit(**_JIT)
def at_rim(array: NDArray[np.int16], k: float, j: float, i: float) -> np.float32:
    """As `trilinear`, for places on the rim: beyond the last centres the border voxel counts on."""
    tops = array.shape
    found: np.float32 = trilinear(
        array,
        np.float32(min(max(k, 0.0), tops[0] - 1 - RIM)),
        np.float32(min(max(j, 0.0), tops[1] - 1 - RIM)),
        np.float32(min(max(i, 0.0), tops[2] - 1 - RIM)),
    )
    return found


@numba.njit(**_JIT)
def linear_rows(
    array: NDArray[np.int16],
    matrix: NDArray[np.float64],
    out: Floats,
    outside: NDArray[np.bool_],
    rows: tuple[int, int, int],
) -> bool:
    """Fill every `rows` (first, end, step) of out; whether any of their pixels lies outside.

    matrix: (3, 3) from [row, column, 1] to [k, j, i]. outside comes all False.
    """
    is_any = False
    columns = out.shape[1]
    for row in range(rows[0], rows[1], rows[2]):
        origin = place_of(matrix, row)
        step = (matrix[0, 1], matrix[1, 1], matrix[2, 1])
        first, end = inside(origin, step, array.shape, 0.5, columns)
        low, high = inside(origin, step, array.shape, -RIM, columns)
        if low >= high:
            low = high = end
        is_any = is_any or first > 0 or end < columns
        outside[row, :first] = True
        outside[row, end:] = True
        k, j, i = origin
        dk, dj, di = step
        for column in range(first, low):
            out[row, column] = at_rim(array, k + dk * column, j + dj * column, i + di * column)
        linear_run(array, origin, step, out, (row, low, high))
        for column in range(high, end):
            out[row, column] = at_rim(array, k + dk * column, j + dj * column, i + di * column)
    return is_any


@numba.njit(**_JIT)
def padded_rows(
    array: NDArray[np.int16],
    matrix: NDArray[np.float64],
    out: Floats,
    outside: NDArray[np.bool_],
    rows: tuple[int, int, int, float, float],
) -> bool:
    """As `linear_rows`; rows ends with the least and the largest number that is no image.

    Where one of the eight voxels is padding the nearest alone decides.
    """
    is_any = False
    columns = out.shape[1]
    sizes = array.shape
    for row in range(rows[0], rows[1], rows[2]):
        origin = place_of(matrix, row)
        step = (matrix[0, 1], matrix[1, 1], matrix[2, 1])
        first, end = inside(origin, step, sizes, 0.5, columns)
        is_any = is_any or first > 0 or end < columns
        outside[row, :first] = True
        outside[row, end:] = True
        for column in range(first, end):
            k = np.float32(min(max(origin[0] + step[0] * column, 0.0), sizes[0] - 1.0))
            j = np.float32(min(max(origin[1] + step[1] * column, 0.0), sizes[1] - 1.0))
            i = np.float32(min(max(origin[2] + step[2] * column, 0.0), sizes[2] - 1.0))
            kk = min(np.uint32(k), np.uint32(sizes[0] - 2))
            jj = min(np.uint32(j), np.uint32(sizes[1] - 2))
            ii = min(np.uint32(i), np.uint32(sizes[2] - 2))
            is_padded = False
            for corner in range(8):
                number = array[kk + np.uint32(corner >> 2), jj + np.uint32(corner >> 1 & 1),
                               ii + np.uint32(corner & 1)]  # fmt: skip
                is_padded = is_padded or rows[3] <= number <= rows[4]
            if not is_padded:
                out[row, column] = at_rim(array, k, j, i)
                continue
            near = array[
                np.uint32(k + np.float32(0.5)),
                np.uint32(j + np.float32(0.5)),
                np.uint32(i + np.float32(0.5)),
            ]
            out[row, column] = np.float32(near)
            if rows[3] <= near <= rows[4]:
                outside[row, column] = True
                is_any = True
    return is_any


@numba.njit(**_JIT)
def nearest_run(
    array: NDArray[np.int16],
    origin: tuple[float, float, float],
    step: tuple[float, float, float],
    out: NDArray[np.int16],
    run: tuple[int, int, int],
) -> None:
    """As `linear_run`, with the number of the voxel that holds each pixel."""
    row, first, end = run
    k = fixed(origin[0] + step[0] * first + 0.5)
    j = fixed(origin[1] + step[1] * first + 0.5)
    i = fixed(origin[2] + step[2] * first + 0.5)
    dk, dj, di = fixed(step[0]), fixed(step[1]), fixed(step[2])
    for column in range(first, end):
        out[row, column] = array[np.uint64(k >> 32), np.uint64(j >> 32), np.uint64(i >> 32)]
        k, j, i = k + dk, j + dj, i + di


@numba.njit(**_JIT)
def nearest_rows(
    array: NDArray[np.int16],
    matrix: NDArray[np.float64],
    out: NDArray[np.int16],
    outside: NDArray[np.bool_],
    rows: tuple[int, int, int],
) -> bool:
    """As `linear_rows`, with the number of the voxel that holds each pixel."""
    is_any = False
    columns = out.shape[1]
    tops = array.shape
    for row in range(rows[0], rows[1], rows[2]):
        origin = place_of(matrix, row)
        step = (matrix[0, 1], matrix[1, 1], matrix[2, 1])
        first, end = inside(origin, step, tops, 0.5, columns)
        low, high = inside(origin, step, tops, 0.5 - EDGE, columns)
        if low >= high:
            low = high = end
        is_any = is_any or first > 0 or end < columns
        outside[row, :first] = True
        outside[row, end:] = True
        k, j, i = origin
        dk, dj, di = step
        nearest_run(array, origin, step, out, (row, low, high))
        for rim in (range(first, low), range(high, end)):
            for column in rim:
                out[row, column] = array[
                    np.uint32(min(max(k + dk * column, 0.0), tops[0] - 1.0) + 0.5),
                    np.uint32(min(max(j + dj * column, 0.0), tops[1] - 1.0) + 0.5),
                    np.uint32(min(max(i + di * column, 0.0), tops[2] - 1.0) + 0.5),
                ]
    return is_any


@numba.njit(**_JIT)
def slab_rows(
    array: NDArray[np.int16],
    matrix: NDArray[np.float64],
    offsets: NDArray[np.float64],
    out: NDArray[np.generic],
    count: NDArray[np.uint16],
    rows: tuple[int, int, int, float, float],
) -> None:
    """Nearest voxels of several layers as one: rows is (first, end, MAX | MIN | SUM, padding).

    matrix: (3, 4), its last column a step to the next layer; offsets in such steps. out comes full
    of the number that loses against every other (0 for SUM), count all 0: how many layers have a
    number. padding: the least and the largest number that is no image; least > largest: none.
    """
    step = (matrix[0, 1], matrix[1, 1], matrix[2, 1])
    mode, low, high = rows[2:]
    line = np.empty((1, out.shape[1]), array.dtype)
    for row in range(rows[0], rows[1]):
        k0, j0, i0 = place_of(matrix, row)
        for offset in offsets:
            origin = (
                k0 + matrix[0, 3] * offset,
                j0 + matrix[1, 3] * offset,
                i0 + matrix[2, 3] * offset,
            )
            first, end = inside(origin, step, array.shape, 0.5 - EDGE, out.shape[1])
            nearest_run(array, origin, step, line, (0, first, end))
            if low > high:
                join_run(line[0, first:end], out[row, first:end], mode)
                count[row, first:end] += np.uint16(1)
                continue
            for column in range(first, end):
                if not low <= line[0, column] <= high:
                    count[row, column] += np.uint16(1)
                    here = slice(column, column + 1)
                    join_run(line[0, here], out[row, here], mode)


@numba.njit(**_JIT)
def join_run(line: NDArray[np.int16], out: NDArray[np.generic], mode: int) -> None:
    """Take the numbers of one more layer into a run of pixels; plain loops, which vectorise."""
    if mode == MAX:
        for column in range(len(line)):
            out[column] = max(out[column], line[column])
    elif mode == MIN:
        for column in range(len(line)):
            out[column] = min(out[column], line[column])
    else:
        for column in range(len(line)):
            out[column] += line[column]


@numba.njit(**_JIT)
def window_rows(
    stored: NDArray[np.int16], factor: np.float32, shift: np.float32, grey: NDArray[np.uint8]
) -> None:
    """grey [rows, columns] = stored * factor + shift, cut to 0..255 and the rest left out."""
    for row in range(stored.shape[0]):
        for column in range(stored.shape[1]):
            level = np.float32(stored[row, column]) * factor + shift
            grey[row, column] = np.uint8(min(max(level, np.float32(0)), np.float32(255)))

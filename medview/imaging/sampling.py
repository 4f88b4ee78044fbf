"""Numbers of a volume at the pixels of any plane: trilinear or nearest, in blocks of rows.

A pixel outside the grid by more than half a voxel has no number; within that half the border voxel
counts on. Blocks stay in the cache, and numpy lets two of them be worked on at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry
from medview.core.volume import Volume
from medview.imaging import acceleration
from medview.imaging.halves import in_halves, planes_pool
from medview.imaging.slice_plane import Sample

_ROWS = 32  # rows a block: 32 x 512 x 4 bytes and its companions stay in the second-level cache
_FEW, _FEW_COMPILED = 100_000, 20_000  # fewer pixels are not worth a second thread

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Found:
    """Numbers on the pixels of a plane and where there are none (None: everywhere some)."""

    numbers: NDArray[np.generic]
    outside: Bools | None

    def sample(self, volume: Volume) -> Sample:
        """With the rescale of the volume that the numbers are from."""
        if volume.is_colour or volume.per_slice is not None:
            return Sample(self.numbers, blank=self.outside)
        return Sample(self.numbers, volume.slope, volume.intercept, self.outside)


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """An array on a grid that numbers are taken from.

    array: [k, j, i], or [k, j, i, 3] for colour. rescale: (k, 2) slopes and intercepts that are
    applied before interpolation, where slices differ. padding: stored numbers that are no image.
    """

    array: NDArray[np.generic]
    geometry: Geometry
    rescale: NDArray[np.float64] | None = None
    padding: tuple[float, float] | None = None

    @classmethod
    def of(cls, volume: Volume) -> Source:
        """The voxels of a volume."""
        return cls(
            array=np.ascontiguousarray(volume.stored),
            geometry=volume.geometry,
            rescale=volume.per_slice,
            padding=volume.padding,
        )


@dataclass(frozen=True, eq=False)
class _Block:
    """Places of a block of pixels in the array: whole parts, shares between, what lies outside."""

    whole: list[Ints]  # of k, j and i
    shares: list[Floats]
    outside: Bools | None

    def nearest(self) -> Ints:
        """(rows, columns, 3) the voxels that hold the pixels, [k, j, i]."""
        return np.stack([w + (s >= 0.5) for w, s in zip(self.whole, self.shares, strict=True)], -1)


Points = Callable[[slice], FloatArray]  # rows to (rows, columns, 3) LPS millimetres


def linear(source: Source, matrix: FloatArray, shape: tuple[int, int]) -> Found:
    """Trilinear numbers, float32 (rows, columns); padding never mixes with its neighbours.

    matrix: (4, 4) or (4, 3), its last three columns lead from [row, column, 1] to LPS millimetres.
    """
    kernels = _kernels_for(source)
    if kernels is not None:
        kernel = kernels.linear_rows if source.padding is None else kernels.padded_rows
        return _by_kernel(kernel, source, matrix, np.zeros(shape, np.float32))
    locate = _locator(source.geometry, matrix, shape[1])
    return _by_blocks(source, locate, shape, _linear_block, np.dtype(np.float32))


def nearest(source: Source, matrix: FloatArray, shape: tuple[int, int]) -> Found:
    """The number of the voxel that holds each pixel, in the array's type; as `linear`."""
    kernels = _kernels_for(source)
    if kernels is not None:
        found = _by_kernel(
            kernels.nearest_rows, source, matrix, np.zeros(shape, source.array.dtype)
        )
        if source.padding is None:
            return found
        padded = _is_between(found.numbers, source.padding)
        return Found(found.numbers, padded if found.outside is None else padded | found.outside)
    locate = _locator(source.geometry, matrix, shape[1])
    return _by_blocks(source, locate, shape, _nearest_block, _own_type(source))


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a slab: how they become one, and where they lie.

    mode: "mip", "minip" or "mean" of the stored numbers. ahead: (3,) LPS millimetres of one step;
    offsets: in such steps from the plane.
    """

    mode: str
    ahead: FloatArray
    offsets: tuple[float, ...]


def nearest_layers(
    source: Source, matrix: FloatArray, shape: tuple[int, int], layers: Layers
) -> Found | None:
    """All layers of a slab as `nearest` in one pass; None where there are no compiled kernels."""
    kernels = _kernels_for(source)
    if kernels is None:
        return None
    dtype = np.dtype(np.float32) if layers.mode == "mean" else source.array.dtype
    numbers = np.full(shape, _loser(dtype, layers.mode), dtype)
    count = np.zeros(shape, np.uint16)
    lookup = np.column_stack([_lookup(source, matrix), _to_kji(source)[:, :3] @ layers.ahead])
    offsets = np.array(layers.offsets, float)
    mode = {"mip": kernels.MAX, "minip": kernels.MIN}.get(layers.mode, kernels.SUM)
    padding = tuple(map(float, source.padding or (1, 0)))

    def work(part: tuple[int, int]) -> None:
        kernels.slab_rows(source.array, lookup, offsets, numbers, count, (*part, mode, *padding))

    in_halves(work, shape, least=_FEW_COMPILED)
    if layers.mode == "mean":
        np.divide(numbers, count, out=numbers, where=count > 0)
    outside = count == 0
    if not outside.any():
        return Found(numbers, None)
    numbers[outside] = 0
    return Found(numbers, outside)


def _loser(dtype: np.dtype[np.generic], mode: str) -> float:
    """What every number of a type wins against; 0 to add to."""
    if mode == "mean":
        return 0
    if dtype.kind == "f":
        return float(-np.inf if mode == "mip" else np.inf)
    bounds = np.iinfo(dtype.str)
    return float(bounds.min if mode == "mip" else bounds.max)


def _kernels_for(source: Source) -> ModuleType | None:
    """The compiled kernels, where they are loaded and made for such a source."""
    is_plain = source.geometry.is_even and source.rescale is None
    return acceleration.ready() if is_plain and acceleration.fits(source.array) else None


def _by_kernel(
    kernel: Callable[..., bool],
    source: Source,
    matrix: FloatArray,
    numbers: NDArray[np.generic],
) -> Found:
    """Half of the rows by either of two threads: the kernels let go of the interpreter."""
    lookup = _lookup(source, matrix)
    outside = np.zeros(numbers.shape, bool)
    padding: tuple[float, ...] = ()
    if kernel.__name__ == "padded_rows" and source.padding is not None:
        padding = (float(source.padding[0]), float(source.padding[1]))

    def work(part: tuple[int, int]) -> bool:
        return kernel(source.array, lookup, numbers, outside, (*part, 1, *padding))

    found = in_halves(work, (len(numbers), numbers.shape[1]), least=_FEW_COMPILED)
    return Found(numbers, outside if any(found) else None)


def _to_kji(source: Source) -> FloatArray:
    """(3, 4) LPS millimetres to [k, j, i]."""
    return np.ascontiguousarray(source.geometry.inverse[2::-1])


def _lookup(source: Source, matrix: FloatArray) -> FloatArray:
    """(3, 3) from [row, column, 1] of a plane to [k, j, i]."""
    to_grid = _to_kji(source)
    lookup = to_grid[:, :3] @ matrix[:3, -3:]
    lookup[:, 2] += to_grid[:, 3]
    return np.asarray(lookup, np.float64)


def linear_at(source: Source, points: Points, shape: tuple[int, int]) -> Found:
    """As `linear`, at places that lie on no plane."""
    locate = _point_locator(source.geometry, points)
    return _by_blocks(source, locate, shape, _linear_block, np.dtype(np.float32))


def nearest_at(source: Source, points: Points, shape: tuple[int, int]) -> Found:
    """As `nearest`, at places that lie on no plane."""
    locate = _point_locator(source.geometry, points)
    return _by_blocks(source, locate, shape, _nearest_block, _own_type(source))


def _own_type(source: Source) -> np.dtype[np.generic]:
    return source.array.dtype if source.rescale is None else np.dtype(np.float32)


_Locator = Callable[[slice], _Block | None]
_Filler = Callable[[Source, _Block, NDArray[np.generic]], Bools | None]


def _by_blocks(
    source: Source,
    locate: _Locator,
    shape: tuple[int, int],
    fill: _Filler,
    dtype: np.dtype[np.generic],
) -> Found:
    rows, columns = shape
    numbers = np.zeros((rows, columns, *source.array.shape[3:]), dtype)
    outside = np.zeros(shape, bool)

    def work(start: int) -> bool:
        part = slice(start, min(start + _ROWS, rows))
        block = locate(part)
        if block is None:
            outside[part] = True
            return True
        blank = fill(source, block, numbers[part])
        if blank is not None:
            outside[part] = blank
        return blank is not None

    starts = range(0, rows, _ROWS)
    spread = map if rows * columns < _FEW else planes_pool().map
    is_any = any(list(spread(work, starts)))
    return Found(numbers, outside if is_any else None)


def _locator(geometry: Geometry, matrix: FloatArray, columns: int) -> _Locator:
    """What gives the places of a block of rows; None for a block that lies wholly outside."""
    row, column, start = (matrix[:3, at] for at in (-3, -2, -1))
    across = np.arange(columns)
    if not geometry.is_even:
        return _point_locator(
            geometry,
            lambda part: (
                start
                + np.arange(part.start, part.stop)[:, None, None] * row
                + across[None, :, None] * column
            ),
        )
    to_grid = geometry.inverse[:3, :3][::-1]
    step_down, step_right = (to_grid @ way for way in (row, column))
    first = to_grid @ start + geometry.inverse[:3, 3][::-1]

    def locate(part: slice) -> _Block | None:
        down = np.arange(part.start, part.stop)
        places = []
        for axis in range(3):
            # Bounds first: most blocks lie wholly inside and need no tests, some wholly outside.
            lines = (first[axis] + step_down[axis] * down)[:, None]
            along = (step_right[axis] * across)[None, :]
            low = lines.min() + along.min()
            high = lines.max() + along.max()
            if high < -0.5 or low > geometry.shape[axis] - 0.5:
                return None
            places.append(lines.astype(np.float32) + along.astype(np.float32))
        return _block(tuple(places), geometry.shape)

    return locate


def _point_locator(geometry: Geometry, points: Points) -> _Locator:
    def locate(part: slice) -> _Block | None:
        places = points(part)
        kji = geometry.to_index_array(places.reshape(-1, 3)).reshape(places.shape)
        block = _block(tuple(np.asarray(kji[..., n], np.float32) for n in range(3)), geometry.shape)
        if geometry.is_even:
            return block
        covered = geometry.ladder.covered(kji[..., 0].ravel()).reshape(places.shape[:2])
        gone = ~covered if block.outside is None else block.outside | ~covered
        return _Block(block.whole, block.shares, gone) if gone.any() else block

    return locate


def _block(places: tuple[Floats, ...], shape: tuple[int, int, int]) -> _Block:
    outside: Bools | None = None
    whole: list[Ints] = []
    shares: list[Floats] = []
    for place, size in zip(places, shape, strict=True):
        low, high = float(place.min()), float(place.max())
        if low < -0.5 or high >= size - 0.5:
            beyond = (place < -0.5) | (place >= size - 0.5)
            outside = beyond if outside is None else outside | beyond
        within = np.clip(place, 0, size - 1) if low < 0 or high > size - 1 else place
        start = within.astype(np.intp)
        np.minimum(start, max(0, size - 2), out=start)
        whole.append(start)
        shares.append(np.subtract(within, start, dtype=np.float32))
    return _Block(whole, shares, outside)


def _linear_block(source: Source, block: _Block, out: NDArray[np.generic]) -> Bools | None:
    array = source.array
    steps = [1 if size > 1 else 0 for size in array.shape]
    k, j, i = block.whole
    share_k, share_j, share_i = block.shares
    flat = array.reshape(-1)
    _, rows, columns = array.shape
    at = (k * rows + j) * columns + i
    over_k, over_j, over_i = steps[0] * rows * columns, steps[1] * columns, steps[2]
    has_padding = source.padding is not None
    padded = np.zeros(at.shape, bool) if has_padding else None

    def corner(shift: int) -> Floats:
        taken = flat.take(at + shift if shift else at)
        if padded is not None and source.padding is not None:
            np.logical_or(padded, _is_between(taken, source.padding), out=padded)
        return np.asarray(taken, np.float32)

    def between(low: Floats, high: Floats, share: Floats) -> Floats:
        high -= low
        high *= share
        high += low
        return high

    slices = []
    for shift_k in (0, over_k):
        lines = [
            between(corner(shift_k + shift_j), corner(shift_k + shift_j + over_i), share_i)
            for shift_j in (0, over_j)
        ]
        found = between(lines[0], lines[1], share_j)
        if source.rescale is not None:
            own = source.rescale.astype(np.float32)[k + (steps[0] if shift_k else 0)]
            found *= own[..., 0]
            found += own[..., 1]
        slices.append(found)
    out[...] = between(slices[0], slices[1], share_k)
    if padded is None or not padded.any():
        return block.outside
    return _without_padding(source, block, padded, out)


def _without_padding(
    source: Source, block: _Block, padded: Bools, out: NDArray[np.generic]
) -> Bools:
    """Where a corner is padding the nearest voxel alone decides, also whether there is image."""
    chosen = block.nearest()[padded]
    taken = source.array[chosen[:, 0], chosen[:, 1], chosen[:, 2]]
    out[padded] = _rescaled(source, taken, chosen[:, 0])
    blank = np.zeros(padded.shape, bool) if block.outside is None else block.outside.copy()
    blank[padded] |= _is_between(taken, source.padding or (1.0, 0.0))
    return blank


def _nearest_block(source: Source, block: _Block, out: NDArray[np.generic]) -> Bools | None:
    (_, rows, columns), channels = source.array.shape[:3], source.array.shape[3:]
    k, j, i = (
        whole + (share >= 0.5) if size > 1 else whole
        for whole, share, size in zip(
            block.whole, block.shares, source.array.shape[:3], strict=True
        )
    )
    taken = source.array.reshape(-1, *channels).take((k * rows + j) * columns + i, axis=0)
    out[...] = _rescaled(source, taken, k)
    if source.padding is None:
        return block.outside
    padded = _is_between(taken, source.padding)
    return padded if block.outside is None else padded | block.outside


def _rescaled(source: Source, taken: NDArray[np.generic], k: Ints) -> NDArray[np.generic]:
    if source.rescale is None:
        return taken
    own = source.rescale.astype(np.float32)[k]
    return np.asarray(taken, np.float32) * own[..., 0] + own[..., 1]


def _is_between(numbers: NDArray[np.generic], bounds: tuple[float, float]) -> Bools:
    low, high = bounds
    return np.asarray(np.greater_equal(numbers, low) & np.less_equal(numbers, high), bool)

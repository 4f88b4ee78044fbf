"""Where things are computed: grids in patient millimetres, and smooth noise over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Grid:
    """A box of voxels along the patient's axes (LPS, mm); arrays over it are [k, j, i].

    x, y, z: float32 voxel centres of columns, rows and slices, growing, evenly spaced.
    """

    x: Float
    y: Float
    z: Float

    @staticmethod
    def of(shape: tuple[int, int, int], spacing: tuple[float, float, float],
           centre: tuple[float, float, float]) -> Grid:  # fmt: skip
        """shape (k, j, i), spacing and centre (x, y, z) in mm."""
        axes = [
            (middle + (np.arange(n) - (n - 1) / 2) * step).astype(np.float32)
            for n, step, middle in zip(shape[::-1], spacing, centre, strict=True)
        ]
        return Grid(x=axes[0], y=axes[1], z=axes[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(k, j, i)."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """(i, j, k) in mm."""
        return (
            float(self.x[1] - self.x[0]),
            float(self.y[1] - self.y[0]),
            float(self.z[1] - self.z[0]) if len(self.z) > 1 else 1.0,
        )

    @cached_property
    def steps(self) -> tuple[tuple[float, float, int], ...]:
        """Start, step and count along x, y and z."""
        steps = zip((self.x, self.y, self.z), self.spacing, strict=True)
        return tuple((float(axis[0]), step, len(axis)) for axis, step in steps)

    @property
    def broadcast(self) -> tuple[Float, Float, Float]:
        """x, y and z shaped so that they broadcast to `shape`."""
        return self.x[None, None, :], self.y[None, :, None], self.z[:, None, None]

    def slab(self, first: int, last: int) -> Grid:
        """Slices first to last (last left out)."""
        return Grid(x=self.x, y=self.y, z=self.z[first:last])

    def halved(self, halve_z: bool) -> Grid:
        """Every second voxel, with one more at the end, so that `doubled` covers this grid."""
        return Grid(
            x=_every_second(self.x),
            y=_every_second(self.y),
            z=_every_second(self.z) if halve_z else self.z,
        )

    def scaled(
        self, factors: tuple[float, float, float], shift: tuple[float, float, float]
    ) -> Grid:
        """The grid seen from a body that is `factors` times as large and lies `shift` away."""
        x, y, z = (
            ((axis - np.float32(move)) / np.float32(factor)).astype(np.float32)
            for axis, factor, move in zip((self.x, self.y, self.z), factors, shift, strict=True)
        )
        return Grid(x=x, y=y, z=z)


def _every_second(axis: Float) -> Float:
    step = axis[1] - axis[0] if len(axis) > 1 else np.float32(1)
    count = (len(axis) + 1) // 2 + (1 - len(axis) % 2)
    return np.asarray(axis[0] + 2 * step * np.arange(count), np.float32)


def doubled(values: Float, shape: tuple[int, int, int]) -> Float:
    """Linear interpolation between the voxels of a halved grid, cut to `shape` (k, j, i)."""
    for axis, size in enumerate(shape):
        if values.shape[axis] != size:
            values = _double_axis(values, axis, size)
    return values


def _double_axis(values: Float, axis: int, size: int) -> Float:
    shape = list(values.shape)
    shape[axis] = 2 * values.shape[axis] - 1
    out = np.empty(shape, np.float32)
    at: list[slice] = [slice(None)] * 3

    def part(s: slice) -> tuple[slice, ...]:
        return (*at[:axis], s, *at[axis + 1 :])

    out[part(slice(0, None, 2))] = values
    between = out[part(slice(1, None, 2))]
    np.add(values[part(slice(0, -1))], values[part(slice(1, None))], out=between)
    between *= np.float32(0.5)
    return out[part(slice(0, size))]


class SmoothNoise:
    """Smooth random values over space: a lattice of normal numbers joined by cubic B-splines.

    The same place always gets the same value, whatever grid asks, so slabs fit together.
    Standard deviation about 1.
    """

    _reach = 300.0  # mm from the origin that the lattice covers

    def __init__(self, seed: int, scale_mm: float) -> None:
        self._step = scale_mm
        self._half = int(self._reach / scale_mm) + 3
        side = 2 * self._half + 1
        rng = np.random.default_rng(seed)
        lattice = rng.standard_normal((side, side, side), np.float32)
        self._lattice = lattice / np.float32(0.32)  # what three spline axes leave of one

    def on(self, grid: Grid) -> Float:
        """Values on a grid, float32 [k, j, i]."""
        wz, kz = self._weights(grid.z)
        wy, ky = self._weights(grid.y)
        wx, kx = self._weights(grid.x)
        block = self._lattice[kz, ky, kx]
        block = np.tensordot(wz, block, axes=(1, 0))
        block = np.matmul(wy, block)
        result: Float = np.matmul(block, wx.T)
        return result

    def _weights(self, axis: Float) -> tuple[Float, slice]:
        place = np.clip(axis / self._step + self._half, 1, 2 * self._half - 2)
        low = int(place.min()) - 1
        high = int(place.max()) + 3
        t = np.abs(place[:, None] - np.arange(low, high)[None, :])
        near = 2 / 3 - t**2 + t**3 / 2
        far = np.maximum(2 - t, 0) ** 3 / 6
        return np.where(t < 1, near, far).astype(np.float32), slice(low, high)

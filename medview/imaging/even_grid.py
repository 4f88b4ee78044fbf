"""A volume on an even grid of cubes with perpendicular axes: what two can be compared on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.imaging.reduce import reduced

_HU_RANGE = (-1000.0, 1000.0)
_SPREAD = (0.5, 99.5)  # percent of values that are kept as they are elsewhere


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EvenGrid:
    """values: [k, j, i] float32, clipped to what tissue shows. inside: where the volume is."""

    geometry: Geometry
    values: NDArray[np.float32]
    inside: NDArray[np.bool_]

    @property
    def mm3(self) -> float:
        """Of one voxel."""
        return self.geometry.voxel_mm3

    def centre_of_mass(self) -> FloatArray:
        """(3,) LPS millimetres, weighed by the values above the lowest."""
        weights = np.where(self.inside, self.values - self.values.min(), 0.0).astype(np.float64)
        total = float(weights.sum())
        if total <= 0:
            return np.array(self.geometry.centre)
        axes = [np.arange(n) for n in weights.shape]
        place = [
            float((weights.sum(axis=tuple(a for a in range(3) if a != axis)) * along).sum()) / total
            for axis, along in enumerate(axes)
        ]
        return np.array(self.geometry.to_patient_array([place])[0])


def even_grid(volume: Volume, step_mm: float, cancel: CancelToken | None = None) -> EvenGrid:
    """A volume on a grid of `step_mm`, along its rows, its columns and their normal."""
    largest = max(
        int(n * mm / step_mm)
        for n, mm in zip(volume.geometry.shape[1:], volume.geometry.spacing[1::-1], strict=True)
    )
    largest = max(largest, -(-volume.geometry.shape[0] * 2 // 3), 2)
    small, source = reduced(volume, max(largest, 2))
    values = _clipped(small.astype(np.float32), volume.unit)
    grid = _grid_of(source, step_mm)
    found = np.empty(grid.shape, np.float32)
    inside = np.empty(grid.shape, bool)
    for k in range(grid.shape[0]):
        if cancel is not None:
            cancel.check()
        found[k], inside[k] = sampled(values, source, _points(grid, k))
    return EvenGrid(geometry=grid, values=found, inside=inside)


def resampled_onto(target: EvenGrid, source: EvenGrid, matrix: FloatArray) -> EvenGrid:
    """The source as it lies on the target's grid after a map of its places to the source's."""
    found = np.empty(target.geometry.shape, np.float32)
    inside = np.empty(target.geometry.shape, bool)
    filled = source.inside.astype(np.float32)
    is_whole = bool(source.inside.all())
    for k in range(target.geometry.shape[0]):
        points = _points(target.geometry, k) @ matrix[:3, :3].T + matrix[:3, 3]
        found[k], inside[k] = sampled(source.values, source.geometry, points)
        if not is_whole:
            inside[k] &= sampled(filled, source.geometry, points)[0] > 0.5
    return EvenGrid(geometry=target.geometry, values=found, inside=inside)


def sampled(
    values: NDArray[np.float32], geometry: Geometry, points: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values at (rows, columns, 3) places, by straight lines between voxels; which lie inside."""
    from scipy.ndimage import map_coordinates

    shape = points.shape[:-1]
    index = geometry.to_index_array(points.reshape(-1, 3)).T
    size = np.array(values.shape)[:, None]
    inside = np.all((index >= -0.5) & (index <= size - 0.5), axis=0)
    found = np.asarray(map_coordinates(values, index, order=1, mode="nearest"), np.float32)
    return found.reshape(shape), np.asarray(inside.reshape(shape), bool)


def _points(grid: Geometry, k: int) -> FloatArray:
    """(rows, columns, 3) places of one slice of an even grid."""
    _, rows, columns = grid.shape
    right, down, _ = (np.array(axis) * mm for axis, mm in zip(grid.axes, grid.spacing, strict=True))
    start = np.array(grid.to_patient_array([(k, 0, 0)])[0])
    return np.asarray(
        start + np.arange(rows)[:, None, None] * down + np.arange(columns)[None, :, None] * right,
        np.float64,
    )


def _clipped(values: NDArray[np.float32], unit: str) -> NDArray[np.float32]:
    """Without what would stretch the histogram over values that hardly occur."""
    low, high = (
        _HU_RANGE if unit == "HU" else np.percentile(values[:: max(1, len(values) // 16)], _SPREAD)
    )
    return np.asarray(np.clip(values, low, high), np.float32)


def _grid_of(source: Geometry, step_mm: float) -> Geometry:
    """The box around a volume along its rows, columns and normal."""
    axes = np.array([source.axes[0], source.axes[1], source.normal], float)
    axes[1] = np.cross(axes[2], axes[0])
    ends = [(0, n - 1) for n in source.shape]
    corners = source.to_patient_array(
        [(k, j, i) for k in ends[0] for j in ends[1] for i in ends[2]]
    )
    along = corners @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    counts = np.maximum(np.floor((high - low) / step_mm + 1e-6).astype(int) + 1, 2)
    low = low + ((high - low) - (counts - 1) * step_mm) / 2  # in the middle of what is there
    x, y, z = axes.T @ low
    return Geometry(
        shape=(int(counts[2]), int(counts[1]), int(counts[0])),
        spacing=(step_mm, step_mm, step_mm),
        origin=PatientPoint(float(x), float(y), float(z)),
        axes=(_vector(axes[0]), _vector(axes[1]), _vector(axes[2])),
    )


def _vector(axis: FloatArray) -> Vector:
    return float(axis[0]), float(axis[1]), float(axis[2])

"""Parts of a volume that a picture of space leaves out: box, planes, and what a lasso covers.

The volume itself is never changed: a drawing copy is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, Vector

_RASTER = 1024  # pixels across a lasso's own bounds
_LEAST_SHARE = 0.02  # of an axis that a box keeps


@dataclass(frozen=True, slots=True)
class CropBox:
    """What of each array axis (i, j, k) is kept, as shares 0 to 1 of the grid's extent."""

    low: Vector = (0.0, 0.0, 0.0)
    high: Vector = (1.0, 1.0, 1.0)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self == CropBox()

    def with_face(self, axis: int, *, is_high: bool, share: float) -> CropBox:
        """One face elsewhere, never past the other."""
        low, high = list(self.low), list(self.high)
        if is_high:
            high[axis] = float(np.clip(share, low[axis] + _LEAST_SHARE, 1.0))
        else:
            low[axis] = float(np.clip(share, 0.0, high[axis] - _LEAST_SHARE))
        return replace(self, low=(low[0], low[1], low[2]), high=(high[0], high[1], high[2]))

    def bounds(self, shape: tuple[int, int, int]) -> tuple[Vector, Vector]:
        """Lowest and highest index (i, j, k) that is kept; -0.5 is the outer face of voxel 0."""
        sizes = shape[::-1]
        low = [share * n - 0.5 for share, n in zip(self.low, sizes, strict=True)]
        high = [share * n - 0.5 for share, n in zip(self.high, sizes, strict=True)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


@dataclass(frozen=True, slots=True)
class CutPlane:
    """Keeps what lies on the side that `normal` (unit, LPS) points to, from `point` (mm) on."""

    point: Vector
    normal: Vector

    def moved(self, by_mm: float) -> CutPlane:
        """Further along its normal: more is cut away."""
        moved = np.array(self.point) + by_mm * np.array(self.normal)
        return replace(self, point=(float(moved[0]), float(moved[1]), float(moved[2])))

    def flipped(self) -> CutPlane:
        """The other side is kept."""
        return replace(self, normal=(-self.normal[0], -self.normal[1], -self.normal[2]))


@dataclass(frozen=True, slots=True)
class Lasso:
    """A closed line drawn on the screen; what it covers, however deep, is kept or removed.

    right, up: unit vectors of the screen (LPS). corners: millimetres along them from the patient's
    origin, three at least.
    """

    right: Vector
    up: Vector
    corners: tuple[tuple[float, float], ...]
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Carving:
    """All that a picture of a volume leaves out: box, planes by name, lassos as they were drawn."""

    box: CropBox = field(default_factory=CropBox)
    cuts: tuple[tuple[str, CutPlane], ...] = ()
    lassos: tuple[Lasso, ...] = ()


def covered(
    lasso: Lasso, geometry: Geometry, check: Callable[[], None] | None = None
) -> NDArray[np.bool_]:
    """[k, j, i]: voxels whose centres the lasso covers. Even grids alone.

    check: called between slices; what it raises ends the work.
    """
    mask, low, step = _raster(np.array(lasso.corners, float))
    to_screen = np.array([lasso.right, lasso.up]) @ geometry.affine[:3]
    count_k, count_j, count_i = geometry.shape
    # A voxel's place on the screen is a sum of one part for each axis.
    i, j, k = (
        (to_screen[:, axis, None] * np.arange(n)) / step
        for axis, n in enumerate((count_i, count_j, count_k))
    )
    start = (to_screen[:, 3] - low) / step
    found = np.zeros(geometry.shape, bool)
    high, wide = mask.shape
    for number in range(count_k):
        if check is not None:
            check()
        x = np.rint(start[0] + k[0, number] + j[0][:, None] + i[0]).astype(np.int32)
        y = np.rint(start[1] + k[1, number] + j[1][:, None] + i[1]).astype(np.int32)
        inside = (x >= 0) & (x < wide) & (y >= 0) & (y < high)
        found[number][inside] = mask[y[inside], x[inside]]
    return found


def _raster(corners: FloatArray) -> tuple[NDArray[np.bool_], FloatArray, float]:
    """The lasso filled (even-odd), the place of its first pixel, and a pixel's millimetres."""
    from PIL import Image, ImageDraw

    low = corners.min(axis=0)
    size = np.ptp(corners, axis=0)
    step = max(float(size.max()) / _RASTER, 1e-6)
    wide, high = (int(n) + 1 for n in np.ceil(size / step))
    image = Image.new("1", (wide, high))
    ImageDraw.Draw(image).polygon([tuple(p) for p in (corners - low) / step], fill=1)
    return np.array(image, bool), low, step


def beyond(plane: CutPlane, geometry: Geometry) -> NDArray[np.bool_]:
    """[k, j, i]: voxels whose centres a plane cuts away. Even grids alone."""
    normal = np.array(plane.normal)
    i, j, k = (
        (normal @ geometry.affine[:3, axis]) * np.arange(n)
        for axis, n in enumerate(geometry.shape[::-1])
    )
    start = float(normal @ (geometry.affine[:3, 3] - np.array(plane.point)))
    away = start + k[:, None, None] + j[:, None] + i
    return np.asarray(away < 0, bool)


def cut(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    lassos: Sequence[Lasso],
    planes: Sequence[CutPlane] = (),
    *,
    fill: float | None = None,
    check: Callable[[], None] | None = None,
) -> NDArray[np.int16 | np.float32]:
    """Values with what lassos and planes leave out put to `fill` (their lowest); a copy.

    The array itself where nothing is left out. check: as for `covered`.
    """
    if not lassos and not planes:
        return values
    gone = np.zeros(values.shape, bool)
    for lasso in lassos:
        under = covered(lasso, geometry, check)
        gone |= ~under if lasso.keeps else under
    for plane in planes:
        gone |= beyond(plane, geometry)
    left = values.copy()
    left[gone] = values.min() if fill is None else fill
    return left

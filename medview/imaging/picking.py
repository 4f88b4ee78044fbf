"""What a click on a picture of space means: the first surface, or the brightest point, on a ray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.imaging.cutting import CropBox, CutPlane
from medview.imaging.surfaces import Mesh
from medview.imaging.transfer import Look, opacities

_SEEN = 0.35  # the opacity gathered on a ray at which a surface counts as seen
_UNIT_MM = 1.5  # tissue for which opacities are meant


def ray_through(start: Vector, way: Vector, geometry: Geometry) -> FloatArray:
    """(n, 3) millimetres along a ray through the grid's whole extent, half a voxel apart."""
    shape = geometry.shape
    corners = np.array([(k, j, i) for k in (0, shape[0] - 1) for j in (0, shape[1] - 1)
                        for i in (0, shape[2] - 1)], float)  # fmt: skip
    direction = np.array(way, float) / np.linalg.norm(way)
    along = (geometry.to_patient_array(corners) - np.array(start)) @ direction
    step = 0.5 * min(geometry.spacing)
    places = np.arange(along.min(), along.max() + step, step)
    return np.asarray(np.array(start) + places[:, None] * direction, np.float64)


def pick(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    look: Look,
    ray: FloatArray,
    left: tuple[CropBox, Sequence[CutPlane]] = (CropBox(), ()),
) -> PatientPoint | None:
    """The point of a volume that a ray (points in mm, nearest to the viewer first) shows.

    Composite pictures: where the gathered opacity is seen. Projections: the highest value of the
    ray (the lowest of a MinIP). left: the box and the planes that leave something. None where the
    ray meets nothing that is drawn.
    """
    box, planes = left
    indices = geometry.to_index_array(ray)
    low, high = (np.array(v)[::-1] for v in box.bounds(values.shape))
    low, high = np.maximum(low, 0.0), np.minimum(high, np.array(values.shape) - 1.0)
    inside = ((indices >= low) & (indices <= high)).all(axis=1)
    for plane in planes:
        inside &= (ray - np.array(plane.point)) @ np.array(plane.normal) >= 0
    if not inside.any():
        return None
    indices, ray = indices[inside], ray[inside]
    found = _trilinear(values, indices)
    if look.blend != "composite":
        at = int(found.argmin() if look.blend == "minip" else found.argmax())
        return _point(ray[at])
    step = float(np.linalg.norm(ray[1] - ray[0])) if len(ray) > 1 else _UNIT_MM
    clear = np.power(1.0 - np.minimum(opacities(look, found), 1.0 - 1e-9), step / _UNIT_MM)
    seen = np.nonzero(1.0 - np.cumprod(clear) >= _SEEN)[0]
    return _point(ray[int(seen[0])]) if len(seen) else None


def pick_mesh(meshes: Sequence[Mesh], start: Vector, way: Vector) -> PatientPoint | None:
    """Where a ray first meets a surface (Moeller and Trumbore 1997), None where it meets none."""
    direction = np.array(way, float) / np.linalg.norm(way)
    nearest: float | None = None
    for mesh in meshes:
        a, b, c = (mesh.points[mesh.triangles[:, n]].astype(np.float64) for n in range(3))
        across = np.cross(direction, c - a)
        scale = np.einsum("ij,ij->i", b - a, across)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.array(start) - a
            u = np.einsum("ij,ij->i", away, across) / scale
            over = np.cross(away, b - a)
            v = over @ direction / scale
            along = np.einsum("ij,ij->i", c - a, over) / scale
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & np.isfinite(along)
        if hit.any() and (nearest is None or along[hit].min() < nearest):
            nearest = float(along[hit].min())
    return None if nearest is None else _point(np.array(start) + nearest * direction)


def _trilinear(values: NDArray[np.int16 | np.float32], indices: FloatArray) -> FloatArray:
    """Values at fractional indices (n, 3) that lie within the array."""
    low = np.minimum(np.floor(indices).astype(np.intp), np.maximum(0, np.array(values.shape) - 2))
    share = indices - low
    high = np.minimum(low + 1, np.array(values.shape) - 1)
    total = np.zeros(len(indices))
    for corner in range(8):
        bits = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1], bool)
        k, j, i = np.where(bits, high, low).T
        total += values[k, j, i] * np.where(bits, share, 1.0 - share).prod(axis=1)
    return total


def _point(xyz: FloatArray) -> PatientPoint:
    return PatientPoint(float(xyz[0]), float(xyz[1]), float(xyz[2]))

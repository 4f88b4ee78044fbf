"""Surfaces of masks as triangles in the patient (LPS mm).

VTK's filters make them (decision 0036): surface nets close every label and meet without gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.progress import CancelToken
from medview.core.results import LabelMap
from medview.core.words import say
from medview.imaging.lines import even_lines

_SMOOTHING = 24  # rounds
_MOST_TRIANGLES = 150_000  # of one label; a picture of space shows no more


class NoSurface(MedViewError):
    """A label without voxels, or a grid that is no space, has no surface."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Mesh:
    """points: (n, 3) float32, LPS mm. triangles: (m, 3) int32, counter-clockwise seen from
    outside."""

    points: NDArray[np.float32]
    triangles: NDArray[np.int32]

    @property
    def volume_mm3(self) -> float:
        """What a closed surface encloses, by the divergence theorem."""
        a, b, c = (self.points[self.triangles[:, n]].astype(np.float64) for n in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)

    @property
    def is_closed(self) -> bool:
        """Whether every edge joins two triangles that run round it in opposite ways."""
        edges = np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]],
                                self.triangles[:, [2, 0]]]).astype(np.int64)  # fmt: skip
        code = edges[:, 0] << 32 | edges[:, 1]
        back = edges[:, 1] << 32 | edges[:, 0]
        return len(code) > 0 and bool(np.array_equal(np.sort(code), np.sort(back)))


def surface_of(
    label_map: LabelMap,
    values: Sequence[int],
    *,
    smoothing: int = _SMOOTHING,
    most: int = _MOST_TRIANGLES,
    cancel: CancelToken | None = None,
) -> Mesh:
    """The closed surface of some labels as one body, in the patient.

    Smoothed without shrinking (windowed sinc, Taubin 1996), then thinned to `most` triangles by
    quadric error. Uneven slices are laid out on even lines first. Raises NoSurface, Cancelled.
    """
    if not label_map.geometry.is_spatial:
        raise NoSurface(say("A projection has no surface in space."))
    mask, geometry = _cropped(*_even(label_map, values))
    if cancel is not None:
        cancel.check()
    points, triangles = _mesh(mask, smoothing, most)
    if cancel is not None:
        cancel.check()
    if not len(triangles):
        raise NoSurface(say("This label holds no voxel, so it has no surface."))
    placed = points @ geometry.affine[:3, :3].T + geometry.affine[:3, 3]
    mesh = Mesh(points=placed.astype(np.float32), triangles=triangles)
    if mesh.volume_mm3 < 0:  # a grid that is a mirror image of the patient turns triangles over
        mesh = replace(mesh, triangles=np.ascontiguousarray(triangles[:, ::-1]))
    return mesh


def _even(label_map: LabelMap, values: Sequence[int]) -> tuple[NDArray[np.uint8], Geometry]:
    wanted = np.zeros(256, np.uint8)
    wanted[list(values)] = 1
    mask = wanted[label_map.voxels]
    if label_map.geometry.is_even:
        return mask, label_map.geometry
    lines = even_lines(label_map.geometry)
    laid = [
        lines.slice_at(mask[int(k)].astype(np.float32), line, 0.0)
        for line, k in enumerate(lines.slices)
    ]
    return np.stack(laid).astype(np.uint8), lines.geometry


def _cropped(mask: NDArray[np.uint8], geometry: Geometry) -> tuple[NDArray[np.uint8], Geometry]:
    """The part that holds the label with two voxels of air round it, and where it lies."""
    spans = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        held = np.nonzero(mask.any(axis=others))[0]
        if not len(held):
            raise NoSurface(say("This label holds no voxel, so it has no surface."))
        spans.append((int(held[0]), int(held[-1]) + 1))
    part = mask[tuple(slice(a, b) for a, b in spans)]
    start = VoxelIndex(*(float(a - 2) for a, _ in spans))
    padded = np.pad(part, 2)
    shape = (padded.shape[0], padded.shape[1], padded.shape[2])
    return padded, replace(geometry, shape=shape, origin=geometry.to_patient(start))


def _mesh(
    mask: NDArray[np.uint8], smoothing: int, most: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Points in voxels (i, j, k) and triangles."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import (
        vtkQuadricDecimation,
        vtkSurfaceNets3D,
        vtkTriangleFilter,
        vtkWindowedSincPolyDataFilter,
    )

    to_vtk: Any = numpy_support.numpy_to_vtk  # untyped in VTK
    to_numpy: Any = numpy_support.vtk_to_numpy
    image = vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.GetPointData().SetScalars(to_vtk(mask.ravel(), deep=1))
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetValue(0, 1)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(nets.GetOutputPort())
    smooth.SetNumberOfIterations(max(1, smoothing))
    smooth.SetPassBand(0.03)
    smooth.BoundarySmoothingOff()
    smooth.FeatureEdgeSmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.NormalizeCoordinatesOn()
    last: Any = smooth if smoothing else nets
    flat = vtkTriangleFilter()
    flat.SetInputConnection(last.GetOutputPort())
    flat.Update()
    found = flat.GetOutput()
    count = found.GetNumberOfPolys()
    if count > most:
        thin = vtkQuadricDecimation()
        thin.SetInputData(found)
        thin.SetTargetReduction(1.0 - most / count)
        thin.VolumePreservationOn()
        thin.Update()
        found = thin.GetOutput()
    if not found.GetNumberOfPolys():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    points = to_numpy(found.GetPoints().GetData())
    polys = to_numpy(found.GetPolys().GetConnectivityArray())
    return points.astype(np.float64), polys.reshape(-1, 3).astype(np.int32)

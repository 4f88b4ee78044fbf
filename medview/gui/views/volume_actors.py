"""What VTK draws, made from our values: looks, surfaces, slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import FloatArray, Geometry, VoxelIndex
from medview.gui.views.volume_scene import SliceInSpace, Surface
from medview.imaging.cutting import CropBox, CutPlane
from medview.imaging.transfer import Look, rgb

_UNIT_MM = 1.5  # opacities are meant for so much tissue: reduced copies then look like the whole


def image_of(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    start: Sequence[int] = (0, 0, 0),
) -> Any:
    """vtkImageData that looks at the array; VTK holds no reference of its own.

    start: where in the grid its first voxel lies, [k, j, i].
    """
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData

    to_vtk: Any = numpy_support.numpy_to_vtk  # untyped in VTK
    image = vtkImageData()
    image.SetDimensions(*values.shape[::-1])
    image.SetSpacing(*geometry.spacing)
    image.SetOrigin(
        *(at * step for at, step in zip(reversed(start), geometry.spacing, strict=True))
    )
    image.GetPointData().SetScalars(to_vtk(values.ravel(), deep=0))
    return image


def place_of(geometry: Geometry) -> Any:
    """vtkMatrix4x4 from an image's own millimetres to the patient's, shear included."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    axes = np.eye(4)
    axes[:3, :3] = np.array(geometry.axes, float).T
    axes[:3, 3] = geometry.to_patient(VoxelIndex(0.0, 0.0, 0.0))
    place = vtkMatrix4x4()
    place.DeepCopy(axes.ravel().tolist())
    return place


def property_of(look: Look, *, is_hardware: bool = False) -> Any:
    """vtkVolumeProperty of a look."""
    from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
    from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolumeProperty

    opacity, colours = vtkPiecewiseFunction(), vtkColorTransferFunction()
    for point in look.points:
        # A projection shows values as colours: nothing of it is transparent.
        opacity.AddPoint(point.value, point.opacity if look.blend == "composite" else 1.0)
        colours.AddRGBPoint(point.value, *(part / 255 for part in rgb(point.colour)))
    found = vtkVolumeProperty()
    found.SetScalarOpacity(opacity)
    found.SetColor(colours)
    found.SetScalarOpacityUnitDistance(_UNIT_MM)
    found.SetInterpolationTypeToLinear()
    found.SetShade(int(look.is_lit and look.blend == "composite"))
    # The processor's ray caster has no slope within even tissue, which dims what lies there.
    found.SetAmbient(0.35 if is_hardware else 0.46)
    found.SetDiffuse(0.75 if is_hardware else 1.15)
    found.SetSpecular(0.18)
    found.SetSpecularPower(12.0)
    return found


def set_box(mapper: Any, box: CropBox, geometry: Geometry) -> None:
    """Draw only what lies in the box; geometry has a rim of one voxel that the box knows not."""
    mapper.SetCropping(not box.is_whole)
    if box.is_whole:
        return
    inner = (geometry.shape[0] - 2, geometry.shape[1] - 2, geometry.shape[2] - 2)
    low, high = box.bounds(inner)
    bounds: list[float] = []
    for axis in range(3):
        bounds += [(v[axis] + 1.0) * geometry.spacing[axis] for v in (low, high)]
    mapper.SetCroppingRegionPlanes(*bounds)
    mapper.SetCroppingRegionFlagsToSubVolume()


def set_planes(mapper: Any, planes: tuple[CutPlane, ...]) -> None:
    """Draw only what lies beyond every plane."""
    from vtkmodules.vtkCommonDataModel import vtkPlane

    mapper.RemoveAllClippingPlanes()
    for each in planes:
        plane = vtkPlane()
        plane.SetOrigin(*each.point)
        plane.SetNormal(*each.normal)
        mapper.AddClippingPlane(plane)


def surface_actor(surface: Surface, opacity: float) -> Any:
    """vtkActor of a surface, shaded smoothly."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    to_vtk: Any = numpy_support.numpy_to_vtk
    points, cells = vtkPoints(), vtkCellArray()
    to_ids: Any = numpy_support.numpy_to_vtkIdTypeArray
    points.SetData(to_vtk(surface.mesh.points, deep=1))
    corners = surface.mesh.triangles.astype(np.int64)
    starts = np.arange(0, 3 * len(corners) + 1, 3, dtype=np.int64)
    cells.SetData(
        to_ids(starts, deep=1),
        to_ids(corners.ravel(), deep=1),
    )
    mesh = vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    normals = vtkPolyDataNormals()
    normals.SetInputData(mesh)
    normals.SplittingOff()
    normals.ConsistencyOff()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(normals.GetOutputPort())
    actor = vtkActor()
    actor.SetMapper(mapper)
    dress = actor.GetProperty()
    dress.SetColor(*(part / 255 for part in rgb(surface.colour)))
    dress.SetOpacity(opacity)
    dress.SetAmbient(0.25)
    dress.SetDiffuse(0.8)
    dress.SetSpecular(0.15)
    dress.SetSpecularPower(20.0)
    return actor


def slice_actors(shown: SliceInSpace) -> list[Any]:
    """vtkActors of a slice in space: its picture, where it has one, and its outline."""
    corners, pixels = shown.corners(), shown.pixels()
    found = [_outline(corners, shown.colour)]
    if pixels is not None:
        found.append(_picture(corners, pixels))
    return found


def _outline(corners: FloatArray, colour: str) -> Any:
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    points, lines = vtkPoints(), vtkCellArray()
    for corner in corners:
        points.InsertNextPoint(*corner.tolist())
    lines.InsertNextCell(5)
    for number in (0, 1, 2, 3, 0):
        lines.InsertCellPoint(number)
    mesh = vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetLines(lines)
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*(part / 255 for part in rgb(colour)))
    actor.GetProperty().SetLineWidth(1.5)
    actor.GetProperty().LightingOff()
    return actor


def _picture(corners: FloatArray, pixels: NDArray[np.uint8]) -> Any:
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersSources import vtkPlaneSource
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

    to_vtk: Any = numpy_support.numpy_to_vtk
    upright = np.ascontiguousarray(pixels[::-1])  # VTK's first row is the lowest
    image = vtkImageData()
    image.SetDimensions(upright.shape[1], upright.shape[0], 1)
    image.GetPointData().SetScalars(
        to_vtk(upright.reshape(upright.shape[0] * upright.shape[1], -1), deep=1)
    )
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.InterpolateOn()
    texture.RepeatOff()
    plane = vtkPlaneSource()
    upper_left, _, lower_right, lower_left = corners
    plane.SetOrigin(*lower_left.tolist())
    plane.SetPoint1(*lower_right.tolist())
    plane.SetPoint2(*upper_left.tolist())
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(plane.GetOutputPort())
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetTexture(texture)
    actor.GetProperty().LightingOff()
    return actor

"""The mean of every ray, which the processor's ray caster has not: a thick oblique reslice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry
from medview.gui.views.volume_camera import ScreenMap, extent_of
from medview.gui.views.volume_scene import Scene
from medview.imaging.cutting import cut
from medview.imaging.transfer import Look, rgb

_QUICK_STEP, _FINE_STEP = 2.0, 1.0  # voxels between samples on a ray
_OUTSIDE = -32768.0


def mean_picture(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    scene: Scene,
    seen: ScreenMap,
    *,
    is_quick: bool = False,
) -> NDArray[np.uint8]:
    """(height, width, 3): the mean of the samples of each ray within the grid, in a look's colours.

    values and geometry have a rim of one voxel, which is left out. Box and planes leave out
    what they do in other pictures.
    """
    from vtkmodules.util import numpy_support

    part, grid = _in_box(cut(values, geometry, (), scene.planes), geometry, scene)
    step = (_QUICK_STEP if is_quick else _FINE_STEP) * min(grid.spacing)
    pixel = max(seen.pixel_mm, 0.5 * step)
    width, height = (max(2, round(n * seen.pixel_mm / pixel)) for n in seen.size)
    depth = float(np.linalg.norm(extent_of(grid))) + step
    reslice = _reslice(part, grid, seen, (pixel, step))
    reslice.SetOutputExtent(0, width - 1, 0, height - 1, 0, 0)
    reslice.SetOutputOrigin(-(width - 1) / 2 * pixel, -(height - 1) / 2 * pixel, 0.0)
    reslice.SetSlabNumberOfSlices(max(2, int(depth / step)))
    reslice.Update()
    to_numpy: Any = numpy_support.vtk_to_numpy
    flat = to_numpy(reslice.GetOutput().GetPointData().GetScalars())
    means = flat.reshape(height, width)[::-1]
    pixels = _coloured(scene.look, means)
    pixels[means <= _OUTSIDE] = [round(255 * v) for v in scene.background]
    return _scaled(pixels, (round(seen.size[0]), round(seen.size[1])))


def _in_box(
    values: NDArray[np.int16 | np.float32], geometry: Geometry, scene: Scene
) -> tuple[NDArray[np.int16 | np.float32], Geometry]:
    from dataclasses import replace

    from medview.core.geometry import VoxelIndex

    shape = (values.shape[0] - 2, values.shape[1] - 2, values.shape[2] - 2)
    low, high = (np.array(v)[::-1] + 1.0 for v in scene.box.bounds(shape))
    first = np.maximum(np.ceil(low), 1).astype(int)
    last = np.maximum(np.minimum(np.floor(high), np.array(shape)).astype(int), first + 1)
    part = values[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    start = VoxelIndex(*(float(v) for v in first))
    return np.ascontiguousarray(part), replace(
        geometry, shape=(part.shape[0], part.shape[1], part.shape[2]),
        origin=geometry.to_patient(start),
    )  # fmt: skip


def _reslice(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    seen: ScreenMap,
    steps: tuple[float, float],
) -> Any:
    """vtkImageReslice from voxels to the screen: pixels and samples `steps` millimetres apart."""
    from vtkmodules.util import numpy_support
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkCommonMath import vtkMatrix4x4
    from vtkmodules.vtkImagingCore import vtkImageReslice

    to_vtk: Any = numpy_support.numpy_to_vtk
    image = vtkImageData()
    image.SetDimensions(*values.shape[::-1])
    image.GetPointData().SetScalars(to_vtk(values.astype(np.float32).ravel(), deep=1))
    screen = np.eye(4)
    screen[:3, :3] = np.array(seen.frame, float).T
    screen[:3, 3] = _nearest_to(seen, geometry)
    axes = vtkMatrix4x4()
    axes.DeepCopy((geometry.inverse @ screen).ravel().tolist())
    reslice = vtkImageReslice()
    reslice.SetInputData(image)
    reslice.SetResliceAxes(axes)
    reslice.SetOutputDimensionality(2)
    reslice.SetOutputSpacing(steps[0], steps[0], steps[1])
    reslice.SetInterpolationModeToLinear()
    reslice.SetBackgroundLevel(_OUTSIDE)
    reslice.SetSlabModeToMean()
    return reslice


def _nearest_to(seen: ScreenMap, geometry: Geometry) -> NDArray[np.float64]:
    """The picture's middle, moved along the view to the depth of the grid's middle."""
    near = np.array(seen.frame[2], float)
    centre = np.array(seen.centre, float)
    return np.asarray(centre + ((np.array(geometry.centre) - centre) @ near) * near, np.float64)


def _coloured(look: Look, values: NDArray[np.float32]) -> NDArray[np.uint8]:
    places = [point.value for point in look.points]
    parts = zip(*(rgb(point.colour) for point in look.points), strict=True)
    channels = [np.interp(values, places, part) for part in parts]
    return np.asarray(np.rint(np.stack(channels, axis=-1)), np.uint8)


def _scaled(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    from PIL import Image

    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR), np.uint8)

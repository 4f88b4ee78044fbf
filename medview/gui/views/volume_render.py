"""VTK draws a volume into an array, without any window; used in one thread only.

The fixed-point ray caster runs on the processor, so that every machine shows the same picture;
OpenGL (OSMesa where it is there) only carries its result.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError
from medview.core.geometry import FloatArray, Geometry, VoxelIndex
from medview.core.words import say
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_presets import VolumePreset

_WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"


def _prefer_osmesa() -> None:
    # Without it VTK takes EGL, which draws nothing on some machines and does not say so.
    if sys.platform == "linux" and ctypes.util.find_library("OSMesa"):
        os.environ.setdefault(_WINDOW, "vtkOSOpenGLRenderWindow")


def _keep_no_shaders() -> None:
    # Mesa maps its cache of shaders into memory: on a full disk a write there ends the process
    # with SIGBUS, which nothing can catch. Ours are few and compile quickly.
    os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"
    os.environ["MESA_GLSL_CACHE_DISABLE"] = "true"  # its name before Mesa 22


class VolumeRenderer:
    """One off-screen window with one volume. Raises MedViewError where nothing can be drawn."""

    def __init__(self) -> None:
        _prefer_osmesa()
        _keep_no_shaders()
        import vtkmodules.vtkRenderingOpenGL2
        import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401 - registers what VTK makes
        from vtkmodules.vtkCommonCore import vtkObject
        from vtkmodules.vtkRenderingCore import (
            vtkRenderer,
            vtkRenderWindow,
            vtkVolume,
            vtkWindowToImageFilter,
        )
        from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

        vtkObject.GlobalWarningDisplayOff()  # we look at the pixels instead
        self._renderer: Any = vtkRenderer()
        self._window: Any = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.AddRenderer(self._renderer)
        self._mapper: Any = vtkFixedPointVolumeRayCastMapper()
        self._mapper.SetNumberOfThreads(max(1, (os.cpu_count() or 2) - 1))
        self._volume: Any = vtkVolume()
        self._volume.SetMapper(self._mapper)
        self._reader: Any = vtkWindowToImageFilter()
        self._reader.SetInput(self._window)
        self._reader.ReadFrontBufferOff()
        self._values: NDArray[np.int16 | np.float32] | None = None
        self._geometry: Geometry | None = None
        self._prove()

    def _prove(self) -> None:
        """A broken OpenGL does not raise: draw a colour and look whether it is there."""
        self._renderer.SetBackground(1.0, 0.0, 1.0)
        self._window.SetSize(8, 8)
        drawn = self._read(8, 8)
        self._renderer.SetBackground(0.0, 0.0, 0.0)
        if drawn[4, 4].tolist() != [255, 0, 255]:
            raise MedViewError(
                say("The volume cannot be drawn on this machine."),
                what_to_do=say("Install the package libosmesa6 and start MedView again."),
                detail=self._window.GetClassName(),
            )

    def show(
        self,
        values: NDArray[np.int16 | np.float32],
        geometry: Geometry,
        preset: VolumePreset,
        *,
        is_quick: bool = False,
    ) -> None:
        """Take modality values [k, j, i] on a grid; the array is looked at, not copied.

        is_quick: fewer rays and fewer samples on each, for pictures that move.
        """
        from vtkmodules.util import numpy_support
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkCommonMath import vtkMatrix4x4

        to_vtk: Any = numpy_support.numpy_to_vtk  # untyped in VTK
        # A rim of air gives cut faces a slope to be lit by. VTK holds no reference of its own.
        self._values = np.pad(values, 1, constant_values=values.min())
        image = vtkImageData()
        image.SetDimensions(*self._values.shape[::-1])
        image.SetSpacing(*geometry.spacing)
        image.GetPointData().SetScalars(to_vtk(self._values.ravel(), deep=0))
        self._mapper.SetInputData(image)
        finest = min(geometry.spacing)
        # Sampling coarser than half a voxel draws grain into smooth surfaces.
        self._mapper.SetAutoAdjustSampleDistances(0)
        self._mapper.SetSampleDistance(finest if is_quick else 0.5 * finest)
        self._mapper.SetImageSampleDistance(1.6 if is_quick else 1.0)
        place = vtkMatrix4x4()
        axes = np.eye(4)
        axes[:3, :3] = np.array(geometry.axes, float).T
        axes[:3, 3] = geometry.to_patient(VoxelIndex(-1.0, -1.0, -1.0))
        place.DeepCopy(axes.ravel().tolist())
        self._volume.SetUserMatrix(place)
        self._volume.SetProperty(_property(preset))
        self._renderer.RemoveAllViewProps()
        self._renderer.AddVolume(self._volume)
        self._geometry = geometry

    def draw(self, camera: Camera, width: int, height: int) -> NDArray[np.uint8]:
        """The picture (height, width, 3); black without a volume."""
        self._window.SetSize(width, height)
        if self._geometry is not None:
            self._aim(camera, self._geometry, width / height)
        return self._read(width, height)

    def _aim(self, camera: Camera, geometry: Geometry, aspect: float) -> None:
        right, up, near = np.array(camera.frame, float)
        size = _extent(geometry)
        half = 0.53 * max(float(size[2]), float(size[0]) / aspect, float(size[1]) / aspect)
        half /= camera.zoom
        centre = np.array(geometry.centre)
        centre = centre - (camera.pan[0] * right - camera.pan[1] * up) * 2 * half
        eye: Any = self._renderer.GetActiveCamera()
        eye.ParallelProjectionOn()
        eye.SetFocalPoint(*centre.tolist())
        eye.SetPosition(*(centre + near * float(np.linalg.norm(size)) * 2).tolist())
        eye.SetViewUp(*up.tolist())
        eye.SetParallelScale(half)
        self._renderer.ResetCameraClippingRange()

    def _read(self, width: int, height: int) -> NDArray[np.uint8]:
        from vtkmodules.util import numpy_support

        to_numpy: Any = numpy_support.vtk_to_numpy
        # The filter draws and reads in one call that lets other threads run meanwhile.
        self._reader.Modified()
        self._reader.Update()
        pixels = to_numpy(self._reader.GetOutput().GetPointData().GetScalars())
        return np.ascontiguousarray(pixels.reshape(height, width, -1)[::-1, :, :3])

    def close(self) -> None:
        """Give the window back, in the thread that made it."""
        self._renderer.RemoveAllViewProps()
        self._window.Finalize()


def _extent(geometry: Geometry) -> FloatArray:
    """(3,) size of the grid's box in the patient, millimetres."""
    k, j, i = geometry.shape
    corners = [(a, b, c) for a in (0, k - 1) for b in (0, j - 1) for c in (0, i - 1)]
    return np.asarray(np.ptp(geometry.to_patient_array(corners), axis=0), np.float64)


def _property(preset: VolumePreset) -> Any:
    from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
    from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolumeProperty

    opacity, colours = vtkPiecewiseFunction(), vtkColorTransferFunction()
    for value, share in preset.opacity:
        opacity.AddPoint(value, share)
    for value, red, green, blue in preset.colours:
        colours.AddRGBPoint(value, red, green, blue)
    found = vtkVolumeProperty()
    found.SetScalarOpacity(opacity)
    found.SetColor(colours)
    # Opacities are meant for 1.5 mm of tissue: reduced copies then look like the whole.
    found.SetScalarOpacityUnitDistance(1.5)
    found.SetInterpolationTypeToLinear()
    found.ShadeOn()
    found.SetAmbient(0.38)
    found.SetDiffuse(0.9)
    found.SetSpecular(0.18)
    found.SetSpecularPower(12.0)
    return found

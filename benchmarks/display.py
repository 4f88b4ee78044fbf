"""Windowing (B9), planes and slabs (B10), the volume in space (B11); `scroll` has what frames cost.

    python -m benchmarks.display [--json] [--only B10-oblique]

Data are made here with a fixed seed; results are compared before they are timed. With numba
installed the compiled kernels are measured, as the program uses them after the first turn;
MEDVIEW_KERNELS=numpy measures the path without.
"""

from __future__ import annotations

import os
import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks import rendering, scroll
from benchmarks.pairs import Goal, Row, against_limit, against_peer, main
from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.imaging import Window, acceleration, grey_slice, planes_of
from medview.imaging.mpr import rotation_about
from medview.imaging.sampling import Layers, Source, linear
from medview.imaging.slabs import combined, nearest_slab

SIDE, PIXEL = 512, 0.6  # pixels and voxels a pixel of the plane
SLAB_MM, LAYERS, DRAFT_LAYERS = 10.0, 15, 9
_WORST = 1.0  # stored numbers between the peer, which rounds, and ours


@cache
def _volume() -> Volume:
    """600 slices of 512 x 512, 12 of 16 bits, isotropic: smooth bodies with noise."""
    generator = np.random.default_rng(10)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where((x / 0.85) ** 2 + (y / 0.6) ** 2 < 1, 1040, 24)
    noise = generator.normal(0, 18, (8, 512, 512))
    stored = np.empty((600, 512, 512), np.int16)
    for k in range(600):
        stored[k] = body * (0.8 + 0.2 * np.sin(k / 40)) + noise[k % 8]
    return Volume(geometry=Geometry(shape=stored.shape), stored=stored, intercept=-1024.0)


def _plane(side: int, pixel: float) -> NDArray[np.float64]:
    """(4, 3) [row, column, 1] to millimetres: turned by 35 and tilted by 30 degrees, as one does
    by hand, through the middle."""
    about_z = rotation_about(np.array([0.0, 0.0, 1.0]), np.radians(35))
    tilt = rotation_about(about_z[:, 0], np.radians(30))
    right, down = about_z[:, 0] * pixel, tilt @ about_z[:, 1] * pixel
    middle = np.array([255.5, 255.5, 299.5])
    start = middle - (right + down) * (side - 1) / 2
    return np.column_stack([np.append(down, 0), np.append(right, 0), np.append(start, 1)])


class _Peer:
    """vtkImageReslice on the same array, linear, with as many threads as it likes."""

    def __init__(self, matrix: NDArray[np.float64], side: int, layers: int = 1) -> None:
        from vtkmodules.util.numpy_support import numpy_to_vtk
        from vtkmodules.vtkCommonDataModel import vtkImageData
        from vtkmodules.vtkCommonMath import vtkMatrix4x4
        from vtkmodules.vtkImagingCore import vtkImageReslice

        stored = _volume().stored
        image = vtkImageData()
        image.SetDimensions(*stored.shape[::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(stored.reshape(-1), deep=0))
        down, right, start = matrix[:3].T
        pixel = float(np.linalg.norm(right))
        frame = np.column_stack([right / pixel, down / pixel, np.cross(right, down) / pixel**2])
        axes = vtkMatrix4x4()
        for row in range(3):
            for column in range(3):
                axes.SetElement(row, column, frame[row, column])
            axes.SetElement(row, 3, start[row])
        self._reslice = vtkImageReslice()
        self._reslice.SetInputData(image)
        self._reslice.SetResliceAxes(axes)
        self._reslice.SetOutputDimensionality(2)
        self._reslice.SetOutputSpacing(pixel, pixel, SLAB_MM / LAYERS)
        self._reslice.SetOutputOrigin(0, 0, 0)
        self._reslice.SetOutputExtent(0, side - 1, 0, side - 1, 0, 0)
        self._reslice.SetInterpolationModeToLinear()
        if layers > 1:
            self._reslice.SetSlabNumberOfSlices(layers)
            self._reslice.SetSlabModeToMax()
        self._side = side

    def port(self) -> object:
        """For a filter that goes on."""
        return self._reslice.GetOutputPort()

    def touch(self) -> None:
        """Have the next update cut again."""
        self._reslice.Modified()

    def __call__(self) -> NDArray[np.int16]:
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self.touch()
        self._reslice.Update()
        scalars = self._reslice.GetOutput().GetPointData().GetScalars()
        return vtk_to_numpy(scalars).reshape(self._side, self._side)


def _peer_name() -> str:
    from vtkmodules.vtkCommonCore import vtkVersion

    return f"vtkImageReslice {vtkVersion().GetVTKVersion()}"


def _kernels() -> str:
    if os.environ.get("MEDVIEW_KERNELS") != "numpy" and acceleration.load():
        return "compiled kernels"
    return "numpy"


def oblique_row() -> Row:
    """B10: one oblique plane of 512 x 512, trilinear."""
    words, matrix = _kernels(), _plane(SIDE, PIXEL)
    source, peer = Source.of(_volume()), _Peer(matrix, SIDE)

    def ours() -> NDArray[np.generic]:
        return linear(source, matrix, (SIDE, SIDE)).numbers

    assert np.abs(ours().astype(float) - peer()).max() <= _WORST
    goal = Goal(
        name="B10-oblique", what=f"an oblique plane of 512 x 512 ({words})", goal=1.8,
        peer=_peer_name(), n=SIDE * SIDE,
    )  # fmt: skip
    return against_peer(goal, peer, ours, pairs=15)


def _normal(pixel: float) -> NDArray[np.float64]:
    matrix = _plane(SIDE, pixel)
    return np.cross(matrix[:3, 1], matrix[:3, 0]) / pixel**2


def _draft() -> NDArray[np.generic]:
    """What is drawn while the reader drags."""
    offsets = tuple(np.linspace(-SLAB_MM / 2, SLAB_MM / 2, DRAFT_LAYERS).tolist())
    layers = Layers("mip", _normal(2 * PIXEL), offsets)
    side = SIDE // 2
    return nearest_slab(_volume(), _plane(side, 2 * PIXEL), (side, side), layers).numbers


def _full_slab() -> NDArray[np.generic]:
    source, matrix, samples = Source.of(_volume()), _plane(SIDE, PIXEL), []
    for offset in np.linspace(-SLAB_MM / 2, SLAB_MM / 2, LAYERS):
        layer = matrix.copy()
        layer[:3, 2] += _normal(PIXEL) * offset
        samples.append(linear(source, layer, (SIDE, SIDE)).sample(_volume()))
    return combined(samples, "mip").numbers


def slab_row() -> Row:
    """B10: a 10 mm MIP as it is drawn while the reader drags, against the peer's full one."""
    words = _kernels()
    peer = _Peer(_plane(SIDE, PIXEL), SIDE, LAYERS)
    full = _full_slab().astype(float)
    # The peer lays its layers half a step otherwise: noise moves, the bodies must not.
    assert np.median(np.abs(full - peer())) <= 5
    goal = Goal(
        name="B10-slab", what=f"a 10 mm MIP while dragging, 256 x 256, 9 layers ({words})",
        goal=10.0, peer=f"{_peer_name()} linear 512 x 512, {LAYERS} layers", n=SIDE * SIDE,
    )  # fmt: skip
    return against_peer(goal, peer, _draft, pairs=9)


def slab_ms_row() -> Row:
    """B10: the same in milliseconds, so that a drag holds 60 frames a second."""
    words = _kernels()
    goal = Goal(name="B10-slab-ms", what=f"a 10 mm MIP while dragging ({words})", n=SIDE * SIDE)
    return against_limit(goal, 8.0, _draft, rounds=21)


def full_slab_row() -> Row:
    """The same MIP at rest, trilinear in all its layers; drawn by a thread."""
    words = _kernels()
    peer = _Peer(_plane(SIDE, PIXEL), SIDE, LAYERS)
    goal = Goal(
        name="B10-slab-full", what=f"a 10 mm MIP at rest, 15 layers, trilinear ({words})",
        goal=1.0, peer=_peer_name(), n=SIDE * SIDE * LAYERS,
    )  # fmt: skip
    return against_peer(goal, peer, _full_slab, pairs=7)


class _PeerOrthogonal:
    """vtkImageReslice along the axes, then VTK's own window to 8 bits: what a viewer shows."""

    def __init__(self, matrix: NDArray[np.float64], window: Window) -> None:
        from vtkmodules.vtkImagingColor import vtkImageMapToWindowLevelColors

        self._cut = _Peer(matrix, SIDE)
        self._window = vtkImageMapToWindowLevelColors()
        self._window.SetInputConnection(self._cut.port())
        self._window.SetWindow(window.width)
        self._window.SetLevel(window.center - _volume().intercept)
        self._window.SetOutputFormatToLuminance()

    def __call__(self) -> NDArray[np.uint8]:
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self._cut.touch()
        self._window.Update()
        scalars = self._window.GetOutput().GetPointData().GetScalars()
        return vtk_to_numpy(scalars).reshape(SIDE, SIDE)


def orthogonal_row() -> Row:
    """The coronal plane as it is shown, cut and windowed: not slower than the peer's; both wait
    for memory. The goal for planes that are not turned is B10-planes."""
    volume, window = _volume(), Window(center=40, width=400)
    plane = planes_of(volume.geometry)["coronal"]
    down, right = plane.step_down, plane.step_right
    start = np.array(plane.to_patient(255, 0, 0))
    matrix = np.column_stack([np.append(down, 0), np.append(right, 0), np.append(start, 1)])
    peer = _PeerOrthogonal(matrix, window)

    def ours() -> NDArray[np.uint8]:
        return grey_slice(volume, plane, 255, window)

    assert np.abs(ours()[:SIDE].astype(int) - peer()).max() <= _WORST
    goal = Goal(
        name="B10-orthogonal", what="a coronal plane, cut and windowed", goal=1.0,
        peer=f"{_peer_name()} + vtkImageMapToWindowLevelColors", n=SIDE * SIDE,
    )  # fmt: skip
    return against_peer(goal, peer, ours, pairs=15)


ROWS = {
    "B9": scroll.window_row,
    "B10-oblique": oblique_row,
    "B10-slab": slab_row,
    "B10-slab-ms": slab_ms_row,
    "B10-slab-full": full_slab_row,
    "B10-orthogonal": orthogonal_row,
    "B10-planes": scroll.linked_planes_row,
    "B11": rendering.moving_row,
    "B11-first": rendering.first_row,
    "B11-whole": rendering.whole_row,
}

if __name__ == "__main__":
    sys.exit(main(ROWS))

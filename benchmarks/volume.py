"""The volume view against vtkSmartVolumeMapper (B11): moving frames, first and whole picture.

    python -m benchmarks.volume [--json] [--only B11-moving]

Data are made here with a fixed seed; both sides draw the same volume through the same look, 512 x
512 pixels, by the OpenGL of this machine. That both show the same body is asked before timing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pairs import Goal, Row, against_peer, main
from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.gui.views.volume_actors import image_of, property_of
from medview.gui.views.volume_blocks import QUICK, WHOLE, Blocks
from medview.gui.views.volume_camera import Camera, extent_of, screen_map
from medview.gui.views.volume_probe import prefer_osmesa
from medview.gui.views.volume_render import VolumeRenderer
from medview.gui.views.volume_scene import Scene
from medview.imaging.looks import Scale, looks_for

_SIZE = (512, 512)
_SLICES = 600


@cache
def _volume() -> Volume:
    """600 slices of 512 x 512: a thorax of ellipses with a spine and ribs, and noise."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    round_ = (x / 0.85) ** 2 + (y / 0.6) ** 2
    body = np.where(round_ < 1, 40, -1000)
    for side in (-0.4, 0.4):
        body[((x - side) / 0.28) ** 2 + (y / 0.42) ** 2 < 1] = -850
    body[(x / 0.12) ** 2 + ((y - 0.42) / 0.1) ** 2 < 1] = 500
    ribs = (round_ > 0.8) & (round_ < 0.9)
    noise = random.normal(0, 18, (8, 512, 512))
    stored = np.empty((_SLICES, 512, 512), np.int16)
    for k in range(_SLICES):
        stored[k] = np.where(ribs & (k % 40 < 16), 700, body) + noise[k % 8] + 1024
    geometry = Geometry(
        shape=stored.shape, spacing=(0.7, 0.7, 0.7), origin=PatientPoint(-180, -180, 0)
    )
    return Volume(geometry=geometry, stored=stored, intercept=-1024.0, unit="HU", modality="CT")


@cache
def _scene() -> Scene:
    looks, _ = looks_for(_volume(), Scale(unit="HU"))
    return Scene(look=looks[0])


class _Peer:
    """VTK's own choice of a mapper, as one writes it first."""

    def __init__(self) -> None:
        import vtkmodules.vtkRenderingOpenGL2
        import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401 - registers what VTK makes
        from vtkmodules.vtkCommonCore import vtkObject
        from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow, vtkVolume
        from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

        vtkObject.GlobalWarningDisplayOff()
        volume = _volume()
        self._values = volume.stored  # VTK looks at it
        self._window, self._renderer = vtkRenderWindow(), vtkRenderer()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(*_SIZE)
        self._window.AddRenderer(self._renderer)
        mapper = vtkSmartVolumeMapper()
        mapper.SetInputData(image_of(self._values, volume.geometry))
        shown = vtkVolume()
        shown.SetMapper(mapper)
        look = _scene().look
        stored = tuple(point.value + 1024 for point in look.points)
        shown.SetProperty(_moved(property_of(look, is_hardware=True), stored, look))
        shown.SetPosition(*volume.geometry.origin)
        self._renderer.AddVolume(shown)

    def draw(self, camera: Camera) -> NDArray[np.uint8]:
        """The picture (rows, columns, 3)."""
        from vtkmodules.util import numpy_support
        from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

        seen = screen_map(camera, _volume().geometry, _SIZE)
        near = np.array(camera.frame[2], float)
        eye = self._renderer.GetActiveCamera()
        eye.ParallelProjectionOn()
        eye.SetFocalPoint(*seen.centre)
        depth = float(np.linalg.norm(extent_of(_volume().geometry))) * 2
        eye.SetPosition(*(np.array(seen.centre) + near * depth).tolist())
        eye.SetViewUp(*camera.frame[1])
        eye.SetParallelScale(seen.half_mm)
        self._renderer.ResetCameraClippingRange()
        reader = vtkWindowToImageFilter()
        reader.SetInput(self._window)
        reader.ReadFrontBufferOff()
        reader.Update()
        to_numpy: Any = numpy_support.vtk_to_numpy
        pixels = to_numpy(reader.GetOutput().GetPointData().GetScalars())
        return np.asarray(pixels.reshape(*_SIZE[::-1], -1)[::-1, :, :3])

    def close(self) -> None:
        """Give the window back."""
        self._window.Finalize()


def _moved(dress: Any, values: tuple[float, ...], look: Any) -> Any:
    """The look's points at stored values: the peer gets the array as it is."""
    from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
    from vtkmodules.vtkRenderingCore import vtkColorTransferFunction

    opacity, colours = vtkPiecewiseFunction(), vtkColorTransferFunction()
    for value, point in zip(values, look.points, strict=True):
        opacity.AddPoint(value, point.opacity)
        red, green, blue = (int(point.colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
        colours.AddRGBPoint(value, red, green, blue)
    dress.SetScalarOpacity(opacity)
    dress.SetColor(colours)
    return dress


def _first_of_peer() -> NDArray[np.uint8]:
    peer = _Peer()
    picture = peer.draw(Camera())
    peer.close()
    return picture


def _ours(size: int) -> Callable[[], NDArray[np.uint8]]:
    """From the volume in memory to a picture of `size` voxels along the longest axis."""

    def draw() -> NDArray[np.uint8]:
        renderer = VolumeRenderer()
        blocks = Blocks(_volume())
        renderer.show(blocks.get(size), _scene())
        picture = renderer.draw(Camera(), _SIZE, _volume().geometry)
        renderer.close()
        assert picture is not None
        return picture

    return draw


def _check(theirs: NDArray[np.uint8], ours: NDArray[np.uint8], least: float) -> None:
    """Both show the same body: `least` of what either lights, both light.

    A copy of a fifth of the voxels along each axis widens the edges of ribs.
    """
    lit = [picture.max(axis=2) > 40 for picture in (theirs, ours)]
    shared, either = (lit[0] & lit[1]).sum(), (lit[0] | lit[1]).sum()
    assert either > 5000
    assert shared > least * either, (int(shared), int(either))


def _peer_name() -> str:
    from vtkmodules.vtkCommonCore import vtkVersion

    return f"vtkSmartVolumeMapper of VTK {vtkVersion.GetVTKVersion()}"


def moving_row() -> Row:
    """A frame while the volume is turned."""
    prefer_osmesa()
    peer, renderer = _Peer(), VolumeRenderer()
    renderer.show(Blocks(_volume()).get(QUICK), _scene())
    steps = count()

    def turned() -> Camera:
        return Camera().rotated(0.05 * next(steps), 0.02)

    def ours() -> NDArray[np.uint8]:
        picture = renderer.draw(turned(), _SIZE, _volume().geometry)
        assert picture is not None
        return picture

    _check(peer.draw(Camera()), _ours(QUICK)(), 0.75)
    goal = Goal(
        name="B11-moving", what=f"a frame while {_SLICES} slices are turned", goal=10.0,
        peer=_peer_name(), n=_SLICES,
    )  # fmt: skip
    row = against_peer(goal, lambda: peer.draw(turned()), ours, pairs=3)
    peer.close()
    renderer.close()
    return row


def first_row() -> Row:
    """The first picture, reduced, of a volume that is in memory."""
    prefer_osmesa()
    _check(_first_of_peer(), _ours(QUICK)(), 0.75)
    goal = Goal(
        name="B11-first", what=f"first picture of {_SLICES} slices (ours reduced)", goal=10.0,
        peer=_peer_name(), n=_SLICES,
    )  # fmt: skip
    return against_peer(goal, _first_of_peer, _ours(QUICK), pairs=3)


def whole_row() -> Row:
    """The first picture of every voxel."""
    prefer_osmesa()
    _check(_first_of_peer(), _ours(WHOLE)(), 0.9)
    goal = Goal(
        name="B11-whole", what=f"first picture of every voxel of {_SLICES} slices", goal=2.0,
        peer=_peer_name(), n=_SLICES,
    )  # fmt: skip
    return against_peer(goal, _first_of_peer, _ours(WHOLE), pairs=3)


ROWS = {"B11-moving": moving_row, "B11-first": first_row, "B11-whole": whole_row}

if __name__ == "__main__":
    sys.exit(main(ROWS))

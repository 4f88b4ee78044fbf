"""B11: pictures of a volume in space against VTK's smart mapper, both drawn by the processor.

The rows stand in `display`, which runs them. The peer draws the whole array with the same transfer
function; ours is what the volume view does: a reduced copy first and while it moves, all voxels
once it rests.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pairs import Goal, Row, against_peer
from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.gui.views import volume_actors
from medview.gui.views.volume_blocks import QUICK, WHOLE, Blocks
from medview.gui.views.volume_camera import Camera, screen_map
from medview.gui.views.volume_probe import prefer_osmesa
from medview.gui.views.volume_render import VolumeRenderer
from medview.gui.views.volume_scene import Scene
from medview.imaging.looks import Scale, looks_for

SIZE = (512, 512)
_STEP = 0.03  # radians a frame


@cache
def _thorax() -> Volume:
    """600 slices of 512 x 512 in HU: a body, two lungs and a spine."""
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    slice_ = np.where((x / 0.85) ** 2 + (y / 0.6) ** 2 < 1, 40, -1000)
    for side in (-0.4, 0.4):
        slice_[((x - side) / 0.28) ** 2 + (y / 0.42) ** 2 < 1] = -850
    slice_[x**2 + ((y - 0.4) / 1.2) ** 2 < 0.01] = 600
    noise = np.random.default_rng(11).normal(0, 18, (8, 512, 512))
    stored = np.empty((600, 512, 512), np.int16)
    for k in range(600):
        stored[k] = slice_ + noise[k % 8]
    geometry = Geometry(shape=stored.shape, spacing=(0.7, 0.7, 0.7))
    return Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")


@cache
def _scene() -> Scene:
    looks, _ = looks_for(_thorax(), Scale(unit="HU"))
    return Scene(look=next(look for look in looks if look.id == "bone"))


class _Peer:
    """vtkSmartVolumeMapper on the array as it is."""

    def __init__(self) -> None:
        prefer_osmesa()
        import vtkmodules.vtkRenderingOpenGL2
        import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401 - registers what VTK makes
        from vtkmodules.vtkCommonCore import vtkObject
        from vtkmodules.vtkRenderingCore import (
            vtkRenderer,
            vtkRenderWindow,
            vtkVolume,
            vtkWindowToImageFilter,
        )
        from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkSmartVolumeMapper

        vtkObject.GlobalWarningDisplayOff()
        volume, mapper = _thorax(), vtkSmartVolumeMapper()
        mapper.SetInputData(volume_actors.image_of(volume.stored, volume.geometry))
        actor = vtkVolume()
        actor.SetMapper(mapper)
        actor.SetUserMatrix(volume_actors.place_of(volume.geometry))
        actor.SetProperty(volume_actors.property_of(_scene().look, is_hardware=True))
        self._renderer: Any = vtkRenderer()
        self._renderer.AddViewProp(actor)
        self._window: Any = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.AddRenderer(self._renderer)
        self._window.SetSize(*SIZE)
        self._reader: Any = vtkWindowToImageFilter()
        self._reader.SetInput(self._window)
        self._reader.ReadFrontBufferOff()
        self._camera = Camera()

    def draw(self) -> NDArray[np.uint8]:
        """The next frame of a turn."""
        from vtkmodules.util import numpy_support

        to_numpy: Any = numpy_support.vtk_to_numpy
        self._camera = self._camera.rotated(_STEP, 0)
        seen = screen_map(self._camera, _thorax().geometry, SIZE)
        eye: Any = self._renderer.GetActiveCamera()
        eye.ParallelProjectionOn()
        eye.SetFocalPoint(*seen.centre)
        near = np.array(self._camera.frame[2], float)
        eye.SetPosition(*(np.array(seen.centre) + near * 2000).tolist())
        eye.SetViewUp(*self._camera.frame[1])
        eye.SetParallelScale(seen.half_mm)
        self._renderer.ResetCameraClippingRange()
        self._reader.Modified()
        self._reader.Update()
        pixels = to_numpy(self._reader.GetOutput().GetPointData().GetScalars())
        return np.ascontiguousarray(pixels.reshape(*SIZE[::-1], -1)[::-1, :, :3])

    def close(self) -> None:
        """Give the window back."""
        self._window.Finalize()


class _Ours:
    """The volume view's renderer on copies of a size."""

    def __init__(self, size: int) -> None:
        # As in the view: all voxels are drawn on every core, in a thread that stands back.
        self._renderer = VolumeRenderer(threads=os.cpu_count() if size == WHOLE else None)
        self._renderer.show(Blocks(_thorax()).get(size), _scene())
        self._camera = Camera()

    def draw(self) -> NDArray[np.uint8]:
        """The next frame of a turn."""
        self._camera = self._camera.rotated(_STEP, 0)
        picture = self._renderer.draw(self._camera, SIZE, _thorax().geometry)
        assert picture is not None
        return picture

    def close(self) -> None:
        """Give the window back."""
        self._renderer.close()


def _first(make: Any) -> NDArray[np.uint8]:
    made = make()
    picture: NDArray[np.uint8] = made.draw()
    made.close()
    return picture


def _peer_name() -> str:
    from vtkmodules.vtkCommonCore import vtkVersion

    return f"vtkSmartVolumeMapper {vtkVersion().GetVTKVersion()}, Mesa's llvmpipe"


def _check(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    """Both pictures show the body in the same place: what is lit overlaps to nine tenths."""
    lit = [picture.max(axis=2) > 40 for picture in (ours, theirs)]
    assert (lit[0] & lit[1]).sum() >= 0.9 * (lit[0] | lit[1]).sum()


def moving_row() -> Row:
    """B11: one frame while the reader turns the volume."""
    peer, ours = _Peer(), _Ours(QUICK)
    _check(ours.draw(), peer.draw())
    goal = Goal(
        name="B11", what="a frame while the volume turns, 512 x 512 pixels, 600 slices",
        goal=10.0, peer=_peer_name(), n=600,
    )  # fmt: skip
    row = against_peer(goal, peer.draw, ours.draw, pairs=3)
    peer.close()
    ours.close()
    return row


def first_row() -> Row:
    """B11: from an opened series to the first picture, reduced."""
    goal = Goal(
        name="B11-first", what="the first picture of the volume, reduced", goal=10.0,
        peer=_peer_name(), n=600,
    )  # fmt: skip
    return against_peer(goal, lambda: _first(_Peer), lambda: _first(lambda: _Ours(QUICK)), pairs=3)


def whole_row() -> Row:
    """B11: from an opened series to the first picture of all its voxels."""
    goal = Goal(
        name="B11-whole", what="the first picture of all voxels", goal=2.0,
        peer=_peer_name(), n=600,
    )  # fmt: skip
    return against_peer(goal, lambda: _first(_Peer), lambda: _first(lambda: _Ours(WHOLE)), pairs=3)

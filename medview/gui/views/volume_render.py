"""VTK draws a scene into an array, without any window; used in one thread only.

The fixed-point ray caster runs on the processor, so that every machine shows the same picture;
OpenGL (OSMesa where it is there) only carries its result. Where a child process has drawn with
real graphics hardware (`volume_probe`), its ray caster is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import MedViewError
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.words import say
from medview.gui.views import volume_actors as actors
from medview.gui.views.volume_camera import Camera, extent_of, screen_map
from medview.gui.views.volume_mean import mean_picture
from medview.gui.views.volume_probe import native_window, prefer_osmesa
from medview.gui.views.volume_scene import Scene, SliceInSpace, Surface
from medview.imaging.transfer import Look
from medview.imaging.visible import Ends, Part, ends_of, holds, visible_part, volume_of

_LARGE = 384  # voxels along an axis
_WORTH = 0.85  # of a block: a part as large as this is not worth a copy of its own
_BLENDS = {"composite": 0, "mip": 1, "minip": 2}  # vtkVolumeMapper.BlendModes


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Block:
    """Values [k, j, i] to be drawn, with a rim of one voxel, and where the rim's corner lies.

    The rim gives cut faces a slope to be lit by. is_quick: for pictures that move. is_whole:
    whether no voxel of the series was left out.
    """

    values: NDArray[np.int16 | np.float32]
    geometry: Geometry
    is_quick: bool = False
    is_whole: bool = False


def rimmed(
    values: NDArray[np.int16 | np.float32],
    geometry: Geometry,
    *,
    is_quick: bool = False,
    is_whole: bool = False,
) -> Block:
    """A block from values and their grid."""
    from dataclasses import replace

    padded = np.pad(values, 1, constant_values=values.min())
    wider = replace(
        geometry,
        shape=(padded.shape[0], padded.shape[1], padded.shape[2]),
        origin=geometry.to_patient(VoxelIndex(-1.0, -1.0, -1.0)),
    )
    return Block(values=padded, geometry=wider, is_quick=is_quick, is_whole=is_whole)


@dataclass(eq=False)
class _Part:
    """A block as VTK has it; kept, because the slopes for its light take long to compute.

    part: what of the block VTK was given, values: the array that it looks at; ends: known for
    blocks that are drawn at rest.
    """

    block: Block
    values: NDArray[np.int16 | np.float32]
    mapper: Any
    volume: Any
    part: Part
    ends: Ends | None


class VolumeRenderer:
    """One off-screen window with one scene. Raises MedViewError where nothing can be drawn.

    hardware: what `volume_probe` found; empty for the processor. threads: that the processor draws
    with, by default one core is left to the window.
    """

    def __init__(self, hardware: str = "", threads: int | None = None) -> None:
        from vtkmodules.vtkCommonCore import vtkObject

        self.hardware = hardware
        self._threads = threads or max(1, (os.cpu_count() or 2) - 1)
        if not hardware:
            prefer_osmesa()
        import vtkmodules.vtkRenderingOpenGL2
        import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401 - registers what VTK makes
        from vtkmodules.vtkRenderingCore import (
            vtkRenderer,
            vtkRenderWindow,
            vtkWindowToImageFilter,
        )

        vtkObject.GlobalWarningDisplayOff()  # we look at the pixels instead
        self._renderer: Any = vtkRenderer()
        self._window: Any = native_window() if hardware else vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.AddRenderer(self._renderer)
        self._reader: Any = vtkWindowToImageFilter()
        self._reader.SetInput(self._window)
        self._reader.ReadFrontBufferOff()
        self._parts: dict[int, _Part] = {}
        self._extras: dict[int, tuple[object, list[Any]]] = {}  # actors by what they show
        self._shown: Block | None = None
        self._scene: Scene | None = None
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

    def show(self, block: Block, scene: Scene) -> None:
        """What the next pictures are of; the block's array is looked at, not copied."""
        look = scene.look
        part = self._part(block, look)
        part.volume.SetProperty(actors.property_of(look, is_hardware=bool(self.hardware)))
        part.mapper.SetBlendMode(_BLENDS.get(look.blend, 0))
        actors.set_box(part.mapper, scene.box, block.geometry)
        actors.set_planes(part.mapper, scene.planes)
        self._renderer.RemoveAllViewProps()
        # Drawn first by VTK, so that the rays end at them.
        for actor in self._actors(scene):
            self._renderer.AddViewProp(actor)
        if scene.is_volume_shown and look.blend != "mean":
            self._renderer.AddViewProp(part.volume)
        self._renderer.SetBackground(*scene.background)
        self._shown, self._scene = block, scene

    def keep(self, blocks: tuple[Block, ...]) -> None:
        """Let every other block go, and what VTK computed for it."""
        kept = {id(block) for block in blocks}
        self._parts = {key: part for key, part in self._parts.items() if key in kept}

    def drop(self) -> None:
        """Let everything go."""
        self._renderer.RemoveAllViewProps()
        self._parts, self._extras, self._shown, self._scene = {}, {}, None, None

    def draw(
        self,
        camera: Camera,
        size: tuple[int, int],
        space: Geometry | None = None,
        is_late: Callable[[], bool] | None = None,
    ) -> NDArray[np.uint8] | None:
        """The picture (height, width, 3) of a size (width, height); black without a scene.

        space: the grid that the camera looks at, by default that of the block. is_late: asked
        while it is drawn; once it says True the picture is given up for None.
        """
        width, height = size
        self._window.SetSize(width, height)
        block, scene = self._shown, self._scene
        if block is None or scene is None:
            return self._read(width, height)
        seen = screen_map(camera, space or block.geometry, (width, height))
        if scene.look.blend == "mean" and scene.is_volume_shown:
            return mean_picture(block.values, block.geometry, scene, seen, is_quick=block.is_quick)
        depth = float(np.linalg.norm(extent_of(block.geometry))) * 2
        near = np.array(camera.frame[2], float)
        eye: Any = self._renderer.GetActiveCamera()
        eye.ParallelProjectionOn()
        eye.SetFocalPoint(*seen.centre)
        eye.SetPosition(*(np.array(seen.centre) + near * depth).tolist())
        eye.SetViewUp(*camera.frame[1])
        eye.SetParallelScale(seen.half_mm)
        self._renderer.ResetCameraClippingRange()
        self._window.SetAbortRender(0)
        tag = None
        if is_late is not None:
            tag = self._window.AddObserver("AbortCheckEvent", _Stop(self._window, is_late))
        picture = self._read(width, height)
        if tag is not None:
            self._window.RemoveObserver(tag)
            if self._window.GetAbortRender():
                self._window.SetAbortRender(0)
                return None
        return picture

    def _read(self, width: int, height: int) -> NDArray[np.uint8]:
        from vtkmodules.util import numpy_support

        to_numpy: Any = numpy_support.vtk_to_numpy
        # The filter draws and reads in one call that lets other threads run meanwhile.
        self._reader.Modified()
        self._reader.Update()
        pixels = to_numpy(self._reader.GetOutput().GetPointData().GetScalars())
        return np.ascontiguousarray(pixels.reshape(height, width, -1)[::-1, :, :3])

    def _part(self, block: Block, look: Look) -> _Part:
        """What of a block the look shows; what VTK knows already wherever that is enough."""
        known = self._parts.get(id(block))
        # What moves is small, and must not wait for new slopes when the look changes.
        ends = ends_of(block.values) if known is None and not block.is_quick else None
        ends = ends if known is None else known.ends
        part = _part_of(block, ends, look)
        if known is None or not holds(known.part, part):
            self._parts[id(block)] = self._given(block, part, ends)
        return self._parts[id(block)]

    def _given(self, block: Block, part: Part, ends: Ends | None) -> _Part:
        from vtkmodules.vtkRenderingCore import vtkVolume

        volume = vtkVolume()
        mapper = self._mapper(block)
        values = np.ascontiguousarray(block.values[part])
        mapper.SetInputData(actors.image_of(values, block.geometry, [each.start for each in part]))
        volume.SetMapper(mapper)
        volume.SetUserMatrix(actors.place_of(block.geometry))
        return _Part(block, values, mapper, volume, part, ends)

    def _mapper(self, block: Block) -> Any:
        finest = min(block.geometry.spacing)
        if self.hardware:
            from vtkmodules.vtkRenderingVolume import vtkGPUVolumeRayCastMapper

            quick: Any = vtkGPUVolumeRayCastMapper()
            quick.SetAutoAdjustSampleDistances(0)
            quick.SetSampleDistance(finest if block.is_quick else 0.35 * finest)
            quick.SetUseJittering(1)  # rings of the steps along a ray become faint noise
            return quick
        from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

        mapper: Any = vtkFixedPointVolumeRayCastMapper()
        mapper.SetNumberOfThreads(self._threads)
        # Sampling coarser than half a voxel draws rings into smooth surfaces, unless voxels are
        # as small as the picture's own pixels.
        share = 0.4 if max(block.values.shape) <= _LARGE else 1.0
        mapper.SetAutoAdjustSampleDistances(0)
        mapper.SetSampleDistance(finest if block.is_quick else share * finest)
        mapper.SetImageSampleDistance(1.6 if block.is_quick else 1.0)
        return mapper

    def _actors(self, scene: Scene) -> list[Any]:
        made: dict[int, tuple[object, list[Any]]] = {}
        shown: tuple[Surface | SliceInSpace, ...] = (*scene.surfaces, *scene.slices)
        for each in shown:
            known = self._extras.get(id(each))
            made[id(each)] = known or (each, _made(each, scene.surface_opacity))
        for _, found in made.values():
            for actor in found:
                _set_opacity(actor, scene)
        self._extras = made
        return [actor for _, found in made.values() for actor in found]

    def close(self) -> None:
        """Give the window back, in the thread that made it."""
        self.drop()
        self._window.Finalize()


def _part_of(block: Block, ends: Ends | None, look: Look) -> Part:
    """What is drawn of a block: all of it where a smaller part would save little."""
    rows, columns, depth = block.values.shape[1], block.values.shape[2], block.values.shape[0]
    whole = (slice(0, depth), slice(0, rows), slice(0, columns))
    if ends is None:
        return whole
    part = visible_part(ends, look)
    return part if volume_of(part) <= _WORTH * block.values.size else whole


class _Stop:
    """Asked by VTK while it draws; a callable object, because VTK holds it without its closure."""

    def __init__(self, window: Any, is_late: Callable[[], bool]) -> None:
        self._window, self._is_late = window, is_late

    def __call__(self, _caller: object, _event: str) -> None:
        if self._is_late():
            self._window.SetAbortRender(1)


def _made(each: Surface | SliceInSpace, opacity: float) -> list[Any]:
    if isinstance(each, Surface):
        return [actors.surface_actor(each, opacity)]
    return actors.slice_actors(each)


def _set_opacity(actor: Any, scene: Scene) -> None:
    with suppress(AttributeError):
        if actor.GetProperty().GetLighting():  # slices are not lit, and never transparent
            actor.GetProperty().SetOpacity(scene.surface_opacity)

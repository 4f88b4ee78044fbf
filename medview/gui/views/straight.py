"""Pictures of planes that look at the array itself, from blocks and ahead where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from medview.core.results import Heatmap, LabelMap
from medview.core.volume import Volume
from medview.gui.views.begun import Begun
from medview.gui.views.pixels import (
    Outline,
    Picture,
    PictureLook,
    cuts_of,
    overlay_pictures,
    to_picture,
)
from medview.imaging.grey import grey_slice
from medview.imaging.neighbours import Neighbours
from medview.imaging.planes import Plane
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window

_WORTH = 100_000  # pixels of a slice: fewer are made sooner than another thread wakes up


@dataclass(frozen=True, eq=False)
class _Layer:
    """One overlay on one slice; it keeps the overlay, whose id must not go to another one."""

    overlay: LabelMap | Heatmap
    pictures: Sequence[Picture]
    outlines: Sequence[Outline]


class StraightPictures:
    """The grey and each overlay of the slice that one view shows."""

    def __init__(self) -> None:
        self._layers: tuple[object, dict[int, _Layer]] = (None, {})
        self._neighbours = Neighbours()
        self._volume: Volume | None = None  # of the latest grey
        self._begun: Begun[Picture] = Begun()
        self._begun_layers: dict[int, Begun[_Layer]] = {}

    def forget(self) -> None:
        """Voxels have arrived, or others are shown."""
        self._layers, self._volume = (None, {}), None
        self._neighbours.forget()
        self._begun.drop()
        self._drop_layers(())

    def grey(
        self, volume: Volume, plane: SlicePlane, index: int, window: Window, look: PictureLook
    ) -> Picture:
        """The windowed slice."""
        self._volume = volume
        work = partial(self._grey_here, volume, plane, index, window, look)
        return self._begun.take((volume, plane, index, window, look), work)

    def overlay(
        self, overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int
    ) -> tuple[list[Picture], list[Outline]]:
        """Each overlay apart: where one is painted on the others keep their pictures."""
        known = self._layers[1] if self._layers[0] == (plane, index) else {}
        layers = {
            id(each): known.get(id(each)) or self._layer(each, plane, index) for each in overlays
        }
        self._layers = ((plane, index), layers)
        self._neighbours.keep((self._volume, *overlays))
        self._drop_layers(overlays)
        pictures = [picture for layer in layers.values() for picture in layer.pictures]
        return pictures, [line for layer in layers.values() for line in layer.outlines]

    def begin_grey(
        self, volume: Volume, plane: Plane, index: int, window: Window, look: PictureLook
    ) -> None:
        """Another thread begins what `grey` will be asked for."""
        if plane.shape[0] * plane.shape[1] >= _WORTH:
            work = partial(_grey, *self._volume_beside(volume, plane, index), window, look)
            self._begun.begin((volume, plane, index, window, look), work)

    def begin_overlay(
        self, overlays: Sequence[LabelMap | Heatmap], plane: Plane, index: int
    ) -> None:
        """Another thread begins what `overlay` will be asked for."""
        if self._layers[0] == (plane, index) or plane.shape[0] * plane.shape[1] < _WORTH:
            return
        for each in overlays:
            begun = self._begun_layers.setdefault(id(each), Begun())
            begun.begin((each, plane, index), self._work_of(each, plane, index))

    def _grey_here(
        self, volume: Volume, plane: SlicePlane, index: int, window: Window, look: PictureLook
    ) -> Picture:
        return _grey(*self._volume_beside(volume, plane, index), window, look)

    def _layer(self, overlay: LabelMap | Heatmap, plane: SlicePlane, index: int) -> _Layer:
        def work() -> _Layer:
            return self._work_of(overlay, plane, index)()

        begun = self._begun_layers.get(id(overlay))
        return work() if begun is None else begun.take((overlay, plane, index), work)

    def _work_of(
        self, overlay: LabelMap | Heatmap, plane: SlicePlane, index: int
    ) -> partial[_Layer]:
        """What makes the layer, from a block of slices where one has been cut."""
        if isinstance(overlay, LabelMap) and isinstance(plane, Plane):
            beside = None
            if plane.own_geometry.same_grid(overlay.geometry):
                beside = self._neighbours.beside(overlay, overlay.voxels, plane, index)
            if beside is not None:
                voxels = np.asarray(beside.array, np.uint8)
                few = replace(overlay, voxels=voxels, geometry=beside.plane.geometry)
                return partial(_made, overlay, few, beside.plane, beside.at)
        return partial(_made, overlay, overlay, plane, index)

    def _volume_beside(
        self, volume: Volume, plane: SlicePlane, index: int
    ) -> tuple[Volume, SlicePlane, int]:
        """Some slices of the volume that hold the one asked for, where they are cut already."""
        if not isinstance(plane, Plane) or volume.is_colour or volume.shutters:
            return volume, plane, index
        beside = self._neighbours.beside(volume, volume.stored, plane, index)
        if beside is None:
            return volume, plane, index
        few = replace(volume, stored=beside.array, geometry=beside.plane.geometry)
        return few, beside.plane, beside.at

    def _drop_layers(self, overlays: Sequence[LabelMap | Heatmap]) -> None:
        kept = set(map(id, overlays))
        for gone in self._begun_layers.keys() - kept:
            self._begun_layers.pop(gone).drop()


def _grey(
    volume: Volume, plane: SlicePlane, index: int, window: Window, look: PictureLook
) -> Picture:
    return to_picture(grey_slice(volume, plane, index, window, look.how), is_smooth=look.is_smooth)


def _made(
    overlay: LabelMap | Heatmap, few: LabelMap | Heatmap, plane: SlicePlane, index: int
) -> _Layer:
    """few: the overlay, or as much of it as lies about the slice."""
    return _Layer(overlay, *overlay_pictures(cuts_of((few,), plane, index)))

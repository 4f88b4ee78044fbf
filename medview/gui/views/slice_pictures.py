"""The pictures of the slice a view shows: made once, kept as long as they are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from medview.core.results import Heatmap, LabelMap
from medview.core.volume import Volume
from medview.gui.views.pixels import (
    Cuts,
    Outline,
    Picture,
    PictureLook,
    cuts_of,
    overlay_pictures,
    to_picture,
)
from medview.gui.views.refining import Refined
from medview.gui.views.straight import StraightPictures
from medview.imaging.graphics import graphic_colours, graphic_mask
from medview.imaging.grey import grey_sample, grey_slice
from medview.imaging.oblique import ObliquePlane
from medview.imaging.planes import Plane, is_padding, native_plane
from medview.imaging.shutters import hidden_on
from medview.imaging.slabs import SlabPlane
from medview.imaging.slice_plane import Sample, SlicePlane
from medview.imaging.window import Window

_QUICK_MS = 4.0  # what is drawn quicker needs no draft


class SlicePictures:
    """The grey and the overlay of the slice a view shows, made again only when they change.

    Planes that resample are drafted at once and refined when the reader rests; `on_finer` then
    asks for another look.
    """

    def __init__(self, parent: QObject, on_finer: Callable[[], None]) -> None:
        self._grey: tuple[object, Picture] | None = None
        self._over: tuple[object, list[Picture], list[Outline]] | None = None
        self._thinned: tuple[object, Volume] | None = None
        self._drawn: tuple[object, Picture] | None = None
        self._sample: Refined[Sample] = Refined(parent, on_finer)
        self._cuts: Refined[Cuts] = Refined(parent, on_finer)
        self._straight = StraightPictures()

    @property
    def is_busy(self) -> bool:
        """Whether something finer is still to come."""
        return self._sample.is_busy or self._cuts.is_busy

    def forget(self) -> None:
        """Make everything again at the next look."""
        self.forget_grey()
        self._over = self._drawn = None
        self._cuts.forget()

    def forget_grey(self) -> None:
        """Voxels have arrived."""
        self._grey = self._thinned = None
        self._sample.forget()
        self._straight.forget()

    def grey(
        self,
        volume: Volume,
        plane: SlicePlane,
        index: int,
        window: Window,
        look: PictureLook,
    ) -> Picture:
        """The windowed slice."""
        sample = self._resampled(volume, plane, index)
        key = (volume, plane, index, window, look, sample)
        if self._grey is not None and self._grey[0] == key:
            return self._grey[1]
        how, step = look.how, look.step
        if sample is not None:
            pixels = grey_sample(sample, window, is_inverted=volume.is_inverted, look=how)
            step = -(-plane.shape[0] // pixels.shape[0])
        elif step > 1 and _is_as_stored(plane) and not volume.is_colour:
            pixels = self._thin_grey(volume, plane, index, window, look)
        else:
            picture = self._straight.grey(volume, plane, index, window, look)
            self._grey = (key, picture)
            return picture
        picture = to_picture(pixels, step, is_smooth=look.is_smooth)
        self._grey = (key, picture)
        return picture

    def prepare(
        self, volume: Volume, plane: SlicePlane, index: int, window: Window, look: PictureLook,
        overlays: Sequence[LabelMap | Heatmap],
    ) -> None:  # fmt: skip
        """Another thread may begin what the next look will ask for."""
        if isinstance(plane, Plane) and not isinstance(plane, SlabPlane) and look.step == 1:
            if self._grey is None or self._grey[0] != (volume, plane, index, window, look, None):
                self._straight.begin_grey(volume, plane, index, window, look)
            self._straight.begin_overlay(overlays, plane, index)

    def _resampled(self, volume: Volume, plane: SlicePlane, index: int) -> Sample | None:
        """The numbers of a plane that resamples; None where the array itself is looked at."""
        if not isinstance(plane, SlabPlane | ObliquePlane):
            return None
        full = partial(plane.sample, volume, index)
        draft = None if plane.cost_ms <= _QUICK_MS else partial(plane.draft, volume, index)
        return self._sample.get((volume, plane, index), full, draft)

    def _thin_grey(
        self,
        volume: Volume,
        plane: SlicePlane,
        index: int,
        window: Window,
        look: PictureLook,
    ) -> NDArray[np.uint8]:
        step = look.step
        thin = self._thin(volume, index, step)
        pixels = grey_slice(thin, native_plane(thin.geometry), 0, window, look.how)
        hidden = hidden_on(volume.shutters, plane, index)
        if hidden is not None:
            rows, columns = pixels.shape[:2]
            pixels[hidden[step // 2 :: step, step // 2 :: step][:rows, :columns]] = 0
        return pixels

    def _thin(self, volume: Volume, index: int, step: int) -> Volume:
        """One slice reduced by block means: large films are windowed at the size they are shown."""
        key = (id(volume), index, step)
        if self._thinned is None or self._thinned[0] != key:
            self._thinned = (key, _block_means(volume, index, step))
        return self._thinned[1]

    def graphics(self, volume: Volume, plane: SlicePlane, index: int, step: int) -> Picture | None:
        """The overlay planes of an acquired slice, in one colour; None where there are none."""
        planes = volume.graphics.get(index, ()) if plane.is_native else ()
        if not planes or not isinstance(plane, Plane):
            self._drawn = None
            return None
        key = (planes, plane, step)
        if self._drawn is None or self._drawn[0] != key:
            mask = graphic_mask(planes, plane, step)
            self._drawn = (key, to_picture(graphic_colours(mask), step))
        return self._drawn[1]

    def overlay(
        self, overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int
    ) -> tuple[list[Picture], list[Outline]]:
        """The colours over a slice and the outlines of its labels."""
        if not (overlays and isinstance(plane, SlabPlane | ObliquePlane)):
            self._over = None
            self._cuts.forget()
            return self._straight.overlay(overlays, plane, index)
        cuts = self._cut(overlays, plane, index)
        if self._over is None or self._over[0] is not cuts:
            self._over = (cuts, *overlay_pictures(cuts))
        return self._over[1], self._over[2]

    def _cut(self, overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int) -> Cuts:
        full = partial(cuts_of, tuple(overlays), plane, index)
        draft = None
        if isinstance(plane, SlabPlane | ObliquePlane) and plane.cost_ms > _QUICK_MS:
            draft = partial(cuts_of, tuple(overlays), plane.thinned(), index)
        return self._cuts.get((tuple(map(id, overlays)), plane, index), full, draft)


def _is_as_stored(plane: SlicePlane) -> bool:
    if not isinstance(plane, Plane):
        return False
    return plane.is_native and plane.down < plane.right and not any(plane.flips)


def _block_means(volume: Volume, index: int, step: int) -> Volume:
    stored = volume.stored[index]
    rows, columns = (size // step for size in stored.shape)
    total = np.zeros((rows, columns), np.float32)
    for row in range(step):
        for column in range(step):
            total += stored[row : rows * step : step, column : columns * step : step]
    means = total / np.float32(step * step)
    if volume.padding is not None:  # a block that touches padding keeps its first pixel
        first = stored[: rows * step : step, : columns * step : step]
        means = np.where(is_padding(first, volume.padding), first, means).astype(np.float32)
    geometry = replace(volume.geometry, shape=(1, rows, columns), places=None, gaps=())
    per_slice = None if volume.per_slice is None else volume.per_slice[index : index + 1]
    return replace(
        volume,
        geometry=geometry,
        stored=means[None],
        per_slice=per_slice,
        block=None,
        shutters={},  # of the whole picture: whoever shows this one hides
    )

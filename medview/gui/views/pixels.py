"""Pictures of slices for the painter: made once, kept as long as they are shown.

A QImage over an array does not own its bytes: it is converted, or it lives beside its array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage, qRgba

from medview.core.results import Heatmap, Label, LabelMap
from medview.core.volume import Volume
from medview.gui.views.refining import Refined
from medview.imaging.graphics import graphic_colours, graphic_mask
from medview.imaging.grey import PLAIN, GreyLook, grey_sample, grey_slice
from medview.imaging.neighbours import Neighbours
from medview.imaging.oblique import ObliquePlane
from medview.imaging.overlay import (
    FILL,
    cut_heatmap,
    cut_labels,
    heat_colours,
    label_outlines,
    rgb,
)
from medview.imaging.planes import Plane, is_padding, native_plane
from medview.imaging.shutters import hidden_on
from medview.imaging.slabs import SlabPlane
from medview.imaging.slice_plane import Sample, SlicePlane
from medview.imaging.window import Window

_QUICK_MS = 4.0  # what is drawn quicker needs no draft
_KINDS = {
    1: QImage.Format.Format_Grayscale8,
    3: QImage.Format.Format_RGB888,
    4: QImage.Format.Format_RGBA8888_Premultiplied,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A QImage and the bytes it was made from; `step` slice pixels are one pixel of it.

    is_smooth: whether it is interpolated when drawn larger; labels are not.
    """

    image: QImage
    pixels: NDArray[np.uint8]
    step: int = 1
    is_smooth: bool = False


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of one label: (n, 4) segments x0, y0, x1, y1 in pixel corners, and its colour."""

    segments: NDArray[np.float64]
    colour: str


@dataclass(frozen=True, slots=True)
class PictureLook:
    """how: grey as the reader looks at it; step: slice pixels a screen pixel; is_smooth: whether
    pixels that are drawn larger are interpolated."""

    how: GreyLook = PLAIN
    step: int = 1
    is_smooth: bool = True


Cuts = tuple[tuple[LabelMap | Heatmap, NDArray[np.generic]], ...]


def to_picture(pixels: NDArray[np.uint8], step: int = 1, *, is_smooth: bool = False) -> Picture:
    """An array (rows, columns[, 3 or 4]) of 8 bits as an image in the painter's own format."""
    pixels = np.ascontiguousarray(pixels)
    depth = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows, columns = pixels.shape[:2]
    image = QImage(pixels.data, columns, rows, pixels.strides[0], _KINDS[depth])
    # Qt scales its own 32-bit formats some two and a half times quicker than 8-bit grey.
    own = QImage.Format.Format_ARGB32_Premultiplied if depth == 4 else QImage.Format.Format_RGB32
    return Picture(image.convertToFormat(own), pixels, step, is_smooth)


@dataclass(frozen=True, eq=False)
class _Layer:
    """One overlay on one slice; it keeps the overlay, whose id must not go to another one."""

    overlay: LabelMap | Heatmap
    pictures: Sequence[Picture]
    outlines: Sequence[Outline]


class SlicePictures:
    """The grey and the overlay of the slice a view shows, made again only when they change.

    Planes that resample are drafted at once and refined when the reader rests; `on_finer` then
    asks for another look.
    """

    def __init__(self, parent: QObject, on_finer: Callable[[], None]) -> None:
        self._grey: tuple[object, Picture] | None = None
        self._over: tuple[object, list[Picture], list[Outline]] | None = None
        self._layers: tuple[object, dict[int, _Layer]] = (None, {})
        self._thinned: tuple[object, Volume] | None = None
        self._drawn: tuple[object, Picture] | None = None
        self._sample: Refined[Sample] = Refined(parent, on_finer)
        self._cuts: Refined[Cuts] = Refined(parent, on_finer)
        self._neighbours = Neighbours()
        self._volume: Volume | None = None  # of the latest grey

    @property
    def is_busy(self) -> bool:
        """Whether something finer is still to come."""
        return self._sample.is_busy or self._cuts.is_busy

    def forget(self) -> None:
        """Make everything again at the next look."""
        self.forget_grey()
        self._over = self._drawn = None
        self._layers = (None, {})
        self._cuts.forget()

    def forget_grey(self) -> None:
        """Voxels have arrived."""
        self._grey = self._thinned = None
        self._sample.forget()
        self._neighbours.forget()

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
            step = 1
            pixels = grey_slice(*self._volume_beside(volume, plane, index), window, how)
        picture = to_picture(pixels, step, is_smooth=look.is_smooth)
        self._grey = (key, picture)
        return picture

    def _volume_beside(
        self, volume: Volume, plane: SlicePlane, index: int
    ) -> tuple[Volume, SlicePlane, int]:
        """Some slices of the volume that hold the one asked for, where they are cut already."""
        self._volume = volume
        if not isinstance(plane, Plane) or volume.is_colour or volume.shutters:
            return volume, plane, index
        beside = self._neighbours.beside(volume, volume.stored, plane, index)
        if beside is None:
            return volume, plane, index
        geometry = beside.plane.geometry
        return replace(volume, stored=beside.array, geometry=geometry), beside.plane, beside.at

    def _layer(self, overlay: LabelMap | Heatmap, plane: SlicePlane, index: int) -> _Layer:
        if isinstance(overlay, LabelMap) and isinstance(plane, Plane):
            beside = None
            if plane.own_geometry.same_grid(overlay.geometry):
                beside = self._neighbours.beside(overlay, overlay.voxels, plane, index)
            if beside is not None:
                geometry = beside.plane.geometry
                few = replace(overlay, voxels=np.asarray(beside.array, np.uint8), geometry=geometry)
                return _Layer(overlay, *_overlay(_cuts((few,), beside.plane, beside.at)))
        return _Layer(overlay, *_overlay(_cuts((overlay,), plane, index)))

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
        if not isinstance(plane, SlabPlane | ObliquePlane):
            return self._straight(overlays, plane, index)
        cuts = self._cut(overlays, plane, index)
        if self._over is None or self._over[0] is not cuts:
            self._over = (cuts, *_overlay(cuts))
        return self._over[1], self._over[2]

    def _straight(
        self, overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int
    ) -> tuple[list[Picture], list[Outline]]:
        """Each overlay apart: where one is painted on the others keep their pictures."""
        known = self._layers[1] if self._layers[0] == (plane, index) else {}
        layers = {
            id(each): known.get(id(each)) or self._layer(each, plane, index) for each in overlays
        }
        self._layers = ((plane, index), layers)
        self._neighbours.keep((self._volume, *overlays))
        pictures = [picture for layer in layers.values() for picture in layer.pictures]
        return pictures, [line for layer in layers.values() for line in layer.outlines]

    def _cut(self, overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int) -> Cuts:
        full = partial(_cuts, tuple(overlays), plane, index)
        draft = None
        if isinstance(plane, SlabPlane | ObliquePlane) and plane.cost_ms > _QUICK_MS:
            draft = partial(_cuts, tuple(overlays), plane.thinned(), index)
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


def _cuts(overlays: Sequence[LabelMap | Heatmap], plane: SlicePlane, index: int) -> Cuts:
    return tuple(
        (each, cut_heatmap(each, plane, index))
        if isinstance(each, Heatmap)
        else (each, cut_labels(each, plane, index))
        for each in overlays
    )


def _overlay(cuts: Cuts) -> tuple[list[Picture], list[Outline]]:
    layers: list[Picture] = []
    outlines: list[Outline] = []
    for overlay, cut in cuts:
        if not cut.any():
            continue
        if isinstance(overlay, Heatmap):
            layers.append(to_picture(heat_colours(cut.astype(np.float32)), is_smooth=True))
            continue
        labels = cut.astype(np.uint8)
        layers.append(label_picture(labels, overlay.labels))
        outlines += _outlines(labels, overlay)
    return layers, outlines


def label_picture(labels: NDArray[np.uint8], legend: tuple[Label, ...]) -> Picture:
    """`label_fill` as a picture: Qt looks colours up in a third of the time that it takes here."""
    pixels = np.ascontiguousarray(labels)
    rows, columns = pixels.shape
    image = QImage(pixels.data, columns, rows, pixels.strides[0], QImage.Format.Format_Indexed8)
    image.setColorTable(_fill_table(legend))
    own = QImage.Format.Format_ARGB32_Premultiplied
    return Picture(image.convertToFormat(own), pixels, 1, is_smooth=False)


@lru_cache(maxsize=64)
def _fill_table(legend: tuple[Label, ...]) -> list[int]:
    table = [0] * 256
    for label in legend:
        if 0 < label.value < 256:
            table[label.value] = qRgba(*rgb(label.colour), round(255 * FILL))
    return table


def _outlines(labels: NDArray[np.uint8], label_map: LabelMap) -> list[Outline]:
    found = label_outlines(labels)
    return [
        Outline(found[label.value], label.colour)
        for label in label_map.labels
        if label.value in found
    ]

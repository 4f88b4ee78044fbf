"""The upper layer of a fused slice as a picture: resampled once a slice, coloured once a look."""

from __future__ import annotations

from medview.gui.views.pixels import Picture, to_picture
from medview.imaging.fused_slab import resampled_through
from medview.imaging.fusion import UpperLayer, Values, fitting_step, layer_colours
from medview.imaging.slice_plane import SlicePlane


class FusedPictures:
    """Keeps the values of the slice that was painted last, and its colours."""

    def __init__(self) -> None:
        self._values: tuple[tuple[object, ...], Values, int] | None = None
        self._picture: tuple[UpperLayer, Picture] | None = None

    def forget(self) -> None:
        """Voxels have arrived: make everything again."""
        self._values = self._picture = None

    def picture(self, layer: UpperLayer, plane: SlicePlane, index: int) -> Picture:
        """The layer over one slice; another blend, window or map is only coloured anew."""
        # The things themselves, not their numbers: what is kept here cannot be given another one.
        key = (layer.volume, layer.to_upper, plane, index)
        known = self._values
        if known is None or not _is_same(known[0], key):
            step = fitting_step(layer.volume, plane)
            values = resampled_through(layer.volume, plane, index, layer.to_upper, step)
            known = self._values = (key, values, step)
            self._picture = None
        if self._picture is None or self._picture[0] is not layer:
            colours = layer_colours(known[1], layer)
            self._picture = (layer, to_picture(colours, known[2], is_smooth=True))
        return self._picture[1]


def _is_same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return all(a is b or (isinstance(a, int) and a == b) for a, b in zip(one, other, strict=True))

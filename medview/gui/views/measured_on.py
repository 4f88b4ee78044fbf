"""Which series is measured by what is drawn in a view: its own, or the one that lies over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medview.core.results import Measurement
from medview.imaging import roi

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage

Target = tuple[roi.Site, tuple[str, int]]  # where it is measured; series UID and number of stack


def target(stage: SliceStage, like: Measurement | None = None) -> Target | None:
    """The upper series where that takes measures, else the stack itself; of `like` the stack that
    it was made on. None without a stack."""
    shown, site = stage.shown, stage.measuring.site()
    if shown is None or site is None:
        return None
    upper = _upper(stage)
    if upper is not None and (like is None or upper[1] == (like.series_uid, like.stack)):
        return upper
    stacks = shown.series.stacks
    own = (number for number, s in enumerate(stacks) if s.frames is shown.stack.frames)
    return site, (shown.series.uid, next(own, 0))


def is_held_here(stage: SliceStage, measurement: Measurement) -> bool:
    """Whether a measurement of another series can be changed in this view all the same."""
    layer = stage.upper
    key = (measurement.series_uid, measurement.stack)
    return layer is not None and layer.takes_measures and layer.key == key


def _upper(stage: SliceStage) -> Target | None:
    """The upper series' own voxels, in its slices that lie as those that are shown."""
    layer, plane = stage.upper, stage.plane
    if layer is None or plane is None or not layer.takes_measures:
        return None
    along = roi.plane_along(layer.volume.geometry, plane.normal_vector.tolist())
    return None if along is None else (roi.Site(volume=layer.volume, plane=along), layer.key)

"""Measuring: what a drawn shape says of the voxels under it. All points are in patient space.

Front door: `measured` and `again` on a `Site` (numbers), `histogram`, `cut` (what is seen on a
slice), `reshaped` and `moved` (handles), `lines` and `rows` (words), `EdgeWays` (livewire).
"""

from medview.imaging.roi.cuts import Cut, cut
from medview.imaging.roi.kinds import (
    CLOSED,
    KINDS,
    LEAST,
    SOLID,
    WORDS,
    is_drawable,
    is_whole,
)
from medview.imaging.roi.livewire import EdgeWays
from medview.imaging.roi.masks import mask_of
from medview.imaging.roi.peak import RADIUS_MM, Peak, peak
from medview.imaging.roi.quantities import (
    Measured,
    again,
    histogram,
    measured,
)
from medview.imaging.roi.reshape import moved, reshaped, short_axis
from medview.imaging.roi.shapes import handles, outline, pixels_of, simplified, without_spurs
from medview.imaging.roi.site import PIXELS, Site, plane_along
from medview.imaging.roi.statistics import (
    Histogram,
    Statistics,
    planar_values,
    probe,
    sphere_values,
    statistics_of,
)
from medview.imaging.roi.words import KIND_TITLES, as_text, lines, number, rows, shown, title_of

__all__ = [
    "CLOSED",
    "KINDS",
    "KIND_TITLES",
    "LEAST",
    "PIXELS",
    "RADIUS_MM",
    "SOLID",
    "WORDS",
    "Cut",
    "EdgeWays",
    "Histogram",
    "Measured",
    "Peak",
    "Site",
    "Statistics",
    "again",
    "as_text",
    "cut",
    "handles",
    "histogram",
    "is_drawable",
    "is_whole",
    "lines",
    "mask_of",
    "measured",
    "moved",
    "number",
    "outline",
    "peak",
    "pixels_of",
    "planar_values",
    "plane_along",
    "probe",
    "reshaped",
    "rows",
    "short_axis",
    "shown",
    "simplified",
    "sphere_values",
    "statistics_of",
    "title_of",
    "without_spurs",
]

"""The kinds of measurement: how many places each has, and what its places mean.

Places in patient space, in this order: length, arrow (tip, tail): two ends; angle: end, vertex,
end; cobb: two ends of one line, two of the other; bidirectional: two ends of the long axis, two of
the short one, perpendicular; ellipse: two ends of an axis, two of the other; rectangle: corners
around; freehand, livewire: the outline; spline: places that a closed curve runs through; sphere,
suv_peak: middle and a place on its surface; ctr: two places of the midline, right and left border
of the heart, right and left inner border of the chest; probe, text: one place.
"""

from __future__ import annotations

from medview.core.results import Measurement

CLOSED = ("ellipse", "rectangle", "freehand", "spline", "livewire")
SOLID = ("sphere", "suv_peak")
WORDS = ("arrow", "text")
OUTLINES = ("freehand", "livewire")  # their places are the outline itself

COUNTS = {
    "length": 2,
    "arrow": 2,
    "angle": 3,
    "cobb": 4,
    "bidirectional": 4,
    "ellipse": 4,
    "rectangle": 4,
    "sphere": 2,
    "suv_peak": 2,
    "ctr": 6,
    "probe": 1,
    "text": 1,
}
LEAST = {"spline": 3, "freehand": 3, "livewire": 3}  # kinds with as many places as the reader sets
KINDS = (*COUNTS, *LEAST)


def is_drawable(measurement: Measurement) -> bool:
    """Whether it has the places that its kind takes; numbers of a report may have none."""
    kind, count = measurement.kind, len(measurement.points)
    if kind == "reported":
        return count == 0
    return count > 2 if kind == "path" else is_whole(kind, count)


def is_whole(kind: str, count: int) -> bool:
    """Whether so many places make a measurement of this kind."""
    if kind in LEAST:
        return count >= LEAST[kind]
    return COUNTS.get(kind) == count

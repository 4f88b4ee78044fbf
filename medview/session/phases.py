"""A value of every phase of a 4-D series, from its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import Measurement
from medview.core.volume import Volume
from medview.imaging import roi
from medview.imaging.phases import Curve, curve_of, phases_of
from medview.session.places import Place

if TYPE_CHECKING:
    from medview.session.studies import Studies

_VALUES = ("Mean", "Value")  # what a curve is made of, in this order


def phase_places(studies: Studies, place: Place) -> list[Place]:
    """Where the phases of a stack's 4-D series stand; itself alone where it is none."""
    numbers = phases_of(place.series, place.stack_number)
    found = (studies.place((place.series.uid, number)) for number in numbers)
    return [each for each in found if each is not None] or [place]


def load_phases(
    studies: Studies,
    places: Sequence[Place],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Volume]:
    """Read every phase. Blocks. Raises NoRoom where memory does not hold all of them, Cancelled."""
    cancel = cancel or CancelToken()
    kept = frozenset(place.key for place in places)
    volumes = []
    for number, place in enumerate(places):
        cancel.check()
        progress(number, len(places), "")
        volumes.append(studies.load(place, cancel=cancel, spare=kept).volume)
    return volumes


def curve_over(
    studies: Studies,
    places: Sequence[Place],
    measurement: Measurement,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Curve:
    """The mean of a region, or the value of a place, in every phase. Blocks; raises as above."""
    volumes = load_phases(studies, places, progress, cancel)
    values = [_value(volume, measurement) for volume in volumes]
    return curve_of([place.stack for place in places], values, volumes[0].unit)


def _value(volume: Volume, measurement: Measurement) -> float | None:
    plane = roi.plane_along(volume.geometry, measurement.normal)
    if plane is None:
        return None
    site = roi.Site(volume=volume, plane=plane)
    found = roi.measured(measurement.kind, measurement.points, site).quantities
    by_name = {quantity.concept: quantity.value for quantity in found}
    return next((by_name[name] for name in _VALUES if name in by_name), None)

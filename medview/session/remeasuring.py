"""What is read off the voxels of a measurement that was made: its histogram."""

from __future__ import annotations

from medview.core.numbers import unit_text
from medview.core.results import Measurement
from medview.imaging import roi
from medview.imaging.units import in_unit
from medview.session.measures import factor_of
from medview.session.session import Session

_UNITS = ("SUVbw", "SUVlbm", "SUVbsa")


def histogram_of(session: Session, item: Measurement) -> tuple[roi.Histogram, str] | None:
    """The histogram of a closed or solid shape in the unit of its mean, with that unit.

    None where its stack is not in memory, and for other kinds. Cheap enough for a card: it looks
    at the pixels of the shape alone.
    """
    key = (item.series_uid, item.stack)
    opened = session.studies.volume(key)
    mean = next((q for q in item.quantities if q.concept == "Mean"), None)
    if opened is None or mean is None:
        return None
    unit = unit_text(mean.unit)
    volume, stack = in_unit(opened.volume, opened.place.stack, unit if unit in _UNITS else "")
    plane = roi.plane_along(volume.geometry, item.normal, *item.points[:1])
    if plane is None:
        return None
    factor = factor_of(session.work, key)
    site = roi.Site(
        volume=volume,
        plane=plane,
        calibration=item.calibration,
        factor=factor or 1.0,
        regions=stack.regions,
        ready=opened.ready,
    )
    found = roi.histogram(item.kind, item.points, site)
    return None if found is None else (found, unit)

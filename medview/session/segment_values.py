"""What painted segments say of a patient: a bleed's volume, a prostate's, coronary calcium."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from medview.core.observation import Observation, Source
from medview.session.segments import CORONARY_CALCIUM, HAEMORRHAGE, Segment

if TYPE_CHECKING:
    from medview.imaging.segment.size import MaskStatistics

# By the code of a label, whoever outlined it: concepts whose value is a volume in mL.
VOLUMES = {
    HAEMORRHAGE.value: "haematoma_volume",
    "41216001": "prostate_volume",
    "3341006": "lung_volume_right",
    "44029006": "lung_volume_left",
}


def segment_observations(
    counted: Iterable[tuple[Segment, MaskStatistics | None]], patient_id: str, date: str
) -> list[Observation]:
    """An observation for each segment whose label is a concept and whose voxels were counted.

    Several segments of one label are several bleeds or vessels: they are added up.
    """
    totals: dict[str, tuple[float, str, Segment]] = {}
    for segment, found in counted:
        value = _value(segment, found)
        if value is not None:
            concept, number, unit = value
            before = totals[concept][0] if concept in totals else 0.0
            totals[concept] = (before + number, unit, segment)
    return [
        Observation(
            patient_id=patient_id, concept=concept, value=number, unit=unit, time=date,
            source=Source(kind="ruler", where=segment.name),
        )
        for concept, (number, unit, segment) in totals.items()
    ]  # fmt: skip


def _value(segment: Segment, found: MaskStatistics | None) -> tuple[str, float, str] | None:
    if segment.code is None or found is None or found.count == 0:
        return None
    if segment.code == CORONARY_CALCIUM:
        return None if found.agatston is None else ("agatston_score", found.agatston, "1")
    concept = VOLUMES.get(segment.code.value)
    return None if concept is None else (concept, found.volume_mm3 / 1000.0, "mL")

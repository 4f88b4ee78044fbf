"""A nodule that was clicked, as a measurement that feeds the scores and follows its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import numpy as np

from medview.core.geometry import PatientPoint, VoxelIndex
from medview.core.observation import Observation, Source
from medview.core.results import Code, Measurement, ModelRun, Quantity
from medview.imaging.segment.box import LiveMask
from medview.imaging.segment.extent import Axes
from medview.imaging.segment.nodule import Nodule
from medview.imaging.segment.shape import keep_largest
from medview.imaging.segment.size import mask_axes
from medview.session.places import Place

NODULE_CODE = Code("SCT", "27925004", "Nodule")
_SEGMENT, _TYPE = "segment", "nodule"  # in Measurement.extra
_PARALLEL = 0.999  # cosine
_SAME_MM = 0.25  # measured again on the screen's slice, a diameter moves by its last digit
_VOLUME = Code("SCT", "118565006", "Volume")
_LONG = Code("SCT", "103339001", "Long axis")
_SHORT = Code("SCT", "103340004", "Short axis")
_MEAN = Code("SCT", "81827009", "Diameter")


def nodule_measurement(place: Place, found: Nodule, number: int) -> Measurement:
    """Long and short axis, their mean to 0.1 mm and the volume of what a click found."""
    quantities = _quantities(found.axes, found.volume_mm3)
    if found.solid_mm is not None:
        quantities += (Quantity(concept="Solid part", value=found.solid_mm, unit="mm"),)
    return Measurement(
        id=uuid4().hex,
        kind="bidirectional",
        series_uid=place.series.uid,
        stack=place.stack_number,
        points=_on_a_slice(place, found.axes),
        normal=found.axes.normal,
        quantities=quantities,
        text=f"Nodule {number}",
        extra=((_TYPE, found.type),),
    )


def _on_a_slice(place: Place, axes: Axes) -> tuple[PatientPoint, ...]:
    """The ends of the axes, moved along their normal onto the nearest slice where they can be seen.

    The largest section may lie between two slices; its lengths stay.
    """
    points = np.array([*axes.long_ends, *axes.short_ends], float)
    geometry = place.stack.geometry
    if abs(float(np.dot(axes.normal, geometry.normal))) > _PARALLEL:
        k, j, i = geometry.to_index_array(points.mean(axis=0)[None])[0]
        k = float(np.clip(round(k), 0, geometry.shape[0] - 1))
        middle = np.array(geometry.to_patient(VoxelIndex(k, j, i)))
        normal = np.array(geometry.normal)
        points += normal * float((middle - points.mean(axis=0)) @ normal)
    return tuple(PatientPoint(*(float(v) for v in point)) for point in points)


def link(measurement: Measurement, segment_id: str) -> Measurement:
    """The measurement as one that follows a segment."""
    return replace(measurement, extra=(*measurement.extra, (_SEGMENT, segment_id)))


def linked_to(measurement: Measurement) -> str:
    """The id of the segment that it follows, "" for none."""
    return dict(measurement.extra).get(_SEGMENT, "")


def is_nodule(measurement: Measurement) -> bool:
    """Whether one click made it."""
    return _TYPE in dict(measurement.extra)


def nodule_again(before: Measurement, now: Measurement) -> Measurement:
    """After its axes were moved or measured again: volume and solid part stay those of the mask."""
    if not is_nodule(before) or now == before:
        return now
    own = [q for q in now.quantities if q.concept in ("Long axis", "Short axis")]
    if len(own) != 2:
        return now
    mean = round((own[0].value + own[1].value) / 2.0, 1)
    kept = [q for q in before.quantities if q.concept in ("Volume", "Solid part")]
    diameter = Quantity(concept="Mean diameter", value=mean, unit=own[0].unit, code=_MEAN)
    return replace(now, quantities=(*own, diameter, *kept), text=before.text, extra=before.extra)


def measured_again(measurement: Measurement, mask: LiveMask, place: Place) -> Measurement | None:
    """After its mask was changed by hand; None where nothing is left of it."""
    if mask.count == 0:
        return None
    body = keep_largest(mask.voxels.astype(bool))
    axes = mask_axes(place.stack.geometry, mask.box, body)
    if axes is None:
        return None
    volume = mask.count * place.stack.geometry.voxel_mm3
    kept = tuple(q for q in measurement.quantities if q.concept == "Solid part")
    return replace(
        measurement,
        points=(*axes.long_ends, *axes.short_ends),
        normal=axes.normal,
        quantities=_quantities(axes, volume) + kept,
    )


def _quantities(axes: Axes, volume_mm3: float) -> tuple[Quantity, ...]:
    mean = round((axes.long_mm + axes.short_mm) / 2.0, 1)
    return (
        Quantity(concept="Long axis", value=axes.long_mm, unit="mm", code=_LONG),
        Quantity(concept="Short axis", value=axes.short_mm, unit="mm", code=_SHORT),
        Quantity(concept="Mean diameter", value=mean, unit="mm", code=_MEAN),
        Quantity(concept="Volume", value=volume_mm3, unit="mm3", code=_VOLUME),
    )


def leading(measurements: Sequence[Measurement]) -> Measurement | None:
    """The largest of the clicked nodules; None without one."""
    return max((m for m in measurements if is_nodule(m)), key=mean_diameter, default=None)


def is_outdated(run: ModelRun, measurement: Measurement) -> bool:
    """Whether a run is about a nodule that measures something else by now: outline or axes were
    changed since its gate asked for the diameter."""
    checks = () if run.gate is None else run.gate.checks
    asked = [check.said.values.get("size") for check in checks if check.name == "diameter_mm"]
    return any(
        isinstance(size, int | float) and abs(size - mean_diameter(measurement)) > _SAME_MM
        for size in asked
    )


def nodule_observations(
    measurements: Sequence[Measurement], patient_id: str, date: str
) -> list[Observation]:
    """What the largest of the clicked nodules says: diameters, volume, type, solid part.

    The scores ask about one nodule; the largest leads (Fleischner 2017, Lung-RADS 2022).
    """
    largest = leading(measurements)
    if largest is None:
        return []
    numbers = {q.concept: q for q in largest.quantities}
    known: list[tuple[str, float | str, str]] = [
        ("nodule_diameter_mean", mean_diameter(largest), "mm")
    ]
    for quantity, concept in (
        ("Long axis", "nodule_diameter_max"),
        ("Volume", "nodule_volume"),
        ("Solid part", "nodule_solid_part"),
    ):
        if quantity in numbers:
            known.append((concept, numbers[quantity].value, numbers[quantity].unit))
    known.append(("nodule_type", dict(largest.extra)[_TYPE], ""))
    source = Source(kind="ruler", where="nodule", locator=f"measurement:{largest.id}")
    return [
        Observation(
            patient_id=patient_id, concept=concept, value=value, unit=unit, time=date,
            source=source,
        )
        for concept, value, unit in known
    ]  # fmt: skip


def mean_diameter(measurement: Measurement) -> float:
    """Mean of long and short axis, also after the reader moved a handle."""
    numbers = {q.concept: q.value for q in measurement.quantities}
    return round((numbers.get("Long axis", 0.0) + numbers.get("Short axis", 0.0)) / 2.0, 1)

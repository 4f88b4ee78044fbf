"""Measurements of structured reports (TID 1500) put back on the images that they were taken from.

Our own come back field by field; those of others as far as their shapes have a counterpart, with
the numbers that their report gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medview.core.geometry import FloatArray, Geometry, PatientPoint
from medview.core.results import Measurement, Quantity
from medview.core.study import Patient, Stack
from medview.core.words import Sentence, say
from medview.dicom.objects.shapes import Shape, shape_of
from medview.dicom.objects.sr import (
    MeasurementGroup,
    Region,
    StructuredReport,
    read_structured_report,
)
from medview.dicom.uids import derived_uid

REPORTED = "reported by"
_OURS = "MedView"

_BROKEN = (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError,
           RecursionError)  # fmt: skip
_MOST_POINTS = 20_000  # of one shape

Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a report gave back: measurements, the reports that it takes the place of, and what
    could not be used, in words. factors: what lengths of a stack are to be multiplied by."""

    uid: str
    made_at: str
    measurements: tuple[Measurement, ...]
    predecessors: tuple[str, ...] = ()
    notes: tuple[Sentence, ...] = ()
    factors: tuple[tuple[Key, float], ...] = ()


class _Unusable(Exception):
    """Why one group is not shown."""


@dataclass(frozen=True, eq=False)
class _Images:
    """The stacks of a patient: by picture and by space."""

    pictures: Mapping[tuple[str, int], tuple[Key, int]]  # SOP instance, frame: stack, slice
    frames: Mapping[str, int]  # SOP instance: how many frames are here
    stacks: Mapping[Key, Stack]

    @staticmethod
    def of(patient: Patient) -> _Images:
        """Every stack of a patient's studies."""
        stacks = {
            (series.uid, number): stack
            for study in patient.studies
            for series in study.series
            for number, stack in enumerate(series.stacks)
        }
        pictures = {
            (frame.sop_instance_uid, frame.frame + 1): (key, k)
            for key, stack in stacks.items()
            for k, frame in enumerate(stack.frames)
        }
        frames: dict[str, int] = {}
        for uid, number in pictures:
            frames[uid] = max(frames.get(uid, 0), number)
        return _Images(pictures, frames, stacks)

    def picture(self, uid: str, frame: int) -> tuple[Key, int]:
        """Stack and slice of a picture."""
        if uid not in self.frames:
            raise _Unusable("absent")
        found = self.pictures.get((uid, frame or 1))
        if found is None:
            raise _Unusable("frame")
        return found

    def in_space(self, uid: str, named: Iterable[str], places: FloatArray) -> Key:
        """The stack of a frame of reference: one that the group names, else the first that holds
        the places."""
        there = {k: s for k, s in self.stacks.items() if s.frame_of_reference_uid == uid}
        there = {key: stack for key, stack in there.items() if stack.geometry.is_spatial}
        for image in named:
            found = self.pictures.get((image, 1))
            if found is not None and found[0] in there:
                return found[0]
        if not there:
            raise _Unusable("absent")
        middle = PatientPoint(*(float(v) for v in places.mean(axis=0)))
        holding = (key for key, stack in there.items() if stack.geometry.contains(middle))
        key = next(holding, None)
        if key is None:
            raise _Unusable("outside")
        return key


def read_returned(path: str, patient: Patient) -> Returned:
    """The measurements of a report on a patient's images.

    Groups whose images are not here, that name frames which do not exist, or whose shapes are
    broken are left out and said. Groups of MedView's own models come with their results and are
    not taken for the reader's. Raises UnreadableInstance.
    """
    report = read_structured_report(path)
    if report.patient_id and patient.id and report.patient_id != patient.id:
        said = say("A report names another patient than these images; it is not shown.")
        return Returned(
            uid=report.uid, made_at=report.made_at, measurements=(), notes=(said,),
            predecessors=report.predecessors,
        )  # fmt: skip
    images, found, why = _Images.of(patient), [], []
    for number, group in enumerate(report.groups):
        try:
            measurement = _measurement(report, group, images, number)
        except _Unusable as error:
            why.append(str(error))
        except _BROKEN:
            why.append("broken")
        else:
            found += [measurement] if measurement is not None else []
    return Returned(
        uid=report.uid,
        made_at=report.made_at,
        measurements=tuple({m.id: m for m in found}.values()),
        predecessors=report.predecessors,
        factors=tuple(_factors(report, images).items()),
        notes=tuple(_NOTES[reason](why.count(reason)) for reason in dict.fromkeys(why)),
    )


_NOTES: dict[str, Callable[[int], Sentence]] = {
    "absent": lambda n: say(
        "{count} {count:measurement of a report refers|measurements of a report refer} to "
        "images that are not here.",
        count=n,
    ),
    "frame": lambda n: say(
        "{count} {count:measurement of a report names|measurements of a report name} frames "
        "that do not exist.",
        count=n,
    ),
    "outside": lambda n: say(
        "{count} {count:measurement of a report lies|measurements of a report lie} "
        "outside the images.",
        count=n,
    ),
    "broken": lambda n: say(
        "{count} {count:measurement of a report has|measurements of a report have} a broken shape.",
        count=n,
    ),
    "shape": lambda n: say(
        "{count} {count:measurement of a report has a shape|measurements of a report have shapes} "
        "that MedView does not draw.",
        count=n,
    ),
}


def _measurement(
    report: StructuredReport, group: MeasurementGroup, images: _Images, number: int
) -> Measurement | None:
    if group.state:
        return _own(group, images)
    if report.made_by.startswith(_OURS) or not (group.regions or group.quantities):
        return None  # a model's finding: it comes with its results
    if not group.regions:
        return _numbers(report, group, images, number)
    return _foreign(report, group, images, number)


def _own(group: MeasurementGroup, images: _Images) -> Measurement:
    """One of ours, as it was kept; its numbers are the report's."""
    kept: dict[str, Any] = json.loads(group.state)
    key = (str(kept["series"]), int(kept["stack"]))
    if key not in images.stacks:
        raise _Unusable("absent")
    points = tuple(PatientPoint(*(float(v) for v in point)) for point in kept["points"])
    if len(points) > _MOST_POINTS or not np.isfinite(np.array(points, float)).all():
        raise _Unusable("broken")
    x, y, z = (float(v) for v in kept["normal"])
    return Measurement(
        id=str(kept["id"]),
        kind=str(kept["kind"]),
        series_uid=key[0],
        stack=key[1],
        points=points,
        normal=(x, y, z),
        quantities=_named(group.quantities, kept.get("numbers", ())),
        calibration=str(kept["calibration"]),
        text=str(kept["text"]),
        extra=tuple((str(name), str(value)) for name, value in kept["extra"]),
        label_shift=_label_shift(kept.get("label")),
    )


def _label_shift(kept: object) -> tuple[float, float, float] | None:
    """Where the reader had put the label; the view's own place where that is no place."""
    if not isinstance(kept, list) or len(kept) != 3:
        return None
    x, y, z = (float(part) for part in kept)
    return (x, y, z) if np.isfinite((x, y, z)).all() else None


def _factors(report: StructuredReport, images: _Images) -> dict[Key, float]:
    """The reader's own calibration of stacks, as far as it is told."""
    found: dict[Key, float] = {}
    for group in report.groups:
        try:
            kept = json.loads(group.state) if group.state else {}
            key, factor = (str(kept["series"]), int(kept["stack"])), float(kept["factor"])
        except _BROKEN:
            continue
        if key in images.stacks and np.isfinite(factor) and factor > 0:
            found[key] = factor
    return found


def _named(quantities: tuple[Quantity, ...], kept: Sequence[Any]) -> tuple[Quantity, ...]:
    """Numbers under the words that they had here; as the report names them where these differ."""
    if len(kept) != len(quantities):
        return quantities
    return tuple(
        replace(q, concept=str(concept), code=q.code if has_code else None)
        for q, (concept, has_code) in zip(quantities, kept, strict=True)
    )


def _foreign(
    report: StructuredReport, group: MeasurementGroup, images: _Images, number: int
) -> Measurement:
    placed = [_place(region, group, images) for region in group.regions]
    if not placed:
        raise _Unusable("shape")
    key = placed[0][0]
    if any(other != key for other, _ in placed):
        raise _Unusable("shape")
    if not all(np.isfinite(points).all() for _, points in placed):
        raise _Unusable("broken")
    geometry = images.stacks[key].geometry
    shape = shape_of(group, [points for _, points in placed], np.array(geometry.normal))
    if shape is None:
        raise _Unusable("shape")
    who = group.algorithm or report.made_by or report.title
    return Measurement(
        id=group.tracking_uid or derived_uid("returned", report.uid, str(number)),
        kind=shape.kind,
        series_uid=key[0],
        stack=key[1],
        points=tuple(PatientPoint(*(float(v) for v in point)) for point in shape.points),
        normal=_normal(shape, geometry),
        quantities=group.quantities,
        calibration=images.stacks[key].calibration,
        text=group.finding.meaning if group.finding else group.tracking_id,
        extra=((REPORTED, who),),
    )


def _numbers(
    report: StructuredReport, group: MeasurementGroup, images: _Images, number: int
) -> Measurement:
    """Numbers of a segment or of a whole image (dcmqi writes such): listed, without a shape."""
    named = (*group.images, *report.evidence)
    found = next((images.pictures[uid, 1] for uid in named if (uid, 1) in images.pictures), None)
    if found is None:
        raise _Unusable("absent")
    (series_uid, stack), _ = found
    return Measurement(
        id=group.tracking_uid or derived_uid("returned", report.uid, str(number)),
        kind="reported",
        series_uid=series_uid,
        stack=stack,
        points=(),
        normal=images.stacks[series_uid, stack].geometry.normal,
        quantities=group.quantities,
        calibration="patient",
        text=group.finding.meaning if group.finding else group.tracking_id,
        extra=((REPORTED, group.algorithm or report.made_by or report.title),),
    )


def _place(region: Region, group: MeasurementGroup, images: _Images) -> tuple[Key, FloatArray]:
    """The stack that a region lies on, and (n, 3) points in its millimetres."""
    if not 0 < len(region.points) <= _MOST_POINTS or not np.isfinite(region.points).all():
        raise _Unusable("broken")
    if region.is_spatial:
        named = (region.image_uid, *group.images)
        return images.in_space(region.frame_of_reference_uid, named, region.points), region.points
    key, k = images.picture(region.image_uid, region.frame)
    geometry = images.stacks[key].geometry
    column, row = region.points.T - 0.5  # SCOORD counts from the first pixel's corner
    if (np.abs(column) > 2 * geometry.shape[2]).any() or (
        np.abs(row) > 2 * geometry.shape[1]
    ).any():
        raise _Unusable("outside")
    return key, geometry.to_patient_array(np.column_stack([np.full(len(row), k), row, column]))


def _normal(shape: Shape, geometry: Geometry) -> tuple[float, float, float]:
    """Of the plane that an outline lies in; of the slices where it lies in one of them."""
    points, normal = np.array(shape.points, float), np.array(geometry.normal)
    depth = float(np.ptp(points @ normal))
    if len(points) < 3 or depth < geometry.slice_step / 2:
        return geometry.normal
    _, _, axes = np.linalg.svd(points - points.mean(axis=0))
    x, y, z = (float(v) for v in axes[2])
    return x, y, z

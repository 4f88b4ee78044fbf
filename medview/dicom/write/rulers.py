"""What the reader drew, as groups of a TID 1500 report.

In patient space as SCOORD3D; on images without one (projections, captures) as SCOORD on the image,
whose pixel (0, 0) has its centre at 0.5, 0.5 (PS3.3 C.18.6.1.1). Statistics name what the values
are (Attenuation Coefficient, SUVbw) and how they were derived (mean, peak ...). What no template
has a place for (which tool, its handles, names given here) stands in one text of the group, so that
the measurement comes back as it was.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from highdicom import sr
from highdicom.sr import RelationshipTypeValues

from medview.core.codec import to_plain
from medview.core.errors import GeometryError
from medview.core.geometry import FloatArray, Geometry
from medview.core.measured import DERIVED, method_code, value_code
from medview.core.results import Code, Measurement, Quantity
from medview.core.words import say
from medview.dicom.uids import derived_uid
from medview.dicom.write import codes as c
from medview.dicom.write.sources import Sources

STATE = Code(c.PRIVATE, "state", "State of the measurement in MedView")
TOOL = Code(c.PRIVATE, "tool", "Drawn as")
_CLOSED = ("ellipse", "rectangle", "freehand", "spline", "livewire")
_SOLID = ("sphere", "suv_peak")
_HEX = re.compile(r"[0-9a-f]{32}")
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
# Which of its points each number was taken from; where none is named, all of them.
_PARTS = {
    ("bidirectional", "Long axis"): ((0, 2), (2, 4)),
    ("bidirectional", "Short axis"): ((0, 2), (2, 4)),
    ("cobb", "Cobb angle"): ((0, 2), (2, 4)),
    ("ctr", "Cardiac diameter"): ((2, 4),),
    ("ctr", "Thoracic diameter"): ((4, 6),),
}


def ruler_group(
    measurement: Measurement,
    sources: Sources,
    outline: FloatArray | None = None,
    known_factor: float | None = None,
) -> Any:
    """One measurement group; the geometry stands with the numbers that were taken from it.

    outline: (n, 3) corners of a closed shape whose points are not all of it (a spline).
    known_factor: what the reader says that lengths of the stack are to be multiplied by. Raises
    GeometryError when the points lie outside the images of the stack.
    """
    tracking = sr.TrackingIdentifier(
        uid=tracking_uid_of(measurement.id),
        identifier=measurement.text or measurement.kind.replace("_", " "),
    )
    common: dict[str, Any] = {
        "tracking_identifier": tracking,
        "qualitative_evaluations": _evaluations(measurement),
    }
    group: Any
    if measurement.kind in _CLOSED:
        group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            **common,
            referenced_region=_region(measurement, sources, outline),
            measurements=[_number(q) for q in measurement.quantities] or None,
        )
    elif measurement.kind in _SOLID:
        group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            **common,
            referenced_volume_surface=_surface(measurement, sources),
            measurements=[_number(q) for q in measurement.quantities] or None,
        )
    else:
        numbers = [
            _number(q, _coordinates(measurement, q, sources)) for q in measurement.quantities
        ]
        group = sr.MeasurementsAndQualitativeEvaluations(**common, measurements=numbers or None)
        if not numbers:
            _points_on_stack(measurement, sources)
    _add_state(group, measurement, known_factor)
    return group


def tracking_uid_of(measurement_id: str) -> str:
    """A UID that gives the id back: the UUID's own (2.25), or the id where it is a UID."""
    if _HEX.fullmatch(measurement_id):
        return f"2.25.{int(measurement_id, 16)}"
    if _UID.fullmatch(measurement_id) and len(measurement_id) <= 64:
        return measurement_id
    return derived_uid("measurement", measurement_id)


def _add_state(group: Any, measurement: Measurement, known_factor: float | None) -> None:
    kept = {
        "v": 1,
        "id": measurement.id,
        "kind": measurement.kind,
        "series": measurement.series_uid,
        "stack": measurement.stack,
        "points": [list(point) for point in measurement.points],
        "normal": list(measurement.normal),
        "calibration": measurement.calibration,
        "text": measurement.text,
        "extra": to_plain(measurement.extra),
        "label": to_plain(measurement.label_shift),
        "factor": known_factor,
        "numbers": [[q.concept, q.code is not None] for q in measurement.quantities],
    }
    item = sr.TextContentItem(
        c.coded(STATE), json.dumps(kept, ensure_ascii=False), RelationshipTypeValues.CONTAINS
    )
    group[0].ContentSequence.append(item)


def _evaluations(measurement: Measurement) -> list[sr.QualitativeEvaluation]:
    """With what it was drawn; and lengths on a film are true only as far as its calibration is."""
    kind = Code(c.PRIVATE, measurement.kind[:16], measurement.kind.replace("_", " "))
    found = [sr.QualitativeEvaluation(c.coded(TOOL), c.coded(kind))]
    if measurement.calibration != "patient":
        state = Code(c.PRIVATE, measurement.calibration.lower()[:16], measurement.calibration)
        name = Code(c.PRIVATE, "calibration", "Calibration of the image")
        found.append(sr.QualitativeEvaluation(c.coded(name), c.coded(state)))
    return found


def _number(quantity: Quantity, coordinates: list[Any] | None = None) -> sr.Measurement:
    name, derivation = c.concept_of(quantity), None
    own, method = value_code(quantity.unit), method_code(quantity.unit)
    if quantity.concept in DERIVED and own is not None:
        name, derivation = own, c.coded(name)
    return sr.Measurement(
        name=c.coded(name),
        value=float(quantity.value),
        unit=c.unit_of(quantity.unit),
        derivation=derivation,
        method=None if method is None else c.coded(method),
        referenced_coordinates=coordinates,
    )


def _points(measurement: Measurement) -> FloatArray:
    """(n, 3) in patient space; an ellipse as SCOORD has it: ends of the longer axis first."""
    points = np.array(measurement.points, float)
    if measurement.kind != "ellipse":
        return points
    if len(points) != 4:
        raise GeometryError(say("An ellipse takes the ends of its two axes."))
    pairs = sorted((points[:2], points[2:]), key=lambda p: -float(np.linalg.norm(p[1] - p[0])))
    return np.concatenate(pairs)


def _region(measurement: Measurement, sources: Sources, outline: FloatArray | None) -> Any:
    is_ellipse = measurement.kind == "ellipse"
    points = _points(measurement) if outline is None or is_ellipse else outline
    if not is_ellipse:
        points = np.concatenate([points, points[:1]])
    if in_patient_space(sources):
        kind = "ELLIPSE" if is_ellipse else "POLYGON"
        return sr.ImageRegion3D(kind, points, sources.frame_of_reference_uid)
    frame, places = on_image(points, sources.stack.geometry)
    kind = "ELLIPSE" if is_ellipse else "POLYLINE"
    return sr.ImageRegion(kind, places, image_for_region(sources, frame))


def _surface(measurement: Measurement, sources: Sources) -> sr.VolumeSurface:
    """A sphere as an ELLIPSOID: the ends of three perpendicular axes (PS3.3 C.18.9.1.2)."""
    if not in_patient_space(sources):
        raise GeometryError(say("A measurement lies outside its image."))
    middle, rim = np.array(measurement.points, float)
    radius = float(np.linalg.norm(rim - middle))
    ends = [middle + sign * radius * axis for axis in np.eye(3) for sign in (-1, 1)]
    return sr.VolumeSurface(
        "ELLIPSOID",
        np.array(ends),
        sources.frame_of_reference_uid,
        source_series=sr.SourceSeriesForSegmentation(sources.first.SeriesInstanceUID),
    )


def _coordinates(measurement: Measurement, quantity: Quantity, sources: Sources) -> list[Any]:
    points = _points_on_stack(measurement, sources)
    parts = _PARTS.get((measurement.kind, quantity.concept), ((0, len(points)),))
    if measurement.kind == "bidirectional":
        parts = (_axis(points, quantity.concept),)
    return [_coordinate(points[low:high], sources) for low, high in parts]


def _axis(points: FloatArray, concept: str) -> tuple[int, int]:
    """Which two points are the longer axis, and which the shorter one."""
    sizes = [float(np.linalg.norm(points[at + 1] - points[at])) for at in (0, 2)]
    is_first_longer = sizes[0] >= sizes[1]
    return (0, 2) if is_first_longer == (concept == "Long axis") else (2, 4)


def _points_on_stack(measurement: Measurement, sources: Sources) -> FloatArray:
    """The points; on images without a space they must lie on a picture."""
    points = _points(measurement)
    if not in_patient_space(sources):
        on_image(points, sources.stack.geometry)
    return points


def _coordinate(points: FloatArray, sources: Sources) -> Any:
    kind = "POINT" if len(points) == 1 else "POLYLINE"
    if in_patient_space(sources):
        return sr.CoordinatesForMeasurement3D(kind, points, sources.frame_of_reference_uid)
    frame, places = on_image(points, sources.stack.geometry)
    return sr.CoordinatesForMeasurement(kind, places, image_for_region(sources, frame))


def in_patient_space(sources: Sources) -> bool:
    """Whether places are told in the patient, and not on a picture."""
    return sources.stack.geometry.is_spatial and bool(sources.frame_of_reference_uid)


def on_image(points: FloatArray, geometry: Geometry) -> tuple[int, FloatArray]:
    """The slice and (n, 2) places, column first. Raises GeometryError for places outside."""
    kji = geometry.to_index_array(points)
    frame = round(float(kji[0, 0]))
    places: FloatArray = kji[:, :0:-1] + 0.5
    size = np.array([geometry.shape[2], geometry.shape[1]], float)
    if not 0 <= frame < geometry.shape[0] or (places < 0).any() or (places > size).any():
        raise GeometryError(say("A measurement lies outside its image."))
    return frame, places


def image_for_region(sources: Sources, frame: int) -> sr.SourceImageForRegion:
    """The picture of one slice, as what a region lies on."""
    which, number = sources.frames[frame]
    dataset = sources.datasets[which]
    return sr.SourceImageForRegion(
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
        [number] if "NumberOfFrames" in dataset else None,
    )

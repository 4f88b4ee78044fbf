"""What the reader drew, as groups of a TID 1500 report.

In patient space as SCOORD3D; on images without one (projections, captures) as SCOORD on the image,
whose pixel (0, 0) has its centre at 0.5, 0.5 (PS3.3 C.18.6.1.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom import sr

from medview.core.errors import GeometryError
from medview.core.geometry import FloatArray, Geometry
from medview.core.results import Code, Measurement, Quantity
from medview.core.words import say
from medview.dicom.uids import derived_uid
from medview.dicom.write import codes as c
from medview.dicom.write.sources import Sources

_KINDS = {"length": "Length", "ellipse": "Ellipse", "probe": "Probe"}


def ruler_group(measurement: Measurement, sources: Sources) -> Any:
    """One measurement group; the geometry stands with the numbers that were taken from it.

    Raises GeometryError when the points lie outside the images of the stack.
    """
    tracking = sr.TrackingIdentifier(
        uid=derived_uid("measurement", measurement.id),
        identifier=(measurement.text or _KINDS.get(measurement.kind, measurement.kind))[:64],
    )
    evaluations = [_calibration(measurement)] if measurement.calibration != "patient" else None
    if measurement.kind == "ellipse":
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking,
            referenced_region=_region(measurement, sources),
            measurements=[_number(q) for q in measurement.quantities] or None,
            qualitative_evaluations=evaluations,
        )
    coordinates = [_coordinates(measurement, sources)]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        measurements=[_number(q, coordinates) for q in measurement.quantities] or None,
        qualitative_evaluations=evaluations,
    )


def _calibration(measurement: Measurement) -> sr.QualitativeEvaluation:
    """Lengths on a film are true only as far as its calibration is: the report carries it."""
    state = Code(c.PRIVATE, measurement.calibration.lower()[:16], measurement.calibration)
    return sr.QualitativeEvaluation(
        c.coded(Code(c.PRIVATE, "calibration", "Calibration of the image")), c.coded(state)
    )


def _number(quantity: Quantity, coordinates: list[Any] | None = None) -> sr.Measurement:
    return sr.Measurement(
        name=c.coded(c.concept_of(quantity)),
        value=float(quantity.value),
        unit=c.unit_of(quantity.unit),
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


def _region(measurement: Measurement, sources: Sources) -> Any:
    geometry = sources.stack.geometry
    points = _points(measurement)
    if _in_patient_space(sources):
        return sr.ImageRegion3D("ELLIPSE", points, sources.frame_of_reference_uid)
    frame, places = _on_image(points, geometry)
    return sr.ImageRegion("ELLIPSE", places, _image_for_region(sources, frame))


def _coordinates(measurement: Measurement, sources: Sources) -> Any:
    geometry = sources.stack.geometry
    points = _points(measurement)
    kind = "POINT" if len(points) == 1 else "POLYLINE"
    if _in_patient_space(sources):
        return sr.CoordinatesForMeasurement3D(kind, points, sources.frame_of_reference_uid)
    frame, places = _on_image(points, geometry)
    return sr.CoordinatesForMeasurement(kind, places, _image_for_region(sources, frame))


def _in_patient_space(sources: Sources) -> bool:
    return sources.stack.geometry.is_spatial and bool(sources.frame_of_reference_uid)


def _on_image(points: FloatArray, geometry: Geometry) -> tuple[int, FloatArray]:
    """The slice and (n, 2) places, column first."""
    kji = geometry.to_index_array(points)
    frame = round(float(kji[0, 0]))
    places: FloatArray = kji[:, :0:-1] + 0.5
    size = np.array([geometry.shape[2], geometry.shape[1]], float)
    if not 0 <= frame < geometry.shape[0] or (places < 0).any() or (places > size).any():
        raise GeometryError(say("A measurement lies outside its image."))
    return frame, places


def _image_for_region(sources: Sources, frame: int) -> sr.SourceImageForRegion:
    which, number = sources.frames[frame]
    dataset = sources.datasets[which]
    return sr.SourceImageForRegion(
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
        [number] if "NumberOfFrames" in dataset else None,
    )

"""What models found and what the reader measured, as Comprehensive 3D SR by TID 1500."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import highdicom as hd
from highdicom import sr
from pydicom import dcmread

from medview import __version__
from medview.core.archive import open_binary
from medview.core.errors import MedViewError, WriteFailed
from medview.core.geometry import FloatArray
from medview.core.results import Measurement, ModelRun
from medview.core.words import say
from medview.dicom.uids import derived_uid, new_uid
from medview.dicom.write import codes as c
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.finding_groups import FindingGroups, KeptRun, Review, overall_group
from medview.dicom.write.rulers import ruler_group
from medview.dicom.write.segmentation import WrittenSegmentation
from medview.dicom.write.sources import Sources

SERIES_NUMBER = 9002
# The device is the program, not one installation: nothing of the user's machine is told.
_DEVICE_UID = derived_uid("device", "medview", __version__)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who answers for the report; with one it is written as verified."""

    name: str
    organization: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportParts:
    """What goes into one report about one stack: runs with their SEG, the reader's rulers."""

    runs: Sequence[tuple[ModelRun, WrittenSegmentation | None]] = ()
    kept: Mapping[str, KeptRun] = field(default_factory=dict)  # by run id, where more is kept
    reviews: Mapping[str, Review] = field(default_factory=dict)  # by finding id
    measurements: Sequence[Measurement] = ()
    outlines: Mapping[str, FloatArray] = field(default_factory=dict)  # of measurements, by id
    known_factor: float | None = None  # of lengths that the reader has calibrated
    predecessors: Sequence[Path] = ()  # reports that this one takes the place of
    reader: Reader | None = None
    is_complete: bool = True  # False: some findings wait for the reader's word
    uid: str = ""  # SOP Instance UID of what is the same object whenever it is written


def write_measurement_report(parts: ReportParts, sources: Sources, out: Path) -> Path:
    """Write one SR; every group says which model (or that the reader) made it.

    Runs that ended with "run" or "failed" are told. A run without findings says so in code
    (111241); where one of several failed the report as a whole says that (111243, 111244).
    Unverified unless `reader` is given. Raises WriteFailed.
    """
    try:
        with tolerating_sources():
            dataset = _build(parts, sources)
    except MedViewError:
        raise
    except Exception as error:  # highdicom raises many kinds, with values in their text
        raise WriteFailed(
            say("The measurements cannot be written as a DICOM report of this series."),
            detail=type(error).__name__,
        ) from error
    return save_dataset(dataset, out)


def _build(parts: ReportParts, sources: Sources) -> Any:
    groups: list[Any] = []
    evidence: list[Any] = []
    told = [run for run, _ in parts.runs if run.status in ("run", "failed")]
    if len(told) > 1:
        groups.append(overall_group(told, sources))
    for run, segmentation in parts.runs:
        kept = parts.kept.get(run.id)
        groups += FindingGroups(run, segmentation, sources, parts.reviews, kept).all()
        evidence += [segmentation.dataset] if segmentation else []
    masks = [review.edited for review in parts.reviews.values() if review.edited is not None]
    edited = {str(e.segmentation.dataset.SOPInstanceUID): e.segmentation.dataset for e in masks}
    evidence += edited.values()
    groups += [
        ruler_group(m, sources, parts.outlines.get(m.id), parts.known_factor)
        for m in parts.measurements
    ]
    model = parts.runs[0][0].model if parts.runs else None
    content = sr.MeasurementReport(
        observation_context=_context(parts.reader),
        procedure_reported=c.coded(c.PROCEDURE),
        imaging_measurements=groups,
        title=c.coded(c.REPORT_TITLE),
    )
    reader = parts.reader
    return sr.Comprehensive3DSR(
        evidence=[*sources.datasets, *evidence],
        content=content[0],
        series_instance_uid=derived_uid("series", parts.uid) if parts.uid else new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=parts.uid or new_uid(),
        instance_number=1,
        is_complete=parts.is_complete and reader is not None,
        is_final=reader is not None,
        is_verified=reader is not None,
        verifying_observer_name=reader.name if reader else None,
        verifying_organization=reader.organization if reader else None,
        previous_versions=[_head(path) for path in parts.predecessors] or None,
        series_description=c.series_description("measurements", model),
        specific_character_set="ISO_IR 192",  # labels may be Chinese whatever the images use
        **c.DEVICE,
    )


def _head(path: Path) -> Any:
    with open_binary(str(path)) as file:
        return dcmread(file, stop_before_pixels=True)


def device_context() -> sr.ObserverContext:
    """The program as an observer: the device is the program, not one installation."""
    return sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=_DEVICE_UID,
            name="MedView",
            manufacturer_name=c.MANUFACTURER,
            model_name="MedView",
            serial_number=__version__,
        ),
    )


def _context(reader: Reader | None) -> sr.ObservationContext:
    device = device_context()
    if reader is None:
        return sr.ObservationContext(observer_device_context=device)
    person = sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121006", "DCM", "Person"),
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
            name=reader.name, organization_name=reader.organization
        ),
    )
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)

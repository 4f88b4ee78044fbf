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
from medview.core.results import Finding, Label, Measurement, ModelRun, Quantity
from medview.core.words import say
from medview.dicom.uids import derived_uid, new_uid
from medview.dicom.write import codes as c
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.rulers import ruler_group
from medview.dicom.write.segmentation import WrittenSegmentation, tracking_id, tracking_uid
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
    decisions: Mapping[str, str] = field(default_factory=dict)  # finding id: accepted, rejected
    measurements: Sequence[Measurement] = ()
    outlines: Mapping[str, FloatArray] = field(default_factory=dict)  # of measurements, by id
    known_factor: float | None = None  # of lengths that the reader has calibrated
    predecessors: Sequence[Path] = ()  # reports that this one takes the place of
    reader: Reader | None = None


def write_measurement_report(parts: ReportParts, sources: Sources, out: Path) -> Path:
    """Write one SR; every group says which model (or that the reader) made it.

    Only runs that ended with "run" are told. A run without findings says so in code (111241).
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
    for run, segmentation in parts.runs:
        groups += _Groups(run, segmentation, sources, parts.decisions).all()
        evidence += [segmentation.dataset] if segmentation else []
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
        series_instance_uid=new_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=new_uid(),
        instance_number=1,
        is_complete=reader is not None,
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


@dataclass(frozen=True, eq=False)
class _Groups:
    """The groups of one run."""

    run: ModelRun
    segmentation: WrittenSegmentation | None
    sources: Sources
    decisions: Mapping[str, str]

    def all(self) -> list[Any]:
        """Summary, findings, and what was looked for in vain; nothing for a run that did not."""
        if self.run.status != "run":
            return []
        return [
            self._summary(),
            *(self._finding(finding) for finding in self.run.findings),
            *(self._absent(label) for label in self._absent_labels()),
        ]

    def _summary(self) -> Any:
        outcome = c.RAN_WITH_FINDINGS if self.run.findings else c.RAN_FOUND_NOTHING
        return sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(
                derived_uid("run", self.run.id), tracking_id(self.run, "run")
            ),
            algorithm_id=c.algorithm_template(self.run),
            qualitative_evaluations=[_says(c.SUMMARY, outcome)],
            source_images=[_source_image(self.sources)],
        )

    def _absent_labels(self) -> list[Label]:
        """Labels that the model looks for and did not find: told here, not as empty segments."""
        if self.run.label_map is None:
            return []
        found = set(self.segmentation.segments) if self.segmentation else set()
        told = {finding.label_value for finding in self.run.findings}
        return [x for x in self.run.label_map.labels if x.value not in found | told]

    def _absent(self, label: Label) -> Any:
        return sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(
                tracking_uid(self.run, label.value), tracking_id(self.run, label.name)
            ),
            finding_type=c.coded(c.type_of(label)),
            algorithm_id=c.algorithm_template(self.run),
            qualitative_evaluations=[_says(c.LOOKED_FOR, c.ABSENT)],
            source_images=[_source_image(self.sources)],
        )

    def _finding(self, finding: Finding) -> Any:
        common = self._common(finding)
        segment = self._segment(finding)
        if segment is None:
            # A classifier speaks of the whole image, and a projection has no space for a region.
            return sr.MeasurementsAndQualitativeEvaluations(
                **common, source_images=[_source_image(self.sources)]
            )
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            **common, referenced_segment=segment
        )

    def _common(self, finding: Finding) -> dict[str, Any]:
        label = self._label(finding)
        own_type = c.type_of(label) if label else c.private_code(finding.label)
        finding_type = c.coded(finding.code or own_type)
        decision = c.DECISIONS[self.decisions.get(finding.id, "suggested")]
        common: dict[str, Any] = {
            "tracking_identifier": _tracking(
                self._tracking_uid(finding), tracking_id(self.run, finding.label)
            ),
            "finding_type": finding_type,
            "algorithm_id": c.algorithm_template(self.run),
            "measurements": [_measurement(q) for q in quantities_of(finding)] or None,
            "qualitative_evaluations": [_says(c.DECISION, decision)],
        }
        if label is not None and label.modifier is not None:
            site = sr.FindingSite(c.coded(own_type), laterality=c.coded(label.modifier))
            common["finding_sites"] = [site]
        return common

    def _tracking_uid(self, finding: Finding) -> str:
        if self._label(finding) is not None and finding.label_value is not None:
            return tracking_uid(self.run, finding.label_value)
        return derived_uid("finding", self.run.id, finding.id)

    def _label(self, finding: Finding) -> Label | None:
        labels = self.run.label_map.labels if self.run.label_map is not None else ()
        return next((x for x in labels if x.value == finding.label_value), None)

    def _segment(self, finding: Finding) -> sr.ReferencedSegment | None:
        written = self.segmentation
        if written is None or finding.label_value not in written.segments:
            return None
        return sr.ReferencedSegment(
            sop_class_uid=written.dataset.SOPClassUID,
            sop_instance_uid=written.dataset.SOPInstanceUID,
            segment_number=written.segments[finding.label_value],
            source_series=sr.SourceSeriesForSegmentation(self.sources.first.SeriesInstanceUID),
        )


def quantities_of(finding: Finding) -> list[Quantity]:
    """All numbers of a finding: probability or score, volume, and its measurements."""
    numbers = []
    if finding.probability is not None:
        numbers.append(
            Quantity(
                concept="probability",
                value=finding.probability,
                unit="1",
                interval=finding.interval,
                code=c.PROBABILITY,
            )
        )
    elif finding.score is not None:
        numbers.append(
            Quantity(
                concept="score",
                value=finding.score,
                unit="1",
                interval=finding.interval,
                code=c.SCORE,
            )
        )
    told = {quantity.concept for quantity in finding.measurements}
    if finding.volume_mm3 is not None and "volume" not in told:
        numbers.append(Quantity(concept="volume", value=finding.volume_mm3, unit="mm3"))
    return numbers + list(finding.measurements)


def _measurement(quantity: Quantity) -> sr.Measurement:
    properties = None
    if quantity.interval is not None and quantity.unit in ("", "1"):
        # TID 310 gives the two distances from the value, and highdicom fixes their unit to 1.
        low, high = quantity.interval
        properties = sr.MeasurementProperties(
            upper_measurement_uncertainty=round(max(0.0, high - quantity.value), 6),
            lower_measurement_uncertainty=round(max(0.0, quantity.value - low), 6),
        )
    return sr.Measurement(
        name=c.coded(c.concept_of(quantity)),
        value=float(quantity.value),
        unit=c.unit_of(quantity.unit),
        properties=properties,
    )


def _says(name: Any, value: Any) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(c.coded(name), c.coded(value))


def _tracking(uid: str, words: str) -> sr.TrackingIdentifier:
    return sr.TrackingIdentifier(uid=uid, identifier=words)


def _source_image(sources: Sources) -> sr.SourceImageForMeasurementGroup:
    middle, frame = sources.frames[len(sources.frames) // 2]
    dataset = sources.datasets[middle]
    return sr.SourceImageForMeasurementGroup(
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
        [frame] if "NumberOfFrames" in dataset else None,
    )

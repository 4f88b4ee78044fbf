"""What one model run found, as groups of a TID 1500 report, with the reader's word on each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from highdicom import sr
from highdicom.sr import RelationshipTypeValues

from medview.core.codec import to_plain
from medview.core.results import Finding, Label, ModelRun, Quantity
from medview.dicom.uids import derived_uid
from medview.dicom.write import codes as c
from medview.dicom.write.results_json import RunFiles, run_to_json
from medview.dicom.write.rulers import image_for_region, in_patient_space, on_image
from medview.dicom.write.segmentation import WrittenSegmentation, tracking_id, tracking_uid
from medview.dicom.write.sources import Sources

_CONTAINS = RelationshipTypeValues.CONTAINS
# The corners of a box stand in the order of its indices, k slowest: the two end faces, closed.
_FACES = ((0, 1, 3, 2, 0), (4, 5, 7, 6, 4))


@dataclass(frozen=True, eq=False, kw_only=True)
class EditedMask:
    """What a finding's mask became: a segment of a SEG of its own, and its volume.

    kept: what MedView keeps of it to take it up again (plain JSON).
    """

    segmentation: WrittenSegmentation
    number: int
    volume_mm3: float
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Review:
    """A reader's word on a finding: accepted, rejected or edited; by whom, when (ISO)."""

    decision: str
    by: str = ""
    at: str = ""
    edited: EditedMask | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class KeptRun:
    """A run as it comes back: with every detection, and the score from which the reader wanted
    them shown (None: the model's usual one)."""

    whole: ModelRun
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class FindingGroups:
    """The groups of one run, which holds what is shown; `kept` is the run behind it."""

    run: ModelRun
    segmentation: WrittenSegmentation | None
    sources: Sources
    reviews: Mapping[str, Review]
    kept: KeptRun | None = None

    def all(self) -> list[Any]:
        """Summary, findings, and what was looked for in vain; of a run that failed the summary."""
        if self.run.status == "failed":
            return [self._summary(c.NONE_SUCCEEDED)]
        if self.run.status != "run":
            return []
        outcome = c.RAN_WITH_FINDINGS if self.run.findings else c.RAN_FOUND_NOTHING
        return [
            self._summary(outcome),
            *(self._finding(finding) for finding in self.run.findings),
            *(self._absent(label) for label in self._absent_labels()),
        ]

    def _summary(self, outcome: Any) -> Any:
        group = sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=_tracking(
                derived_uid("run", self.run.id), tracking_id(self.run, "run")
            ),
            algorithm_id=c.algorithm_template(self.run),
            qualitative_evaluations=[_says(c.SUMMARY, outcome)],
            source_images=[_source_image(self.sources)],
        )
        if self.run.reason is not None:
            _add(group, sr.TextContentItem(c.coded(c.REASON), self.run.reason.english(), _CONTAINS))
        kept = json.dumps(self._kept(), ensure_ascii=False, allow_nan=False)
        _add(group, sr.TextContentItem(c.coded(c.RUN), kept, _CONTAINS))
        return group

    def _kept(self) -> dict[str, Any]:
        """What public content has no place for, so that the run comes back whole."""
        written, kept = self.segmentation, self.kept or KeptRun(whole=self.run)
        return {
            "v": 1,
            "run": run_to_json(
                # Their values lie in objects of their own, named by UIDs that follow from ids.
                kept.whole,
                RunFiles(heatmaps={h.id: (None, h.id) for h in kept.whole.heatmaps}),
            ),
            "threshold": kept.threshold,
            "seg": None if written is None else str(written.dataset.SOPInstanceUID),
            "segments": {} if written is None else to_plain(written.segments),
            "reviews": {
                finding_id: {
                    "decision": review.decision,
                    "by": review.by,
                    "at": review.at,
                    "edited": None if review.edited is None else dict(review.edited.kept),
                }
                for finding_id, review in self.reviews.items()
                if any(finding.id == finding_id for finding in kept.whole.findings)
            },
        }

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
        review = self.reviews.get(finding.id, Review(decision="suggested"))
        group = self._placed(finding, self._common(finding, review), review)
        if review.by:
            _add(group, sr.PnameContentItem(c.coded(c.DECIDED_BY), review.by, _CONTAINS))
        if review.at:
            when = dt.datetime.fromisoformat(review.at)
            _add(group, sr.DateTimeContentItem(c.coded(c.DECIDED_AT), when, _CONTAINS))
        return group

    def _placed(self, finding: Finding, common: dict[str, Any], review: Review) -> Any:
        segment = self._segment(finding, review)
        if segment is not None:
            return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                **common, referenced_segment=segment
            )
        if finding.corners:
            return self._region(finding, common)
        # A classifier speaks of the whole image, and a projection has no space for a region.
        return sr.MeasurementsAndQualitativeEvaluations(
            **common, source_images=[_source_image(self.sources)]
        )

    def _region(self, finding: Finding, common: dict[str, Any]) -> Any:
        """A detection's box: its two end faces in space, or its outline on a picture."""
        corners = np.array(finding.corners, float)
        sources = self.sources
        if not in_patient_space(sources):
            outline = corners[list(_FACES[0])] if len(corners) == 8 else corners[:1]
            frame, places = on_image(outline, sources.stack.geometry)
            kind = "POLYLINE" if len(places) > 1 else "POINT"
            region = sr.ImageRegion(kind, places, image_for_region(sources, frame))
            return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
                **common, referenced_region=region
            )
        frame_uid = sources.frame_of_reference_uid
        if len(corners) != 8 or np.ptp(corners[:4] - corners[4:], axis=0).max() > 1e-3:
            point = sr.ImageRegion3D("POINT", corners[:1], frame_uid)
            return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
                **common, referenced_region=point
            )
        surface = sr.VolumeSurface(
            "POLYGON",
            [corners[list(face)] for face in _FACES],
            frame_uid,
            source_series=sr.SourceSeriesForSegmentation(sources.first.SeriesInstanceUID),
        )
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            **common, referenced_volume_surface=surface
        )

    def _common(self, finding: Finding, review: Review) -> dict[str, Any]:
        label = self._label(finding)
        own_type = c.type_of(label) if label else c.private_code(finding.label)
        finding_type = c.coded(finding.code or own_type)
        if review.edited is not None:  # the model's other numbers are of another mask
            finding = replace(finding, volume_mm3=review.edited.volume_mm3, measurements=())
        common: dict[str, Any] = {
            "tracking_identifier": _tracking(
                self._tracking_uid(finding), tracking_id(self.run, finding.label)
            ),
            "finding_type": finding_type,
            "algorithm_id": c.algorithm_template(self.run),
            "measurements": [_measurement(q) for q in quantities_of(finding)] or None,
            "qualitative_evaluations": [_says(c.DECISION, c.DECISIONS[review.decision])],
        }
        if label is not None and label.modifier is not None:
            site = sr.FindingSite(c.coded(own_type), laterality=c.coded(label.modifier))
            common["finding_sites"] = [site]
        return common

    def _tracking_uid(self, finding: Finding) -> str:
        if finding.tracking_uid:
            return finding.tracking_uid
        if self._label(finding) is not None and finding.label_value is not None:
            return tracking_uid(self.run, finding.label_value)
        return derived_uid("finding", self.run.id, finding.id)

    def _label(self, finding: Finding) -> Label | None:
        labels = self.run.label_map.labels if self.run.label_map is not None else ()
        return next((x for x in labels if x.value == finding.label_value), None)

    def _segment(self, finding: Finding, review: Review) -> sr.ReferencedSegment | None:
        written, number = self.segmentation, 0
        if review.edited is not None:
            written, number = review.edited.segmentation, review.edited.number
        elif written is not None and finding.label_value is not None:
            number = written.segments.get(finding.label_value, 0)
        if written is None or not number:
            return None
        return sr.ReferencedSegment(
            sop_class_uid=written.dataset.SOPClassUID,
            sop_instance_uid=written.dataset.SOPInstanceUID,
            segment_number=number,
            source_series=sr.SourceSeriesForSegmentation(self.sources.first.SeriesInstanceUID),
        )


def overall_group(runs: Sequence[ModelRun], sources: Sources) -> Any:
    """How several runs on one stack ended, taken together (DCM 111241 to 111245)."""
    has_findings = any(run.findings for run in runs if run.status == "run")
    ran = [run.status == "run" for run in runs]
    if not any(ran):
        outcome = c.NONE_SUCCEEDED
    elif all(ran):
        outcome = c.RAN_WITH_FINDINGS if has_findings else c.RAN_FOUND_NOTHING
    else:
        outcome = c.SOME_WITH_FINDINGS if has_findings else c.SOME_WITHOUT_FINDINGS
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(
            derived_uid("runs", *(run.id for run in runs)), f"{len(runs)} algorithms"
        ),
        qualitative_evaluations=[_says(c.SUMMARY, outcome)],
        source_images=[_source_image(sources)],
    )


def quantities_of(finding: Finding) -> list[Quantity]:
    """All numbers of a finding: probability or score, volume, and its measurements."""
    rated = (("probability", finding.probability, c.PROBABILITY), ("score", finding.score, c.SCORE))
    numbers = [
        Quantity(concept=concept, value=value, unit="1", interval=finding.interval, code=code)
        for concept, value, code in rated
        if value is not None
    ][:1]
    told = {quantity.concept for quantity in finding.measurements}
    if finding.volume_mm3 is not None and "volume" not in told:
        numbers.append(Quantity(concept="volume", value=finding.volume_mm3, unit="mm3"))
    return numbers + list(finding.measurements)


def _add(group: Any, item: Any) -> None:
    group[0].ContentSequence.append(item)


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

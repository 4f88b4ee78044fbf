"""From what is open and what was made to the content of a report, in the current language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medview import __version__
from medview.core.errors import InvalidInput, MedViewError
from medview.core.geometry import Geometry
from medview.core.numbers import quantity_text, unit_text, volume_text
from medview.core.observation import LISTS, Observation, concepts
from medview.core.progress import Progress, no_progress
from medview.core.results import Finding, Heatmap, LabelMap, Measurement, ModelRun
from medview.core.study import Patient, Study, shown_name
from medview.core.volume import Volume
from medview.core.words import current_language, say, tr
from medview.report import (
    KeyImage,
    ReportContent,
    ReportFinding,
    ReportInput,
    ReportMeasurement,
    ReportRisk,
)
from medview.session.decided import is_accepted
from medview.session.documents import OpenDocument
from medview.session.gather import gather_all, newest_study
from medview.session.growth import joined
from medview.session.key_pictures import marked_images
from medview.session.knowledge import risks
from medview.session.reminding import follow_ups
from medview.session.segmenting import Segmenting
from medview.session.session import Session, first_place
from medview.session.studies import Place, Studies
from medview.session.work import Work, WorkBook

if TYPE_CHECKING:
    from medview.dicom.write import StoredResults
    from medview.imaging.planes import Plane
    from medview.risk import RiskResult

_IMAGE_PIXELS = 640
_LEAST_DEPTH = 0.4  # of the longer side of a slice: a picture across less is a strip
_NAMED = frozenset(LISTS) - {"allergy", "adverse_drug_effect"}  # lists of their own


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportSubject:
    """What a report is about; pictures are made of the stacks in `studies`.

    runs: as they are shown; whole: the same with every detection, by id, where more is kept.
    book: where the work is kept, None for commands.
    """

    patient: Patient
    study: Study
    studies: Studies
    runs: Sequence[ModelRun]
    work: Work
    documents: Sequence[OpenDocument]
    observations: Sequence[Observation]
    whole: Mapping[str, ModelRun] = field(default_factory=dict)
    segmenting: Segmenting | None = None  # voxels of the work's segments
    book: WorkBook | None = None


def session_subject(session: Session, place: Place | None = None) -> ReportSubject | None:
    """The patient and study of a place, or of the active one, with the work as it is now; None
    when nothing is open. Cheap; reads no file."""
    place = place or session.active  # once: another thread may be opening
    if place is None:
        return None
    book = session.made.book_of(place)
    return ReportSubject(
        patient=place.patient,
        study=place.study,
        studies=session.studies,
        runs=session.made.runs_of(place),
        whole={run.id: run for run in session.made.all_runs_of(place)},
        work=book.work,
        documents=session.documents.of(place.patient),
        observations=session.observations(place),
        segmenting=session.segmenting,
        book=book,
    )


def gather_report(
    path: Path,
    results: Path | None,
    patient: str | None,
    study: str | None,
    progress: Progress = no_progress,
) -> list[tuple[str, ReportContent]]:
    """Reports on the patients below a path: (patient id, content), newest study each.

    Raises InvalidInput for a patient or study that is not there, or when there is none at all.
    """
    from medview.dicom.write import find_results

    gathered = gather_all([path], progress)
    records = [r for r in gathered.records if r.study is not None]
    if patient is not None:
        records = [r for r in records if r.patient.id == patient]
    if not records:
        raise InvalidInput(say("There is no such patient with images here."), patient or str(path))
    stored = [] if results is None else list(find_results(results))
    _require_their_series(stored, [r.patient for r in records])
    found = []
    for record in records:
        chosen = _choose_study(record.patient, study)
        if chosen is None:
            continue
        series = {s.uid for s in chosen.series}
        runs = [r for r in record.runs if r.series_uid in series]
        for item in stored:
            runs += [item.with_voxels(r) for r in item.runs if r.series_uid in series]
        subject = ReportSubject(
            patient=record.patient,
            study=chosen,
            studies=gathered.studies,
            runs=runs,
            work=Work(),
            documents=record.documents,
            observations=record.observations,
        )
        found.append((record.patient.id or "unknown", report_content(subject)))
    gathered.studies.close()
    if not found:
        raise InvalidInput(say("There is no such study here."), study or "")
    return found


def _require_their_series(stored: Sequence[StoredResults], patients: Sequence[Patient]) -> None:
    open_series = {s.uid for p in patients for study in p.studies for s in study.series}
    if stored and not any(run.series_uid in open_series for item in stored for run in item.runs):
        raise InvalidInput(say("The results are of other images than these."))


def _choose_study(patient: Patient, uid: str | None) -> Study | None:
    if uid is None:
        return newest_study(patient)
    return next((study for study in patient.studies if study.uid == uid), None)


def report_content(subject: ReportSubject) -> ReportContent:
    """Everything for one report. Blocks: key images read voxels that are not in memory yet."""
    mine = {series.uid for series in subject.study.series}
    runs = [r for r in subject.runs if r.series_uid in mine]
    done = [run for run in runs if run.status == "run"]
    judged = risks(subject.patient, subject.study, subject.observations)
    patient = subject.patient
    findings = [
        (finding, run, subject.work.decision_on(finding.id))
        for run in done
        for finding in run.findings
        if not _is_hidden(finding, run)
    ]
    return ReportContent(
        title=subject.study.description or tr("Study"),
        patient_name=shown_name(patient.name),
        patient_id=patient.id,
        patient_lines=_patient_lines(subject),
        study_lines=tuple(part for part in (subject.study.date,) if part),
        impression=subject.work.impression,
        images=(*marked_images(subject), *_key_images(subject, done)),
        accepted=tuple(
            _finding(f, run, d.at[:16].replace("T", " "))
            for f, run, d in findings
            if d is not None and d.is_for
        ),
        unconfirmed=tuple(_finding(f, run, "") for f, run, d in findings if d is None),
        measurements=(
            *(_measurement(m) for m in subject.work.measurements if m.series_uid in mine),
            *_growths(subject.work, mine),
        ),
        # What is only research is for the screen, not for a report.
        risks=tuple(_risk(r) for r in judged if r.status == "computed" and not r.is_research),
        follow_ups=follow_ups(subject.work, judged),
        highlights=_highlights(subject.observations),
        sources=_sources(subject),
        models=tuple(
            dict.fromkeys(
                f"{r.model.name} {r.model.version} ({r.model.manifest_sha256[:12]}), {r.device}"
                for r in done
            )
        ),
        not_run=tuple(
            f"{tr(run.model.title or run.model.name)}: {run.reason or run.status}"
            for run in runs
            if run.status != "run"
        ),
        date=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        language=current_language(),
    )


def _patient_lines(subject: ReportSubject) -> tuple[str, ...]:
    patient = subject.patient
    age = next((o for o in subject.observations if o.concept == "age"), None)
    lines = [
        patient.sex,
        tr("{years} y", years=f"{age.value:.0f}")
        if age is not None and isinstance(age.value, float | int)
        else "",
        patient.birth_date,
    ]
    return tuple(line for line in lines if line)


def _is_hidden(finding: Finding, run: ModelRun) -> bool:
    """Whether it is of a mask that a model makes for other numbers, not for a reader."""
    labels = run.label_map.labels if run.label_map is not None else ()
    return any(each.hidden for each in labels if each.value == finding.label_value)


def _finding(finding: Finding, run: ModelRun, decided: str) -> ReportFinding:
    details = []
    if finding.probability is not None:
        interval = (
            f" ({finding.interval[0]:.2f} – {finding.interval[1]:.2f})" if finding.interval else ""
        )
        details.append(tr("probability {number}", number=f"{finding.probability:.2f}") + interval)
    if finding.answer_said is not None:
        details.append(str(finding.answer_said))
    if finding.volume_mm3 is not None:
        details.append(volume_text(finding.volume_mm3))
    for quantity in finding.measurements:
        known = concepts().get(quantity.concept)
        if known is not None and not quantity.concept.startswith("lung_volume"):
            says = quantity_text(quantity)
            is_title = tr(known.title) == tr(finding.label)
            details.append(says if is_title else f"{tr(known.title)} {says}")
    return ReportFinding(
        title=tr(finding.label),
        details=tuple(details),
        model=f"{run.model.name} {run.model.version}",
        decided=decided,
    )


def _measurement(measurement: Measurement) -> ReportMeasurement:
    from medview.imaging.roi import lines, title_of

    named = concepts().get(dict(measurement.extra).get("concept", ""))
    said = lines(measurement)[1 if measurement.text else 0 :]
    return ReportMeasurement(
        name=tr(named.title) if named else title_of(measurement),
        value=", ".join(said),
        where=", ".join(
            f"{name} {v:.1f}"
            for point in measurement.points[:1]
            for name, v in zip("xyz", point, strict=True)
        ),
    )


def _growths(work: Work, series: set[str]) -> list[ReportMeasurement]:
    """How lesions of these series grew since an earlier date."""
    return [
        ReportMeasurement(
            name=tr("Growth since {date}", date=lesion.pair.earlier_date),
            value=" · ".join(str(line) for line in lesion.lines),
        )
        for lesion in joined(work)
        if lesion.later.series_uid in series
    ]


def _risk(result: RiskResult) -> ReportRisk:
    from medview.risk import catalogue

    score = catalogue()[result.score]
    known = concepts()
    advice = [str(part) for part in (result.band, result.advice) if part is not None]
    return ReportRisk(
        title=str(score.title),
        value=f"{result.shown} {unit_text(result.unit)}".strip(),
        advice=" · ".join(advice),
        inputs=tuple(
            ReportInput(
                name=tr(known[item.name].title) if item.name in known else item.name,
                value=f"{_value(item.value)} {tr(unit_text(item.unit))}".strip(),
                source=" ".join(
                    p for p in (tr(item.source.kind), item.source.where, item.time[:10]) if p
                ),
            )
            for item in result.inputs
        ),
        warnings=tuple(str(warning) for warning in result.warnings),
        citation=result.citation,
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, float | int):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return " / ".join(f"{part:.4g}" for part in value)
    return tr(str(value))


def _highlights(observations: Sequence[Observation]) -> tuple[str, ...]:
    """What the record and the reader say, the latest value of each concept."""
    latest: dict[str, Observation] = {}
    for observation in observations:
        if observation.source.kind not in ("lab", "sentence", "reader"):
            continue
        if observation.subject or observation.concept in _NAMED:
            continue
        known = latest.get(observation.concept)
        if known is None or observation.time >= known.time:
            latest[observation.concept] = observation
    in_order = [name for name in concepts() if name not in ("age", "sex")]
    return tuple(_highlight(latest[name]) for name in in_order if name in latest)


def _highlight(observation: Observation) -> str:
    unit = tr(unit_text(observation.unit))
    value = f"{observation.comparator}{_value(observation.value)} {unit}".strip()
    day = f" ({observation.time[:10]})" if observation.time else ""
    return f"{tr(concepts()[observation.concept].title)}: {value}{day}"


def _sources(subject: ReportSubject) -> tuple[str, ...]:
    documents = [item.document for item in subject.documents]
    found = [f"{d.title or d.kind} {d.date[:10]} ({d.kind})" for d in documents]
    found += [
        f"{series.modality} {series.number or ''} {series.description}".strip()
        for series in subject.study.series
    ]
    return tuple(dict.fromkeys(found))


# -- key images ----------------------------------------------------------------------------------


def _key_images(subject: ReportSubject, runs: Sequence[ModelRun]) -> list[KeyImage]:
    shown = [run for run in runs if not _is_rejected(run, subject.work)]
    keys = list(dict.fromkeys((run.series_uid, run.stack) for run in shown))
    places = [place for key in keys if (place := subject.studies.place(key)) is not None]
    if not places:
        first = next((p for p in _largest_first(subject) if p.study.uid == subject.study.uid), None)
        places = [] if first is None else [first]
    images: list[KeyImage] = []
    for place in places[:3]:
        try:
            volume = subject.studies.load(place).volume
        except MedViewError:
            continue
        mine = [run for run in shown if (run.series_uid, run.stack) == place.key]
        images += _pictures(place, volume, mine, subject.work)
    return images


def _largest_first(subject: ReportSubject) -> list[Place]:
    first = first_place(subject.studies.places())
    places = sorted(subject.studies.places(), key=lambda p: -p.stack.geometry.shape[0])
    return [p for p in (first, *places) if p is not None]


def _is_rejected(run: ModelRun, work: Work) -> bool:
    decisions = [work.decision_on(finding.id) for finding in run.findings]
    return bool(decisions) and all(d is not None and d.decision == "rejected" for d in decisions)


def _pictures(place: Place, volume: Volume, runs: Sequence[ModelRun], work: Work) -> list[KeyImage]:
    from medview.imaging.picture import compose
    from medview.imaging.planes import native_plane, planes_of
    from medview.imaging.presets import opening_window

    overlays: list[LabelMap | Heatmap] = []
    for run in runs:
        overlays += [*run.heatmaps, *([run.label_map] if run.label_map is not None else [])]
    is_flat = volume.geometry.shape[0] == 1 or not volume.geometry.is_spatial
    planes = (
        [native_plane(volume.geometry)]
        if is_flat or _is_thin(volume.geometry)
        else [planes_of(volume.geometry)[name] for name in ("axial", "coronal")]
    )
    mark = "" if not overlays or is_accepted(work, runs) else " · " + tr("AI, UNCONFIRMED")
    return [
        KeyImage(
            pixels=compose(
                volume,
                plane,
                _index(plane, runs),
                opening_window(volume),
                overlays=overlays,
                size=_IMAGE_PIXELS,
            ),
            caption=f"{place.series.description or place.series.modality} · "
            f"{_index(plane, runs) + 1} / {plane.count}{mark}",
        )
        for plane in planes
    ]


def _is_thin(geometry: Geometry) -> bool:
    """Whether its slices make a strip across: the pictures as acquired then show more."""
    slices, rows, columns = geometry.shape
    sides = (rows * geometry.spacing[1], columns * geometry.spacing[0])
    return slices * geometry.slice_step < _LEAST_DEPTH * max(sides)


def _index(plane: Plane, runs: Sequence[ModelRun]) -> int:
    points = [f.centroid for run in runs for f in run.findings if f.centroid is not None]
    if not points:
        return plane.count // 2
    indices = [plane.to_pixel(point)[0] for point in points]
    return int(np.clip(round(float(np.median(indices))), 0, plane.count - 1))

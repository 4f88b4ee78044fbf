"""What is known of a patient, from header, record, rulers, models and the reader; and its risks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medview.core.observation import Observation, Source, concepts
from medview.core.results import Finding, Measurement, ModelRun, Quantity
from medview.core.study import Patient, Study
from medview.session.decided import state_of
from medview.session.documents import OpenDocument
from medview.session.judging import Judging
from medview.session.nodules import is_outdated, leading, nodule_observations
from medview.session.segment_values import VOLUMES
from medview.session.work import Work

if TYPE_CHECKING:
    from medview.risk import RiskResult

_KEY = "concept"  # in Measurement.extra: what the reader says a ruler measures


def gather(
    patient: Patient,
    study: Study,
    documents: Sequence[OpenDocument],
    runs: Sequence[ModelRun],
    work: Work,
    painted: Sequence[Observation] = (),
) -> tuple[Observation, ...]:
    """Every observation about a patient; what the reader rejected is left out.

    painted: what segments say (`segment_values`).
    """
    from medview.dicom import header_observations

    known = [*header_observations(patient, study)]
    for item in documents:
        known += item.note.observations
    known += from_runs(runs, work, patient.id, study)
    series = {item.uid for item in study.series}
    here = [m for m in work.measurements if m.series_uid in series]
    known += nodule_observations(here, patient.id, study.date)
    for measurement in work.measurements:
        # A ruler on an earlier study must not become a size of this one.
        if measurement.series_uid in series:
            known += from_measurement(measurement, patient.id, study.date)
    known += [*painted, *work.entered]
    from medview.record import merged

    return merged(replace(observation, patient_id=patient.id) for observation in known)


class Knowledge:
    """Keeps what was gathered last: many parts of a window ask for it after one change.

    The window and a reading thread ask, perhaps for two patients at once: what is kept is one
    value, so that nobody meets the parts of one patient beside the observations of another.
    """

    def __init__(self) -> None:
        # The parts are held too, so that no new one can take the place of a freed one in memory.
        self._kept: _Gathered | None = None

    def gather(
        self,
        patient: Patient,
        study: Study,
        documents: Sequence[OpenDocument],
        runs: Sequence[ModelRun],
        work: Work,
        painted: Sequence[Observation] = (),
    ) -> tuple[Observation, ...]:
        """As `gather`, made again only where one of the parts is another."""
        parts = (patient, study, work, *(item.note for item in documents), None, *runs)
        kept = self._kept
        if kept is None or not kept.is_of(parts, tuple(painted)):
            found = gather(patient, study, documents, runs, work, painted)
            kept = self._kept = _Gathered(parts, tuple(painted), found)
        return kept.found


@dataclass(frozen=True)
class _Gathered:
    parts: tuple[object, ...]
    painted: tuple[Observation, ...]
    found: tuple[Observation, ...]

    def is_of(self, parts: tuple[object, ...], painted: tuple[Observation, ...]) -> bool:
        is_same = len(self.parts) == len(parts) and painted == self.painted
        return is_same and all(a is b for a, b in zip(self.parts, parts, strict=True))


def from_runs(
    runs: Iterable[ModelRun], work: Work, patient_id: str, study: Study
) -> list[Observation]:
    """Numbers of models that are concepts, by their findings; rejected findings are left out.

    Of the nodules that were clicked the largest one speaks, as it does with its size.
    """
    series = {item.uid for item in study.series}
    largest = leading([m for m in work.measurements if m.series_uid in series])
    there = {"", "" if largest is None else largest.id}
    found = []
    for run in runs:
        if run.status != "run" or run.series_uid not in series or run.id in work.hidden_runs:
            continue
        if run.subject not in there or (largest and run.subject and is_outdated(run, largest)):
            continue
        words = {each.id: state_of(work, run, each) for each in run.findings}
        edited = {each for each, word in words.items() if word and word.decision == "edited"}
        for finding in run.findings:
            word = words[finding.id]
            if word is not None and word.decision == "rejected":
                continue
            source = Source(
                kind="model",
                where=f"{run.model.name} {run.model.version}",
                locator=f"finding:{finding.id}",
            )
            found += _of_nodule_net(run, finding, study, source)
            if finding.id in edited or (edited and finding.label_value is None):
                continue  # measured in a mask that the reader corrected, or in several with it
            found += _of_volume(finding, patient_id, study, source)
            found += [
                observation
                for quantity in finding.measurements
                if (observation := _of_quantity(quantity, patient_id, study.date, source))
            ]
    return found


def _of_volume(
    finding: Finding, patient_id: str, study: Study, source: Source
) -> list[Observation]:
    """The volume of an outlined organ or lesion whose label is a concept, in mL."""
    concept = None if finding.code is None else VOLUMES.get(finding.code.value)
    if concept is None or finding.volume_mm3 is None:
        return []
    volume = Quantity(concept=concept, value=finding.volume_mm3 / 1000.0, unit="mL")
    made = _of_quantity(volume, patient_id, study.date, source)
    return [] if made is None else [made]


def _of_nodule_net(
    run: ModelRun, finding: Finding, study: Study, source: Source
) -> list[Observation]:
    """The probability of the nodule's net, which is no measurement of its finding."""
    if not run.model.name.startswith("nodule") or finding.probability is None:
        return []
    ends = finding.interval
    return [
        Observation(
            patient_id="", concept="nodule_malignancy_probability", unit="%", time=study.date,
            value=100.0 * finding.probability, source=source, confidence=finding.probability,
            interval=None if ends is None else (100.0 * ends[0], 100.0 * ends[1]),
        )
    ]  # fmt: skip


def from_measurement(measurement: Measurement, patient_id: str, date: str) -> list[Observation]:
    """What a ruler says where the reader named what it measures."""
    concept = dict(measurement.extra).get(_KEY, "")
    if concept not in concepts() or not measurement.quantities:
        return []
    source = Source(kind="ruler", where=measurement.kind, locator=f"measurement:{measurement.id}")
    own = concepts()[concept]
    fitting = [q for q in measurement.quantities if own.to_own_unit(q.value, q.unit) is not None]
    means = [
        q for q in fitting if q.concept in ("Mean", "Value")
    ]  # of a region its mean, else what is first
    found = [
        _of_quantity(replace(quantity, concept=concept), patient_id, date, source)
        for quantity in (means or fitting)[:1]
    ]
    return [observation for observation in found if observation is not None]


def name_measurement(measurement: Measurement, concept: str) -> Measurement:
    """The measurement as one of a concept ("" takes the name away)."""
    extra = tuple((k, v) for k, v in measurement.extra if k != _KEY)
    return replace(measurement, extra=(*extra, (_KEY, concept)) if concept else extra)


def _of_quantity(
    quantity: Quantity, patient_id: str, date: str, source: Source
) -> Observation | None:
    concept = concepts().get(quantity.concept)
    if concept is None or concept.to_own_unit(quantity.value, quantity.unit) is None:
        return None
    return Observation(
        patient_id=patient_id,
        concept=quantity.concept,
        value=quantity.value,
        unit=quantity.unit,
        time=date,
        source=source,
        code=quantity.code,
    )


def risks(
    patient: Patient, study: Study | None, known: Sequence[Observation]
) -> tuple[RiskResult, ...]:
    """Every score that is worth showing for this patient, computed, missing or not valid."""
    return Judging(patient, study, known).results()

"""The record and the images of some paths joined by patient, for commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medview.core.archive import is_there
from medview.core.errors import InvalidInput, MedViewError
from medview.core.observation import Observation
from medview.core.progress import Progress, no_progress
from medview.core.results import ModelRun
from medview.core.study import Patient, Study
from medview.core.words import Sentence, say
from medview.session.documents import Documents, OpenDocument, document_objects, worth_reading
from medview.session.events import Events
from medview.session.knowledge import gather
from medview.session.memory import Budget, total_bytes
from medview.session.studies import Studies
from medview.session.work import Work


@dataclass(frozen=True, eq=False, kw_only=True)
class PatientRecord:
    """All that some paths hold on one patient; `study` is the newest one."""

    patient: Patient
    study: Study | None
    observations: tuple[Observation, ...]
    documents: tuple[OpenDocument, ...] = ()
    runs: tuple[ModelRun, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Gathered:
    """The patients, and what could not be used, in words."""

    records: tuple[PatientRecord, ...]
    studies: Studies
    troubles: tuple[tuple[str, Sentence], ...] = ()


def gather_observations(
    paths: Sequence[Path], progress: Progress = no_progress
) -> tuple[PatientRecord, ...]:
    """Images, documents and results.json below some paths, by patient.

    Raises InvalidInput for a path that does not exist. Documents of nobody who has images here
    make patients of their own.
    """
    return gather_all(paths, progress).records


def gather_all(paths: Sequence[Path], progress: Progress = no_progress) -> Gathered:
    """As gather_observations, with the open studies and what could not be used."""
    for path in paths:
        if not is_there(str(path)):
            raise InvalidInput(say("There is no such file or folder."), str(path))
    results = [path for path in paths if path.name == "results.json"]
    studies, documents = Studies(Events(), Budget(total_bytes())), Documents(Events())
    holdings = studies.open([p for p in paths if p not in results], progress)
    patients = holdings.patients
    only = patients[0] if len(patients) == 1 else None
    found = worth_reading(holdings.documents, paths) + document_objects(patients)
    documents.open(found, patients, only, patients, progress)
    runs, troubles = _read_runs([*results, *_results_below(holdings.documents)])
    troubles += [(item.path, item.reason) for item in documents.unread]
    records = [_record(patient, documents, runs) for patient in patients]
    records += _without_images(documents)
    return Gathered(records=tuple(records), studies=studies, troubles=tuple(troubles))


def newest_study(patient: Patient) -> Study | None:
    """The newest study; of several of one day the one with the most images."""
    return max(
        patient.studies,
        key=lambda study: (
            study.date,
            sum(len(stack.frames) for series in study.series for stack in series.stacks),
        ),
        default=None,
    )


def _record(patient: Patient, documents: Documents, runs: Sequence[ModelRun]) -> PatientRecord:
    study = newest_study(patient)
    joined = documents.of(patient)
    series = {s.uid for one in patient.studies for s in one.series}
    mine = tuple(run for run in runs if run.series_uid in series)
    known = () if study is None else gather(patient, study, joined, mine, Work())
    return PatientRecord(
        patient=patient, study=study, observations=known, documents=joined, runs=mine
    )


def _without_images(documents: Documents) -> list[PatientRecord]:
    from medview.record import merged

    by_id: dict[str, list[OpenDocument]] = {}
    for item in documents.refused:
        by_id.setdefault(item.document.patient.id, []).append(item)
    return [
        PatientRecord(
            patient=_patient_of(items[0], patient_id),
            study=None,
            observations=merged(o for item in items for o in item.note.observations),
            documents=tuple(items),
        )
        for patient_id, items in by_id.items()
    ]


def _patient_of(item: OpenDocument, patient_id: str) -> Patient:
    identity = item.document.patient
    return Patient(
        id=patient_id, name=identity.name, sex=identity.sex, birth_date=identity.birth_date
    )


def _results_below(names: Iterable[str]) -> list[Path]:
    return [Path(name) for name in names if Path(name).name == "results.json"]


def _read_runs(paths: Sequence[Path]) -> tuple[list[ModelRun], list[tuple[str, Sentence]]]:
    from medview.dicom.write import read_results

    runs: list[ModelRun] = []
    troubles: list[tuple[str, Sentence]] = []
    for path in paths:
        try:
            runs += read_results(path).runs
        except MedViewError as error:
            troubles.append((str(path), error.what))
    return runs, troubles

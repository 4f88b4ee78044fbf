"""The way without a window: every model that fits, results into a folder."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput, MedViewError, WriteFailed
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.results import Check, GateVerdict, ModelRun
from medview.core.study import Holdings, Study
from medview.core.volume import Volume
from medview.core.words import say
from medview.session.analysis import Task, plan, refused_run
from medview.session.events import Events
from medview.session.memory import Budget, total_bytes
from medview.session.nodule_model import Lesion, lesion_task
from medview.session.operating import points_of
from medview.session.provenance import ended, provenance_of, tracked
from medview.session.reproducing import Comparison, compared, was_drawn
from medview.session.studies import Key, Place, Studies

if TYPE_CHECKING:
    from medview.ai.client import Worker
    from medview.ai.folder import ModelFolder
    from medview.dicom.write import RunFiles, StoredResults


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `analyze` was asked for; empty fields mean everything that fits.

    earlier: results that are repeated and compared, with `only`: their series UIDs and stack
    numbers, by model name. at: a place in patient millimetres, for models that look at one lesion.
    """

    models: tuple[str, ...] = ()
    series_uid: str = ""
    device: str = "auto"
    only: Mapping[str, frozenset[Key]] = field(default_factory=dict)
    at: PatientPoint | None = None
    earlier: StoredResults | None = None

    def pointed(self, task: Task) -> list[Task]:
        """The task as it points at a place: as asked now, else once as each earlier run did.

        A lesion whose outline was drawn cannot be had again from the images: no task for it.
        """
        if self.at is not None or self.earlier is None:
            return [replace(task, at=self.at)]
        slot = (task.model.name, task.place.key)
        found = []
        for run in self.earlier.runs:
            if (run.model.name, (run.series_uid, run.stack)) == slot and not was_drawn(run):
                at = None if run.provenance is None else run.provenance.at
                found.append(replace(task, at=at, subject=run.subject))
        return found


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: where it lies, every run, and files that could not be read.

    comparisons: with the earlier runs that were repeated.
    """

    holdings: Holdings
    written: tuple[Path, ...]
    runs: tuple[ModelRun, ...]
    comparisons: tuple[Comparison, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every model ran, every file was read, and what was repeated is the same."""
        if self.comparisons:  # a refusal that is repeated is the same
            return all(comparison.is_same for comparison in self.comparisons)
        return not self.holdings.unreadable and all(r.status == "run" for r in self.runs)


def wish_from(results: Path) -> Wish:
    """The wish that repeats a `results.json`: the same models, to the byte, on the same stacks.

    Raises InvalidInput when a model has changed or is gone since.
    """
    from medview.ai.catalogue import read_catalogue
    from medview.dicom.write import read_results

    stored = read_results(results)
    known = read_catalogue()
    only: dict[str, set[Key]] = {}
    for run in stored.runs:
        if known.get(run.model.name).manifest_sha256 != run.model.manifest_sha256:
            raise InvalidInput(
                say("The model is another one than that of the results."), run.model.name
            )
        only.setdefault(run.model.name, set()).add((run.series_uid, run.stack))
    return Wish(
        models=tuple(only),
        only={name: frozenset(keys) for name, keys in only.items()},
        earlier=stored,
    )


def analyse_to_folder(
    path: Path,
    out: Path,
    wish: Wish,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Outcome:
    """Run the models on what is below `path`; one study gives `out/results.json`, several a
    folder each and `out/index.json`.

    Raises InvalidInput (nothing to analyse, unknown model), WriteFailed, Cancelled.
    """
    from medview.ai.catalogue import read_catalogue
    from medview.dicom.write import write_index

    catalogue = read_catalogue()
    models = [catalogue.get(name) for name in wish.models] or list(catalogue.for_images)
    for model in models:
        if model.kind == "tabular":
            raise InvalidInput(say("This model reads values, not images."), model.name)
    studies = Studies(Events(), Budget(total_bytes()))
    holdings = studies.open([path], progress, cancel)
    by_study = _by_study(studies, wish)
    if not by_study:
        raise InvalidInput(say("There is no series to analyse."), str(path))
    _make_folder(out)
    if wish.earlier is not None and wish.earlier.path.parent.resolve() == out.resolve():
        raise InvalidInput(
            say("The repetition would write over the earlier results."),
            str(out),
            say("Choose another folder."),
        )
    batch = _Batch(studies, (models, catalogue.routers), wish, progress, cancel or CancelToken())
    written, runs = [], []
    rows = []
    try:
        for number, (study, places) in enumerate(by_study):
            folder = out if len(by_study) == 1 else out / f"study-{number + 1:03d}"
            _make_folder(folder)
            result, study_runs = batch.run_study(study, places, folder)
            written.append(result)
            runs += study_runs
            rows.append((study.uid, places[0].patient.id, result))
    finally:
        batch.close()
        studies.close()
    if len(rows) > 1:
        write_index(rows, out)
    return Outcome(
        holdings=holdings,
        written=tuple(written),
        runs=tuple(runs),
        comparisons=batch.compared(),
    )


class _Batch:
    def __init__(
        self,
        studies: Studies,
        models: tuple[Sequence[ModelFolder], tuple[ModelFolder, ...]],
        wish: Wish,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._studies = studies
        self._models, self._routers = models
        self._wish = wish
        self._progress = progress
        self._cancel = cancel
        self._worker: Worker | None = None
        self._comparisons: tuple[Comparison, ...] = ()

    def compared(self) -> tuple[Comparison, ...]:
        """The earlier runs beside their repetitions."""
        return self._comparisons

    def run_study(
        self, study: Study, places: Sequence[Place], folder: Path
    ) -> tuple[Path, list[ModelRun]]:
        from medview.dicom.write import write_results

        planned = self._wanted(plan(places, self._models, named=bool(self._wish.models)))
        tasks = [each for task in planned for each in self._wish.pointed(task)]
        done: list[tuple[ModelRun, RunFiles]] = []
        for task in tasks:
            self._cancel.check()
            done.append(self._run_task(task, folder))
        tried = {task.model.name for task in tasks}
        others = [model.name for model in self._models if model.name not in tried]
        if self._wish.earlier is not None:
            again = tuple(run for run, _ in done)
            self._comparisons += compared(self._wish.earlier, again)
        told = [comparison.to_json() for comparison in self._comparisons]
        path = write_results(study.uid, done, folder, not_applicable=others, reproduced=told)
        return path, [run for run, _ in done]

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _wanted(self, tasks: list[Task]) -> list[Task]:
        if not self._wish.only:
            return tasks
        return [t for t in tasks if t.place.key in self._wish.only.get(t.model.name, ())]

    def _run_task(self, task: Task, folder: Path) -> tuple[ModelRun, RunFiles]:
        from medview.dicom.write import RunFiles, write_run_files

        if task.at is not None:
            task = self._pointed_at(task, task.at)
        if task.verdict.verdict == "refused":
            return refused_run(task, secrets.token_hex(8)), RunFiles()
        try:
            volume = self._studies.load(task.place, cancel=self._cancel).volume
        except MedViewError as error:
            self._cancel.check()
            failed = replace(
                refused_run(task, secrets.token_hex(8)), status="failed", reason=error.what
            )
            return failed, RunFiles()
        told = provenance_of(task.model, task.place, task.patch or volume)
        told = replace(told, at=task.at if task.patch is not None else None)
        run = ended(self._run_job(task, task.patch or volume), told)
        run = tracked(replace(run, operating_points=points_of(task.model)), task.place)
        pictures = projection_pictures(run, volume)
        return run, write_run_files(run, task.place.stack, folder, pictures=pictures)

    def _pointed_at(self, task: Task, at: PatientPoint) -> Task:
        """The task on the nodule at a place, for a model that looks at one; else as it is."""
        from medview.ai.gate import needs_lesion
        from medview.imaging.segment.nodule import measure_nodule

        if not needs_lesion(task.model):
            return task
        try:
            volume = self._studies.load(task.place, cancel=self._cancel).volume
            found = measure_nodule(volume, at, self._cancel)
        except MedViewError as error:
            self._cancel.check()
            checks = (Check("nodule", ok=False, said=error.what), *task.verdict.checks)
            return replace(task, verdict=GateVerdict("refused", checks))
        lesion = Lesion(mask=found.mask, first=found.first, diameter_mm=found.mean_diameter_mm,
                        subject=task.subject, at=at)  # fmt: skip
        return lesion_task(task.model, task.place, volume, lesion)

    def _run_job(self, task: Task, volume: Volume) -> ModelRun:
        from medview.ai.client import Worker
        from medview.ai.events import Job
        from medview.ai.synchronous import run_job

        if self._worker is None:
            self._worker = Worker()
            self._worker.start()
        job = Job(
            model=task.model,
            volume=volume,
            series_uid=task.place.series.uid,
            stack=task.place.stack_number,
            subject=task.subject,
            gate=task.verdict,
            device=self._wish.device,
            routers=() if task.patch else self._routers,
        )
        return run_job(self._worker, job, self._progress, self._cancel)


def projection_pictures(run: ModelRun, volume: Volume) -> dict[str, NDArray[Any]]:
    """For heatmaps on one picture: the picture under it as it is shown, uint8 [j, i, 3]."""
    from medview.imaging.grey import grey_slice
    from medview.imaging.planes import native_plane
    from medview.imaging.window import first_window

    if not run.heatmaps or volume.geometry.shape[0] > 1:
        return {}
    plane = native_plane(volume.geometry)
    grey = grey_slice(volume, plane, 0, first_window(volume))
    colour = grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2)
    return {heatmap.id: colour for heatmap in run.heatmaps}


def _by_study(studies: Studies, wish: Wish) -> list[tuple[Study, list[Place]]]:
    found: dict[str, tuple[Study, list[Place]]] = {}
    for place in _wanted_places(studies, wish):
        found.setdefault(place.study.uid, (place.study, []))[1].append(place)
    return list(found.values())


def _wanted_places(studies: Studies, wish: Wish) -> Iterator[Place]:
    keys = {key for keys in wish.only.values() for key in keys}
    for place in studies.places():
        if wish.series_uid and place.series.uid != wish.series_uid:
            continue
        if keys and place.key not in keys:
            continue
        yield place


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise WriteFailed(
            say("The folder for the results cannot be made."),
            str(folder),
            say("Choose another folder."),
        ) from error

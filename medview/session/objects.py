"""What was found and measured on a study, as DICOM objects into a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import InvalidInput, MedViewError, WriteFailed
from medview.core.progress import Progress, no_progress
from medview.core.results import Label, Measurement, ModelRun
from medview.core.words import Sentence, say
from medview.session.batch import projection_pictures
from medview.session.decided import corrected_by, state_of
from medview.session.growth import with_growth
from medview.session.nodules import linked_to
from medview.session.reporting import ReportSubject
from medview.session.reviewing import kept_of, write_reviews
from medview.session.saving import write_keys, write_measurements
from medview.session.segments import Segment
from medview.session.studies import Key
from medview.session.work import TakenReport

if TYPE_CHECKING:
    from medview.dicom.write import RunFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedObjects:
    """How many DICOM objects were written, and what could not be, in words.

    taken: the reports and key images among them, for the work to remember as its own.
    """

    objects: int
    notes: tuple[Sentence, ...] = ()
    taken: tuple[TakenReport, ...] = ()


def save_objects(
    subject: ReportSubject, folder: Path, progress: Progress = no_progress
) -> SavedObjects:
    """Write SEG, SR and heatmaps with the reader's decisions, one SR of the reader's own
    measurements and one SEG of the reader's segments per stack, their key images, and
    `results.json`. Blocks.

    Raises InvalidInput when there is nothing to write, WriteFailed.
    """
    from medview.dicom.write import write_results

    mine = {series.uid for series in subject.study.series}
    runs = [r for r in subject.runs if r.series_uid in mine]
    told = with_growth(subject.work.measurements, subject.work)
    drawn = _by_stack([m for m in told if m.series_uid in mine and m.points])
    painted = _segments(subject, mine)
    keys = [picture for picture in subject.work.key_pictures if picture.series_uid in mine]
    ran = any(run.status == "run" for run in runs)
    if not (drawn or painted or keys or ran):
        raise InvalidInput(
            say("There is nothing to save as DICOM yet."),
            what_to_do=say("Run a model or measure something first."),
        )
    total, done = len(runs) + len(drawn) + len(painted), []
    for number, run in enumerate(runs):
        progress(number, total, str(say("Writing results")))
        done.append((run, _run_files(subject, run, folder)))
    write_results(subject.study.uid, [(kept_of(subject, r).whole, f) for r, f in done], folder)
    notes = [note for _, files in done for note in files.notes]
    written = sum(_count(files) for _, files in done)
    taken = [TakenReport(uid=files.sr_uid) for _, files in done if files.sr]
    machine = len(taken)
    for key in dict.fromkeys((run.series_uid, run.stack) for run, _ in done):
        there = [each for each in done if (each[0].series_uid, each[0].stack) == key]
        written += _write_reviews(subject, key, there, (folder, taken, notes))
    for number, (key, measurements) in enumerate(drawn.items(), start=len(runs)):
        progress(number, total, str(say("Writing results")))
        place = subject.studies.place(key)
        if place is not None:
            write = partial(write_measurements, subject, place, measurements, folder)
            _keep_or_note(write, taken, notes)
    for number, (key, segments) in enumerate(painted.items(), start=len(runs) + len(drawn)):
        progress(number, total, str(say("Writing results")))
        try:
            written += _write_segments(subject, key, segments, folder)
        except WriteFailed:
            raise
        except MedViewError as error:
            notes.append(error.what)
    if keys:
        _keep_or_note(partial(write_keys, subject, keys, folder), taken, notes)
    progress(total, total, str(say("Writing results")))
    return SavedObjects(
        objects=written + len(taken) - machine,
        notes=tuple({note.english(): note for note in notes}.values()),
        taken=tuple(taken),
    )


def remember_taken(subject: ReportSubject, saved: SavedObjects) -> None:
    """What was written here is no news when it is opened."""
    if subject.book is None:
        return
    known = subject.book.work.taken
    new = [each for each in saved.taken if each not in known]
    if new:
        subject.book.amend(taken=(*known, *new))


def _write_reviews(
    subject: ReportSubject,
    key: Key,
    written: list[tuple[ModelRun, RunFiles]],
    into: tuple[Path, list[TakenReport], list[Sentence]],
) -> int:
    """The reader's report on a stack's findings; how many masks were written beside it."""
    folder, taken, notes = into
    place = subject.studies.place(key)
    if place is None:
        return 0
    try:
        done = write_reviews(subject, place, written, folder)
    except WriteFailed:
        raise
    except MedViewError as error:
        notes.append(error.what)
        return 0
    if done is None:
        return 0
    taken.append(done[0])
    return done[1] - 1


def _keep_or_note(
    write: Callable[[], TakenReport], taken: list[TakenReport], notes: list[Sentence]
) -> None:
    """Write one document; what cannot be told of it is said, a full disk ends everything."""
    try:
        taken.append(write())
    except WriteFailed:
        raise
    except MedViewError as error:
        notes.append(error.what)


def _by_stack(measurements: list[Measurement]) -> dict[Key, list[Measurement]]:
    found: dict[Key, list[Measurement]] = {}
    for measurement in measurements:
        found.setdefault((measurement.series_uid, measurement.stack), []).append(measurement)
    return found


def _segments(subject: ReportSubject, series: set[str]) -> dict[Key, list[Segment]]:
    found: dict[Key, list[Segment]] = {}
    told = {
        corrected.id
        for run in subject.runs
        for finding in run.findings
        if (word := state_of(subject.work, run, finding)) is not None
        and word.decision == "edited"
        and (corrected := corrected_by(subject.work, run, finding)) is not None
    }
    for segment in subject.work.segments if subject.segmenting is not None else ():
        if segment.series_uid in series and segment.id not in told:
            found.setdefault((segment.series_uid, segment.stack), []).append(segment)
    return found


def _write_segments(subject: ReportSubject, key: Key, segments: list[Segment], folder: Path) -> int:
    from medview.dicom.write import read_sources, stack_digest
    from medview.dicom.write.drawn_segments import DrawnSegment, write_drawn_segments

    place = subject.studies.place(key)
    if place is None or subject.segmenting is None:
        return 0
    clicked = {linked_to(m) for m in subject.work.measurements}
    drawn = []
    for segment in segments:
        live = subject.segmenting.mask(place, segment)
        if live.count == 0:
            continue
        drawn.append(
            DrawnSegment(
                id=segment.id,
                label=Label(value=1, name=segment.name, colour=segment.colour, code=segment.code),
                first=live.box.first,
                voxels=live.read(live.box),
                origin=segment.origin,
                is_click=segment.id in clicked,
                made_by=segment.made_by,
                made_at=segment.changed_at or segment.made_at,
            )
        )
    name = f"segments-{stack_digest(*key)}-seg.dcm"
    return int(write_drawn_segments(drawn, read_sources(place.stack), folder / name) is not None)


def _run_files(subject: ReportSubject, run: ModelRun, folder: Path) -> RunFiles:
    from medview.dicom.write import RunFiles, write_run_files

    place = subject.studies.place((run.series_uid, run.stack))
    if place is None or run.status != "run":
        return RunFiles()
    pictures = {}
    if run.heatmaps:
        pictures = projection_pictures(run, subject.studies.load(place).volume)
    kept = kept_of(subject, run)
    return write_run_files(run, place.stack, folder, pictures=pictures, kept=kept)


def _count(files: RunFiles) -> int:
    heatmaps = [dicom for dicom, _ in files.heatmaps.values() if dicom]
    return len([name for name in (files.seg, files.sr) if name]) + len(heatmaps)

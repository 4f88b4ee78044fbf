"""Results of models that MedView wrote, taken up as findings when their folder is opened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medview.core.codec import from_plain
from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.results import Heatmap, LabelMap, ModelRun
from medview.core.study import StudyObject
from medview.core.words import say
from medview.session.decided import state_of
from medview.session.looks import with_heatmaps
from medview.session.made import Made
from medview.session.segment_sources import voxels_of
from medview.session.segmenting import Segmenting
from medview.session.segments import Segment
from medview.session.studies import Key, Place
from medview.session.work import Decision, Threshold

if TYPE_CHECKING:
    from medview.dicom.objects.returned_runs import ReturnedMask, ReturnedRun, ReturnedWord
    from medview.dicom.objects.sr import StructuredReport


def take_runs(
    objects: Sequence[StudyObject], places: Sequence[Place], made: Made, segmenting: Segmenting
) -> tuple[int, frozenset[str]]:
    """Take the runs of a patient's reports into what was made. Blocks.

    A run that is here already stays; of two words on a finding the later one holds. A report that
    another one takes the place of is passed over. What cannot be read is left out: the report
    itself says so where it is shown.

    Returns how many runs were news, and the UIDs of the reports that wait: their images or masks
    are not here yet.
    """
    read = _reports(objects, places)
    by_key = {place.key: place for place in places}
    replaced = {uid for report, _ in read for uid in report.predecessors}
    newest = [pair for pair in read if pair[0].uid not in replaced]
    news, waiting = 0, set()
    for report, runs in sorted(newest, key=lambda pair: pair[0].made_at):
        for told in runs:
            place = by_key.get((told.run.series_uid, told.run.stack))
            if place is None:
                waiting.add(report.uid)
                continue
            try:
                news += _take_run(told, place, made)
            except MedViewError:
                waiting.add(report.uid)
                continue
            if not _take_words(told, place, made, segmenting):
                waiting.add(report.uid)
    return news, frozenset(waiting)


def _reports(
    objects: Sequence[StudyObject], places: Sequence[Place]
) -> list[tuple[StructuredReport, tuple[ReturnedRun, ...]]]:
    """The reports of these patients with the runs in them."""
    from medview.dicom.objects.returned_runs import read_runs

    read = []
    whose = {"", *(place.patient.id for place in places)}
    for each in objects:
        try:
            report, runs = read_runs(each.path)
        except MedViewError:
            continue  # said by those who take its measurements
        if report.patient_id in whose:
            read.append((report, runs))
    return read


def _take_run(told: ReturnedRun, place: Place, made: Made) -> int:
    """How many runs were news; raises MedViewError where its mask is not here or damaged."""
    run = told.run
    for known in made.all_runs_of(place):
        if known.id == run.id:
            return _add_heatmaps(told, known, place, made)
        same = (known.model.name, known.series_uid, known.stack, known.subject)
        is_same = same == (run.model.name, run.series_uid, run.stack, run.subject)
        if is_same and _ended(known) >= _ended(run):
            return 0  # what was found here since is newer
    made.keep_run(place, _whole(told, place))
    return 1


def _add_heatmaps(told: ReturnedRun, known: ModelRun, place: Place, made: Made) -> int:
    """Heatmaps that were drawn since the run came; 1 where there are some."""
    here = {heatmap.id for heatmap in known.heatmaps}
    objects = _files(place)
    new = [each for each in _heatmaps(told, objects, place) if each.id not in here]
    if new:
        made.keep_run(place, with_heatmaps(known, new))
    return int(bool(new))


def _files(place: Place) -> dict[str, str]:
    """Where the objects of a study lie, by UID; heatmaps are among its images."""
    study = place.study
    stacks = (stack for series in study.series for stack in series.stacks)
    found = {frame.sop_instance_uid: frame.path for stack in stacks for frame in stack.frames}
    return found | {each.uid: each.path for each in study.objects}


def _ended(run: ModelRun) -> str:
    return run.provenance.finished if run.provenance is not None else ""


def _whole(told: ReturnedRun, place: Place) -> ModelRun:
    """The run with its mask and heatmaps, as far as their objects are here."""
    run, stored, grid = told.run, told.voxels, place.stack.geometry
    objects = _files(place)
    label_map = None
    if stored.geometry is not None and stored.geometry.same_grid(grid):
        voxels = _masks(told, objects, place)
        identity = next((f.label_map_id for f in run.findings if f.label_map_id), run.id)
        label_map = LabelMap(id=identity, geometry=grid, voxels=voxels, labels=stored.labels)
    return replace(run, label_map=label_map, heatmaps=_heatmaps(told, objects, place))


def _masks(told: ReturnedRun, objects: Mapping[str, str], place: Place) -> np.ndarray:
    from medview.dicom.objects.seg import read_segmentation

    grid = place.stack.geometry
    voxels = np.zeros(grid.shape, np.uint8)
    if not told.seg:
        return voxels  # nothing was found
    path = objects.get(told.seg)
    if path is None:
        raise UnreadableInstance(say("The mask of this result is not here."), told.run.model.name)
    values = {number: value for value, number in told.segments.items()}
    for part in read_segmentation(path, grid).label_maps:
        for label in part.labels:
            if label.value in values:
                voxels[part.voxels == label.value] = values[label.value]
    return voxels


def _heatmaps(told: ReturnedRun, objects: Mapping[str, str], place: Place) -> tuple[Heatmap, ...]:
    from medview.dicom.objects.heatmap_back import read_map
    from medview.dicom.uids import derived_uid

    found = []
    for stored in told.voxels.heatmaps:
        path = objects.get(derived_uid("heatmap", told.run.id, stored.id))
        if path is None or not stored.geometry.same_grid(place.stack.geometry):
            continue
        try:
            values = read_map(path, place.stack.geometry)
        except MedViewError:
            continue  # the finding stands without its picture
        found.append(replace(stored, geometry=place.stack.geometry).whole(values))
    return tuple(found)


def _take_words(told: ReturnedRun, place: Place, made: Made, segmenting: Segmenting) -> bool:
    """The reader's words that came with a run; a later one that is here already stays.

    Whether all of them could be taken: a correction needs its mask.
    """
    if not any(run.id == told.run.id for run in made.all_runs_of(place)):
        return True
    book, is_whole = made.book_of(place), True
    decisions = {d.finding_id: d for d in book.work.decisions}
    segments = {s.id: s for s in book.work.segments}
    known = {f.id: state_of(book.work, told.run, f) for f in told.run.findings}
    for word in told.words:
        new = Decision(finding_id=word.finding_id, decision=word.decision, at=word.at, by=word.by)
        before = known.get(word.finding_id)
        if before is not None and before.moment >= new.moment:
            continue
        if word.edited is not None:
            back = _segment(word, word.edited, place, segmenting)
            if back is None:
                is_whole = False
                continue
            segments[back.id] = back
        decisions[word.finding_id] = new
    thresholds = book.work.thresholds
    if told.threshold is not None and all(t.run_id != told.run.id for t in thresholds):
        thresholds = (*thresholds, Threshold(run_id=told.run.id, score=told.threshold))
    now = tuple(decisions.values()), tuple(segments.values()), thresholds
    if now != (book.work.decisions, book.work.segments, book.work.thresholds):
        name = say("Take in the words of a report")
        book.change(name, decisions=now[0], segments=now[1], thresholds=now[2])
    return is_whole


def _segment(
    word: ReturnedWord, mask: ReturnedMask, place: Place, segmenting: Segmenting
) -> Segment | None:
    from medview.dicom.objects.seg import read_segmentation

    path = next((o.path for o in place.study.objects if o.uid == mask.seg), None)
    if path is None:
        return None
    try:
        kept = from_plain(Segment, {**mask.kept, "patches": []})
        stored = read_segmentation(path, place.stack.geometry)
        for part in stored.label_maps:
            label = next((x for x in part.labels if x.value == mask.number), None)
            voxels = None if label is None else voxels_of(part, label, place)
            if voxels is not None and _key(kept) == place.key:
                return replace(kept, patches=segmenting.put(place, voxels))
    except (MedViewError, ValueError):
        return None
    return None


def _key(segment: Segment) -> Key:
    return segment.series_uid, segment.stack

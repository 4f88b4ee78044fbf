"""Results of models that were saved with the reader's words, opened again at another place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_write_cases import ct_stack, lung_run
from pydicom.dataset import Dataset

from medview.core.results import Fidelity, Finding, Heatmap, ModelRun, OperatingPoint
from medview.core.study import Stack
from medview.core.words import say
from medview.dicom.objects.returned_runs import read_runs
from medview.dicom.write import read_sources, write_heatmap, write_run_files
from medview.imaging.segment.box import Box
from medview.session import Session
from medview.session.decided import state_of
from medview.session.objects import save_objects
from medview.session.reporting import session_subject
from medview.session.returning import take_in
from medview.session.segment_sources import from_finding
from medview.session.segments import Segment
from medview.session.studies import Place
from medview.session.truth_cases import keep_cases, truth_folder
from medview.session.work import Threshold

Json = dict[str, Any]
WORDS = say("Accept finding")


@dataclass
class Reader:
    """A reader with a home of their own, who has the study open."""

    folder: Path
    home: Path
    patch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.session = Session()
        self.look_again()

    def here(self) -> None:
        self.patch.setenv("XDG_DATA_HOME", str(self.home))

    def look_again(self) -> None:
        """Open the folder, without reading its reports as documents too."""
        self.here()
        session = self.session
        session.studies.open([self.folder])
        # The masks lie there as NIfTI too, and heatmaps are images.
        places = (each for each in session.studies.places() if each.patient.id)
        (place,) = (each for each in places if each.series.modality == "CT")
        session.select(place.key)
        take_in([place], session.made, session.segmenting, session.events)

    @property
    def place(self) -> Place:
        assert self.session.active is not None
        return self.session.active

    @property
    def runs(self) -> tuple[ModelRun, ...]:
        return self.session.made.all_runs_of(self.place)

    def words(self) -> dict[str, tuple[str, str]]:
        """The reader's words by finding, with the segment that each rests on."""
        found = {}
        for finding in self.runs[0].findings:
            word = state_of(self.session.work, self.runs[0], finding)
            if word is not None:
                found[finding.id] = (word.decision, word.at)
        return found

    def decisions(self) -> dict[str, str]:
        return {name: word for name, (word, _) in self.words().items()}

    def analyse(self) -> None:
        self.here()
        run = lung_run(self.place.stack)
        self.session.made.keep_run(self.place, replace(run, series_uid=self.place.series.uid))

    def correct(self, at: str = "2026-11-01T09:00:00+00:00") -> Segment:
        """The right lung's mask as a segment, begun at a time."""
        self.here()
        begun = from_finding(self.place, self.runs[0], self.runs[0].findings[0])
        assert begun is not None
        (segment,) = self.session.segmenting.add_all([begun], WORDS)
        book = self.session.book
        assert book is not None
        told = tuple(replace(d, at=at) for d in book.work.decisions)
        segment = replace(segment, made_at=at, changed_at=at)
        book.amend(decisions=told, segments=(segment,))
        return segment

    def paint(self, value: bool, at: str) -> None:
        """Every voxel of the segment's slices set or erased, at a time."""
        self.here()
        (segment,) = self.session.work.segments
        shape = self.place.stack.geometry.shape
        self.session.segmenting.write(segment, Box((0, 0, 0), shape), np.full(shape, value), WORDS)
        (segment,) = self.session.work.segments
        assert self.session.book is not None
        self.session.book.amend(segments=(replace(segment, changed_at=at),))

    def count(self) -> int:
        (segment,) = self.session.work.segments
        return self.session.segmenting.mask(self.place, segment).count

    def save(self) -> None:
        self.here()
        subject = session_subject(self.session)
        assert subject is not None
        done = save_objects(subject, self.folder)
        assert self.session.book is not None
        self.session.book.amend(taken=(*self.session.work.taken, *done.taken))
        assert [note.english() for note in done.notes] == []


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder)
    return folder


@pytest.fixture
def reader(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The first reader, with a result of a model."""
    made = Reader(study, tmp_path / "one", monkeypatch)
    made.analyse()
    return made


@pytest.fixture
def another(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Reader]:
    """Who opens the same folder at another computer."""
    return lambda: Reader(study, tmp_path / "two", monkeypatch)


def texts(dataset: Dataset) -> Iterator[Dataset]:
    """Every item with a text, however deep."""
    if "TextValue" in dataset:
        yield dataset
    for item in dataset.get("ContentSequence", ()):
        yield from texts(item)


def retold(path: Path, change: Callable[[Json], None]) -> None:
    """What MedView kept of the run in a report, changed by another hand."""
    report = pydicom.dcmread(path)
    (item,) = (each for each in texts(report) if each.TextValue.startswith('{"v": 1'))
    kept = json.loads(item.TextValue)
    change(kept)
    item.TextValue = json.dumps(kept)
    report.save_as(path)


def test_a_report_cannot_name_a_file_outside_its_patients_folder(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    told = write_run_files(lung_run(stack), stack, tmp_path / "out")
    path = tmp_path / "out" / str(told.sr)
    found = [each.run for each in read_runs(str(path))[1]]

    def runs_with(**changes: Any) -> list[str]:
        retold(path, lambda kept: kept["run"].update(changes))
        return [each.run.id for each in read_runs(str(path))[1]]

    def named(name: str) -> Json:
        return {"name": name, "version": "1.0.0", "manifest_sha256": ""}

    assert [run.id for run in found] == ["run-1"]
    assert [runs_with(id=each) for each in ("../../outside", "/outside", "")] == [[]] * 3
    assert [runs_with(id="run-2", model=named(each)) for each in ("../lungs", "..")] == [[]] * 2
    assert runs_with(model=named("lungs"), status="hidden") == []
    assert runs_with(status="run") == ["run-2"]


def test_the_newest_correction_comes_back_whatever_its_zone(
    reader: Reader, another: Callable[[], Reader]
) -> None:
    reader.correct(at="2026-11-01T09:00:00+00:00")
    reader.paint(True, at="2026-11-01T10:30:00+02:00")  # before it was begun, by the letters
    reader.save()
    other = another()
    first = other.count()
    reader.paint(False, at="2026-11-01T09:40:00+00:00")
    reader.here()
    (segment,) = reader.session.work.segments
    box = Box((1, 2, 3), (2, 2, 2))
    reader.session.segmenting.write(segment, box, np.ones((2, 2, 2), bool), WORDS)
    (segment,) = reader.session.work.segments
    assert reader.session.book is not None
    at = "2026-11-01T08:50:00-01:00"  # the latest of all, and the first by the letters
    reader.session.book.amend(segments=(replace(segment, changed_at=at),))
    reader.save()
    other.look_again()

    assert first == np.prod(other.place.stack.geometry.shape)
    assert other.count() == 8
    assert other.words()["lung"] == ("edited", at)


def test_words_that_were_taken_back_do_not_come_back(
    reader: Reader, another: Callable[[], Reader]
) -> None:
    reader.session.made.decide_all(("lung", "airway"), "accepted")
    reader.save()
    reader.session.made.decide_all(("lung", "airway"), "suggested")
    reader.save()

    other = another()

    assert [run.id for run in other.runs] == ["run-1"]
    assert other.decisions() == {}


def test_a_deleted_correction_is_no_acceptance(reader: Reader) -> None:
    segment = reader.correct()
    assert reader.decisions() == {"lung": "edited"}

    reader.session.segmenting.delete(segment)

    assert reader.decisions() == {}
    assert reader.session.work.decisions == ()
    assert reader.session.book is not None
    reader.session.book.undo()
    assert reader.decisions() == {"lung": "edited"}


def test_a_mask_corrected_to_nothing_is_told_as_rejected(
    reader: Reader, another: Callable[[], Reader]
) -> None:
    reader.correct()
    reader.paint(False, at="2026-11-01T09:30:00+00:00")
    reader.save()

    other = another()

    assert other.decisions() == {"lung": "rejected"}
    assert other.session.work.segments == ()


def test_a_result_waits_until_its_mask_is_here(
    reader: Reader, another: Callable[[], Reader], tmp_path: Path
) -> None:
    reader.session.made.decide("lung", "accepted")
    reader.save()
    (mask,) = reader.folder.glob("lungs*-seg.dcm")
    mask.rename(tmp_path / "away")
    other = another()
    assert other.runs == ()
    (tmp_path / "away").rename(mask)

    other.look_again()

    assert other.decisions() == {"lung": "accepted"}
    voxels = [run.label_map.voxels for run in other.runs if run.label_map is not None]
    assert [int(v.astype(bool).sum()) for v in voxels] == [
        int(run.label_map.voxels.astype(bool).sum()) for run in reader.runs if run.label_map
    ]


def heat(stack: Stack, number: int, **changes: Any) -> Heatmap:
    values = np.zeros(stack.geometry.shape, np.float32)
    values[2, 3, 4] = 0.5 * number
    return Heatmap(id=f"h{number}", geometry=stack.geometry, values=values, class_name="nodule",
                   **changes)  # fmt: skip


def sr_uids(folder: Path) -> set[str]:
    found = (pydicom.dcmread(path) for path in folder.glob("lungs*-sr.dcm"))
    return {str(each.SOPInstanceUID) for each in found}


def test_what_is_saved_again_with_other_content_is_another_object(
    reader: Reader, another: Callable[[], Reader]
) -> None:
    made, place = reader.session.made, reader.place
    seen = tuple(
        Finding(id=f"d{score}", kind="detection", label="nodule", score=score)
        for score in (0.9, 0.5, 0.1)
    )
    told = Fidelity(insertion=0.4, deletion=0.3, insertion_by_chance=0.1, deletion_by_chance=0.2)
    run = replace(
        reader.runs[0], id="run-9", findings=seen, label_map=None,
        heatmaps=(heat(place.stack, 1, method="doubt", cells=(4, 5, 6), fidelity=told,
                       random_likeness=0.25, unsure_mm=1.5),),
        notes=(say("A coarser grid was used."),),
        operating_points=(OperatingPoint(score=0.4, false_positives=1.0, sensitivity=0.8),),
    )  # fmt: skip
    made.keep_run(place, run)
    reader.save()
    first = sr_uids(reader.folder)
    other = another()
    (back,) = other.runs
    reader.save()
    again = sr_uids(reader.folder)
    reader.here()
    assert reader.session.book is not None
    reader.session.book.change(WORDS, thresholds=(Threshold(run_id="run-9", score=0.8),))
    made.keep_run(place, replace(run, heatmaps=(*run.heatmaps, heat(place.stack, 2))))
    reader.save()
    other.look_again()

    assert again == first
    assert sr_uids(reader.folder).isdisjoint(first)
    (path,) = reader.folder.glob("lungs*-sr.dcm")
    before = pydicom.dcmread(path).PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert {str(before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)} == first
    # Those that are not shown are not told to other programs, but come back.
    assert [f.id for f in back.findings] == ["d0.9", "d0.5", "d0.1"]
    assert [f.id for f in read_runs(str(path))[1][0].run.findings] == ["d0.9", "d0.5", "d0.1"]
    assert other.session.work.thresholds == (Threshold(run_id="run-9", score=0.8),)
    assert [f.finding.id for f in other.session.made.findings] == ["d0.9"]
    assert back.notes == run.notes
    fields = ("method", "cells", "fidelity", "random_likeness", "unsure_mm")
    for name in fields:
        assert getattr(back.heatmaps[0], name) == getattr(run.heatmaps[0], name)
    assert [h.id for h in other.runs[0].heatmaps] == ["h1", "h2"]


def test_each_method_of_a_heatmap_is_coded_as_what_it_is(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    run, sources = lung_run(stack), read_sources(stack)
    coded = {}
    for method in ("linear_cam", "hirescam", "occlusion", "doubt"):
        path = write_heatmap(run, heat(stack, 1, method=method), sources, tmp_path / "heat.dcm")
        shared = pydicom.dcmread(path).SharedFunctionalGroupsSequence[0]
        (mapping,) = shared.RealWorldValueMappingSequence
        (quantity,) = mapping.QuantityDefinitionSequence
        coded[method] = quantity.ConceptCodeSequence[0].CodeValue, mapping.LUTExplanation

    assert coded == {
        "linear_cam": ("130402", "Class activation for nodule"),
        "hirescam": ("130403", "Class activation for nodule"),
        "occlusion": ("130404", "Saliency for nodule"),
        "doubt": ("outline-openness", "Openness of the outline of nodule"),
    }


def test_a_training_case_is_an_object_of_its_own_and_goes_with_the_last_word(
    reader: Reader,
) -> None:
    made, book, place = reader.session.made, reader.session.book, reader.place
    assert book is not None
    reader.save()
    made.decide("lung", "accepted")
    keep_cases([place], reader.session)
    (case,) = truth_folder("lungs").glob("*/*/seg.dcm")
    kept = pydicom.dcmread(case).SOPInstanceUID
    (own,) = reader.folder.glob("lungs*-seg.dcm")
    written = pydicom.dcmread(own).SOPInstanceUID
    book.undo()
    keep_cases([place], reader.session)

    assert kept != written
    assert list(truth_folder("lungs").glob("*/*/*")) == []

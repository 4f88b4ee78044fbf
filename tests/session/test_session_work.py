"""What the reader makes is undoable, on the disk at once, and comes back."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.core.codec import to_plain
from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.core.paths import user_data_dir
from medview.core.results import (
    Finding,
    Heatmap,
    Label,
    LabelMap,
    Measurement,
    ModelRef,
    ModelRun,
    Quantity,
)
from medview.core.words import say
from medview.session import Session, measures
from medview.session.events import Event, Message, VolumeOpened
from medview.session.journal import Journal, patient_folder
from medview.session.knowledge import name_measurement
from medview.session.objects import remember_taken, save_objects
from medview.session.reporting import session_subject
from medview.session.work import Work, WorkBook

CtFolder = Callable[..., Path]


def ruler(series_uid: str = "1.2", name: str = "m1") -> Measurement:
    return Measurement(
        id=name,
        kind="length",
        series_uid=series_uid,
        stack=0,
        points=(PatientPoint(0, 0, 0), PatientPoint(3, 4, 0)),
        normal=(0, 0, 1),
        quantities=(Quantity(concept="length", value=5.0, unit="mm"),),
    )


def book(folder: Path, troubles: list[MedViewError] | None = None) -> WorkBook:
    return WorkBook(
        Journal(folder), lambda: None, (troubles if troubles is not None else []).append
    )


def test_undo_and_redo_step_through_named_commands(tmp_path: Path) -> None:
    work_book = book(tmp_path)
    work_book.change(say("Measure"), measurements=(ruler(),))
    work_book.change(say("Enter a value"), impression="text")

    assert str(work_book.undo_name) == "Enter a value"
    work_book.undo()
    work_book.undo()
    assert work_book.work == Work()
    assert work_book.undo() is None
    assert str(work_book.redo()) == "Measure"
    assert work_book.work.measurements == (ruler(),)


def test_a_new_command_forgets_what_was_undone(tmp_path: Path) -> None:
    work_book = book(tmp_path)
    work_book.change(say("Measure"), measurements=(ruler(),))
    work_book.undo()
    work_book.change(say("Enter a value"), impression="text")

    assert work_book.redo() is None


def test_work_comes_back_from_the_journal_undo_included(tmp_path: Path) -> None:
    first = book(tmp_path)
    first.change(say("Measure"), measurements=(ruler(),))
    first.change(say("Measure"), measurements=(ruler(), ruler(name="m2")))
    first.undo()

    assert book(tmp_path).work.measurements == (ruler(),)


def test_a_line_that_was_cut_off_is_passed_over_and_does_not_swallow_the_next(
    tmp_path: Path,
) -> None:
    first = book(tmp_path)
    first.change(say("Measure"), measurements=(ruler(),))
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"v": 1, "do": "Measure", "set": {"measur')

    second = book(tmp_path)
    second.change(say("Enter a value"), impression="after")

    third = book(tmp_path)
    assert third.work.measurements == (ruler(),)
    assert third.work.impression == "after"


def test_a_value_of_another_shape_in_the_journal_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(
        json.dumps({"v": 1, "do": "x", "set": {"measurements": 7, "impression": "kept", "new": 1}})
    )

    assert book(tmp_path).work == Work(impression="kept")


def test_an_item_without_sense_in_the_journal_leaves_those_beside_it(tmp_path: Path) -> None:
    good = to_plain(ruler())
    nowhere = {**good, "id": "m2", "points": [[0, 0, float("nan")], [1, 1, 1]]}
    words = {**good, "id": "m3", "points": [["left", "up", None], [1, 1, 1]]}
    one_end = {**good, "id": "m4", "points": [[0, 0, 0]]}
    (tmp_path / "journal.jsonl").write_text(
        json.dumps({"v": 1, "do": "x", "set": {"measurements": [nowhere, words, good, one_end]}})
        + "\n" + '{"set": ' * 50_000
    )  # fmt: skip

    assert book(tmp_path).work == Work(measurements=(ruler(),))


def test_a_long_journal_is_made_short_on_reading(tmp_path: Path) -> None:
    first = book(tmp_path)
    for number in range(60):
        first.change(say("Enter a value"), impression="x" * 6000 + str(number))

    assert book(tmp_path).work.impression.endswith("59")
    assert (tmp_path / "journal.jsonl").stat().st_size < 10_000


def test_a_full_disk_keeps_the_work_in_memory_and_saves_it_with_the_next_change(
    tmp_path: Path,
) -> None:
    troubles: list[MedViewError] = []
    work_book = book(tmp_path, troubles)
    work_book.change(say("Measure"), measurements=(ruler(),))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (tmp_path / "journal.jsonl").stat().st_size
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    try:
        work_book.change(say("Enter a value"), impression="not on the disk yet")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    assert len(troubles) == 1
    assert work_book.work.impression == "not on the disk yet"
    work_book.change(say("Measure"), measurements=(ruler(), ruler(name="m2")))
    again = book(tmp_path).work
    assert again.impression == "not on the disk yet"
    assert len(again.measurements) == 2


def test_folders_of_patients_carry_no_name_and_only_the_owner_may_look() -> None:
    folder = patient_folder("patient MARKED 1950")
    Journal(folder).write(say("Measure"), {"impression": "x"})

    assert "MARKED" not in str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "journal.jsonl").stat().st_mode) == 0o600
    assert patient_folder("patient MARKED 1950") == folder


def run_on(series_uid: str) -> ModelRun:
    from medview.core.geometry import Geometry

    grid = Geometry(shape=(2, 3, 4))
    voxels = np.zeros(grid.shape, np.uint8)
    voxels[1, 2, 3] = 1
    return ModelRun(
        id="run1",
        model=ModelRef(name="lungs", version="1", manifest_sha256="0"),
        series_uid=series_uid,
        stack=0,
        status="run",
        findings=(
            Finding(
                id="f1",
                kind="segmentation",
                label="right lung",
                measurements=(Quantity(concept="emphysema_share", value=4.2, unit="%"),),
                explanation=say("Because {why}.", why="of this"),
            ),
        ),
        label_map=LabelMap(
            id="l1", geometry=grid, voxels=voxels,
            labels=(Label(value=1, name="right lung", colour="#4aa3df"),),
        ),
        heatmaps=(
            Heatmap(id="h1", geometry=grid, values=voxels.astype(np.float32), class_name="x"),
        ),
    )  # fmt: skip


def test_opening_shows_the_first_slice_before_the_series_is_whole(
    session: Session, ct_folder: CtFolder
) -> None:
    heard: list[Event] = []
    session.events.subscribe(heard.append)
    session.open([ct_folder()])
    assert session.active is not None

    opened = session.studies.load(session.active)

    assert opened.ready.all()
    assert opened.volume.value_at(2, 0, 0) == -22
    assert next(e for e in heard if isinstance(e, VolumeOpened)) == VolumeOpened(*opened.place.key)


def test_work_and_runs_come_back_when_the_study_is_opened_again(ct_folder: CtFolder) -> None:
    folder = ct_folder()
    first = Session()
    first.open([folder])
    place = first.active
    assert place is not None
    first.made.keep_run(place, run_on(place.series.uid))
    first.made.decide("f1", "accepted")
    first.made.enter("creatinine", 1.2, "mg/dL")
    first.close()

    second = Session()
    second.open([folder])

    found = second.made.findings
    assert [f.finding.label for f in found] == ["right lung"]
    assert found[0].decision is not None
    assert found[0].decision.decision == "accepted"
    assert found[0].run.label_map is not None
    assert found[0].run.label_map.voxels.sum() == 1
    assert found[0].run.heatmaps[0].values[1, 2, 3] == pytest.approx(1.0)
    assert str(found[0].finding.explanation) == "Because of this."
    assert any(o.concept == "creatinine" and o.value == 1.2 for o in second.observations())
    second.close()


def test_a_newer_run_takes_the_place_of_the_older_one_on_the_disk_too(ct_folder: CtFolder) -> None:
    folder = ct_folder()
    first = Session()
    first.open([folder])
    place = first.active
    assert place is not None
    first.made.keep_run(place, run_on(place.series.uid))
    first.made.keep_run(place, replace(run_on(place.series.uid), id="run2"))
    first.close()

    second = Session()
    second.open([folder])

    assert second.active is not None
    assert [run.id for run in second.made.runs_of(second.active)] == ["run2"]
    second.close()


def test_another_patient_has_other_work(session: Session, ct_folder: CtFolder) -> None:
    session.open([ct_folder("one")])
    session.made.enter("creatinine", 1.2, "mg/dL")
    session.open([ct_folder("two", patient_id="P2")])
    other = next(p for p in session.studies.places() if p.patient.id == "P2")

    session.select(other.key)

    assert session.work == Work()


def test_a_rejected_finding_is_no_observation(session: Session, ct_folder: CtFolder) -> None:
    session.open([ct_folder()])
    assert session.active is not None
    session.made.keep_run(session.active, run_on(session.active.series.uid))

    assert any(o.concept == "emphysema_share" for o in session.observations())
    session.made.decide("f1", "rejected")
    assert not any(o.concept == "emphysema_share" for o in session.observations())


def test_a_ruler_that_was_named_is_an_observation(session: Session, ct_folder: CtFolder) -> None:
    session.open([ct_folder()])
    assert session.active is not None
    assert session.book is not None
    named = name_measurement(ruler(session.active.series.uid), "nodule_diameter_max")
    session.book.change(say("Measure"), measurements=(named,))

    found = next(o for o in session.observations() if o.concept == "nodule_diameter_max")

    assert (found.value, found.unit, found.source.kind) == (5.0, "mm", "ruler")
    assert found.source.locator == "measurement:m1"


def test_a_ruler_on_another_study_says_nothing_of_this_one(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder()])
    assert session.book is not None
    earlier = name_measurement(ruler("1.2.3.earlier"), "nodule_diameter_max")
    session.book.change(say("Measure"), measurements=(earlier,))

    assert not any(o.concept == "nodule_diameter_max" for o in session.observations())


def test_an_empty_folder_is_said_in_a_sentence(session: Session, tmp_path: Path) -> None:
    heard: list[Event] = []
    session.events.subscribe(heard.append)
    (tmp_path / "empty").mkdir()

    session.open([tmp_path / "empty"])

    said = [str(e.sentence) for e in heard if isinstance(e, Message)]
    assert said == ["The folder is empty."]


def test_a_listener_that_fails_does_not_silence_the_others(session: Session) -> None:
    heard: list[Event] = []

    def fail(_event: Event) -> None:
        raise ValueError

    session.events.subscribe(fail)
    session.events.subscribe(heard.append)

    session.events.send(Message(say("Cancelled.")))

    assert len(heard) == 1


def test_everything_is_there_again_after_kill_9(ct_folder: CtFolder) -> None:
    folder = ct_folder(slices=3)
    code = (
        "import sys, os, signal; from pathlib import Path; from medview.session import Session;"
        "s = Session(); s.open([Path(sys.argv[1])]); s.made.enter('creatinine', 1.3, 'mg/dL');"
        "print('made', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert (ended.stdout, ended.returncode) == ("made\n", -9)

    session = Session()

    assert session.restore()
    assert session.active is not None
    assert [o.value for o in session.work.entered] == [1.3]
    session.close()
    assert not Session().restore()


def test_the_volume_budget_gives_the_oldest_volume_back(ct_folder: CtFolder) -> None:
    from medview.session.events import Events
    from medview.session.memory import Budget
    from medview.session.studies import Studies

    studies = Studies(Events(), Budget(5000))  # two series of 5 x 16 x 20 x 2 bytes do not fit
    studies.open([ct_folder("one"), ct_folder("two", patient_id="P2")])
    first, second = list(studies.places())

    studies.load(first)
    studies.load(second)

    assert studies.volume(first.key) is None
    assert studies.volume(second.key) is not None
    studies.close()


def test_source_files_are_never_written_to(session: Session, ct_folder: CtFolder) -> None:
    folder = ct_folder()
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()}
    session.open([folder])
    assert session.active is not None
    session.studies.load(session.active)
    session.made.enter("age", 50.0, "a")

    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir()} == before


def test_files_of_the_session_are_for_the_owner_alone(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder()])
    session.made.enter("age", 50.0, "a")

    for path in user_data_dir().rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_slice_and_then_its_folder_show_the_whole_series(
    session: Session, ct_folder: CtFolder
) -> None:
    folder = ct_folder()
    session.open([folder / "001.dcm"])
    assert session.active is not None
    session.studies.load(session.active)

    session.open([folder])

    assert session.active is not None
    assert len(session.active.stack.frames) == 5
    assert session.studies.load(session.active).volume.geometry.shape[0] == 5
    assert len(list(session.studies.places())) == 1


def test_two_slices_opened_one_after_the_other_become_one_stack(
    session: Session, ct_folder: CtFolder
) -> None:
    folder = ct_folder()

    session.open([folder / "001.dcm"])
    session.open([folder / "002.dcm"])

    assert session.active is not None
    assert len(session.active.stack.frames) == 2


def test_what_was_just_opened_is_what_is_shown(session: Session, ct_folder: CtFolder) -> None:
    session.open([ct_folder("one")])
    session.open([ct_folder("two", patient_id="P2")])

    assert session.patient is not None
    assert session.patient.id == "P2"


def test_a_reported_number_stays_the_reports_where_only_its_label_is_moved(tmp_path: Path) -> None:
    reported = replace(ruler(), extra=((measures.REPORTED, "Elsewhere"),))
    made = book(tmp_path)
    measures.keep(made, reported)
    again = replace(reported, quantities=(), extra=(), label_shift=(3.0, 4.0))
    measures.keep(made, again)
    (kept,) = made.work.measurements
    assert kept == replace(reported, label_shift=(3.0, 4.0))
    measures.keep(made, replace(again, points=again.points[::-1]))
    assert made.work.measurements[0].extra == ()


def test_a_hidden_measurement_that_is_deleted_is_hidden_no_more(tmp_path: Path) -> None:
    made = book(tmp_path)
    measures.keep(made, ruler())
    measures.hide(made, "m1")
    measures.remove(made, ("m1",))
    assert made.work.hidden_measurements == ()


def test_a_measurement_that_was_undone_does_not_come_back_from_its_own_report(
    session: Session, ct_folder: CtFolder
) -> None:
    folder = ct_folder()
    session.open([folder])
    place, book = session.active, session.book
    assert place is not None
    assert book is not None
    measures.keep(book, ruler(place.series.uid))
    subject = session_subject(session)
    assert subject is not None
    remember_taken(subject, save_objects(subject, folder))
    book.undo()

    session.open([folder])

    assert session.work.measurements == ()
    book.redo()
    assert session.work.measurements == (ruler(place.series.uid),)

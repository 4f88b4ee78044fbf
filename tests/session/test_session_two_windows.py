"""Two windows on one study: neither takes the other's work, and neither passes for dead."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.errors import MedViewError
from medview.core.files import held
from medview.core.geometry import PatientPoint
from medview.core.paths import user_data_dir
from medview.core.results import Measurement
from medview.core.words import say
from medview.session import Session
from medview.session.journal import Journal
from medview.session.work import Decision, Work, WorkBook

CtFolder = Callable[..., Path]


def ruler(name: str, text: str = "") -> Measurement:
    points = (PatientPoint(0, 0, 0), PatientPoint(3, 4, 0))
    return Measurement(
        id=name, kind="length", series_uid="1", stack=0, points=points, normal=(0, 0, 1), text=text
    )


def book(folder: Path, troubles: list[MedViewError] | None = None) -> WorkBook:
    heard = troubles if troubles is not None else []
    return WorkBook(Journal(folder), lambda: None, heard.append)


def draw(work_book: WorkBook, name: str) -> None:
    rulers = (*work_book.work.measurements, ruler(name))
    work_book.change(say("Measure"), measurements=rulers)


def names(work: Work) -> set[str]:
    return {m.id for m in work.measurements}


def test_rulers_of_both_windows_are_kept(tmp_path: Path) -> None:
    one, two = book(tmp_path), book(tmp_path)
    draw(one, "a")
    draw(two, "b")
    draw(one, "c")

    assert names(one.work) == {"a", "b", "c"}
    assert names(book(tmp_path).work) == {"a", "b", "c"}


def test_a_ruler_deleted_in_one_window_does_not_come_back_from_the_other(tmp_path: Path) -> None:
    one = book(tmp_path)
    draw(one, "a")
    draw(one, "b")
    two = book(tmp_path)
    one.change(say("Measure"), measurements=(ruler("b"),))
    draw(two, "c")

    assert names(two.work) == {"b", "c"}
    assert names(book(tmp_path).work) == {"b", "c"}


def test_undo_in_one_window_leaves_what_the_other_made(tmp_path: Path) -> None:
    one, two = book(tmp_path), book(tmp_path)
    draw(one, "a")
    draw(one, "b")
    draw(two, "c")
    one.undo()
    one.undo()

    assert names(one.work) == {"c"}
    one.redo()
    assert names(book(tmp_path).work) == {"a", "c"}


def test_decisions_join_by_finding_and_the_last_word_on_one_holds(tmp_path: Path) -> None:
    def decision(finding: str, word: str) -> Decision:
        return Decision(finding_id=finding, decision=word, at="2026-01-31T10:00:00+00:00")

    one, two = book(tmp_path), book(tmp_path)
    one.change(say("Accept finding"), decisions=(decision("f1", "accepted"),), impression="one")
    two.change(
        say("Reject finding"), decisions=(decision("f1", "rejected"), decision("f2", "rejected"))
    )

    work = book(tmp_path).work
    assert {d.finding_id: d.decision for d in work.decisions} == {
        "f1": "rejected",
        "f2": "rejected",
    }
    assert work.impression == "one"


def test_a_journal_that_was_made_short_by_another_window_is_taken_in(tmp_path: Path) -> None:
    one = book(tmp_path)
    for number in range(60):
        one.change(say("Enter a value"), impression="x" * 6000 + str(number))
    two = book(tmp_path)
    draw(two, "b")
    draw(one, "a")

    assert names(book(tmp_path).work) == {"a", "b"}
    assert book(tmp_path).work.impression.endswith("59")


def test_a_journal_taken_off_the_disk_is_written_again(tmp_path: Path) -> None:
    one = book(tmp_path)
    draw(one, "a")
    (tmp_path / "journal.jsonl").unlink()
    draw(one, "b")

    assert names(book(tmp_path).work) == {"a", "b"}


def test_a_window_that_does_not_let_go_costs_a_sentence_not_the_work(tmp_path: Path) -> None:
    troubles: list[MedViewError] = []
    one = book(tmp_path, troubles)
    with held(tmp_path / "journal.lock"):
        draw(one, "a")
    assert len(troubles) == 1
    draw(one, "b")

    assert names(book(tmp_path).work) == {"a", "b"}


KILLED = (
    "import sys, os, signal; from pathlib import Path; from medview.session import Session;"
    "s = Session(); s.open([Path(p) for p in sys.argv[1:]]);"
    "os.kill(os.getpid(), signal.SIGKILL)"
)


def run_killed(*folders: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, folders)], check=False, env=dict(os.environ)
    )
    assert ended.returncode == -signal.SIGKILL


def test_a_second_window_restores_nothing_while_the_first_lives(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder()])

    second = Session()
    assert not second.restore()
    assert second.active is None
    second.close()


def test_closing_a_second_window_does_not_make_the_first_one_end_well(
    session: Session, ct_folder: CtFolder
) -> None:
    one, two = ct_folder("one"), ct_folder("two", patient_id="P2")
    run_killed(one)
    session.open([two])
    session.close()

    after = Session()
    assert after.restore()
    assert after.patient is not None
    assert after.patient.id == "P1"
    assert [Path(p) for p in after.studies.opened_paths] == [one]
    after.close()
    assert not Session().restore()


def test_what_two_killed_windows_had_open_is_all_restored_and_only_once(
    ct_folder: CtFolder,
) -> None:
    run_killed(ct_folder("one"))
    run_killed(ct_folder("two", patient_id="P2"))

    first, second = Session(), Session()
    assert first.restore()
    assert not second.restore()
    assert {p.id for p in first.studies.holdings.patients} == {"P1", "P2"}
    assert first.patient is not None
    assert first.patient.id == "P2"
    first.close()
    assert list((user_data_dir() / "sessions").iterdir()) == []


def test_a_damaged_note_of_what_was_open_restores_nothing(ct_folder: CtFolder) -> None:
    run_killed(ct_folder())
    (note,) = (user_data_dir() / "sessions").glob("*.json")
    note.write_text('{"paths": 7')

    assert not Session().restore()


def test_a_folder_without_locks_keeps_work_and_restores_nothing_by_guess(
    ct_folder: CtFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_killed(ct_folder())

    def no_locks(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    session = Session()
    assert not session.restore()
    session.open([ct_folder("again", patient_id="P3")])
    session.made.enter("creatinine", 1.3, "mg/dL")
    session.close()

    after = Session()
    after.open(list(map(Path, session.studies.opened_paths)))
    assert [o.value for o in after.work.entered] == [1.3]
    after.close()


def test_a_folder_still_being_opened_at_the_end_leaves_no_note(
    session: Session, ct_folder: CtFolder
) -> None:
    session.close()
    session.open([ct_folder()])

    assert not Session().restore()
    assert list(user_data_dir().glob("sessions/*")) == []

"""Forgetting a patient leaves no byte of theirs in the user's folders; others lose nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.errors import WriteFailed
from medview.core.paths import user_data_dir
from medview.core.study import FrameRef, Patient, Stack
from medview.library import (
    Library,
    Query,
    add,
    add_copies,
    check,
    keep_thumbnail,
    roots,
    set_tags,
    set_watched,
    stored_thumbnail,
    studies,
)
from medview.library import forgetting as steps
from medview.session import Session
from medview.session.forgetting import finish_forgetting, forget, forgettable

WriteStudy = Callable[..., Path]
MARKS = (b"quincemark", b"pearmark", b"plummark", b"1.2.826.77", b"figmark", b"19010203",
         b"1901-02-03")  # fmt: skip
QUINCE = {
    "PatientName": "Quincemark^Ada", "PatientID": "PEARMARK", "PatientBirthDate": "19010203",
    "StudyDescription": "plummark thorax", "AccessionNumber": "PLUMMARK",
    "StudyInstanceUID": "1.2.826.77.1", "SeriesInstanceUID": "1.2.826.77.2",
}  # fmt: skip


def traces(*folders: Path) -> list[str]:
    """Files of these folders that hold a mark, in their name or any byte, in any case."""
    found = []
    for path in (p for folder in folders for p in folder.rglob("*")):
        data = (
            os.fsencode(path.name).lower() + (path.read_bytes() if path.is_file() else b"").lower()
        )
        found += [
            path.name for mark in MARKS if mark in data or mark.decode().encode("utf-16-le") in data
        ]
    return found


def stack_of(folder: Path) -> Stack:
    from medview.dicom import scan

    return scan([folder]).patients[0].studies[0].series[0].stacks[0]


@pytest.fixture
def filled(library: Library, write_study: WriteStudy) -> Path:
    """Two patients by reference and copy, tags, a thumbnail, all of them many times rewritten."""
    for number in range(8):
        write_study(
            f"other{number}", images=3, PatientID=f"O{number}", PatientName=f"Other^{number}"
        )
    marked = write_study("q1", images=4, **QUINCE)
    add(library, [marked.parent])
    add_copies(library, [marked])
    for entry in studies(library):
        set_tags(library, entry.id, ["figmark"] if entry.patient.id == "PEARMARK" else ["keep"])
    assert keep_thumbnail(library, "1.2.826.77.2", 0, stack_of(marked), b"\x89PNG figmark")
    return marked


def forget_quince(library: Library) -> None:
    (item,) = forgettable(library, Patient(id="PEARMARK"))
    forget(library, item)


def test_no_byte_is_left_and_the_others_stay(
    library: Library, filled: Path, own_home: Path
) -> None:
    assert traces(own_home) != []
    assert stored_thumbnail(library, "1.2.826.77.2", 0, stack_of(filled)) is not None

    forget_quince(library)

    assert traces(own_home) == []
    assert len(studies(library)) == 8
    assert {entry.tags for entry in studies(library)} == {("keep",)}
    assert check(library, is_deep=True).is_sound
    assert len(list(filled.glob("*.dcm"))) == 4  # what the user owns is untouched


def test_no_byte_is_left_while_another_connection_is_open(
    library: Library, filled: Path, own_home: Path
) -> None:
    with library.connection() as other:
        other.execute("SELECT * FROM study").fetchall()

        forget_quince(library)

        assert traces(own_home) == []  # also in the journal and its index, which are there now
        assert (library.folder / "index.sqlite-wal").exists()


def test_another_window_that_reads_on_is_named_and_the_rest_is_done_later(
    library: Library, filled: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "_PATIENCE_S", 0.2)
    reader = sqlite3.connect(library.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM patient").fetchone()

    with pytest.raises(WriteFailed, match="Another window"):
        forget_quince(library)

    assert studies(library, Query(text="quincemark")) == ()
    reader.close()
    finish_forgetting(library)
    assert traces(own_home) == []


def test_work_results_and_what_was_open_go_too(
    library: Library, filled: Path, own_home: Path
) -> None:
    session = Session()
    session.open([filled])
    session.made.enter("creatinine", 1.3, "mg/dL")
    assert session.book is not None
    (item,) = session.library.forgettable(Patient(id="PEARMARK"))
    assert len(item.work_folders) == 1

    session.library.forget(item)

    assert session.patient is None
    assert traces(own_home) == []
    assert list((user_data_dir() / "work").iterdir()) == []
    session.close()


def test_work_of_a_patient_outside_the_library_can_be_forgotten(
    library: Library, write_study: WriteStudy, own_home: Path
) -> None:
    session = Session()
    session.open([write_study("q1", **QUINCE)])
    session.made.enter("creatinine", 1.3, "mg/dL")
    patient = session.patient
    assert patient is not None

    (item,) = session.library.forgettable(patient)
    session.library.forget(item)

    assert list((user_data_dir() / "work").iterdir()) == []
    session.close()


@pytest.mark.parametrize("stage", ["begin", "_remove_folder", "_delete_rows", "keep", "scrub"])
def test_a_forgetting_that_was_killed_is_ended_by_the_next_start(
    library: Library, filled: Path, own_home: Path, stage: str
) -> None:
    code = (
        "import os, signal; from medview.library import forgetting as f, Library\n"
        "from medview.session import forgetting as s; from medview.core.study import Patient\n"
        f"real = f.{stage}\n"
        "def die(*args):\n"
        f"    {'pass' if stage in ('keep', 'scrub') else 'real(*args)'}\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"f.{stage} = die; s.begin = f.begin\n"
        "s.forget(Library(), s.forgettable(Library(), Patient(id='PEARMARK'))[0])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, env=dict(os.environ)
    )
    assert ended.returncode == -9, ended.stderr.decode()[-400:]
    assert stage == "scrub" or traces(own_home) != []

    finish_forgetting(library)

    assert traces(own_home) == []
    assert len(studies(library)) == 8


def test_copies_that_a_killed_run_had_not_written_down_go_too(
    library: Library, filled: Path, own_home: Path
) -> None:
    with library.transaction() as connection:
        connection.execute("DELETE FROM file WHERE folder IN (SELECT id FROM folder WHERE root IN"
                           " (SELECT id FROM root WHERE is_copy))")  # fmt: skip

    forget_quince(library)

    assert traces(own_home) == []


def test_what_killed_runs_left_half_written_goes_too(
    library: Library, filled: Path, write_study: WriteStudy, own_home: Path
) -> None:
    more = write_study("q2", images=1, **{**QUINCE, "StudyInstanceUID": "1.2.826.77.5"})
    other = write_study("o2", images=1, PatientID="O7")
    copy = library.folder / "files" / "of-a-study-not-written-down" / ".new-abcdefgh"
    copy.parent.mkdir()
    copy.write_bytes(next(more.iterdir()).read_bytes()[:1200])
    foreign = copy.with_name(".new-hgfedcba")
    foreign.write_bytes(next(other.iterdir()).read_bytes())
    (library.folder / ".new-keepsake").write_text('{"tags": {"1.2.826.77.1": ["figmark"]}}')

    forget_quince(library)

    assert traces(own_home) == []
    assert foreign.exists()  # another window may be at work on it


def test_pictures_of_a_study_that_another_took_the_place_of_go_with_it(
    library: Library, write_study: WriteStudy, own_home: Path
) -> None:
    marked = write_study("disc", **QUINCE)
    add(library, [marked])
    assert keep_thumbnail(library, "1.2.826.77.2", 0, stack_of(marked), b"\x89PNG figmark")
    for path in marked.iterdir():
        path.unlink()
    write_study("disc", images=3, PatientID="P5")  # the next disc, with the same names of files

    add(library, [marked])

    assert [e.patient.id for e in studies(library)] == ["P5"]
    assert traces(own_home) == []


def test_another_window_that_forgets_the_same_patient_takes_nobody_else(
    library: Library, filled: Path, write_study: WriteStudy
) -> None:
    (item,) = forgettable(library, Patient(id="PEARMARK"))
    forget(Library(), item)
    add(library, [filled])

    forget(library, item)

    assert [e.patient.id for e in studies(library, Query(patient_id="PEARMARK"))] == ["PEARMARK"]


def test_what_cannot_be_taken_off_the_disk_is_said_and_taken_by_the_next_start(
    library: Library, filled: Path, own_home: Path
) -> None:
    stuck = library.folder / "files" / "stuck"
    copy = next(path for path in (library.folder / "files").rglob("*.dcm"))
    copy.rename(stuck)
    copy.mkdir()
    (copy / "inside").touch()

    with pytest.raises(WriteFailed, match="Not everything"):
        forget_quince(library)

    (copy / "inside").unlink()
    copy.rmdir()
    stuck.rename(copy)
    finish_forgetting(library)
    assert traces(own_home) == []


def test_a_watched_folder_is_watched_no_more_because_it_would_bring_the_patient_back(
    library: Library, filled: Path
) -> None:
    set_watched(library, filled.parent, is_watched=True)
    (item,) = forgettable(library, Patient(id="PEARMARK"))
    assert str(filled.parent) in " ".join(map(str, item.words()))

    forget(library, item)

    assert [root.is_watched for root in roots(library)] == [False]


def test_namesakes_with_another_birth_date_are_others(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study("a"), write_study("b", PatientBirthDate="19990101")])

    assert len(forgettable(library, Patient(id="P1"))) == 2
    (item,) = forgettable(library, Patient(id="P1", birth_date="1950-02-01"))
    forget(library, item)

    assert [e.patient.birth_date for e in studies(library)] == ["1999-01-01"]


def test_a_thumbnail_is_kept_only_of_what_is_indexed_and_while_its_file_is_the_same(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study("q1", **QUINCE)
    stack = stack_of(folder)
    assert not keep_thumbnail(library, "1.2.826.77.2", 0, stack, b"png")
    add(library, [folder])

    assert keep_thumbnail(library, "1.2.826.77.2", 0, stack, b"png")

    assert stored_thumbnail(library, "1.2.826.77.2", 0, stack) == b"png"
    assert stored_thumbnail(library, "1.2.826.77.2", 1, stack) is None
    os.utime(stack.frames[len(stack.frames) // 2].path, (1, 1))
    assert stored_thumbnail(library, "1.2.826.77.2", 0, stack) is None


def test_a_home_too_full_for_a_key_of_names_costs_the_thumbnail_alone(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study(SeriesInstanceUID="1.2.3")
    add(library, [folder])
    (user_data_dir() / "salt.lock").mkdir()  # no key for names can be made

    assert stored_thumbnail(library, "1.2.3", 0, stack_of(folder)) is None
    assert keep_thumbnail(library, "1.2.3", 0, stack_of(folder), b"png") is False
    with pytest.raises(WriteFailed):
        forgettable(library, Patient(id="P1"))


def test_a_stack_without_files_has_no_thumbnail(library: Library) -> None:
    stack = Stack(frames=(FrameRef(path="/nowhere"),), geometry=None, verdict="single")  # type: ignore[arg-type]

    assert not keep_thumbnail(library, "1", 0, stack, b"png")

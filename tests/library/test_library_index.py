"""Studies are indexed by reference, found by words in two languages, and opened from there."""

from __future__ import annotations

import os
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.errors import Cancelled, InvalidInput, MedViewError
from medview.core.progress import CancelToken
from medview.core.study import Patient, Series, Study
from medview.library import (
    Library,
    LibraryIsNewer,
    Query,
    add,
    files_of,
    paths_of,
    priors_of,
    roots,
    set_tags,
    studies,
)
from medview.library.schema import VERSION, migrate

WriteStudy = Callable[..., Path]


def names(library: Library, **query: str) -> list[str]:
    return [e.patient.name for e in studies(library, Query(**query))]


def test_a_folder_becomes_a_line_with_patient_date_and_counts(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study(images=3)

    added = add(library, [folder.parent])

    (entry,) = studies(library)
    assert (added.files, added.new, added.other) == (3, 3, 0)
    assert entry.patient == Patient(id="P1", name="Quince^Ada", sex="F", birth_date="1950-02-01")
    assert (entry.date, entry.description, entry.accession) == ("2026-01-31", "CT thorax", "ACC7")
    assert (entry.modalities, entry.body_parts) == (("CT",), ("CHEST",))
    assert (entry.series, entry.images, entry.objects) == (1, 3, 0)
    assert Path(entry.place) == folder
    assert not entry.is_copy


def test_what_is_there_already_is_not_read_again(library: Library, write_study: WriteStudy) -> None:
    folder = write_study(images=3)
    add(library, [folder])

    again = add(library, [folder])

    assert (again.files, again.known, again.new) == (3, 3, 0)
    assert studies(library)[0].images == 3


def test_a_file_that_changed_is_read_again_and_leaves_its_old_study(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study(images=1)
    add(library, [folder])
    (folder / "0000.dcm").unlink()
    write_study(images=1, PatientName="Other^B", PatientID="P22", StudyDescription="MR knee longer")

    add(library, [folder])

    assert names(library) == ["Other^B"]


@pytest.mark.parametrize("folder", ["müller 李", "a%b_c", "deep/er/est"])
def test_folders_of_any_name_are_indexed(
    library: Library, write_study: WriteStudy, folder: str
) -> None:
    made = write_study(folder, images=2)

    add(library, [made])

    (entry,) = studies(library)
    assert all(Path(path).is_file() for path in files_of(library, entry.id))


def test_names_that_are_no_text_are_indexed_too(library: Library, write_study: WriteStudy) -> None:
    folder = write_study(images=1)
    strange = os.fsencode(folder) + b"/\xff\xfe.dcm"
    (folder / "0000.dcm").rename(os.fsdecode(strange))

    add(library, [folder])

    (entry,) = studies(library)
    assert os.fsencode(files_of(library, entry.id)[0]) == strange


@pytest.mark.parametrize(
    "text",
    ["quince", "ADA", "quince ada", "P1", "acc7", "2026-01-31", "20260131", "thorax", "lung",
     "胸部", "胸", "ct", "计算机断层", "chest"],
)  # fmt: skip
def test_a_study_is_found_by_any_of_its_words(
    library: Library, write_study: WriteStudy, text: str
) -> None:
    add(library, [write_study()])

    assert names(library, text=text) == ["Quince^Ada"]


@pytest.mark.parametrize("text", ["quinces", "knee", "quince mr", "%", "_", "!", "1950"])
def test_other_words_do_not_find_it(library: Library, write_study: WriteStudy, text: str) -> None:
    add(library, [write_study()])

    assert names(library, text=text) == []


@pytest.mark.parametrize("text", ["王", "小东", "王小", "wang", "ＷＡＮＧ", "头部平扫", "平扫"])
def test_chinese_names_and_descriptions_are_found_by_any_part(
    library: Library, write_study: WriteStudy, text: str
) -> None:
    add(
        library,
        [
            write_study(
                SpecificCharacterSet="GB18030",
                PatientName="Wang^XiaoDong=王^小东=",
                StudyDescription="头部平扫",
                BodyPartExamined="HEAD",
            )
        ],
    )

    assert names(library, text=text) == ["Wang^XiaoDong=王^小东"]


def test_dates_modality_and_tag_narrow_the_list(library: Library, write_study: WriteStudy) -> None:
    add(library, [write_study("a"), write_study("b", StudyDate="20240505", Modality="MR")])
    old = studies(library, Query(modality="MR"))[0]
    set_tags(library, old.id, ["Teaching", "  follow   up "])

    assert old.date == "2024-05-05"
    assert len(studies(library, Query(since="2025-01-01"))) == 1
    assert len(studies(library, Query(until="2025-01-01"))) == 1
    assert studies(library, Query(tag="follow up"))[0].tags == ("Teaching", "follow up")
    assert [e.id for e in studies(library, Query(text="teach"))] == [old.id]
    set_tags(library, old.id, [])
    assert studies(library, Query(text="teach")) == ()


def test_patients_with_one_id_and_other_birth_dates_are_two(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study("a"), write_study("b", PatientBirthDate="19770707")])

    assert len({e.patient for e in studies(library)}) == 2


def test_a_study_opens_by_its_folder_or_file_by_file_where_others_lie_beside_it(
    library: Library, write_study: WriteStudy
) -> None:
    alone = write_study("alone", images=2)
    mixed = write_study("mixed", images=2, StudyDescription="first")
    write_study("mixed", images=1, StudyDescription="second")
    add(library, [alone, mixed])
    by_text = {e.description: e for e in studies(library)}

    assert paths_of(library, by_text["CT thorax"].id) == (alone,)
    assert paths_of(library, by_text["first"].id) == (mixed / "0000.dcm", mixed / "0001.dcm")


def test_a_double_is_counted_and_opened_once(library: Library, write_study: WriteStudy) -> None:
    folder = write_study("a", images=2)
    other = write_study("b", images=0)
    (other / "double.dcm").write_bytes((folder / "0000.dcm").read_bytes())

    add(library, [folder, other])

    (entry,) = studies(library)
    assert entry.images == 2
    assert len(files_of(library, entry.id)) == 2
    (folder / "0000.dcm").unlink()
    assert str(other / "double.dcm") in files_of(library, entry.id)


def test_studies_inside_a_zip_are_indexed_in_place(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study(images=2)
    archive = folder.parent / "disc.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in folder.glob("*"):
            made.write(path, f"images/{path.name}")

    added = add(library, [archive])

    (entry,) = studies(library)
    assert (added.new, entry.images) == (2, 2)
    assert files_of(library, entry.id)[0] == f"{archive}!/images/0000.dcm"
    assert add(library, [archive]).new == 0


def test_many_files_are_read_by_children_with_the_same_result(
    library: Library, write_study: WriteStudy, tmp_path: Path
) -> None:
    for number in range(4):
        write_study(f"s{number}", images=8, PatientID=f"P{number}")
    (tmp_path / "source" / "note.txt").write_text("no image")
    here, there = Library(tmp_path / "here"), Library(tmp_path / "there")

    one = add(here, [tmp_path / "source"], children=0)
    two = add(there, [tmp_path / "source"], children=2)

    assert (one.files, one.new, one.other) == (two.files, two.new, two.other) == (33, 32, 1)
    strip = [(e.uid, e.images, e.patient) for e in studies(here)]
    assert sorted(strip, key=str) == sorted(
        [(e.uid, e.images, e.patient) for e in studies(there)], key=str
    )


def test_priors_are_the_same_persons_other_dates_the_fittest_first(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [
        write_study("now"),
        write_study("knee", StudyDate="20251201", BodyPartExamined="KNEE", StudyDescription="knee"),
        write_study("mr", StudyDate="20250101", Modality="MR", StudyDescription="MR chest"),
        write_study("ct", StudyDate="20240101", StudyDescription="old CT"),
        write_study("same day", StudyDescription="other study of the day"),
        write_study("namesake", StudyDate="20230101", PatientBirthDate="19990909"),
    ])  # fmt: skip
    now = next(e for e in studies(library) if e.description == "CT thorax" and e.date > "2026")
    study = Study(
        uid=now.uid, date=now.date, series=(Series(uid="1", modality="CT", body_part="THORAX"),)
    )
    patient = Patient(id="P1", birth_date="1950-02-01", sex="F", studies=(study,))

    found = priors_of(library, patient, {now.uid})

    assert [e.description for e in found] == ["old CT", "MR chest", "knee"]


def test_without_an_id_nobody_is_taken_for_the_same_person(
    library: Library, write_study: WriteStudy
) -> None:
    add(
        library,
        [write_study("a", PatientID=""), write_study("b", PatientID="", StudyDate="20200101")],
    )

    assert priors_of(library, Patient(id="", birth_date="1950-02-01", sex="F"), {"x"}) == ()


def test_everything_is_readable_by_the_owner_alone_and_no_file_bears_a_name(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    with library.connection() as connection:  # WAL and SHM are there while it is open
        connection.execute("SELECT 1 FROM study").fetchall()
        found = [library.folder, *library.folder.rglob("*")]
        open_to_others = [p for p in found if stat.S_IMODE(p.stat().st_mode) & 0o077]

    assert {path.name for path in found} >= {"index.sqlite", "index.sqlite-wal"}
    assert open_to_others == []
    assert not any("quince" in path.name.lower() or "P1" in path.name for path in found)


def test_what_was_indexed_is_never_written_to(library: Library, write_study: WriteStudy) -> None:
    folder = write_study()
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*")}

    add(library, [folder])
    set_tags(library, studies(library)[0].id, ["x"])

    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*")} == before


def test_a_missing_path_and_the_librarys_own_folder_are_refused(
    library: Library, tmp_path: Path
) -> None:
    library.folder.mkdir(parents=True)

    with pytest.raises(InvalidInput):
        add(library, [tmp_path / "nowhere"])
    with pytest.raises(InvalidInput):
        add(library, [library.folder])


def test_stopping_keeps_what_was_read_and_the_next_call_goes_on(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_study(images=130)
    monkeypatch.setattr("medview.library.indexing._LOT", 50)
    cancel = CancelToken()

    with pytest.raises(Cancelled):
        add(library, [folder], lambda done, _total, _what: done >= 64 and cancel.cancel(), cancel)

    assert studies(library)[0].images == 50
    assert add(library, [folder]).known == 50
    assert studies(library)[0].images == 130


def test_looking_makes_no_library(library: Library) -> None:
    assert studies(library) == ()
    assert roots(library) == ()
    assert not library.folder.exists()


# -- versions ------------------------------------------------------------------------------


def test_an_index_of_the_first_version_is_brought_to_this_one_with_its_rows(
    library: Library, write_study: WriteStudy
) -> None:
    library.folder.mkdir(parents=True)
    old = sqlite3.connect(library.path, isolation_level=None)
    migrate(old, until=1)
    old.execute("INSERT INTO patient VALUES (1, 'P9', '', 'M', '', 'Old^Timer')")
    old.execute(
        "INSERT INTO study VALUES (1, 1, '1.2.3', '1999-01-01', '', 'first', '', '', 'old timer')"
    )
    old.close()

    set_tags(library, studies(library)[0].id, ["kept"])
    add(library, [write_study()])

    assert [(e.patient.name, e.tags) for e in studies(library)] == [
        ("Quince^Ada", ()),
        ("Old^Timer", ("kept",)),
    ]


def test_an_index_of_a_newer_version_is_refused_in_words_and_left_as_it_is(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    with library.connection() as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = library.path.read_bytes()

    with pytest.raises(LibraryIsNewer, match="newer version"):
        studies(Library())
    with pytest.raises(LibraryIsNewer):
        add(Library(), [write_study("two")])

    assert library.path.read_bytes() == before


def test_a_database_that_broke_while_it_was_open_is_an_error_in_words(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])

    with pytest.raises(MedViewError, match="could not be read"), library.connection() as connection:
        connection.execute("SELECT nothing FROM nowhere")

"""Copies, checks, cleaning and watched folders."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medview.core.errors import InvalidInput, MedViewError
from medview.library import (
    Added,
    Library,
    Watcher,
    add,
    add_copies,
    check,
    clean,
    files_of,
    keep_thumbnail,
    set_tags,
    set_watched,
    studies,
    words_of_check,
)
from medview.library.watching import look

WriteStudy = Callable[..., Path]


def test_copies_are_equal_private_and_named_by_nothing_of_the_patient(
    library: Library, write_study: WriteStudy
) -> None:
    source = write_study(images=3)

    added = add_copies(library, [source])

    (entry,) = studies(library)
    copies = [Path(path) for path in files_of(library, entry.id)]
    assert (added.new, entry.is_copy, entry.images) == (3, True, 3)
    assert {c.read_bytes() for c in copies} == {p.read_bytes() for p in source.glob("*")}
    assert {stat.S_IMODE(c.stat().st_mode) for c in copies} == {0o600}
    assert all(c.is_relative_to(library.folder) for c in copies)
    assert add_copies(library, [source]).new == 0
    source.rename(source.with_name("gone"))
    assert check(library, is_deep=True).is_sound


def test_a_check_names_what_is_missing_changed_and_unreadable(
    library: Library, write_study: WriteStudy
) -> None:
    source = write_study(images=4)
    add(library, [source])
    assert check(library).is_sound
    assert check(library, is_deep=True).newly_proven == 4
    gone, longer, quiet = (source / f"000{n}.dcm" for n in range(3))
    gone.unlink()
    longer.write_bytes(longer.read_bytes() + b"\0")
    before = quiet.stat()
    quiet.write_bytes(quiet.read_bytes()[:-2] + b"\1\1")
    os.utime(quiet, ns=(before.st_atime_ns, before.st_mtime_ns))

    shallow, deep = check(library), check(library, is_deep=True)

    assert (shallow.missing, shallow.changed) == ((str(gone),), (str(longer),))
    assert set(deep.changed) == {str(longer), str(quiet)}
    assert [str(s) for s in words_of_check(deep)] == ["Missing files: 1.", "Changed files: 2."]


def test_cleaning_takes_away_what_is_gone_and_pictures_over_a_size(
    library: Library, write_study: WriteStudy
) -> None:
    from medview.dicom import scan

    kept, gone = write_study("kept"), write_study("gone", PatientID="P2")
    add(library, [kept, gone])
    series = scan([kept]).patients[0].studies[0].series[0]
    keep_thumbnail(library, series.uid, 0, series.stacks[0], b"x" * 1000)
    for path in gone.glob("*"):
        path.unlink()
    (library.folder / "thumbnails" / "orphan.png").write_bytes(b"x")
    assert len(check(library).orphans) == 1

    first, second = clean(library), clean(library, most_pictures=10)

    assert (first.entries, first.pictures, first.leftovers) == (3, 0, 1)
    assert second.pictures == 1
    assert [e.patient.id for e in studies(library)] == ["P1"]
    assert list((library.folder / "thumbnails").iterdir()) == []


def test_entries_of_a_drive_that_is_away_are_kept(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = write_study("media/disc")
    add(library, [drive])
    drive.parent.rename(drive.parent.with_name("unplugged"))

    assert check(library).away == (str(drive),)
    assert clean(library).entries == 0
    assert len(studies(library)) == 1


@pytest.mark.parametrize("added", ["drive", "folder on it", "folder that holds it"])
def test_entries_of_a_drive_whose_place_stands_empty_are_kept(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch, added: str
) -> None:
    study = write_study("disk/study")
    drive, beside = study.parent, study.parent.with_name("unplugged")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == drive and study.exists())
    add(library, [{"drive": drive, "folder on it": study}.get(added, drive.parent)])
    set_tags(library, studies(library)[0].id, ["mine"])
    drive.rename(beside)
    drive.mkdir()  # as a network folder that is not connected

    assert str(drive) in check(library).away
    assert clean(library).entries == 0
    assert [entry.tags for entry in studies(library)] == [("mine",)]

    drive.rmdir()
    beside.rename(drive)
    assert check(library).is_sound
    monkeypatch.setattr(os.path, "ismount", lambda _path: False)  # a plain folder from now on
    shutil.rmtree(study)
    (drive / "readme.txt").touch()
    assert clean(library).entries == 3


def test_a_drive_that_goes_away_during_a_clean_up_keeps_its_entries(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study("disk/study")
    drive = study.parent
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == drive and study.exists())
    add(library, [study])
    real, looks = os.lstat, []

    def goes_away(path: str | bytes) -> os.stat_result:
        looks.append(path)
        if len(looks) == 2:
            drive.rename(drive.with_name("unplugged"))
            drive.mkdir()
        return real(path)

    monkeypatch.setattr(os, "lstat", goes_away)

    assert clean(library).entries == 0


def test_entries_in_a_folder_that_was_closed_are_kept(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study()
    add(library, [folder])
    folder.chmod(0)
    if os.access(folder, os.X_OK):
        pytest.skip("this user may look anywhere")
    try:
        assert len(check(library).unreadable) == 3
        assert clean(library).entries == 0
    finally:
        folder.chmod(0o700)


def test_a_folder_that_was_emptied_is_cleaned_up(library: Library, write_study: WriteStudy) -> None:
    folder = write_study()
    add(library, [folder])
    for path in folder.iterdir():
        path.unlink()

    assert clean(library).entries == 3


# -- watched folders -------------------------------------------------------------------------


def settle(folder: Path) -> None:
    for path in folder.rglob("*.dcm"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_new_and_changed_files_of_a_watched_folder_are_indexed_once_they_are_settled(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study("w", images=1)
    set_watched(library, folder, is_watched=True)

    fresh = look(library)
    settle(folder)
    settled, again = look(library), look(library)

    assert (fresh.new, settled.new, again.new) == (0, 1, 0)
    write_study("w", images=2, PatientID="P2")
    settle(folder)
    assert look(library).new == 2


def test_a_watcher_tells_of_new_studies_until_it_is_stopped(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study("w", images=2)
    settle(folder)
    set_watched(library, folder, is_watched=True)
    heard = threading.Event()
    told: list[Added] = []

    def hear(added: Added) -> None:
        told.append(added)
        heard.set()

    watcher = Watcher(library, hear, lambda error: pytest.fail(str(error)), pause_s=0.05)
    watcher.start()
    assert heard.wait(10)
    watcher.stop()

    assert [added.new for added in told] == [2]


def test_a_watcher_says_a_trouble_once_and_goes_on(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_study("w")
    set_watched(library, folder, is_watched=True)
    rounds: list[int] = []
    troubles: list[MedViewError] = []

    def broken(*_: object) -> Added:
        rounds.append(1)
        raise InvalidInput(troubles_words)

    from medview.core.words import say

    troubles_words = say("There is no such file or folder.")
    monkeypatch.setattr("medview.library.watching.look", broken)
    monkeypatch.setattr("medview.library.watching._SHARE", 0.0)
    watcher = Watcher(library, lambda _a: None, troubles.append, pause_s=0.01)
    watcher.start()
    end = time.monotonic() + 10
    while len(rounds) < 5 and time.monotonic() < end:
        time.sleep(0.01)
    watcher.stop()

    assert len(rounds) >= 5
    assert len(troubles) == 1


def test_a_watched_folder_that_fails_stops_nothing(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = write_study("broken"), write_study("good", PatientID="P2")
    for folder in (broken, good):
        set_watched(library, folder, is_watched=True)
        settle(folder)
    real = os.stat

    def fails(path: str | Path, *args: Any, **how: Any) -> os.stat_result:
        if str(path).startswith(str(broken)):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(path))
        return real(path, *args, **how)

    monkeypatch.setattr(os, "stat", fails)

    assert look(library).new == 3
    assert [entry.patient.id for entry in studies(library)] == ["P2"]


def test_a_folder_that_is_away_is_watched_again_when_it_is_back(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study("w")
    set_watched(library, folder, is_watched=True)
    away = folder.with_name("away")
    folder.rename(away)
    assert look(library) == Added()

    away.rename(folder)
    settle(folder)

    assert look(library).new == 3


def test_a_file_and_the_librarys_own_folder_cannot_be_watched(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study()
    add(library, [folder])

    for path in (folder / "0000.dcm", library.folder, folder / "nowhere"):
        with pytest.raises(InvalidInput):
            set_watched(library, path, is_watched=True)

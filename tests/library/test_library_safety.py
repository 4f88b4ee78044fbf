"""Killed, shared, full, read-only, damaged: the index stays whole, and says what is wrong."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medview.core.errors import InvalidInput, MedViewError, WriteFailed
from medview.core.study import Patient
from medview.library import (
    Library,
    LibraryIsDamaged,
    Query,
    add,
    add_copies,
    check,
    clean,
    copying,
    files_of,
    indexing,
    is_damaged,
    paths_of,
    recover,
    set_tags,
    set_watched,
    studies,
)
from medview.library.keepsake import kept
from medview.session.forgetting import forget, forgettable

WriteStudy = Callable[..., Path]
_ADD = (
    "import sys; from pathlib import Path; from medview.library import Library, {work};"
    "print('go', flush=True); print({work}(Library(), [Path(p) for p in sys.argv[1:]]).new)"
)


def start(work: str, *paths: Path, limit: int = 0) -> subprocess.Popen[bytes]:
    code = _ADD.format(work=work)
    if limit:  # a file size that the system does not let it pass: writes fail as on a full disk
        code = (
            "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));{code}"
        )
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )


def is_sound(library: Library) -> bool:
    with library.connection() as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        wrong = connection.execute("PRAGMA foreign_key_check").fetchone()
        miscounted = connection.execute(
            "SELECT 1 FROM series WHERE images + objects <>"
            " (SELECT count(DISTINCT sop_uid) FROM file WHERE series = series.id)"
        ).fetchone()
    return whole and wrong is None and miscounted is None


def kill_at_random(library: Library, source: Path, times: int, work: str) -> None:
    moments = random.Random(11)
    for _ in range(times):
        child = start(work, source)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(moments.uniform(0, 0.12))
        child.kill()
        child.communicate()
        if library.is_there:
            assert is_sound(library)
            assert all(Path(f).is_file() for e in studies(library) for f in files_of(library, e.id))


def many_studies(write_study: WriteStudy) -> Path:
    for number in range(6):
        folder = write_study(f"s{number}", images=40, PatientID=f"P{number}")
    return folder.parent


@pytest.mark.parametrize("work", ["add", "add_copies"])
def test_an_indexing_that_is_killed_goes_on_where_it_was(
    library: Library, write_study: WriteStudy, work: str
) -> None:
    source = many_studies(write_study)

    kill_at_random(library, source, 3, work)

    (add if work == "add" else add_copies)(library, [source])
    assert [e.images for e in studies(library)] == [40] * 6
    assert check(library, is_deep=True).is_sound


@pytest.mark.slow
@pytest.mark.parametrize("work", ["add", "add_copies"])
def test_twenty_kills_at_random_moments_leave_the_index_whole(
    library: Library, write_study: WriteStudy, work: str
) -> None:
    source = many_studies(write_study)

    kill_at_random(library, source, 20, work)

    (add if work == "add" else add_copies)(library, [source])
    assert [e.images for e in studies(library)] == [40] * 6
    assert check(library, is_deep=True).is_sound


def test_two_processes_write_at_once_and_nothing_is_lost(
    library: Library, write_study: WriteStudy
) -> None:
    source = many_studies(write_study)
    children = [start("add", source / f"s{k}", source / f"s{k + 1}") for k in (0, 2, 4, 1, 3)]

    ended = [(child.communicate()[1], child.returncode) for child in children]

    assert ended == [(b"", 0)] * 5
    assert [e.images for e in studies(library)] == [40] * 6
    assert is_sound(library)


def test_readers_see_whole_lots_while_another_process_writes(
    library: Library, write_study: WriteStudy
) -> None:
    source = many_studies(write_study)
    child = start("add", source)

    while child.poll() is None:
        assert all(entry.images for entry in studies(library))

    child.communicate()
    assert len(studies(library)) == 6


@pytest.mark.parametrize("work", ["add", "add_copies"])
def test_a_disk_that_fills_is_said_and_what_was_stored_stays(
    library: Library, write_study: WriteStudy, work: str
) -> None:
    first = write_study("first", images=2)
    add(library, [first])
    source = (
        write_study("big", images=3, Rows=600, Columns=600, PixelData=bytes(360_000))
        if work == "add_copies"
        else many_studies(write_study)
    )
    limit = 200_000 if work == "add_copies" else library.path.stat().st_size + 9_000

    child = start(work, source, limit=limit)
    said = child.communicate()[1].decode()

    assert child.returncode == 1
    assert "WriteFailed: The disk is full" in said
    assert is_sound(library)
    assert [e.images for e in studies(library, Query(patient_id="P1"))][-1] >= 2
    assert not list(library.folder.rglob(".new-*"))
    assert add(library, [source]).new > 0


def test_a_user_folder_that_cannot_be_written_is_one_sentence(
    own_home: Path, write_study: WriteStudy
) -> None:
    source = write_study()
    own_home.parent.mkdir(exist_ok=True)
    own_home.write_text("no folder")

    with pytest.raises(WriteFailed) as caught:
        add(Library(own_home / "data" / "medview" / "library"), [source])

    assert "Opening folders works without it." in caught.value.sentence()


def test_a_user_folder_that_may_not_be_looked_into_is_one_sentence(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    library.folder.chmod(0)
    if os.access(library.folder, os.X_OK):
        pytest.skip("this user may look anywhere")
    try:
        with pytest.raises(WriteFailed, match="may not write"):
            studies(Library())
    finally:
        library.folder.chmod(0o700)


def test_a_copy_larger_than_the_disk_is_refused_before_it_begins(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_study()
    monkeypatch.setattr("medview.library.copying._RESERVE", 1 << 62)

    with pytest.raises(WriteFailed, match="MB free"):
        add_copies(library, [source])

    assert studies(library) == ()


# -- damage --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["head", "middle", "all", "empty table"])
def test_a_damaged_index_is_made_anew_with_its_tags_roots_and_copies(
    library: Library, write_study: WriteStudy, tmp_path: Path, how: str
) -> None:
    folder, copied = write_study("a", images=30), write_study("b", PatientID="P2")
    add(library, [folder])
    add_copies(library, [copied])
    set_watched(library, folder, is_watched=True)
    for entry in studies(library):
        set_tags(library, entry.id, [f"tag of {entry.patient.id}"])
    damage(library.path, how)
    again = Library()

    assert is_damaged(again)
    with pytest.raises(LibraryIsDamaged):
        check(again)
    count = recover(again)

    assert count == 2
    assert {e.tags for e in studies(again)} == {("tag of P1",), ("tag of P2",)}
    assert [(r.path, r.is_watched) for r in kept(again).roots if not r.is_copy] == [(folder, True)]
    assert check(again, is_deep=True).is_sound
    assert not (again.folder / "set-aside.sqlite").exists()


def damage(path: Path, how: str) -> None:
    whole = bytearray(path.read_bytes())
    if how == "head":
        whole[:100] = bytes(100)
    elif how == "middle":
        for page in range(1, len(whole) // 4096):
            whole[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    elif how == "all":
        whole[:] = os.urandom(len(whole))
    else:
        whole[18:20] = b"\x09\x09"  # a file format that no SQLite reads
    path.write_bytes(whole)


def test_what_could_not_be_read_again_keeps_the_old_index_aside(
    library: Library, write_study: WriteStudy
) -> None:
    folder = write_study()
    add(library, [folder])
    set_tags(library, studies(library)[0].id, ["mine"])
    folder.rename(folder.with_name("away"))
    damage(library.path, "head")
    again = Library()

    assert recover(again) == 0
    assert (again.folder / "set-aside.sqlite").exists()

    folder.with_name("away").rename(folder)
    add(again, [folder])
    assert studies(again)[0].tags == ("mine",)


def test_a_broken_keepsake_costs_only_what_it_held(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    (library.folder / "keepsake.json").write_text(json.dumps({"roots": 7}))

    assert kept(library).roots == ()
    assert len(studies(library)) == 1


def test_an_error_of_the_database_is_never_a_bare_one(library: Library) -> None:
    library.folder.mkdir(parents=True)
    library.path.mkdir()

    with pytest.raises(MedViewError):
        studies(library)


def test_a_copy_that_another_window_has_written_down_is_not_made_anew(
    write_study: WriteStudy, tmp_path: Path
) -> None:
    source = next(p for p in write_study("in").rglob("*") if p.is_file())
    target = tmp_path / "files" / "study" / "copy.dcm"
    digest = copying._digest(str(source))
    copying._copy(str(source), target, digest)
    before = target.stat()

    copying._copy(str(source), target, digest)  # both had found it missing

    after = target.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert [path.name for path in target.parent.iterdir()] == ["copy.dcm"]
    assert after.st_mode & 0o077 == 0


def test_a_second_window_that_found_the_damage_too_leaves_the_new_index(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    damage(library.path, "middle")
    recover(Library())
    made = library.path.stat().st_ino

    assert recover(Library()) == 1

    assert library.path.stat().st_ino == made


def test_a_file_that_changes_while_it_is_copied_costs_only_itself(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_study(images=3)
    growing = source / "0001.dcm"
    real = copying._copy

    def grows(path: str, *rest: Any) -> None:
        if path == str(growing):
            growing.write_bytes(growing.read_bytes() + b"more")
        real(path, *rest)

    monkeypatch.setattr(copying, "_copy", grows)

    added = add_copies(library, [source])

    assert [path for path, _ in added.unreadable] == [str(growing)]
    assert added.new == 2
    assert [e.images for e in studies(library)] == [2]
    assert not list(library.folder.rglob(".new-*"))


def test_what_the_system_refuses_amid_a_change_is_said_in_words(
    library: Library, write_study: WriteStudy
) -> None:
    add(library, [write_study()])
    (library.folder / "thumbnails" / "unused").mkdir(parents=True)  # no file that could be unlinked

    with pytest.raises(WriteFailed):
        clean(library)


# -- two windows ---------------------------------------------------------------------------


def test_files_of_a_patient_forgotten_meanwhile_never_come_under_another(
    library: Library, write_study: WriteStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_LOT", 10)
    source, other = write_study("one", images=90), write_study("two", images=5, PatientID="P2")

    def forget_meanwhile(done: int, _total: int, _what: str) -> None:
        if done == 64:
            window = Library()
            forget(window, forgettable(window, Patient(id="P1"))[0])
            add(window, [other])

    add(library, [source], forget_meanwhile)

    assert {e.patient.id: e.images for e in studies(library)} == {"P1": 30, "P2": 5}
    assert is_sound(library)
    assert add(library, [source]).new == 60


@pytest.mark.parametrize("how", ["forgotten", "made anew"])
def test_a_line_of_a_list_shown_before_never_leads_to_another_study(
    library: Library, write_study: WriteStudy, how: str
) -> None:
    add(library, [write_study("one")])
    (shown,) = studies(library)
    (item,) = forgettable(library, Patient(id="P1"))
    if how == "made anew":
        library.path.unlink()
    else:
        forget(library, item)
    add(library, [write_study("two", PatientID="P2")])

    assert paths_of(library, shown.id) == ()
    with pytest.raises(InvalidInput):
        set_tags(library, shown.id, ["hers"])
    forget(library, item)
    assert [e.patient.id for e in studies(library)] == ["P2"]

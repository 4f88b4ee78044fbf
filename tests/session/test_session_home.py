"""A home that cannot be written to costs what would be kept there, and one sentence."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.log import start_log
from medview.core.paths import user_data_dir
from medview.core.settings import Settings, load_settings
from medview.core.words import say
from medview.session import Session
from medview.session import journal as journal_module
from medview.session.events import Event, Message
from medview.session.journal import patient_folder

CtFolder = Callable[..., Path]


@pytest.fixture
def closed_home(own_home: Path) -> Path:
    """A home that no rights open, for root neither: a file stands where the folder should be."""
    own_home.parent.mkdir(exist_ok=True)
    own_home.write_text("no folder")
    return own_home


def test_a_command_works_without_a_home_to_write_to(closed_home: Path, ct_folder: CtFolder) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "medview.cli", "info", str(ct_folder())],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip

    assert ended.returncode == 0
    assert "Lung" in ended.stdout
    assert ended.stderr == ""


def test_the_shipped_models_are_there_without_a_home(closed_home: Path) -> None:
    from medview.ai.catalogue import read_catalogue

    assert read_catalogue().models


def test_the_log_without_a_place_keeps_nothing_and_says_nothing(
    closed_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_log()
    logging.getLogger("medview.test").error("one line")

    assert capsys.readouterr().err == ""
    assert closed_home.read_text() == "no folder"


def test_the_window_works_on_in_memory_and_says_so_once(
    closed_home: Path, ct_folder: CtFolder
) -> None:
    session = Session()
    heard: list[Event] = []
    session.events.subscribe(heard.append)

    session.open([ct_folder(), ct_folder("two", patient_id="P2")])
    for place in session.studies.places():
        session.select(place.key)
        session.made.enter("creatinine", 1.3, "mg/dL")

    assert [o.value for o in session.work.entered] == [1.3]
    assert session.book is not None
    session.book.undo()
    assert session.work.entered == ()
    said = [str(e.sentence) for e in heard if isinstance(e, Message)]
    assert said == ["Your work cannot be stored on this computer; it is lost when MedView ends."]
    assert not session.restore()
    assert load_settings() == Settings()
    session.close()


def test_a_journal_that_cannot_be_written_is_said_once_until_it_can_be(
    session: Session, ct_folder: CtFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    session.events.subscribe(heard.append)
    session.open([ct_folder()])
    assert session.book is not None

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(journal_module, "_write_all", full)
            for text in ("a", "b", "c"):
                session.book.change(say("Enter a value"), impression=text)
        session.book.change(say("Enter a value"), impression="d")

    assert sum(isinstance(e, Message) for e in heard) == 2


@pytest.mark.parametrize("broken", [b"", b"short"])
def test_a_salt_that_was_cut_short_is_made_anew(broken: bytes) -> None:
    path = user_data_dir() / "salt"
    path.write_bytes(broken)

    folder = patient_folder("patient P1")

    assert len(path.read_bytes()) == 32
    assert patient_folder("patient P1") == folder


def test_a_full_disk_leaves_no_half_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            patient_folder("patient P1")

    assert not (user_data_dir() / "salt").exists()
    assert patient_folder("patient P1").is_dir()

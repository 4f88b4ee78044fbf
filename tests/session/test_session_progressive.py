"""What is open while a folder is still being read."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.session import Session
from medview.session.events import ActiveChanged, Event

CtFolder = Callable[..., Path]


def slowly(_done: int, _total: int, _what: str) -> None:
    time.sleep(0.02)


def seen(session: Session) -> list[tuple[str, int]]:
    """Per change of what is looked at: patient and number of pictures."""
    told: list[tuple[str, int]] = []

    def hear(event: Event) -> None:
        if isinstance(event, ActiveChanged) and session.active is not None:
            told.append((session.active.patient.id, len(session.active.stack.frames)))

    session.events.subscribe(hear)
    return told


def test_a_first_image_is_open_before_the_folder_is_read(
    session: Session, ct_folder: CtFolder
) -> None:
    told = seen(session)
    begun: list[int] = []

    session.open([ct_folder()], lambda done, *_: begun.append(len(told)) if done == 1 else None)

    assert told[0] == ("P1", 1)
    assert begun[0] == 1
    assert told[-1] == ("P1", 5)


def test_the_list_grows_while_a_long_folder_is_read(session: Session, ct_folder: CtFolder) -> None:
    told = seen(session)
    session.open([ct_folder("a", slices=30), ct_folder("b", slices=30)], slowly)

    counts = [count for _, count in told]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 3
    assert counts[-1] == 30


def test_a_reading_that_is_stopped_leaves_what_was_open(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder("one")])
    token = CancelToken()

    with pytest.raises(Cancelled):
        session.open([ct_folder("two", patient_id="P2")], lambda *_: token.cancel(), token)

    assert session.patient is not None
    assert session.patient.id == "P1"
    assert [p.id for p in session.studies.holdings.patients] == ["P1"]


def test_what_the_reader_turned_to_meanwhile_stays(session: Session, ct_folder: CtFolder) -> None:
    session.open([ct_folder("one")])
    assert session.active is not None
    chosen = session.active.key

    def choose(_done: int, _total: int, _what: str) -> None:
        session.select(chosen)

    session.open([ct_folder("two", patient_id="P2")], choose)

    assert session.active is not None
    assert session.active.key == chosen


def test_a_file_that_is_no_image_does_not_keep_the_first_image_back(
    session: Session, ct_folder: CtFolder
) -> None:
    folder = ct_folder()
    (folder / "000-read-me.txt").write_text("hello")
    told = seen(session)

    session.open([folder])

    assert told[0] == ("P1", 1)

"""A series larger than the memory for images: shown slice by slice, never refused, never more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medview.core.progress import CancelToken
from medview.session.events import Event, Events, Message
from medview.session.memory import Budget
from medview.session.studies import Place, Studies
from medview.session.volumes import NoRoom

CtFolder = Callable[..., Path]
SLICE = 16 * 20 * 2


@pytest.fixture
def studies(ct_folder: CtFolder) -> Iterator[Studies]:
    """Forty slices, and room for eight."""
    made = Studies(Events(), Budget(8 * SLICE + 10))
    made.open([ct_folder(slices=40)])
    yield made
    made.close()


def only(studies: Studies) -> Place:
    (place,) = studies.places()
    return place


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_slices_around_the_middle_are_there_at_first(studies: Studies) -> None:
    opened = studies.show(only(studies), CancelToken())

    assert opened.ready.sum() == 8
    assert opened.ready[20]
    assert int(opened.volume.stored[20, 0, 0]) == 1020
    assert opened.volume.values(20)[0, 0] == -4


def test_a_slice_that_is_looked_at_comes_and_others_go(studies: Studies) -> None:
    opened = studies.show(only(studies), CancelToken())

    for k in (0, 39, 5):
        studies.volumes.look_at(only(studies).key, k)
        wait_for(lambda k=k: bool(opened.ready[k]))
        assert int(opened.volume.stored[k, 3, 4]) == 1000 + k
        assert opened.ready.sum() <= 8
        assert studies.volumes.held_bytes <= 8 * SLICE + 10


def test_the_reader_is_told(studies: Studies) -> None:
    said: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Message):
            said.append(str(event.sentence))

    studies._events.subscribe(hear)
    studies.show(only(studies), CancelToken())

    assert any("slices are read as you look at them" in text for text in said)


def test_who_needs_the_whole_volume_is_refused_in_words(studies: Studies) -> None:
    studies.show(only(studies), CancelToken())

    with pytest.raises(NoRoom, match="more than there is room for"):
        studies.load(only(studies))


def test_more_memory_shows_the_whole_series(studies: Studies) -> None:
    place = only(studies)
    studies.show(place, CancelToken())
    studies.volumes.set_budget(Budget(100 * SLICE))

    assert studies.load(place).ready.all()


def test_closing_ends_it(studies: Studies) -> None:
    place = only(studies)
    studies.show(place, CancelToken())

    studies.close_patient(place.patient)

    assert studies.volumes.held_bytes == 0
    assert studies.volume(place.key) is None

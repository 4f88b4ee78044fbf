"""Volumes in memory: shared, read ahead, given back within the budget, stopped at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.session import Session
from medview.session.events import Event, Events, LoadProgress, VolumeOpened
from medview.session.memory import Budget, automatic_budget, total_bytes
from medview.session.prefetch import Prefetcher
from medview.session.studies import Place, Studies

CtFolder = Callable[..., Path]
ONE = 5 * 16 * 20 * 2  # bytes of a series of `ct_folder`


@pytest.fixture
def studies() -> Iterator[Studies]:
    """Room for two small series."""
    made = Studies(Events(), Budget(2 * ONE + 10))
    yield made
    made.close()


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def opened(studies: Studies, *folders: Path) -> list[Place]:
    studies.open(folders)
    return list(studies.places())


def test_the_rest_of_the_patients_studies_is_read_ahead(ct_folder: CtFolder) -> None:
    studies = Studies(Events(), Budget(10 * ONE))
    first, second, other = opened(
        studies, ct_folder("a"), ct_folder("b"), ct_folder("c", patient_id="P2")
    )
    prefetcher = Prefetcher(studies, lambda: True)
    studies.load(first)

    prefetcher.follow(first)

    wait_for(lambda: (v := studies.volume(second.key)) is not None and v.finished.is_set())
    prefetcher.stop()
    assert studies.volume(other.key) is None
    studies.close()


def test_reading_ahead_keeps_to_the_budget_and_to_what_is_shown(
    studies: Studies, ct_folder: CtFolder
) -> None:
    places = opened(studies, *(ct_folder(name) for name in "abcd"))
    most = []
    studies._events.subscribe(lambda _event: most.append(studies.volumes.held_bytes))
    studies.volumes.pin([places[0].key])
    studies.load(places[0])
    prefetcher = Prefetcher(studies, lambda: True)

    prefetcher.follow(places[0])

    wait_for(lambda: sum(studies.volume(p.key) is not None for p in places) == 2)
    time.sleep(0.05)
    prefetcher.stop()
    assert studies.volume(places[0].key) is not None
    assert max(most) <= 2 * ONE + 10


def test_nothing_is_read_ahead_where_the_reader_does_not_want_it(
    session: Session, ct_folder: CtFolder
) -> None:
    from dataclasses import replace

    session.settings = replace(session.settings, prefetch=False)
    session.open([ct_folder("a"), ct_folder("b")])
    assert session.active is not None
    session.studies.load(session.active)

    session.prefetch.follow(session.active)

    time.sleep(0.1)
    others = [p for p in session.studies.places() if p.key != session.active.key]
    assert [session.studies.volume(p.key) for p in others] == [None]


def test_the_volume_used_longest_ago_goes_first(studies: Studies, ct_folder: CtFolder) -> None:
    first, second, third = opened(studies, *(ct_folder(name) for name in "abc"))
    studies.load(first)
    studies.load(second)
    studies.volume(first.key)  # looked at again

    studies.load(third)

    held = [studies.volume(p.key) is not None for p in (first, second, third)]
    assert held == [True, False, True]


def test_a_smaller_budget_gives_back_at_once_but_not_what_is_shown(
    studies: Studies, ct_folder: CtFolder
) -> None:
    first, second = opened(studies, ct_folder("a"), ct_folder("b"))
    studies.volumes.pin([first.key])
    studies.load(first)
    studies.load(second)

    studies.volumes.set_budget(Budget(ONE))

    assert studies.volume(first.key) is not None
    assert studies.volume(second.key) is None


def test_all_who_ask_for_a_volume_get_the_same_one(ct_folder: CtFolder) -> None:
    studies = Studies(Events(), Budget(1 << 20))
    (place,) = opened(studies, ct_folder(slices=60))
    found = []
    threads = [threading.Thread(target=lambda: found.append(studies.load(place))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 3
    assert len({id(each) for each in found}) == 1
    studies.close()


def test_who_gives_up_does_not_stop_the_reading_of_who_waits(
    ct_folder: CtFolder,
) -> None:
    events = Events()
    studies = Studies(events, Budget(1 << 20))
    (place,) = opened(studies, ct_folder(slices=60))
    gives_up, stays = CancelToken(), CancelToken()
    waiting: list[threading.Thread] = []
    found = []

    def hear(event: Event) -> None:
        if isinstance(event, VolumeOpened) and not waiting:
            waiting.append(
                threading.Thread(target=lambda: found.append(studies.load(place, None, stays)))
            )
            waiting[0].start()
            time.sleep(0.1)  # until the second one has asked
            gives_up.cancel()

    events.subscribe(hear)
    whole = studies.load(place, None, gives_up)
    waiting[0].join()

    assert found == [whole]
    assert whole.ready.all()
    studies.close()


def test_a_reading_that_is_stopped_gives_its_memory_back(ct_folder: CtFolder) -> None:
    events = Events()
    studies = Studies(events, Budget(1 << 20))
    (place,) = opened(studies, ct_folder(slices=60))
    token = CancelToken()
    events.subscribe(lambda event: token.cancel() if isinstance(event, LoadProgress) else None)

    with pytest.raises(Cancelled):
        studies.load(place, None, token)

    assert studies.volumes.held_bytes == 0
    studies.close()


def test_closing_ends_what_is_being_read(ct_folder: CtFolder) -> None:
    events = Events()
    studies = Studies(events, Budget(1 << 20))
    (place,) = opened(studies, ct_folder(slices=60))
    seen: list[float] = []
    is_there = threading.Event()
    events.subscribe(lambda event: is_there.set() if isinstance(event, VolumeOpened) else None)

    def read() -> None:
        with pytest.raises(MedViewError):
            studies.load(place)
        seen.append(1.0)

    def hold(event: Event) -> None:
        if isinstance(event, VolumeOpened):
            time.sleep(0.2)  # still reading while somebody closes

    events.subscribe(hold)
    thread = threading.Thread(target=read)
    thread.start()
    assert is_there.wait(10)

    studies.close()

    thread.join(10)
    assert seen == [1.0]
    assert studies.volumes.held_bytes == 0


def test_closing_a_patient_gives_images_and_documents_back(
    session: Session, ct_folder: CtFolder
) -> None:
    session.open([ct_folder("one")])
    session.open([ct_folder("two", patient_id="P2")])
    assert session.active is not None
    closed = session.active.key
    session.studies.load(session.active)

    session.close_patient()

    assert session.patient is not None
    assert session.patient.id == "P1"
    assert session.studies.volume(closed) is None
    assert [p.patient.id for p in session.studies.places()] == ["P1"]


def test_the_budget_shrinks_with_the_memory_that_is_left() -> None:
    whole = total_bytes()
    assert 0 < automatic_budget() < whole
    # As much as the whole machine has cannot be had beside all that runs on it.
    assert Budget(4 * whole).now(held=0) < whole
    assert Budget(1000).now(held=0) == 1000


def test_a_first_picture_that_is_still_being_read_gives_way_to_the_whole(
    ct_folder: CtFolder,
) -> None:
    folder = ct_folder(slices=8)
    studies = Studies(Events(), Budget(1 << 20))
    (single,) = opened(studies, folder / "003.dcm")
    held: list[threading.Thread] = []

    def hear(event: Event) -> None:
        if isinstance(event, VolumeOpened) and held:
            time.sleep(0.2)  # the first picture is there, its reading has not ended

    studies._events.subscribe(hear)
    held.append(threading.Thread(target=lambda: _quietly(studies, single)))
    held[0].start()
    (whole,) = opened(studies, folder)

    assert len(studies.load(whole).ready) == 8
    held[0].join()
    studies.close()


def _quietly(studies: Studies, place: Place) -> None:
    with contextlib.suppress(MedViewError):
        studies.volumes.load(place)


def test_a_series_wanted_again_while_its_reading_stops_is_read_to_its_end(
    imaging_data: Path,
) -> None:
    studies = Studies(Events(), Budget(1 << 30))
    (place,) = opened(studies, imaging_data / "mr" / "brain-t1-post")

    def give_up(token: CancelToken) -> None:
        with contextlib.suppress(Cancelled):
            studies.load(place, None, token)

    for number in range(40):  # the reader turns away and back, each time after another while
        studies.volumes.drop(place.key)
        token = CancelToken()
        reading = threading.Thread(target=give_up, args=(token,))
        reading.start()
        time.sleep(0.0005 * number)
        token.cancel()
        time.sleep(0.0001 * number)
        assert studies.load(place).ready.all(), number
        reading.join()
    studies.close()

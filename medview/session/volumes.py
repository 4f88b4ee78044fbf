"""Volumes in memory: each read once for all who ask, within a budget, the oldest given back."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.core.shared import allow_spare, give_back_spare, is_fit, spare_bytes
from medview.core.words import say
from medview.session.events import Events, LoadProgress, Message, VolumeClosed, VolumeOpened
from medview.session.memory import Budget
from medview.session.places import Key, OpenVolume, Place, stack_bytes

if TYPE_CHECKING:
    from medview.dicom import VolumeFill
    from medview.dicom.volume_stacks import FileFill
    from medview.session.windowed import WindowedVolume

_SPARE_SHARE = 4  # of the budget, at most, lies ready for the next series
_TELL_S = 0.05  # progress is told at most so often
_WAIT_S = 10.0  # how long memory of a reading that was stopped is waited for


class NoRoom(MedViewError):
    """The budget has no room for a volume now."""


class _Wish(CancelToken):
    """Cancelled when everybody who asked for a volume has given up, and then for good: what has
    begun to stop would end with half of its slices."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens: list[CancelToken] = []
        self._is_given_up = False
        self._lock = threading.Lock()

    def join(self, token: CancelToken) -> bool:
        """Wish for it too; False where it is too late and reading must begin anew."""
        with self._lock:
            if not self._is_given_up:
                self._tokens.append(token)
            return not self._is_given_up

    @property
    def is_unwanted(self) -> bool:
        """Whether the volume must not stay even when it is whole."""
        return super().is_cancelled

    @property
    def is_cancelled(self) -> bool:
        with self._lock:
            if not self._is_given_up:
                self._is_given_up = all(token.is_cancelled for token in self._tokens)
            return self._is_given_up or self.is_unwanted

    def check(self) -> None:
        if self.is_cancelled:
            raise Cancelled


@dataclass(eq=False)
class _Reading:
    """A volume that is being read now."""

    place: Place
    needed: int
    wish: _Wish = field(default_factory=_Wish)
    focus: int | None = None
    fill: VolumeFill | FileFill | None = None
    error: MedViewError | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Volumes:
    """What is in memory. `load` blocks and runs outside the window's thread; the rest is quick."""

    def __init__(self, events: Events, budget: Budget) -> None:
        self._events = events
        self._budget = budget
        allow_spare(budget.whole // _SPARE_SHARE)
        self._volumes: OrderedDict[Key, OpenVolume] = OrderedDict()
        self._readings: dict[Key, _Reading] = {}
        self._windowed: dict[Key, WindowedVolume] = {}
        self._pinned: frozenset[Key] = frozenset()
        self._lock = threading.RLock()
        self._sharing = threading.Lock()  # one volume at a time takes its share of what is left
        self._is_closed = False

    def get(self, key: Key) -> OpenVolume | None:
        """The volume of a stack if it is in memory, whole or not; it counts as used."""
        with self._lock:
            found = self._volumes.get(key)
            if found is not None:
                self._volumes.move_to_end(key)
            return found

    def pin(self, keys: Sequence[Key]) -> None:
        """These volumes are on the screen and stay, whatever the budget says."""
        self._pinned = frozenset(keys)

    def is_reading(self, key: Key) -> bool:
        """Whether somebody is waiting for this volume."""
        with self._lock:
            reading = self._readings.get(key)
            return reading is not None and not reading.wish.is_cancelled

    def look_at(self, key: Key, k: int) -> None:
        """Slice k of a volume is looked at: it is read next, then its neighbours."""
        with self._lock:
            reading, windowed = self._readings.get(key), self._windowed.get(key)
            if windowed is not None:
                windowed.look_at(k)
            if reading is None:
                return
            reading.focus = k
            fill = reading.fill
        if fill is not None:
            fill.look_at(k)

    def load(
        self,
        place: Place,
        first: int | None = None,
        cancel: CancelToken | None = None,
        spare: Collection[Key] | None = None,
    ) -> OpenVolume:
        """The volume of a stack, read if need be, slice `first` at once and its neighbours next.

        It is announced (`VolumeOpened`) with its first slice, long before it is whole; this call
        returns when it is. spare: what must not be given back for it, None for what is pinned
        alone; with it the load is one of convenience that raises NoRoom where the budget is
        spent. Raises MedViewError when memory does not suffice, Cancelled.
        """
        cancel = cancel or CancelToken()
        self._leave_stale(place)
        while True:
            with self._lock:
                known, reading = self.get(place.key), self._readings.get(place.key)
                if known is not None and reading is None:
                    if known.bytes_held is None:
                        return known
                    self._leave_windowed(known, known.bytes_held)
                is_mine = reading is None
                if reading is None:
                    reading = _Reading(place, stack_bytes(place.stack), focus=first)
                    self._readings[place.key] = reading
                if reading.wish.join(cancel):
                    break
            while not reading.done.wait(0.05):  # it stops already: then anew
                cancel.check()
        if is_mine:
            return self._read(reading, spare)
        if first is not None:
            self.look_at(place.key, first)
        return self._wait(reading, cancel)

    def show(self, place: Place, cancel: CancelToken) -> OpenVolume:
        """As `load`; where the budget has no room, slice by slice as they are looked at.

        The reader is told so. Raises MedViewError, Cancelled.
        """
        try:
            return self.load(place, None, cancel)
        except NoRoom:
            return self._show_windowed(place, cancel)

    def _show_windowed(self, place: Place, cancel: CancelToken) -> OpenVolume:
        from medview.session.windowed import WindowedVolume, too_large

        key = place.key
        known = self.get(key)
        if known is not None:
            return known

        def told() -> None:
            done, total = int(windowed.opened.ready.sum()), len(windowed.opened.ready)
            self._events.send(LoadProgress(*key, min(done, total - 1), total))

        with self._sharing:
            room = self._room_for_some(place)
            windowed = WindowedVolume(place, room, len(place.stack.frames) // 2, told)
            with self._lock:
                self._volumes[key] = windowed.opened
                self._windowed[key] = windowed
            # A series that is read whole may have taken its room in the meantime.
            over = self.held_bytes - self._budget.now(self._in_hand)
            if over > 0:
                windowed.give_back(over)
        self._events.send(VolumeOpened(*key))
        self._events.send(Message(too_large(place, room), "warn"))
        windowed.start()
        while not windowed.settled.wait(0.05):
            if cancel.is_cancelled:
                self.drop(key)
                raise Cancelled
        return windowed.opened

    def _room_for_some(self, place: Place) -> int:
        """Bytes for a volume whose slices come one by one; others of its kind share theirs."""
        from medview.session.windowed import LEAST_SLICES

        needed = LEAST_SLICES * stack_bytes(place.stack) // max(1, len(place.stack.frames))
        with self._lock:
            others = sorted(self._windowed.values(), key=lambda each: -each.opened.nbytes)
        for other in others:
            room = self._budget.now(self._in_hand) - self.held_bytes
            if room >= needed:
                break
            other.give_back(max(needed - room, other.opened.nbytes // 2))
        return max(0, self._budget.now(self._in_hand) - self.held_bytes)

    def _leave_windowed(self, opened: OpenVolume, held: int) -> None:
        """Where there is room by now for all of it, begin anew; else raise NoRoom."""
        needed = stack_bytes(opened.place.stack)
        if self.held_bytes - held + needed > self._budget.now(self._in_hand):
            raise self._no_room(needed)
        self.drop(opened.place.key)

    def _leave_stale(self, place: Place) -> None:
        """Give back what was made of the stack when it had other frames."""
        with self._lock:
            reading, known = self._readings.get(place.key), self._volumes.get(place.key)
            other = reading or known
            if other is None or other.place.stack.frames == place.stack.frames:
                return
        self.drop(place.key)
        if reading is not None:
            reading.done.wait(_WAIT_S)

    def _wait(self, reading: _Reading, cancel: CancelToken) -> OpenVolume:
        while not reading.done.wait(0.05):
            cancel.check()
        if reading.error is not None:
            raise reading.error
        found = self.get(reading.place.key)
        if found is None:
            raise Cancelled
        return found

    def _read(self, reading: _Reading, spare: Collection[Key] | None) -> OpenVolume:
        key = reading.place.key
        opened = None
        try:
            self._make_room(reading, spare)
            opened = self._begin(reading)
            self._fill(reading, opened)
            if reading.wish.is_unwanted:
                raise Cancelled
        except MedViewError as error:
            reading.error = error
            self.drop(key)
            raise
        finally:
            with self._lock:
                self._readings.pop(key, None)
            if opened is not None:
                opened.finished.set()
            reading.done.set()
        self._report_failures(opened)
        return opened

    def _begin(self, reading: _Reading) -> OpenVolume:
        from medview.dicom import fill_of

        reading.wish.check()
        fill = fill_of(reading.place.stack)
        opened = OpenVolume(
            place=reading.place, volume=fill.volume, ready=fill.ready, failed=fill.failed
        )
        with self._lock:
            if self._is_closed:
                _release(opened)
                raise Cancelled
            reading.fill = fill
            if reading.focus is not None:
                fill.look_at(reading.focus)
            self._volumes[reading.place.key] = opened
        return opened

    def _fill(self, reading: _Reading, opened: OpenVolume) -> None:
        uid, number = reading.place.key
        told = 0.0
        is_announced = False

        def arrived(k: int) -> None:
            nonlocal is_announced, told
            if not is_announced:
                is_announced = True
                self._events.send(VolumeOpened(uid, number))
            if k == reading.focus:
                told = 0.0  # what is looked at shows at once

        def went_on(done: int, total: int, _what: str) -> None:
            nonlocal told
            now = time.monotonic()
            if done < total and now - told >= _TELL_S:
                told = now
                self._events.send(LoadProgress(uid, number, done, total))

        assert reading.fill is not None  # noqa: S101 - _begin made it
        reading.fill.run(went_on, reading.wish, None, arrived)
        opened.finished.set()
        total = len(opened.ready)
        if not is_announced:
            self._events.send(VolumeOpened(uid, number))
        self._events.send(LoadProgress(uid, number, total, total))

    def _report_failures(self, opened: OpenVolume) -> None:
        if opened.failed:
            reason = next(iter(opened.failed.values()))
            self._events.send(
                Message(
                    say(
                        "{count} of {total} {total:image|images} could not be read and "
                        "{count:is|are} left dark: {reason}",
                        count=len(opened.failed),
                        total=len(opened.ready),
                        reason=reason,
                    ),
                    "warn",
                )
            )

    # -- the budget ----------------------------------------------------------------------

    @property
    def held_bytes(self) -> int:
        """Memory that volumes take now, what is being read with all that it will take."""
        with self._lock:
            held = self._in_hand
            coming = (r.needed for k, r in self._readings.items() if k not in self._volumes)
            return held + sum(coming)

    @property
    def budget_bytes(self) -> int:
        """Memory that volumes may take on a machine with memory to spare."""
        return self._budget.whole

    def set_budget(self, budget: Budget) -> None:
        """Another budget, at once: what it has no room for is given back."""
        self._budget = budget
        allow_spare(budget.whole // _SPARE_SHARE)
        self.relieve()

    def relieve(self) -> None:
        """Give back what the budget has no room for (any more), the oldest first."""
        self._give_back(self._pinned, needed=0)

    def _make_room(self, reading: _Reading, spare: Collection[Key] | None) -> None:
        """Have the budget hold a volume that is about to be read. Raises NoRoom, Cancelled."""
        end = time.monotonic() + _WAIT_S
        kept = self._pinned | frozenset(spare or ()) | {reading.place.key}
        while not self._give_back(kept, needed=0):
            reading.wish.check()
            with self._lock:
                going = any(r.wish.is_cancelled for r in self._readings.values())
            if not going or time.monotonic() > end:
                raise self._no_room(reading.needed)
            time.sleep(0.01)

    def _no_room(self, needed: int) -> NoRoom:
        return NoRoom(
            say(
                "This series takes {needed} MB, more than there is room for among the {budget} MB "
                "that images may take now.",
                needed=needed >> 20,
                budget=self._budget.now(self._in_hand) >> 20,
            ),
            what_to_do=say("Close other studies, or allow more memory in the settings."),
        )

    @property
    def _in_hand(self) -> int:
        with self._lock:
            return sum(opened.nbytes for opened in self._volumes.values())

    def _give_back(self, kept: Collection[Key], needed: int) -> bool:
        """Drop the oldest volumes but `kept` until the budget holds; whether it does."""
        while True:
            held, spare = self.held_bytes, self._idle_spare()
            if held + needed + spare <= self._budget.now(self._in_hand + spare_bytes()):
                return True
            if spare:
                give_back_spare()
                continue
            with self._lock:
                oldest = next(
                    (key for key in self._volumes if key not in kept and key not in self._readings),
                    None,
                )
            if oldest is None:
                return False
            self.drop(oldest)

    def _idle_spare(self) -> int:
        """Memory of the spare block (see `core.shared`), unless a volume is about to take it."""
        spare = spare_bytes()
        with self._lock:
            coming = [r.needed for k, r in self._readings.items() if k not in self._volumes]
        return 0 if any(is_fit(spare, needed) for needed in coming) else spare

    # -- the end -------------------------------------------------------------------------

    def drop(self, key: Key) -> None:
        """Give a volume back; what reads it is stopped."""
        with self._lock:
            reading = self._readings.get(key)
            if reading is not None:
                reading.wish.cancel()
            gone = self._volumes.pop(key, None)
            windowed = self._windowed.pop(key, None)
        if windowed is not None:
            windowed.stop()
        if gone is None:
            return
        self._events.send(VolumeClosed(*key))
        self._events.send(LoadProgress(*key, 0, len(gone.ready)))
        _release(gone)

    def drop_where(self, is_gone: Callable[[Place], bool]) -> None:
        """Give back the volumes of stacks of which this is true, and stop reading them."""
        with self._lock:
            places = [opened.place for opened in self._volumes.values()]
            places += [reading.place for reading in self._readings.values()]
        for place in places:
            if is_gone(place):
                self.drop(place.key)

    def close(self) -> None:
        """Stop every reading, give every volume back."""
        with self._lock:
            self._is_closed = True
            readings = list(self._readings.values())
            for reading in readings:
                reading.wish.cancel()
        for reading in readings:
            reading.done.wait(_WAIT_S)
        self.drop_where(lambda _place: True)
        allow_spare(0)


def _release(opened: OpenVolume) -> None:
    if opened.volume.block is not None:
        opened.volume.block.release()

"""Series that the reader will look at next, read in the background while nothing else is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.session.places import Key, Place
from medview.session.studies import Studies
from medview.session.volumes import NoRoom

_log = logging.getLogger("medview.session")
_WATCH_S = 2.0  # how often the machine's memory is looked at once all is read


class Prefetcher:
    """Reads the rest of the study, then the patient's priors, one series after another.

    Nothing that is shown, or that comes earlier in this order, is given back for it. It runs in a
    thread of its own from `follow` to the next `follow`, `yield_to` or `stop`.
    """

    def __init__(self, studies: Studies, is_wanted: Callable[[], bool]) -> None:
        self._studies = studies
        self._is_wanted = is_wanted
        self._token = CancelToken()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._reading: Key | None = None
        self._lock = threading.Lock()

    def follow(self, place: Place) -> None:
        """The series at `place` is whole: read what lies near it."""
        self.stop()
        with self._lock:
            self._token, self._ended = CancelToken(), threading.Event()
            self._thread = threading.Thread(
                target=self._run,
                args=(place, self._token, self._ended),
                name="medview-prefetch",
                daemon=True,
            )
            self._thread.start()

    def yield_to(self, key: Key | None) -> None:
        """Somebody wants to read: stop, unless it is `key` that is being read already."""
        with self._lock:
            self._ended.set()
            if key is None or self._reading != key:
                self._token.cancel()

    def stop(self) -> None:
        """Stop and wait until the reading has ended."""
        self.yield_to(None)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._thread = None

    def _run(self, place: Place, token: CancelToken, ended: threading.Event) -> None:
        kept = {place.key}
        for candidate in near(place, self._studies):
            if ended.is_set() or not self._is_wanted():
                break
            kept.add(candidate.key)
            with self._lock:
                self._reading = candidate.key
            try:
                self._studies.load(candidate, None, token, kept)
            except (NoRoom, Cancelled):
                kept.discard(candidate.key)
            except MedViewError as error:
                _log.info("not read ahead", extra={"kind": type(error).__name__})
            finally:
                with self._lock:
                    self._reading = None
        while not ended.wait(_WATCH_S):
            self._studies.volumes.relieve()


def near(place: Place, studies: Studies) -> Iterator[Place]:
    """The other stacks of the series, of the study, of the patient's studies, newest first."""
    others = [p for p in studies.places() if p.key != place.key and p.is_of_patient_with(place)]
    here = [p for p in others if p.study.uid == place.study.uid]
    yield from (p for p in here if p.series.uid == place.series.uid)
    yield from (p for p in here if p.series.uid != place.series.uid)
    rest = [p for p in others if p.study.uid != place.study.uid]
    same_kind = place.series.modality
    rest.sort(key=lambda p: p.series.modality != same_kind)
    yield from sorted(rest, key=lambda p: p.study.date, reverse=True)

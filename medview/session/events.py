"""What the session tells who listens. Events are frozen; they may be sent from any thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from medview.core.geometry import PatientPoint
from medview.core.words import Sentence

_log = logging.getLogger("medview.session")


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed."""


@dataclass(frozen=True, slots=True)
class HoldingsChanged(Event):
    """Studies were opened or closed."""


@dataclass(frozen=True, slots=True)
class StudiesOpened(Event):
    """Files and folders were read to the end; study UIDs of what they held."""

    studies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActiveChanged(Event):
    """Another series is being looked at."""


@dataclass(frozen=True, slots=True)
class LoadProgress(Event):
    """Slices of a stack arrived; `total` is all of them."""

    series_uid: str
    stack: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class VolumeOpened(Event):
    """A stack has its memory and its first image; more slices follow."""

    series_uid: str
    stack: int


@dataclass(frozen=True, slots=True)
class VolumeClosed(Event):
    """A stack was given back to keep within the memory budget."""

    series_uid: str
    stack: int


@dataclass(frozen=True, slots=True)
class DocumentsChanged(Event):
    """Documents were read, refused or closed."""


@dataclass(frozen=True, slots=True)
class LibraryChanged(Event):
    """The library holds other studies, tags or watched folders, or other priors were found."""


@dataclass(frozen=True, slots=True)
class WorkChanged(Event):
    """The reader's work on the active patient changed: measures, decisions, entries, runs."""


@dataclass(frozen=True, slots=True)
class KnowledgeChanged(Event):
    """Observations and risks of the active patient must be read again."""


@dataclass(frozen=True, slots=True)
class LinksChanged(Event):
    """Two series were registered, or could not be."""


@dataclass(frozen=True, slots=True)
class SegmentsCounted(Event):
    """Volume and mean value of a segment have been worked out."""


@dataclass(frozen=True, slots=True)
class ModelsChanged(Event):
    """A model was added, allowed or removed."""


@dataclass(frozen=True, slots=True)
class JobsChanged(Event):
    """A job was queued, went on or ended."""


@dataclass(frozen=True, slots=True)
class PartShown(Event):
    """A running model has drawn more of its label map, or what it drew is gone again."""


@dataclass(frozen=True, slots=True)
class WorkerChanged(Event):
    """The analysis process: starting, ready, busy or dead; `device` once it is known."""

    state: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class GoTo(Event):
    """Someone asks the views to show this place."""

    series_uid: str
    point: PatientPoint | None


@dataclass(frozen=True, slots=True)
class ShowSource(Event):
    """Someone asks to be shown where a value comes from (`Source.locator`)."""

    locator: str


@dataclass(frozen=True, slots=True)
class Message(Event):
    """A sentence for the reader; level: info, warn or bad."""

    sentence: Sentence
    level: str = "info"
    where: str = ""


Listener = Callable[[Event], None]


class Events:
    """The hub: a listener gets every event and picks what it needs."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; the returned function ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def send(self, event: Event) -> None:
        """Tell everyone; one listener's fault does not keep the others from hearing."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - one listener must not silence the others
                _log.exception("a listener failed", extra={"event": type(event).__name__})

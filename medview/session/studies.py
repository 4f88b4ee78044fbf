"""What is open: studies by patient, and their volumes within a memory budget."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medview.core.archive import is_there
from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import Holdings, Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.session.events import (
    Events,
    HoldingsChanged,
    LoadProgress,
    Message,
    VolumeClosed,
    VolumeOpened,
)

if TYPE_CHECKING:
    from medview.dicom import VolumeFill

Key = tuple[str, int]  # series UID, stack number


@dataclass(frozen=True, eq=False, kw_only=True)
class Place:
    """Where a stack stands: patient, study, series, number of the stack in it."""

    patient: Patient
    study: Study
    series: Series
    stack_number: int

    @property
    def stack(self) -> Stack:
        """The stack itself."""
        return self.series.stacks[self.stack_number]

    @property
    def key(self) -> Key:
        """Series UID and stack number."""
        return self.series.uid, self.stack_number


@dataclass(eq=False, kw_only=True)
class OpenVolume:
    """A volume in memory; `ready` says which slices are there, `failed` why some never will be."""

    place: Place
    volume: Volume
    ready: NDArray[np.bool_]
    failed: dict[int, Sentence]
    finished: threading.Event = field(default_factory=threading.Event)


class Studies:
    """Studies and volumes that are open. Blocking calls run outside the window's thread."""

    def __init__(self, events: Events, budget_mb: int) -> None:
        self._events = events
        self._budget = budget_mb << 20
        self._opened: list[tuple[tuple[Path, ...], Holdings]] = []
        self._holdings = Holdings()
        self._volumes: OrderedDict[Key, OpenVolume] = OrderedDict()
        self._pinned: frozenset[Key] = frozenset()
        self._lock = threading.RLock()

    @property
    def holdings(self) -> Holdings:
        """All that is open, patients merged over what was opened one after another."""
        return self._holdings

    @property
    def opened_paths(self) -> tuple[str, ...]:
        """The files and folders that were opened, in order."""
        return tuple(str(path) for paths, _ in self._opened for path in paths)

    def open(
        self,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Holdings:
        """Read the headers below some paths and add what is there; returns what they held.

        Raises InvalidInput for a path that does not exist, Cancelled.
        """
        from medview.dicom import scan

        found = scan(paths, progress, cancel)
        wanted = tuple(Path(path) for path in paths)
        shared = [group for group in self._opened if _share_series(group[1], found)]
        together = found
        if any(not set(group[0]) <= set(wanted) for group in shared):
            # Parts of one series in several places: only reading them together sorts its slices.
            others = [p for group in shared for p in group[0] if p not in wanted]
            wanted = (*(p for p in others if is_there(str(p))), *wanted)
            together = scan(wanted, progress, cancel)
        with self._lock:
            kept = [g for g in self._opened if g not in shared and not set(g[0]) <= set(wanted)]
            self._opened = [*kept, (wanted, together)]
            self._holdings = merge(holdings for _, holdings in self._opened)
        self._drop_changed()
        self._events.send(HoldingsChanged())
        return found

    def _drop_changed(self) -> None:
        """Volumes whose stack has other frames now are read anew when they are asked for."""
        with self._lock:
            volumes = list(self._volumes.items())
        for key, opened in volumes:
            place = self.place(key)
            if place is None or place.stack.frames != opened.place.stack.frames:
                self._drop(key)

    def close(self) -> None:
        """Give every volume back."""
        with self._lock:
            keys = list(self._volumes)
        for key in keys:
            self._drop(key)

    def places(self) -> Iterator[Place]:
        """Every stack that is open."""
        for patient in self._holdings.patients:
            for study in patient.studies:
                for series in study.series:
                    for number in range(len(series.stacks)):
                        yield Place(
                            patient=patient, study=study, series=series, stack_number=number
                        )

    def place(self, key: Key) -> Place | None:
        """Where a stack stands, None when it is not open (any more)."""
        return next((place for place in self.places() if place.key == key), None)

    def volume(self, key: Key) -> OpenVolume | None:
        """The volume of a stack if it is in memory, whole or not."""
        with self._lock:
            found = self._volumes.get(key)
            if found is not None:
                self._volumes.move_to_end(key)
            return found

    def pin(self, keys: Sequence[Key]) -> None:
        """These volumes are on the screen and stay, whatever the budget says."""
        self._pinned = frozenset(keys)

    def load(
        self, place: Place, first: int | None = None, cancel: CancelToken | None = None
    ) -> OpenVolume:
        """Read a stack's voxels, the slice `first` at once and its neighbours next.

        The volume is announced (`VolumeOpened`) with its first slice, long before it is whole;
        this call returns when it is. Raises MedViewError when memory does not suffice, Cancelled.
        """
        with self._lock:
            known = self.volume(place.key)
            if known is None:
                fill, opened = self._begin(place)
        cancel = cancel or CancelToken()
        if known is not None:
            while not known.finished.wait(0.1):
                cancel.check()
            if self.volume(place.key) is not known:
                raise Cancelled  # whoever read it was stopped
            return known
        try:
            self._run(fill, opened, first, cancel)
        except MedViewError:
            self._drop(place.key)
            raise
        finally:
            opened.finished.set()
        self._report_failures(opened)
        return opened

    def _begin(self, place: Place) -> tuple[VolumeFill, OpenVolume]:
        from medview.dicom import VolumeFill

        stack = place.stack
        self._make_room(place)
        fill = VolumeFill(stack)
        opened = OpenVolume(place=place, volume=fill.volume, ready=fill.ready, failed=fill.failed)
        self._volumes[place.key] = opened
        return fill, opened

    def _run(
        self, fill: VolumeFill, opened: OpenVolume, first: int | None, cancel: CancelToken
    ) -> None:
        uid, number = opened.place.key
        announced = False

        def arrived(_slice: int) -> None:
            nonlocal announced
            if not announced:
                announced = True
                self._events.send(VolumeOpened(uid, number))

        def went_on(done: int, total: int, _what: str) -> None:
            self._events.send(LoadProgress(uid, number, done, total))

        total = len(opened.ready)
        fill.run(went_on, cancel, total // 2 if first is None else first, arrived)
        if not announced:
            self._events.send(VolumeOpened(uid, number))
        self._events.send(LoadProgress(uid, number, total, total))

    def _report_failures(self, opened: OpenVolume) -> None:
        if opened.failed:
            reason = next(iter(opened.failed.values()))
            self._events.send(
                Message(
                    say(
                        "{count} of {total} images could not be read and are left dark: {reason}",
                        count=len(opened.failed),
                        total=len(opened.ready),
                        reason=reason,
                    ),
                    "warn",
                )
            )

    def _make_room(self, place: Place) -> None:
        needed = int(np.prod(place.stack.geometry.shape)) * 2
        held = sum(v.volume.stored.nbytes for v in self._volumes.values())
        for key in list(self._volumes):
            if held + needed <= self._budget:
                return
            volume = self._volumes[key]
            if key not in self._pinned and volume.finished.is_set():
                held -= volume.volume.stored.nbytes
                self._drop(key)

    def _drop(self, key: Key) -> None:
        with self._lock:
            gone = self._volumes.pop(key, None)
        if gone is None:
            return
        self._events.send(VolumeClosed(*key))
        self._events.send(LoadProgress(*key, 0, len(gone.ready)))
        if gone.volume.block is not None:
            gone.volume.block.release()

    @property
    def held_bytes(self) -> int:
        """Memory that volumes take now."""
        with self._lock:
            return sum(v.volume.stored.nbytes for v in self._volumes.values())

    @property
    def budget_bytes(self) -> int:
        """Memory that volumes may take."""
        return self._budget


def _share_series(a: Holdings, b: Holdings) -> bool:
    return not _series_of(a).isdisjoint(_series_of(b))


def _series_of(holdings: Holdings) -> set[str]:
    return {s.uid for p in holdings.patients for study in p.studies for s in study.series}


def merge(many: Iterable[Holdings]) -> Holdings:
    """Join what was opened one after another: same patient, same study, same series are one."""
    patients: OrderedDict[tuple[str, str, str], Patient] = OrderedDict()
    total = Holdings()
    for holdings in many:
        total = replace(
            total,
            seen=total.seen + holdings.seen,
            dicom=total.dicom + holdings.dicom,
            ignored=total.ignored + holdings.ignored,
            unreadable=total.unreadable + holdings.unreadable,
            documents=total.documents + holdings.documents,
        )
        for patient in holdings.patients:
            key = (patient.id, patient.birth_date, patient.sex if patient.id else patient.name)
            known = patients.get(key)
            patients[key] = patient if known is None else _merge_patient(known, patient)
    return replace(total, patients=tuple(patients.values()))


def _merge_patient(a: Patient, b: Patient) -> Patient:
    studies = OrderedDict((study.uid, study) for study in a.studies)
    for study in b.studies:
        known = studies.get(study.uid)
        studies[study.uid] = study if known is None else _merge_study(known, study)
    return replace(a, studies=tuple(sorted(studies.values(), key=lambda s: s.date, reverse=True)))


def _merge_study(a: Study, b: Study) -> Study:
    series = OrderedDict((item.uid, item) for item in a.series)
    series.update((item.uid, item) for item in b.series)
    objects = OrderedDict((item.uid or item.path, item) for item in (*a.objects, *b.objects))
    return replace(a, series=tuple(series.values()), objects=tuple(objects.values()))

"""What is open: studies by patient; their volumes are `volumes`."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from medview.core.archive import is_there
from medview.core.errors import MedViewError
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import Holdings, Patient, Series, Study
from medview.session.events import Events, HoldingsChanged
from medview.session.memory import Budget
from medview.session.places import Key, OpenVolume, Place
from medview.session.volumes import Volumes

__all__ = ["Key", "OpenVolume", "Place", "Studies", "merge"]

_FIRST_TRIES = 16  # files looked at for a first picture before the folder is read in order


class Studies:
    """Studies and volumes that are open. Blocking calls run outside the window's thread."""

    def __init__(self, events: Events, budget: Budget | None = None) -> None:
        self._events = events
        self.volumes = Volumes(events, budget or Budget())
        self._opened: list[tuple[tuple[Path, ...], Holdings]] = []
        self._holdings = Holdings()
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
        glimpse: Callable[[Holdings], None] | None = None,
    ) -> Holdings:
        """Read the headers below some paths and add what is there; returns what they held.

        glimpse: where given, a first image is open before the rest is looked at and more and more
        is while reading goes on; it is told each time. What was open before a reading that is
        cancelled is open after it. Raises InvalidInput for a path that does not exist, Cancelled.
        """
        from medview.dicom import scan_with_volumes

        sketch = None if glimpse is None else _Sketch(self, glimpse)
        try:
            if sketch is not None:
                sketch.show(_first_image(paths))
            glimpse = None if sketch is None else sketch.show
            found = scan_with_volumes(paths, progress, cancel, glimpse=glimpse)
            wanted, together = self._with_shared(paths, found, progress, cancel)
        except MedViewError:
            self._settle()
            raise
        with self._lock:
            kept = [
                group
                for group in self._opened
                if not (set(group[0]) <= set(wanted) or _share_series(group[1], found))
            ]
            self._opened = [*kept, (wanted, together)]
        self._settle()
        return found

    def _with_shared(
        self,
        paths: Sequence[Path],
        found: Holdings,
        progress: Progress,
        cancel: CancelToken | None,
    ) -> tuple[tuple[Path, ...], Holdings]:
        """Parts of one series in several places: only reading them together sorts its slices."""
        from medview.dicom import scan_with_volumes

        wanted = tuple(Path(path) for path in paths)
        shared = [group for group in self._opened if _share_series(group[1], found)]
        if all(set(group[0]) <= set(wanted) for group in shared):
            return wanted, found
        others = [p for group in shared for p in group[0] if p not in wanted]
        wanted = (*(p for p in others if is_there(str(p))), *wanted)
        return wanted, scan_with_volumes(wanted, progress, cancel)

    def show_sketch(self, sketch: Holdings, settled: frozenset[str]) -> None:
        """Add what was found so far; volumes of the series named in `settled` are looked over."""
        with self._lock:
            # What is open already is whole: it outweighs a part of the same series.
            self._holdings = merge([sketch, *(holdings for _, holdings in self._opened)])
        self._drop_changed(settled)
        self._events.send(HoldingsChanged())

    def _settle(self) -> None:
        with self._lock:
            self._holdings = merge(holdings for _, holdings in self._opened)
        self._drop_changed()
        self._events.send(HoldingsChanged())

    def _drop_changed(self, of: frozenset[str] | None = None) -> None:
        """Volumes whose stack has other frames now are read anew when they are asked for."""
        places = {place.key: place for place in self.places()}

        def is_gone(read: Place) -> bool:
            if of is not None and read.series.uid not in of:
                return False
            place = places.get(read.key)
            return place is None or place.stack.frames != read.stack.frames

        self.volumes.drop_where(is_gone)

    def close_patient(self, patient: Patient | None) -> None:
        """Close a patient's studies; reading them ends, their volumes are given back.

        What was opened and holds no patient (any more) goes with them, alone where it is None.
        """
        uids = set() if patient is None else {study.uid for study in patient.studies}
        with self._lock:
            kept = [(paths, _without(holdings, uids)) for paths, holdings in self._opened]
            self._opened = [group for group in kept if group[1].patients]
        self._settle()

    def close(self) -> None:
        """Stop reading, give every volume back."""
        self.volumes.close()

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
        return self.volumes.get(key)

    def load(
        self,
        place: Place,
        first: int | None = None,
        cancel: CancelToken | None = None,
        spare: Collection[Key] | None = None,
    ) -> OpenVolume:
        """Read a stack's voxels, all that is known of it by now; see `Volumes.load`."""
        return self.volumes.load(self.place(place.key) or place, first, cancel, spare)

    def show(self, place: Place, cancel: CancelToken) -> OpenVolume:
        """Read a stack to be looked at, slice by slice where it is too large for the budget."""
        return self.volumes.show(self.place(place.key) or place, cancel)


class _Sketch:
    """What a scan has found so far, put among what is open."""

    def __init__(self, studies: Studies, tell: Callable[[Holdings], None]) -> None:
        self._studies = studies
        self._tell = tell
        self._sizes: dict[str, int] = {}

    def show(self, found: Holdings) -> None:
        """Show it; a series that has not grown since the last time is taken to be whole."""
        sizes = {series.uid: _frames(series) for series in _all_series(found)}
        if not sizes:
            return
        before, self._sizes = self._sizes, sizes
        settled = frozenset(uid for uid, count in sizes.items() if before.get(uid) == count)
        self._studies.show_sketch(found, settled)
        self._tell(found)


def _first_image(paths: Sequence[Path]) -> Holdings:
    """The first image below some paths, alone; empty where none of the first files is one.

    Raises InvalidInput for a path that does not exist.
    """
    from medview.dicom import files_below, scan

    for path, _ in zip(files_below(paths), range(_FIRST_TRIES), strict=False):
        if _is_plain_dicom(path):
            found = scan([Path(path)])
            if any(_frames(series) for series in _all_series(found)):
                return found
    return Holdings()


def _is_plain_dicom(path: str) -> bool:
    """Whether a file begins as DICOM files do; archives and the like take longer to look at."""
    try:
        with Path(path).open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _frames(series: Series) -> int:
    return sum(len(stack.frames) for stack in series.stacks)


def _all_series(holdings: Holdings) -> Iterator[Series]:
    for patient in holdings.patients:
        for study in patient.studies:
            yield from study.series


def _without(holdings: Holdings, study_uids: set[str]) -> Holdings:
    left = (
        replace(p, studies=tuple(s for s in p.studies if s.uid not in study_uids))
        for p in holdings.patients
    )
    return replace(holdings, patients=tuple(p for p in left if p.studies))


def _share_series(a: Holdings, b: Holdings) -> bool:
    return not _series_of(a).isdisjoint(_series_of(b))


def _series_of(holdings: Holdings) -> set[str]:
    return {series.uid for series in _all_series(holdings)}


def merge(many: Iterable[Holdings]) -> Holdings:
    """Join what was opened one after another: same patient, same study, same series are one."""
    patients: OrderedDict[tuple[str, ...], Patient] = OrderedDict()
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
            key = _identity(patient)
            known = patients.get(key)
            patients[key] = patient if known is None else _merge_patient(known, patient)
    return replace(total, patients=tuple(patients.values()))


def _identity(patient: Patient) -> tuple[str, ...]:
    """Without ID and name nothing says that two studies are of one person."""
    if patient.id or patient.name:
        return patient.id, patient.birth_date, patient.sex if patient.id else patient.name
    return "", patient.birth_date, *(study.uid for study in patient.studies[:1])


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

"""The reader's segments of the stack that is looked at: what there is, and its commands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from medview.core.errors import UnreadableInstance
from medview.core.results import Code, LabelMap, Measurement, ModelRun
from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.imaging.overlay import SAFE_COLOURS
from medview.imaging.segment.box import Bits, Box, LiveMask
from medview.imaging.segment.size import MaskStatistics
from medview.session.events import Events, KnowledgeChanged, Message, SegmentsCounted
from medview.session.journal import work_key
from medview.session.live_segments import LiveSegments
from medview.session.made import Made, account_name
from medview.session.nodules import link, linked_to, measured_again
from medview.session.segments import Patch, Segment, corrected_key
from medview.session.strokes import Strokes
from medview.session.studies import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """How the reader paints: diameter in mm, a ball or a disc, and the window (low, high) in which
    voxels are taken by the threshold brush; tolerance is that of growing from a seed."""

    diameter_mm: float = 10.0
    is_ball: bool = False
    window: tuple[float, float] = (-400.0, 300.0)
    tolerance: float = 100.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Beginning:
    """What a new segment begins with: its voxels, what they were made from, what was measured.

    corrects: the finding whose mask it is to put right.
    """

    voxels: tuple[Box, Bits] | None = None
    origin: str = ""
    origin_key: str = ""
    code: Code | None = None
    colour: str = ""
    measurement: Measurement | None = None
    command: Sentence | None = None
    corrects: str = ""


class Segmenting:
    """Segments of the active stack; `active` is the one that tools change, `strokes` paint in it.

    Methods may be called from any thread; strokes belong to the window's thread.
    """

    def __init__(self, events: Events, made: Made, active: Callable[[], Place | None]) -> None:
        self._events, self._made, self._active = events, made, active
        self._live = LiveSegments(made)
        self._chosen = ""
        self._missed: set[str] = set()  # segments whose voxels are gone, said already
        self.strokes = Strokes(self._live, self._current, self._commit)
        self.brush = Brush()

    # -- what there is ---------------------------------------------------------------------

    def of(self, place: Place) -> tuple[Segment, ...]:
        """The segments of a stack, oldest first."""
        work = self._made.book_of(place).work
        return tuple(s for s in work.segments if (s.series_uid, s.stack) == place.key)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments of the stack that is looked at."""
        place = self._active()
        return () if place is None else self.of(place)

    @property
    def active(self) -> Segment | None:
        """The one that tools change: the chosen one, else the newest."""
        found = {segment.id: segment for segment in self.segments}
        return found.get(self._chosen) or next(reversed(found.values()), None)

    def choose(self, segment_id: str) -> None:
        """Tools change this one from now on."""
        self._chosen = segment_id
        self._events.send(SegmentsCounted())

    def mask(self, place: Place, segment: Segment) -> LiveMask:
        """The voxels of a segment, as they are now. The first call reads its patches.

        Raises UnreadableInstance where one of them is gone.
        """
        return self._live.mask(place, segment)

    def label_maps(self, place: Place) -> list[LabelMap]:
        """What views draw: one label map a segment, over its own box of the stack's grid."""
        maps = []
        for segment in self.of(place):
            try:
                drawn = self._live.label_map(place, segment)
            except UnreadableInstance as error:
                self._say_once(segment, error)
                continue
            if drawn is not None:
                maps.append(drawn)
        return maps

    def statistics(self, segment: Segment) -> MaskStatistics | None:
        """Volume and mean value where they are known already; `tell` says them."""
        return self._live.statistics(segment)

    def tell(self, segment: Segment, found: MaskStatistics) -> None:
        """The numbers of a segment have been worked out for the patches it has."""
        if self._live.tell(segment, found):
            self._events.send(SegmentsCounted())
            if segment.code is not None:  # its size may be what a score asks for
                self._events.send(KnowledgeChanged())

    def drawn(self, place: Place, runs: Sequence[ModelRun]) -> list[LabelMap]:
        """What views draw on a stack: models' masks without what was corrected, and segments."""
        corrected = {segment.origin_key for segment in self.of(place)}
        maps = [_without(run, corrected) for run in runs if run.label_map is not None]
        return [*(each for each in maps if each is not None), *self.label_maps(place)]

    def let_go(self, patient: Patient) -> None:
        """A patient is closed: hold none of their masks."""
        self._live.let_go({work_key(patient, study.uid) for study in patient.studies})

    # -- commands --------------------------------------------------------------------------

    def add(
        self, name: str, begin: Beginning | None = None, to: Place | None = None
    ) -> Segment | None:
        """A new segment, active from now on; undoable. None where nothing is open.

        to: another stack than the one that is looked at. A measurement of `begin` joins the work
        in the same command and follows the segment from then on.
        """
        begin = begin or Beginning()
        made = self.add_all([(name, begin)], begin.command or say("New segment"), to)
        return made[0] if made else None

    def add_all(
        self, many: Sequence[tuple[str, Beginning]], command: Sentence, to: Place | None = None
    ) -> tuple[Segment, ...]:
        """Several new segments in one command, the first one active from now on."""
        place = to or self._active()
        if place is None or not many:
            return ()
        book = self._made.book_of(place)
        there, measurements = list(self.of(place)), list(book.work.measurements)
        made = []
        for name, begin in many:
            segment = self._made_of(name, begin, place, there)
            made.append(segment)
            there.append(segment)
            if begin.measurement is not None:
                measurements.append(link(begin.measurement, segment.id))
        self._chosen = made[0].id
        ids = [begin.corrects for _, begin in many if begin.corrects]
        decisions = [d for d in book.work.decisions if d.finding_id not in ids]
        decisions += [self._made.decision(each, "edited") for each in ids]
        book.change(
            command,
            segments=(*book.work.segments, *made),
            measurements=tuple(measurements),
            decisions=tuple(decisions),
        )
        return tuple(made)

    def _made_of(
        self, name: str, begin: Beginning, place: Place, there: Sequence[Segment]
    ) -> Segment:
        voxels = begin.voxels
        return Segment(
            id=uuid4().hex,
            name=name or f"Segment {len(there) + 1}",
            colour=begin.colour or _free_colour([other.colour for other in there]),
            series_uid=place.series.uid,
            stack=place.stack_number,
            made_by=account_name(),
            made_at=_now(),
            changed_at=_now(),
            origin=begin.origin,
            origin_key=begin.origin_key,
            code=begin.code,
            patches=() if voxels is None else self._live.put(place, voxels),
        )

    def put(self, place: Place, voxels: tuple[Box, Bits]) -> tuple[Patch, ...]:
        """Keep the voxels of a segment that comes back; the patches that hold them."""
        return self._live.put(place, voxels)

    def change(self, segment: Segment, command: Sentence, **values: object) -> None:
        """Another name, colour or code; undoable."""
        place = self._active()
        if place is not None:
            self._set(place, replace(segment, **values), command)  # type: ignore[arg-type]

    def delete(self, segment: Segment) -> None:
        """Take a segment away, the measurement that follows it and "edited"; undoable."""
        place = self._active()
        if place is None:
            return
        book = self._made.book_of(place)
        corrected = {
            finding.id
            for run in self._made.all_runs_of(place)
            for finding in run.findings
            if finding.label_value is not None
            and corrected_key(run.id, finding.label_value) == segment.origin_key
        }
        book.change(
            say("Delete a segment"),
            segments=tuple(s for s in book.work.segments if s.id != segment.id),
            measurements=tuple(m for m in book.work.measurements if linked_to(m) != segment.id),
            decisions=tuple(
                d for d in book.work.decisions
                if d.finding_id not in corrected or d.decision != "edited"
            ),
        )  # fmt: skip

    def write(
        self, segment: Segment, box: Box, bits: Bits, name: Sentence, to: Place | None = None
    ) -> None:
        """Make a box of a segment what `bits` (box.shape) say; one undoable command.

        to: another stack than the one that is looked at. Nothing where it has no such segment.
        """
        found = self._current(segment.id, to)
        if found is not None and not box.is_empty:
            self._live.mask(*found).write(box, bits)
            self._store(*found, box, name)

    # -- inside ----------------------------------------------------------------------------

    def _say_once(self, segment: Segment, error: UnreadableInstance) -> None:
        if segment.id not in self._missed:
            self._missed.add(segment.id)
            self._events.send(Message(error.what, "warn", segment.name))

    def _current(self, segment_id: str, of: Place | None = None) -> tuple[Place, Segment] | None:
        """A segment of a stack, by default of the one that is looked at, as the work has it now."""
        place = of or self._active()
        there = () if place is None else self.of(place)
        segment = next((s for s in there if s.id == segment_id), None)
        return None if place is None or segment is None else (place, segment)

    def _commit(self, segment: Segment, box: Box, name: Sentence) -> None:
        found = self._current(segment.id)
        if found is not None:
            self._store(*found, box, name)

    def _store(self, place: Place, segment: Segment, box: Box, name: Sentence) -> None:
        """Store a box of a segment as it is now; a measurement that follows it is made anew."""
        patches = self._live.store(place, segment, box)
        changed = replace(segment, patches=patches, changed_at=_now())
        measurements = self._made.book_of(place).work.measurements
        if any(linked_to(m) == segment.id for m in measurements):
            mask = self._live.mask(place, changed)
            followed = (
                measured_again(m, mask, place) if linked_to(m) == segment.id else m
                for m in measurements
            )
            measurements = tuple(m for m in followed if m is not None)
        self._set(place, changed, name, measurements=measurements)

    def _set(self, place: Place, segment: Segment, name: Sentence, **more: object) -> None:
        book = self._made.book_of(place)
        changed = (segment if s.id == segment.id else s for s in book.work.segments)
        book.change(name, segments=tuple(changed), **more)


def _without(run: ModelRun, corrected: set[str]) -> LabelMap | None:
    """A model's map with the labels hidden that the reader has corrected; the voxels stay."""
    whole = run.label_map
    if whole is None or not corrected:
        return whole
    labels = tuple(
        replace(x, hidden=True) if corrected_key(run.id, x.value) in corrected else x
        for x in whole.labels
    )
    return whole if labels == whole.labels else replace(whole, labels=labels)


def _free_colour(taken: list[str]) -> str:
    """The first colour of the safe set that is used least."""
    return min(SAFE_COLOURS, key=lambda colour: (taken.count(colour), SAFE_COLOURS.index(colour)))


def _now() -> str:
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")

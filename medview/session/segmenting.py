"""The reader's segments of the stack that is looked at: live masks, strokes, commands."""

from __future__ import annotations

import datetime as dt
import getpass
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from medview.core.errors import UnreadableInstance
from medview.core.results import OWN_MASK, Code, Label, LabelMap, Measurement, ModelRun
from medview.core.words import Sentence, say, tr
from medview.imaging.overlay import SAFE_COLOURS
from medview.imaging.segment.box import EMPTY, Bits, Box, LiveMask, bounds
from medview.imaging.segment.size import MaskStatistics
from medview.session.events import Events, Message, SegmentsCounted, WorkChanged
from medview.session.made import Made
from medview.session.nodules import link, linked_to, measured_again
from medview.session.segments import Patch, PatchStore, Segment, changed_box, follow
from medview.session.studies import Place

_MOST_PATCHES = 96  # then they become one, where that takes no time
_QUICKLY_PACKED = 4_000_000  # voxels


@dataclass(eq=False)
class _Live:
    """A segment in memory: its voxels, the patches they stand for, and its picture's version."""

    mask: LiveMask
    patches: tuple[Patch, ...] = ()
    label_map: LabelMap | None = None
    statistics: MaskStatistics | None = None


@dataclass(eq=False)
class _Stroke:
    """A stroke that is being drawn: whose, and what it touched so far."""

    segment_id: str
    box: Box = field(default=EMPTY)


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
    """What a new segment begins with: its voxels, what they were made from, what was measured."""

    voxels: tuple[Box, Bits] | None = None
    origin: str = ""
    origin_key: str = ""
    code: Code | None = None
    colour: str = ""
    measurement: Measurement | None = None
    command: Sentence | None = None


class Segmenting:
    """Segments of the active stack. `active_id` is the one that tools change.

    Methods may be called from any thread; strokes belong to the window's thread.
    """

    def __init__(self, events: Events, made: Made, active: Callable[[], Place | None]) -> None:
        self._events, self._made, self._active = events, made, active
        self._live: dict[str, _Live] = {}
        self._stores: dict[str, PatchStore] = {}
        self._chosen = ""
        self._missed: set[str] = set()  # segments whose voxels are gone, said already
        self._stroke: _Stroke | None = None
        self._lock = threading.RLock()
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
        return self._follow(place, segment).mask

    def label_maps(self, place: Place) -> list[LabelMap]:
        """What views draw: one label map a segment, over its own box of the stack's grid."""
        maps = []
        for segment in self.of(place):
            try:
                live = self._follow(place, segment)
            except UnreadableInstance as error:
                self._say_once(segment, error)
                continue
            if live.label_map is None or live.label_map.labels[0] != _label(segment):
                live.label_map = _drawn(place, segment, live.mask)
            if live.label_map is not None:
                maps.append(live.label_map)
        return maps

    def statistics(self, segment: Segment) -> MaskStatistics | None:
        """Volume and mean value where they are known already; `tell` says them."""
        live = self._live.get(segment.id)
        is_current = live is not None and live.patches == segment.patches
        return live.statistics if live is not None and is_current else None

    def tell(self, segment: Segment, found: MaskStatistics) -> None:
        """The numbers of a segment have been worked out for the patches it has."""
        live = self._live.get(segment.id)
        if live is not None and live.patches == segment.patches:
            live.statistics = found
            self._events.send(SegmentsCounted())

    def drawn(self, place: Place, runs: Sequence[ModelRun]) -> list[LabelMap]:
        """What views draw on a stack: models' masks without what was corrected, and segments."""
        corrected = {segment.origin_key for segment in self.of(place)}
        maps = [_without(run, corrected) for run in runs if run.label_map is not None]
        return [*(each for each in maps if each is not None), *self.label_maps(place)]

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
        book.change(
            command,
            segments=(*book.work.segments, *made),
            measurements=tuple(measurements),
        )
        return tuple(made)

    def _made_of(
        self, name: str, begin: Beginning, place: Place, there: Sequence[Segment]
    ) -> Segment:
        voxels = begin.voxels
        return Segment(
            id=uuid4().hex,
            name=name or tr("Segment {number}", number=len(there) + 1),
            colour=begin.colour or _free_colour([other.colour for other in there]),
            series_uid=place.series.uid,
            stack=place.stack_number,
            made_by=_who(),
            made_at=_now(),
            changed_at=_now(),
            origin=begin.origin,
            origin_key=begin.origin_key,
            code=begin.code,
            patches=() if voxels is None else self._store(place).put_all(*voxels),
        )

    def change(self, segment: Segment, command: Sentence, **values: object) -> None:
        """Another name, colour or code; undoable."""
        place = self._active()
        if place is not None:
            self._set(place, replace(segment, **values), command)  # type: ignore[arg-type]

    def delete(self, segment: Segment) -> None:
        """Take a segment away, and the measurement that follows it; undoable."""
        place = self._active()
        if place is None:
            return
        book = self._made.book_of(place)
        book.change(
            say("Delete a segment"),
            segments=tuple(s for s in book.work.segments if s.id != segment.id),
            measurements=tuple(m for m in book.work.measurements if linked_to(m) != segment.id),
        )

    def write(self, segment: Segment, box: Box, bits: Bits, name: Sentence) -> None:
        """Make a box of a segment what `bits` (box.shape) say; one undoable command."""
        place, current = self._active(), self._by_id(segment.id)
        if place is None or current is None or box.is_empty:
            return
        with self._lock:
            live = self._follow(place, current)
            live.mask.write(box, bits)
            self._commit(place, current, live, box, name)

    # -- strokes ---------------------------------------------------------------------------

    def begin(self, segment: Segment) -> None:
        """A stroke begins; nothing is stored before it ends."""
        self._stroke = _Stroke(segment.id)

    def paint(self, box: Box, inside: Bits, *, on: bool) -> LabelMap | None:
        """Go on with the stroke; the segment as it is now to be drawn."""
        place, stroke = self._active(), self._stroke
        segment = self._by_id(stroke.segment_id) if stroke is not None else None
        if place is None or stroke is None or segment is None or box.is_empty:
            return None
        with self._lock:
            live = self._follow(place, segment)
            live.mask.paint(box, inside, on=on)
            live.label_map = _drawn(place, segment, live.mask)
        stroke.box = stroke.box.joined(box)
        return live.label_map

    def end(self, name: Sentence) -> None:
        """The stroke is done: one undoable command."""
        place, stroke, self._stroke = self._active(), self._stroke, None
        segment = self._by_id(stroke.segment_id) if stroke is not None else None
        if place is None or stroke is None or segment is None or stroke.box.is_empty:
            return
        with self._lock:
            live = self._follow(place, segment)
            self._commit(place, segment, live, stroke.box, name)

    def cancel(self) -> bool:
        """Give the stroke up: the segment is as it was. Whether there was one."""
        place, stroke, self._stroke = self._active(), self._stroke, None
        segment = self._by_id(stroke.segment_id) if stroke is not None else None
        if place is None or stroke is None or segment is None:
            return False
        with self._lock:
            live = self._follow(place, segment)
            follow(live.mask, stroke.box, live.patches, self._store(place))
            live.label_map = None
        self._events.send(WorkChanged())
        return True

    # -- inside ----------------------------------------------------------------------------

    def _say_once(self, segment: Segment, error: UnreadableInstance) -> None:
        if segment.id not in self._missed:
            self._missed.add(segment.id)
            self._events.send(Message(error.what, "warn", segment.name))

    def _by_id(self, segment_id: str) -> Segment | None:
        return next((s for s in self.segments if s.id == segment_id), None)

    def _follow(self, place: Place, segment: Segment) -> _Live:
        """The live mask, brought to the segment's patches where undo or redo changed them."""
        with self._lock:
            live = self._live.setdefault(segment.id, _Live(LiveMask(place.stack.geometry.shape)))
            if live.patches != segment.patches:
                box = changed_box(live.patches, segment.patches)
                box = box.cut(Box((0, 0, 0), live.mask.grid))
                follow(live.mask, box, segment.patches, self._store(place))
                live.patches = segment.patches
                live.label_map = live.statistics = None
            return live

    def _commit(
        self, place: Place, segment: Segment, live: _Live, box: Box, name: Sentence
    ) -> None:
        store, patches = self._store(place), segment.patches
        size = live.mask.voxels.size
        if len(patches) >= _MOST_PATCHES and size <= _QUICKLY_PACKED:
            whole = bounds(live.mask.voxels)
            first = tuple(a + b for a, b in zip(whole.first, live.mask.box.first, strict=True))
            box, patches = Box((first[0], first[1], first[2]), whole.shape), ()
        patches = (*patches, *store.put_all(box, live.mask.read(box)))
        live.patches = patches
        live.label_map = live.statistics = None
        measurements = self._made.book_of(place).work.measurements
        if any(linked_to(m) == segment.id for m in measurements):
            followed = (
                measured_again(m, live.mask, place) if linked_to(m) == segment.id else m
                for m in measurements
            )
            measurements = tuple(m for m in followed if m is not None)
        changed = replace(segment, patches=patches, changed_at=_now())
        self._set(place, changed, name, measurements=measurements)

    def _set(self, place: Place, segment: Segment, name: Sentence, **more: object) -> None:
        book = self._made.book_of(place)
        changed = (segment if s.id == segment.id else s for s in book.work.segments)
        book.change(name, segments=tuple(changed), **more)

    def _store(self, place: Place) -> PatchStore:
        folder = self._made.folder_of(place)
        key = str(folder)
        if key not in self._stores:
            store = self._stores[key] = PatchStore(folder)
            work = self._made.book_of(place).work
            store.forget_unused({patch.key for s in work.segments for patch in s.patches})
        return self._stores[key]


def _without(run: ModelRun, corrected: set[str]) -> LabelMap | None:
    """A model's map with the labels hidden that the reader has corrected; the voxels stay."""
    whole = run.label_map
    if whole is None or not corrected:
        return whole
    labels = tuple(
        replace(x, hidden=True) if f"run:{run.id}:{x.value}" in corrected else x
        for x in whole.labels
    )
    return whole if labels == whole.labels else replace(whole, labels=labels)


def _drawn(place: Place, segment: Segment, mask: LiveMask) -> LabelMap | None:
    if mask.box.is_empty:
        return None
    geometry = place.stack.geometry.box(mask.box.first, mask.box.shape)
    return LabelMap(
        id=f"{OWN_MASK}{segment.id}",
        geometry=geometry,
        voxels=mask.voxels,
        labels=(_label(segment),),
    )


def _label(segment: Segment) -> Label:
    return Label(value=1, name=segment.name, colour=segment.colour, code=segment.code)


def _free_colour(taken: list[str]) -> str:
    """The first colour of the safe set that is used least."""
    return min(SAFE_COLOURS, key=lambda colour: (taken.count(colour), SAFE_COLOURS.index(colour)))


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return ""


def _now() -> str:
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")

"""What the window does with segments: brushes, growing, nodules, and changes of a whole segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PySide6.QtCore import QObject, QTimer

from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.results import LabelMap
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.views.painting import Dab
from medview.gui.views.slice_view import SliceView
from medview.imaging.planes import Plane
from medview.session.events import ActiveChanged, Event, WorkChanged
from medview.session.segmenting import Beginning
from medview.session.segments import Segment
from medview.session.studies import OpenVolume

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.imaging.segment.box import Bits, Box

_OTHERS_MS = 90  # how often the views that are not painted in follow a stroke
_SMALL_MM3, _SMOOTH_MM, _MARGIN_MM = 50.0, 1.0, 1.0
_LEAST_MM, _MOST_MM = 1.0, 100.0
_NAMES = {
    "brush": say("Paint"),
    "eraser": say("Erase"),
    "threshold": say("Paint in the window"),
}
BRUSHES = tuple(_NAMES)
T = TypeVar("T")
Change = Callable[["Bits", tuple[float, float, float], CancelToken], "Bits"]


class SegmentWork(QObject):
    """Listens to the views' segment tools and to the segment actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._desk = window.session.segmenting
        self._cancel = CancelToken()
        self._counted: set[str] = set()  # segments whose numbers are being worked out
        self._painted: LabelMap | None = None
        self._others = QTimer(self, singleShot=True, interval=_OTHERS_MS)
        self._others.timeout.connect(self._show_everywhere)
        window.grid.dabbed.connect(self._dabbed)
        window.grid.brush_sized.connect(self._size)
        window.grid.tool_chosen.connect(self._show_circle)
        window.sidebar.findings.action_asked.connect(window.actions_.perform)
        window.sidebar.findings.brush_changed.connect(self._show_circle)
        window.status.cancel_asked.connect(self.cancel)
        SessionBridge(self._session, self).heard.connect(self._hear)
        self._connect()

    def cancel(self) -> None:
        """Stop what is being worked out."""
        self._cancel.cancel()

    def _connect(self) -> None:
        on = self._window.actions_.connect
        on("models.cancel", self.cancel)
        on("segment.new", self._new)
        on("segment.delete", self._delete)
        on("segment.correct", self._correct)
        on("segment.take_up", self._take_up)
        on("segment.fill", self._fill)
        on("segment.largest", partial(self._change, say("Keep the largest part"), _largest))
        on("segment.clean", partial(self._change, say("Remove small parts"), self._without_small))
        on("segment.smooth", partial(self._change, say("Smooth a segment"), _smooth, 3.0))
        grown, shrunk = say("Grow a segment"), say("Shrink a segment")
        on("segment.larger", partial(self._change, grown, _margin(_MARGIN_MM), 3.0))
        on("segment.smaller", partial(self._change, shrunk, _margin(-_MARGIN_MM)))
        on("segment.rename", self._rename)
        for name in ("nodule", *BRUSHES, "grow"):
            on(f"tool.{name}", self._show_circle)

    # -- strokes and clicks ------------------------------------------------------------------

    def _opened(self) -> OpenVolume | None:
        place = self._session.active
        opened = None if place is None else self._session.studies.volume(place.key)
        if opened is None or not opened.volume.geometry.is_spatial:
            self._window.reactions.say(say("Segments need a stack of slices in space."), "warn")
            return None
        return opened

    def _dabbed(self, dab: Dab) -> None:
        try:
            self._do(dab)
        except MedViewError as error:
            self._window.reactions.say(error.what, "bad")

    def _do(self, dab: Dab) -> None:
        if dab.phase == "cancel":
            if self._desk.strokes.cancel():
                self._session.events.send(WorkChanged())
            return
        opened = self._opened() if dab.phase in ("begin", "click") else self._shown()
        if opened is None:
            return
        if dab.tool == "nodule":
            self._measure(opened, dab)
        elif dab.tool == "grow":
            self._grow(opened, dab)
        elif dab.phase == "end":
            self._desk.strokes.end(_NAMES[dab.tool])
        else:
            self._stroke(opened, dab)

    def _shown(self) -> OpenVolume | None:
        place = self._session.active
        return None if place is None else self._session.studies.volume(place.key)

    def _stroke(self, opened: OpenVolume, dab: Dab) -> None:
        from medview.imaging.segment.brush import in_window, stroke

        if dab.phase == "begin":
            segment = self._desk.active or self._desk.add("")
            if segment is None:
                return
            self._desk.strokes.begin(segment)
        brush, geometry = self._desk.brush, opened.place.stack.geometry
        slab = None if brush.is_ball else (dab.normal, dab.half_mm)
        box, inside = stroke(geometry, dab.way, brush.diameter_mm / 2.0, slab)
        if dab.tool == "threshold" and not box.is_empty:
            inside = in_window(opened.volume, box, inside, brush.window)
        painted = self._desk.strokes.paint(box, inside, on=dab.tool != "eraser")
        if painted is not None:
            self._painted = painted
            _replace_in(self._window.grid.active_view, painted)
            if not self._others.isActive():
                self._others.start()

    def _show_everywhere(self) -> None:
        """The other views that show the stack, a few times a second while a stroke goes on."""
        place, painted = self._session.active, self._painted
        if place is None or painted is None:
            return
        self._painted = None
        for tile in self._window.grid.tiles:
            if tile.key == place.key:
                _replace_in(tile.view, painted)

    def _size(self, notches: int) -> None:
        """A notch is a tenth; the circle follows."""
        brush = self._desk.brush
        diameter = min(max(brush.diameter_mm * 1.1**notches, _LEAST_MM), _MOST_MM)
        self._desk.brush = replace(brush, diameter_mm=round(diameter, 1))
        self._show_circle()
        self._window.sidebar.findings.show_brush()

    def _show_circle(self, *_chosen: object) -> None:
        """The circle of the brush that is in use, in every view; none for other tools."""
        for tile in self._window.grid.all_tiles:
            is_brush = tile.view.tool_name in BRUSHES
            painting = tile.view.stage.painting
            painting.diameter_mm = self._desk.brush.diameter_mm if is_brush else 0.0
            tile.view.update()
        self._window.sidebar.findings.show_tool(self._window.grid.active_view.tool_name)

    def _measure(self, opened: OpenVolume, dab: Dab) -> None:
        from medview.imaging.segment.nodule import measure_nodule
        from medview.session.nodules import NODULE_CODE, is_nodule, nodule_measurement

        async def action() -> None:
            found = await self._work(
                tr("Measuring the nodule"), measure_nodule, opened.volume, dab.way[1]
            )
            number = 1 + sum(is_nodule(m) for m in self._session.work.measurements)
            measured = nodule_measurement(opened.place, found, number)
            begin = Beginning(
                voxels=(Box(found.first, _shape(found.mask)), found.mask),
                code=NODULE_CODE,
                measurement=measured,
                command=say("Measure a nodule"),
            )
            self._desk.add(measured.text, begin, opened.place)
            middle = np.mean(np.array(measured.points), axis=0)
            self._window.grid.go_to(PatientPoint(*(float(v) for v in middle)))

        from medview.imaging.segment.box import Box

        self._window.operations.start(action())

    def _grow(self, opened: OpenVolume, dab: Dab) -> None:
        from medview.imaging.segment.grow import grow_from_seed

        tolerance = self._desk.brush.tolerance

        async def action() -> None:
            found = await self._work(
                tr("Growing"), grow_from_seed, opened.volume, dab.way[1], tolerance
            )
            segment = self._desk.active or self._desk.add("")
            if segment is None:
                return
            mask = self._desk.mask(opened.place, segment)
            bits = mask.read(found.box) | found.bits
            self._desk.write(segment, found.box, bits, say("Grow from a seed"))
            if found.is_cut:
                self._window.reactions.say(
                    say("Growing stopped 60 mm from the seed; it goes on beyond."), "warn"
                )

        self._window.operations.start(action())

    # -- the whole segment ---------------------------------------------------------------------

    def _new(self) -> None:
        if self._opened() is not None:
            self._desk.add("")

    def _delete(self) -> None:
        segment = self._wanted()
        if segment is not None:
            self._desk.delete(segment)

    def _rename(self, name: str) -> None:
        segment = self._wanted()
        if segment is not None and name.strip():
            self._desk.change(segment, say("Rename a segment"), name=name.strip()[:64])

    def _wanted(self) -> Segment | None:
        segment = self._desk.active
        if segment is None:
            self._window.reactions.say(say("There is no segment here yet: paint one."), "warn")
        return segment

    def _correct(self) -> None:
        from medview.session.segment_sources import from_runs

        place = self._session.active
        if place is None:
            return
        runs = self._session.made.runs_of(place)

        async def action() -> None:
            found = await self._work(tr("Copying masks"), from_runs, place, runs)
            known = {segment.origin_key for segment in self._desk.of(place)}
            fresh = [each for each in found if each[1].origin_key not in known]
            self._desk.add_all(fresh, say("Correct masks of models"), place)
            if not fresh:
                self._window.reactions.say(
                    say("There is no mask of a model here that could be corrected."), "warn"
                )

        self._window.operations.start(action())

    def _take_up(self) -> None:
        from medview.session.segment_sources import stored_segmentations

        place = self._session.active
        if place is None:
            return

        async def action() -> None:
            found, notes = await self._work(
                tr("Reading segmentations"), stored_segmentations, place, place.study.objects
            )
            known = {segment.origin_key for segment in self._desk.of(place)}
            fresh = [each for each in found if each[1].origin_key not in known]
            self._desk.add_all(fresh, say("Take up stored segmentations"), place)
            for note in notes:
                self._window.reactions.say(note, "warn")
            if not found and not notes:
                self._window.reactions.say(
                    say("There is no stored segmentation of these images."), "warn"
                )

        self._window.operations.start(action())

    def _fill(self) -> None:
        from medview.imaging.segment.shape import fill_between

        plane = self._window.grid.active_view.stage.plane
        axis = plane.normal if isinstance(plane, Plane) else 0

        def change(bits: Bits, spacing: tuple[float, float, float], cancel: CancelToken) -> Bits:
            return fill_between(bits, axis, spacing, cancel)

        self._change(say("Fill between slices"), change)

    def _without_small(
        self, bits: Bits, spacing: tuple[float, float, float], _cancel: CancelToken
    ) -> Bits:
        from medview.imaging.segment.shape import remove_small

        return remove_small(bits, _SMALL_MM3, float(np.prod(spacing)))

    def _change(self, name: Sentence, change: Change, room_mm: float = 0.0) -> None:
        """Work a new mask out in a thread; only what differs is stored."""
        segment, opened = self._wanted(), self._shown()
        if segment is None or opened is None:
            return
        geometry, place = opened.place.stack.geometry, opened.place
        right, down, _ = geometry.spacing
        spacing = (geometry.slice_step, down, right)

        async def action() -> None:
            live = self._desk.mask(place, segment)
            room = [int(np.ceil(room_mm / step)) + 1 if room_mm else 0 for step in spacing]
            box = live.box.grown(room, geometry.shape)
            before = live.read(box)
            after = await self._work(str(name), change, before, spacing)
            changed = _bounds(after ^ before)
            if self._desk.active != segment:
                self._window.reactions.say(
                    say("The segment was changed meanwhile: nothing was done."), "warn"
                )
            elif changed.is_empty:
                self._window.reactions.say(say("Nothing changed: {name}", name=name))
            else:
                first = tuple(a + b for a, b in zip(changed.first, box.first, strict=True))
                moved = type(box)((first[0], first[1], first[2]), changed.shape)
                self._desk.write(segment, moved, after[changed.slices], name)

        self._window.operations.start(action())

    async def _work(self, title: str, function: Callable[..., T], *args: object) -> T:
        """In a thread, with a word at the bottom and a cancel token last."""
        self._cancel = cancel = CancelToken()
        self._window.status.show_progress(title, 0, 1)
        try:
            return await self._window.operations.call(function, *args, cancel)
        finally:
            self._window.status.show_progress("", 0, 0)

    # -- numbers -------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkChanged | ActiveChanged):
            self._count()

    def _count(self) -> None:
        """Volume and mean value of what changed, in a thread."""
        from medview.imaging.segment.size import statistics

        opened = self._shown()
        if opened is None:
            return
        for segment in self._desk.of(opened.place):
            if self._desk.statistics(segment) is not None or segment.id in self._counted:
                continue
            try:
                live = self._desk.mask(opened.place, segment)
            except MedViewError:
                continue  # said where it is drawn
            bits = live.voxels.view(bool)
            self._counted.add(segment.id)
            self._window.operations.start(
                self._tell(segment, partial(statistics, opened.volume, live.box, bits))
            )

    async def _tell(self, segment: Segment, work: Callable[[], object]) -> None:
        from medview.imaging.segment.size import MaskStatistics

        try:
            found = await self._window.operations.call(work)
        finally:
            self._counted.discard(segment.id)
        if isinstance(found, MaskStatistics):
            self._desk.tell(segment, found)


def _replace_in(view: SliceView, painted: LabelMap) -> None:
    """Draw a segment as it is now; other overlays keep their pictures."""
    stage = view.stage
    others = tuple(each for each in stage.overlays if each.id != painted.id)
    stage.overlays = (*others, painted)
    view.update()


def _largest(bits: Bits, _spacing: tuple[float, float, float], _cancel: CancelToken) -> Bits:
    from medview.imaging.segment.shape import keep_largest

    return keep_largest(bits)


def _smooth(bits: Bits, spacing: tuple[float, float, float], _cancel: CancelToken) -> Bits:
    from medview.imaging.segment.shape import smooth

    return smooth(bits, spacing, _SMOOTH_MM)


def _margin(by_mm: float) -> Change:
    def change(bits: Bits, spacing: tuple[float, float, float], _cancel: CancelToken) -> Bits:
        from medview.imaging.segment.shape import margin

        return margin(bits, spacing, by_mm)

    return change


def _bounds(bits: Bits) -> Box:
    from medview.imaging.segment.box import bounds

    return bounds(bits)


def _shape(bits: Bits) -> tuple[int, int, int]:
    k, j, i = bits.shape
    return k, j, i

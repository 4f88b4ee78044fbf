"""What the window does with segments: brushes, growing, nodules, and their numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.core.progress import CancelToken
from medview.core.results import OWN_MASK, LabelMap
from medview.core.words import say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.segment_changes import SegmentChanges
from medview.gui.views.painting import Dab
from medview.gui.views.slice_view import SliceView
from medview.session.events import ActiveChanged, Event, WorkChanged
from medview.session.segmenting import Beginning
from medview.session.segments import CORONARY_CALCIUM, Segment
from medview.session.studies import OpenVolume, Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.imaging.segment.box import Bits

_OTHERS_MS = 90  # how often the views that are not painted in follow a stroke
_LEAST_MM, _MOST_MM = 1.0, 100.0
_LOOKS_MM = 40.0  # around a click
_NAMES = {
    "brush": say("Paint"),
    "eraser": say("Erase"),
    "threshold": say("Paint in the window"),
}
BRUSHES = tuple(_NAMES)
T = TypeVar("T")


class SegmentWork(QObject):
    """Listens to the views' segment tools and to the segment actions."""

    nodule_measured = Signal(object, object)  # the open stack; session.nodule_model.Lesion

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._desk = window.session.segmenting
        self._cancel = CancelToken()
        self._counted: set[str] = set()  # segments whose numbers are being worked out
        self._painted: tuple[Place, LabelMap] | None = None
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
        self.changes = SegmentChanges(window, self)

    def cancel(self) -> None:
        """Stop what is being worked out."""
        self._cancel.cancel()

    def _connect(self) -> None:
        on = self._window.actions_.connect
        on("models.cancel", self.cancel)
        for name in ("nodule", *BRUSHES, "grow"):
            on(f"tool.{name}", self._show_circle)

    # -- strokes and clicks ------------------------------------------------------------------

    def opened(self) -> OpenVolume | None:
        """The stack that is looked at where segments can lie on it; says so where they cannot."""
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
        opened = self.opened() if dab.phase in ("begin", "click") else self.shown()
        if opened is None:
            return
        if dab.phase == "click" and not _is_read(opened, dab.way[1]):
            self._window.reactions.say(
                say("The slices around this place are still being read; click again then."), "warn"
            )
        elif dab.tool == "nodule":
            self._measure(opened, dab)
        elif dab.tool == "grow":
            self._grow(opened, dab)
        elif dab.phase == "end":
            self._desk.strokes.end(_NAMES[dab.tool])
        else:
            self._stroke(opened, dab)

    def shown(self) -> OpenVolume | None:
        """The stack that is looked at, if it is in memory."""
        place = self._session.active
        return None if place is None else self._session.studies.volume(place.key)

    def _stroke(self, opened: OpenVolume, dab: Dab) -> None:
        from medview.imaging.segment.brush import in_window, stroke

        if dab.phase == "begin":
            if dab.tool == "threshold" and opened.volume.is_colour:
                self._window.reactions.say(
                    say("Colours have no range of values: paint with the brush."), "warn"
                )
                return
            segment = self._desk.active or self._desk.add("")
            if segment is None:
                return
            self._desk.strokes.begin(segment)
        brush, geometry = self._desk.brush, opened.place.stack.geometry
        slab = None if brush.is_ball else (dab.normal, dab.half_mm)
        box, inside = stroke(geometry, dab.way, brush.diameter_mm / 2.0, slab)
        if dab.tool == "threshold":
            if opened.volume.is_colour or box.is_empty:
                return
            inside = in_window(opened.volume, box, inside, brush.window)
        painted = self._desk.strokes.paint(box, inside, on=dab.tool != "eraser")
        if painted is not None:
            self._painted = (opened.place, painted)
            _replace_in(self._window.grid.active_view, painted)
            if not self._others.isActive():
                self._others.start()

    def _show_everywhere(self) -> None:
        """The other views that show the stack, a few times a second while a stroke goes on."""
        if self._painted is None:
            return
        (place, painted), self._painted = self._painted, None
        # Meanwhile the reader may have closed the stack, or deleted the segment.
        is_open = self._session.studies.place(place.key) is not None
        if not is_open or painted.id not in {OWN_MASK + each.id for each in self._desk.of(place)}:
            return
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
        from medview.session.nodule_model import Lesion
        from medview.session.nodules import NODULE_CODE, is_nodule, nodule_measurement

        place = opened.place

        async def action() -> None:
            found = await self.work(
                tr("Measuring the nodule"), measure_nodule, opened.volume, dab.way[1]
            )
            # It takes a while: another patient may be looked at now, or this one be closed.
            if self._session.studies.place(place.key) is None:
                return
            there = self._session.made.book_of(place).work.measurements
            measured = nodule_measurement(place, found, 1 + sum(map(is_nodule, there)))
            begin = Beginning(
                voxels=(Box(found.first, _shape(found.mask)), found.mask),
                code=NODULE_CODE,
                measurement=measured,
                command=say("Measure a nodule"),
            )
            self._desk.add(measured.text, begin, place)
            lesion = Lesion(
                mask=found.mask,
                first=found.first,
                diameter_mm=found.mean_diameter_mm,
                subject=measured.id,
                at=PatientPoint(*(float(v) for v in dab.way[1])),
            )
            self.nodule_measured.emit(opened, lesion)
            if self._window.grid.active_tile.key == place.key:
                middle = np.mean(np.array(measured.points), axis=0)
                self._window.grid.go_to(PatientPoint(*(float(v) for v in middle)))

        from medview.imaging.segment.box import Box

        self._window.operations.start(action())

    def _grow(self, opened: OpenVolume, dab: Dab) -> None:
        from medview.imaging.segment.grow import grow_from_seed

        tolerance, place = self._desk.brush.tolerance, opened.place
        begun = self._desk.active

        async def action() -> None:
            found = await self.work(
                tr("Growing"), grow_from_seed, opened.volume, dab.way[1], tolerance
            )
            # It takes a while: another patient may be looked at now, or this one be closed.
            if self._session.studies.place(place.key) is None:
                return
            there = (each for each in self._desk.of(place) if begun and each.id == begun.id)
            segment = next(there, None) or self._desk.add("", to=place)
            if segment is None:
                return
            mask = self._desk.mask(place, segment)
            bits = mask.read(found.box) | found.bits
            self._desk.write(segment, found.box, bits, say("Grow from a seed"), to=place)
            if found.is_cut:
                self._window.reactions.say(
                    say("Growing stopped 60 mm from the seed; it goes on beyond."), "warn"
                )

        self._window.operations.start(action())

    async def work(self, title: str, function: Callable[..., T], *args: object) -> T:
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
        from medview.imaging.segment.size import statistics, with_calcium

        opened = self.shown()
        if opened is None:
            return
        for segment in self._desk.of(opened.place):
            is_calcium = segment.code == CORONARY_CALCIUM
            known = self._desk.statistics(segment)
            is_whole = known is not None and (known.agatston is not None or not is_calcium)
            if is_whole or segment.id in self._counted:
                continue
            try:
                live = self._desk.mask(opened.place, segment)
            except MedViewError:
                continue  # said where it is drawn
            bits = live.voxels.view(bool)
            self._counted.add(segment.id)
            count = with_calcium if is_calcium else statistics
            self._window.operations.start(
                self._tell(segment, partial(count, opened.volume, live.box, bits))
            )

    async def _tell(self, segment: Segment, work: Callable[[], object]) -> None:
        from medview.imaging.segment.size import MaskStatistics

        try:
            found = await self._window.operations.call(work)
        finally:
            self._counted.discard(segment.id)
        if isinstance(found, MaskStatistics):
            self._desk.tell(segment, found)


def _is_read(opened: OpenVolume, point: PatientPoint) -> bool:
    """Whether the slices that a click looks at hold voxels: those within its reach."""
    geometry = opened.volume.geometry
    k, steps = geometry.to_index(point).k, _LOOKS_MM / geometry.slice_step
    first, last = max(0, int(k - steps)), max(0, int(k + steps) + 1)
    return bool(opened.ready[first:last].all())


def _replace_in(view: SliceView, painted: LabelMap) -> None:
    """Draw a segment as it is now; other overlays keep their pictures."""
    stage = view.stage
    others = tuple(each for each in stage.overlays if each.id != painted.id)
    stage.overlays = (*others, painted)
    view.update()


def _shape(bits: Bits) -> tuple[int, int, int]:
    k, j, i = bits.shape
    return k, j, i

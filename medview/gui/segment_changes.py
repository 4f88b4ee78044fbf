"""Changes of a whole segment: new ones, shapes between slices, islands, margins, names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medview.core.progress import CancelToken
from medview.core.words import Sentence, say, tr
from medview.gui.dialogs.asking import ask_number
from medview.imaging.planes import Plane
from medview.session.segments import Segment

if TYPE_CHECKING:
    from medview.gui.segment_work import SegmentWork
    from medview.gui.window import MainWindow
    from medview.imaging.segment.box import Bits, Box

_SMALL_MM3, _SMOOTH_MM, _MARGIN_MM = 50.0, 1.0, 1.0
_LARGEST_MM3 = 1e6
Change = Callable[["Bits", tuple[float, float, float], CancelToken], "Bits"]


class SegmentChanges:
    """The segment actions; what lasts is worked out in a thread by their owner."""

    def __init__(self, window: MainWindow, owner: SegmentWork) -> None:
        self._window, self._session, self._owner = window, window.session, owner
        self._desk = window.session.segmenting
        on = window.actions_.connect
        on("segment.new", self._new)
        on("segment.delete", self._delete)
        on("segment.correct", self._correct)
        on("segment.take_up", self._take_up)
        on("segment.fill", self._fill)
        on("segment.largest", partial(self._change, say("Keep the largest part"), _largest))
        on("segment.clean", partial(self._clean, _SMALL_MM3))
        on("segment.clean_size", self._ask_size)
        on("segment.smooth", partial(self._change, say("Smooth a segment"), _smooth, 3.0))
        grown, shrunk = say("Grow a segment"), say("Shrink a segment")
        on("segment.larger", partial(self._change, grown, _margin(_MARGIN_MM), 3.0))
        on("segment.smaller", partial(self._change, shrunk, _margin(-_MARGIN_MM)))
        on("segment.rename", self._rename)

    def _new(self) -> None:
        if self._owner.opened() is not None:
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
            found = await self._owner.work(tr("Copying masks"), from_runs, place, runs)
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
            found, notes = await self._owner.work(
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

    def _ask_size(self) -> None:
        if self._wanted() is not None:
            ask_number(
                self._window,
                tr("Remove parts smaller than how many cubic millimetres?"),
                (0.1, _LARGEST_MM3),
                self._clean,
            )

    def _clean(self, smallest_mm3: float) -> None:
        """Take away what hangs together and is smaller than that."""
        from medview.imaging.segment.shape import remove_small

        def change(bits: Bits, spacing: tuple[float, float, float], _cancel: CancelToken) -> Bits:
            return remove_small(bits, smallest_mm3, float(np.prod(spacing)))

        self._change(say("Remove small parts"), change)

    def _change(self, name: Sentence, change: Change, room_mm: float = 0.0) -> None:
        """Work a new mask out in a thread; only what differs is stored."""
        segment, opened = self._wanted(), self._owner.shown()
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
            after = await self._owner.work(str(name), change, before, spacing)
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

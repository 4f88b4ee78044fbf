"""Presentation states in the window: which there are for a picture, applied and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.presentation import PresentationState
from medview.core.study import FrameRef, Patient, StudyObject
from medview.core.words import say
from medview.gui.views.presented import shown_frame
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ViewState
from medview.imaging.planes import Plane
from medview.imaging.window import Window, table_window
from medview.session.places import Key, Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


@dataclass(eq=False)
class _Applied:
    """A state on a stack. before: how the active view stood without it."""

    uid: str
    state: PresentationState
    before: ViewState
    graphics_only: bool


class PresentationWork(QObject):
    """Leads the active view from one presentation state of its picture to the next."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._grid = window.grid
        self._applied: dict[Key, _Applied] = {}
        on = window.actions_.connect
        on("view.presentation", partial(self.next, graphics_only=False))
        on("view.presentation_graphics", partial(self.next, graphics_only=True))
        window.showing.shown.connect(lambda _key: self.show())
        self._grid.wants_changed.connect(self.show)

    def states_of(self, place: Place) -> list[tuple[Patient, StudyObject]]:
        """The presentation states that name a picture of a stack, wherever they were opened."""
        own = {frame.sop_instance_uid for frame in place.stack.frames} - {""}
        return [
            (patient, found)
            for patient, found in self._objects()
            if found.kind == "PR" and own & set(found.refers_to)
        ]

    def _objects(self) -> Iterator[tuple[Patient, StudyObject]]:
        for patient in self._session.studies.holdings.patients:
            for study in patient.studies:
                for found in study.objects:
                    yield patient, found

    def next(self, *, graphics_only: bool) -> None:
        """Apply the next state of the active stack; after the last one none.

        graphics_only: its drawings and shutter alone, window and turn stay the reader's.
        """
        key = self._grid.active_tile.key
        place = None if key is None else self._session.studies.place(key)
        if place is None:
            self._window.reactions.say(say("Open a study first."), "warn")
            return
        states = self.states_of(place)
        if not states:
            self._window.reactions.say(say("No presentation state names this picture."))
            return
        now = self._applied.get(place.key)
        uids = [found.uid for _, found in states]
        at = uids.index(now.uid) + 1 if now is not None and now.uid in uids else 0
        if now is not None and now.graphics_only != graphics_only:
            at -= 1  # the same state in the other way
        if at >= len(states):
            self._take_away(place.key)
        else:
            self._bring(place, states[at], graphics_only=graphics_only)

    def _bring(
        self, place: Place, found: tuple[Patient, StudyObject], *, graphics_only: bool
    ) -> None:
        from medview.dicom.objects.pr import read_presentation

        patient, stored = found

        async def action() -> None:
            state = await self._window.operations.call(read_presentation, stored.path)
            # It may take a while: the reader may look at something else now.
            if self._grid.active_tile.key != place.key:
                return
            self._apply(place, state, stored.uid, graphics_only=graphics_only)
            say_ = self._window.reactions.say
            for note in state.notes:
                say_(note, "warn")
            name = state.label or state.description or stored.uid
            if any(map(state.is_for, place.stack.frames)):
                say_(say("Presentation state {name} is applied.", name=name))
            else:
                told = say(
                    "Presentation state {name} names frames that these images do not have.",
                    name=name,
                )
                say_(told, "warn")
            if (patient.id, patient.birth_date) != (place.patient.id, place.patient.birth_date):
                say_(say("This presentation state names another patient."), "warn")

        self._window.operations.start(action())

    def _apply(
        self, place: Place, state: PresentationState, uid: str, *, graphics_only: bool
    ) -> None:
        stage = self._grid.active_view.stage
        known = self._applied.get(place.key)
        before = stage.state if known is None else known.before
        self._applied[place.key] = _Applied(uid, state, before, graphics_only)
        self.show()
        if stage.shown is None:
            return
        stage.change(_placed(before, stage.state))
        frame = self._frame_for(stage, state)
        if not graphics_only and frame is not None:
            _stand(stage, state, frame)

    def _frame_for(self, stage: SliceStage, state: PresentationState) -> FrameRef | None:
        """The picture that is shown if the state is for it; else the first one that it is for,
        which is gone to."""
        frame = shown_frame(stage)
        if frame is None or state.is_for(frame) or stage.shown is None or stage.plane is None:
            return frame
        frames = stage.shown.stack.frames
        k = next((k for k, each in enumerate(frames) if state.is_for(each)), None)
        if k is None:
            return None
        rows, columns = stage.plane.shape
        middle = stage.plane.to_patient(k, (rows - 1) / 2, (columns - 1) / 2)
        stage.change(replace(stage.state, point=middle))
        return frames[k]

    def _take_away(self, key: Key) -> None:
        applied = self._applied.pop(key)
        self.show()
        if self._grid.active_tile.key == key:
            stage = self._grid.active_view.stage
            stage.change(_placed(applied.before, stage.state))
        self._window.reactions.say(say("No presentation state is applied."))

    def show(self) -> None:
        """Bring the drawings of every tile to what is applied to its stack."""
        for tile in self._grid.all_tiles:
            applied = None if tile.key is None else self._applied.get(tile.key)
            state = None if applied is None else applied.state
            if tile.view.stage.shown is not None and tile.view.stage.presented is not state:
                tile.view.stage.presented = state
                tile.view.update()


def _placed(wanted: ViewState, now: ViewState) -> ViewState:
    """How a view stood, at the place where it is now."""
    return replace(wanted, point=now.point)


def _stand(stage: SliceStage, state: PresentationState, frame: FrameRef) -> None:
    """Window, polarity, turn and displayed area as the state says."""
    if stage.shown is None:
        return
    view = replace(
        stage.state,
        window=_window(state, frame) or stage.state.window,
        is_inverted=state.is_inverted != stage.shown.volume.is_inverted,
    )
    stage.change(_turned(stage, view, state))
    area = state.area_for(frame)
    if area is not None:
        _show_area(stage, area.rows, area.columns)


def _window(state: PresentationState, frame: FrameRef) -> Window | None:
    wanted = state.window_for(frame)
    if wanted is None:
        return None
    if wanted.table is not None:
        return table_window(wanted.table)
    if wanted.window is None:
        return None
    centre, width, name = wanted.window
    return Window(center=centre, width=width, name=name, function=wanted.function)


def _turned(stage: SliceStage, view: ViewState, state: PresentationState) -> ViewState:
    """Turned clockwise, then flipped across; of the picture as stored (C.10.6)."""
    plane = stage.plane
    if not isinstance(plane, Plane) or plane.down > plane.right:
        return view
    # A view flips first: what comes after a turn goes the other way round before it.
    turns = -state.quarters % 4 if state.is_flipped else state.quarters
    return replace(
        view,
        flip_h=state.is_flipped != plane.flips[1],
        flip_v=plane.flips[0],
        turns=turns,
    )


def _show_area(stage: SliceStage, rows: tuple[float, float], columns: tuple[float, float]) -> None:
    """Zoom and pan so that an area of the picture fills the view."""
    if stage.plane is None:
        return
    stage.change(replace(stage.state, zoom=1.0, pan=(0.0, 0.0)))
    place = stage.map()
    corners = [place.to_screen(row, column)
               for row in (rows[0] - 0.5, rows[1] + 0.5)
               for column in (columns[0] - 0.5, columns[1] + 0.5)]  # fmt: skip
    wide = max(x for x, _ in corners) - min(x for x, _ in corners)
    high = max(y for _, y in corners) - min(y for _, y in corners)
    zoom = min(stage.size[0] / max(wide, 1e-6), stage.size[1] / max(high, 1e-6))
    stage.change(replace(stage.state, zoom=zoom))
    x, y = stage.map().to_screen(sum(rows) / 2, sum(columns) / 2)
    pan = (stage.size[0] / 2 - x, stage.size[1] / 2 - y)
    stage.change(replace(stage.state, pan=pan))

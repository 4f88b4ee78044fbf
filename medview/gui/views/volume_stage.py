"""What the volume view shows and how the reader set it up; the widget paints it.

Asks the thread that owns VTK for pictures: quick ones while something moves, fine ones at rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.errors import MedViewError
from medview.core.geometry import Geometry, PatientPoint
from medview.core.study import Series
from medview.core.volume import Volume
from medview.gui.views.pixels import Picture, to_picture
from medview.gui.views.volume_camera import Camera, ScreenMap, screen_map
from medview.gui.views.volume_scene import Scene, SliceInSpace, Surface
from medview.gui.views.volume_state import History, VolumeStand, VolumeState
from medview.gui.views.volume_thread import VolumeThread
from medview.gui.views.volume_wishes import Detail, Drawn, Prepared, Wish
from medview.imaging.cutting import Carving
from medview.imaging.looks import first_look, in_blend, looks_for
from medview.imaging.reduce import space_of
from medview.imaging.transfer import Look

# The fine picture follows when nothing has moved for so long, that of all voxels later.
_REST_MS, _LONG_REST_MS = 180, 900


@dataclass(frozen=True, eq=False, kw_only=True)
class Extras:
    """What is shown beside the volume, as the window gives it."""

    surfaces: tuple[Surface, ...] = ()
    slices: tuple[SliceInSpace, ...] = ()
    surface_opacity: float = 1.0
    are_surfaces_shown: bool = True
    hidden: frozenset[tuple[str, int]] = frozenset()  # keys of surfaces that are not shown
    is_volume_shown: bool = True
    is_confirmed: bool = False  # whether the reader has accepted all that models drew

    @property
    def shown(self) -> tuple[Surface, ...]:
        """The surfaces that are not hidden."""
        if not self.are_surfaces_shown:
            return ()
        return tuple(each for each in self.surfaces if each.key not in self.hidden)


class VolumeStage(QObject):
    """One volume, the reader's settings for it, and its newest picture.

    The attributes are read by the widgets; they are changed by the methods alone.
    """

    changed = Signal()  # something that is painted or shown in the bar
    told = Signal(object)  # Sentence for the reader
    faulted = Signal(object)  # Sentence on what of the reader's own looks is left out
    picked = Signal(object)  # PatientPoint
    opened = Signal()  # another volume
    carved = Signal()  # the reader left something else out

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.volume: Volume | None = None
        self.space: Geometry | None = None
        self.prepared: Prepared | None = None
        self.looks: tuple[Look, ...] = ()
        self.state = VolumeState()
        self.camera = Camera()
        self.extras = Extras()
        self.crosshair: PatientPoint | None = None
        self.picture: Picture | None = None
        self.drawn: Drawn | None = None
        self.trouble: MedViewError | None = None
        self.history = History()
        self._words = ""
        self._size = (0, 0)
        self._thread: VolumeThread | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._ask_more)
        self._asked = self._asked_quick = 0  # the numbers of the newest wishes for a picture

    # -- what is shown -------------------------------------------------------------------

    def open(self, volume: Volume, series: Series) -> None:
        """Show a volume with the look that fits its series."""
        self.clear()
        self.volume, self.space = volume, space_of(volume.geometry)
        self._words = f"{series.body_part} {series.description}"
        self.crosshair = self.space.centre
        self._send(Wish(volume=volume))
        self.opened.emit()

    def clear(self) -> None:
        """Show nothing, and let what was kept for drawing go."""
        self.volume, self.space, self.prepared, self.crosshair = None, None, None, None
        self.picture, self.drawn, self.trouble = None, None, None
        self.looks, self.state, self.camera, self.extras = (), VolumeState(), Camera(), Extras()
        self.history.clear()
        self._rest.stop()
        if self._thread is not None:
            self._thread.forget()
        self.changed.emit()

    def end(self) -> None:
        """Give VTK back in the thread that has it."""
        self._rest.stop()
        self.volume = None
        if self._thread is not None:
            self._thread.end()
            self._thread = None

    @property
    def look(self) -> Look | None:
        """The look as it is drawn, None before the volume is prepared."""
        if self.prepared is None or not self.looks:
            return None
        state = self.state
        look = state.edited or self.looks[state.number]
        return state.dressed(in_blend(look, state.blend or look.blend, self.prepared.scale))

    @property
    def scene(self) -> Scene | None:
        """Everything but the place of the viewer, None before the volume is prepared."""
        look, state, extras = self.look, self.state, self.extras
        if look is None:
            return None
        return Scene(
            look=look, box=state.box, planes=tuple(plane for _, plane in state.cuts),
            lassos=state.lassos, slices=extras.slices, surface_opacity=extras.surface_opacity,
            surfaces=extras.shown,
            is_volume_shown=extras.is_volume_shown,
        )  # fmt: skip

    @property
    def is_drawing(self) -> bool:
        """Whether the newest wish has not been answered."""
        return self.drawn is None or self.drawn.wish.number < self._asked

    @property
    def fitting_look(self) -> int:
        """The number of the look for this series."""
        return first_look(self.looks, self._words)

    def screen(self, width: float, height: float) -> ScreenMap | None:
        """Where the patient lies in a picture of this size, None without a volume."""
        if self.space is None:
            return None
        return screen_map(self.camera, self.space, (max(width, 1.0), max(height, 1.0)))

    @property
    def stand(self) -> VolumeStand:
        """From where the volume is seen, and in which look."""
        state = self.state
        is_fitting = not self.looks or state.number == self.fitting_look
        return VolumeStand(
            camera=self.camera,
            look="" if is_fitting else self.looks[state.number].id,
            edited=state.edited,
            shift=state.shift,
            blend=state.blend,
            is_lit=state.is_lit,
        )

    def take_stand(self, stand: VolumeStand) -> None:
        """See it so. Raises KeyError for a look that is not among those that fit."""
        number = self.fitting_look
        if stand.look:
            number = {look.id: n for n, look in enumerate(self.looks)}[stand.look]
        self.camera = stand.camera
        self.adjust(replace(
            self.state, number=number, edited=stand.edited, shift=stand.shift,
            blend=stand.blend, is_lit=stand.is_lit,
        ))  # fmt: skip
        self.redraw()

    # -- changes -------------------------------------------------------------------------

    def look_from(self, camera: Camera) -> None:
        """Another place of the viewer."""
        self.camera = camera
        self.redraw()

    def change(self, state: VolumeState, before: VolumeState | None = None) -> None:
        """Another setting, that undo takes back to `before` (the one now, for a single step)."""
        before = before or self.state
        if state != before:
            self.history.remember(before)
        self.adjust(state)
        if state.carving != before.carving:
            self.carved.emit()

    def undo(self) -> None:
        """Back to the setting before the last change."""
        self._step(self.history.undo(self.state))

    def redo(self) -> None:
        """The setting that was undone last, again."""
        self._step(self.history.redo(self.state))

    def take_carving(self, carving: Carving) -> None:
        """Leave out what the reader's work says: it was undone elsewhere, or comes with it."""
        state = self.state.carved(carving)
        if state != self.state and not self.history.step_to(state, self.state):
            self.history.remember(self.state)
        self.adjust(state)

    def _step(self, state: VolumeState | None) -> None:
        if state is not None:
            is_carved = state.carving != self.state.carving
            self.adjust(state)
            if is_carved:
                self.carved.emit()

    def adjust(self, state: VolumeState) -> None:
        """Another setting on the way to one: a drag that goes on."""
        if state != self.state:
            self.state = state
            self.redraw()

    def show_beside(self, **values: object) -> None:
        """Other surfaces, slices, or how much of them shows (see `Extras`)."""
        self.extras = replace(self.extras, **values)  # type: ignore[arg-type]
        self.redraw()

    def take_looks(self, chosen: str = "") -> None:
        """Read the looks again; `chosen` (its id) is taken, if it is there."""
        if self.volume is None or self.prepared is None:
            return
        self.looks, faults = looks_for(self.volume, self.prepared.scale)
        for fault in faults:
            self.faulted.emit(fault)
        ids = [look.id for look in self.looks]
        number = ids.index(chosen) if chosen in ids else min(self.state.number, len(ids) - 1)
        self.adjust(
            replace(self.state, number=number, edited=None, shift=0.0, blend="", is_lit=None)
        )

    # -- pictures ------------------------------------------------------------------------

    def redraw(self, size: tuple[int, int] | None = None) -> None:
        """A quick picture now and a fine one at rest; size: in device pixels, (0, 0) for hidden."""
        self._size = size or self._size
        self._ask("quick")
        self._rest.start(_REST_MS)
        self.changed.emit()

    def pick(self, x: float, y: float) -> None:
        """Find the place in the patient under a pixel; `picked` tells."""
        if self.volume is not None and self.scene is not None and min(self._size) > 0:
            self._send(
                Wish(
                    volume=self.volume, scene=self.scene, camera=self.camera, size=self._size,
                    pick=(x, y),
                )
            )  # fmt: skip

    def _ask_more(self) -> None:
        """It has rested: a better picture than the last one, once the quick one has come."""
        answered = 0 if self.drawn is None else self.drawn.wish.number
        if 0 < answered < self._asked_quick and self.trouble is None:
            self._rest.start(_REST_MS)  # the words beside the picture are ahead of it till then
            return
        is_fine = self.drawn is not None and self.drawn.wish.detail == "fine"
        self._ask("whole" if is_fine and not self.is_drawing else "fine")

    def _ask(self, detail: Detail) -> None:
        scene = self.scene
        if self.volume is None or scene is None or min(self._size) <= 0:
            return
        self._asked = self._send(
            Wish(
                volume=self.volume, scene=scene, camera=self.camera, size=self._size,
                detail=detail,
            )
        )  # fmt: skip
        if detail == "quick":
            self._asked_quick = self._asked

    def _send(self, wish: Wish) -> int:
        if self._thread is not None and not self._thread.is_alive:
            self._thread.end()
            self._thread = None
        if self._thread is None:
            self._thread = VolumeThread(self)
            self._thread.prepared.connect(self._prepare)
            self._thread.drawn.connect(self._show)
            self._thread.picked.connect(self._pick)
            self._thread.failed.connect(self._complain)
        return self._thread.ask(wish)

    def _prepare(self, prepared: Prepared) -> None:
        if prepared.volume is not self.volume:
            return
        self.prepared = prepared
        self.take_looks()
        self.state = replace(self.state, number=self.fitting_look)
        self.redraw()

    def _show(self, drawn: Drawn) -> None:
        if drawn.wish.detail == "whole" and drawn.wish.number < self._asked:
            return  # the view has turned meanwhile
        if drawn.wish.volume is self.volume:  # a picture of a volume that is gone is late
            self.picture, self.drawn = to_picture(drawn.pixels), drawn
            if drawn.wish.detail == "fine" and not drawn.is_finest and not self.is_drawing:
                self._rest.start(_LONG_REST_MS)
            self.changed.emit()

    def _pick(self, point: PatientPoint | None) -> None:
        if self.is_drawing:  # looking for the point took the place of a better picture
            self._rest.start(_REST_MS)
        if point is not None:
            self.picked.emit(point)

    def _complain(self, error: MedViewError) -> None:
        self.trouble = error
        self.changed.emit()

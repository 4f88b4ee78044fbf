"""What the commands of the volume view (`actions.volume_rows`) do on its stage."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.geometry import PatientPoint
from medview.core.words import say
from medview.gui.views.volume_camera import SIDES, Camera
from medview.gui.views.volume_stage import VolumeStage
from medview.gui.views.volume_state import CUTS, VolumeState, new_cut, next_blend
from medview.imaging.cutting import CropBox

_SPIN_MS, _SPIN_STEP = 40, math.radians(2)
_TURN_STEP = math.radians(10)
_WHEEL_MS = 300  # turns of the wheel that follow each other so closely are one
_SHIFT_SHARE = 0.02  # of the span of values, a step of the slider
SLICES = ("", "outline", "picture")
TOOLS = ("turn", "lasso_remove", "lasso_keep")


class VolumeCommands(QObject):
    """Does the commands on a stage; `tool` is what a drag with the left button does."""

    tool_changed = Signal(str)
    box_toggled = Signal(bool)
    editor_toggled = Signal(bool)
    slices_asked = Signal(str)  # "", outline or picture
    surfaces_asked = Signal()  # none has been made yet
    save_asked = Signal()  # the surfaces that are shown

    def __init__(self, stage: VolumeStage) -> None:
        super().__init__(stage)
        self.stage = stage
        self.tool = "turn"
        self.is_box_shown = False
        self.is_editor_shown = False
        self.slices = ""
        self._spin = QTimer(self)
        self._spin.setInterval(_SPIN_MS)
        self._spin.timeout.connect(self._spin_on)
        self._before: VolumeState | None = None  # of the cuts when the wheel began to turn
        self._wheel = QTimer(self)
        self._wheel.setSingleShot(True)
        self._wheel.setInterval(_WHEEL_MS)
        self._wheel.timeout.connect(self.settle)
        self._deeds = self._table()

    def _table(self) -> dict[str, Callable[[], object]]:
        deeds: dict[str, Callable[[], object]] = {
            "reset_view": self._reset_view,
            "spin": self._toggle_spin,
            "reset_look": self._reset_look,
            "blend": self._next_blend,
            "light": self._toggle_light,
            "editor": self._toggle_editor,
            "box": self._toggle_box,
            "reset_box": partial(self._change, box=CropBox()),
            "flip_cuts": self._flip_cuts,
            "cut_deeper": partial(self.move_cuts, 1.0),
            "cut_shallower": partial(self.move_cuts, -1.0),
            "no_cuts": partial(self._change, box=CropBox(), cuts=(), lassos=()),
            "slices": self._next_slices,
            "surfaces": self._toggle_surfaces,
            "volume": self._toggle_volume,
            "undo": self.stage.undo,
            "redo": self.stage.redo,
            "shift_up": partial(self.shift, 1.0),
            "shift_down": partial(self.shift, -1.0),
            "zoom_in": partial(self._zoom, 1.2),
            "zoom_out": partial(self._zoom, 1 / 1.2),
        }
        turns = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
        for name, (across, down) in turns.items():
            deeds[f"turn_{name}"] = partial(self._turn, across, down)
        for side in SIDES:
            deeds[f"from_{side.lower()}"] = partial(self._see_from, side)
        for number in range(9):
            deeds[f"look_{number + 1}"] = partial(self.choose_look, number)
        for name in CUTS:
            deeds[f"cut_{name}"] = partial(self._toggle_cut, name)
        for name in TOOLS[1:]:
            deeds[name] = partial(self._toggle_tool, name)
        return deeds

    def run(self, command_id: str) -> None:
        """Do a command by its name; without a volume nothing happens."""
        if self.stage.volume is not None:
            if command_id not in ("cut_deeper", "cut_shallower"):
                self.settle()
            self._deeds[command_id]()

    def is_on(self, command_id: str) -> bool:
        """Whether what a command switches is on."""
        stage, look = self.stage, self.stage.look
        is_cut = command_id.startswith("cut_")
        known = {
            "spin": self._spin.isActive(),
            "light": look is not None and look.is_lit and look.blend == "composite",
            "box": self.is_box_shown,
            "editor": self.is_editor_shown,
            "surfaces": stage.extras.are_surfaces_shown and bool(stage.extras.surfaces),
            "volume": stage.extras.is_volume_shown,
            "slices": bool(self.slices),
            "blend": look is not None and look.blend != "composite",
            self.tool: True,
        }
        return known.get(command_id, is_cut and stage.state.cut_named(command_id[4:]) is not None)

    def stop(self) -> None:
        """Another volume comes: nothing turns, nothing is cut."""
        self.settle()
        self._spin.stop()
        self.set_tool("turn")
        self.is_box_shown = False
        self.slices = ""
        self.box_toggled.emit(False)

    def set_tool(self, name: str) -> None:
        """turn, lasso_remove or lasso_keep."""
        self.tool = name
        self.tool_changed.emit(name)
        self.stage.changed.emit()

    def choose_look(self, number: int) -> None:
        """A look by its number; unknown numbers change nothing."""
        if 0 <= number < len(self.stage.looks):
            self._change(number=number, edited=None, shift=0.0, blend="", is_lit=None)

    def set_blend(self, blend: str) -> None:
        """Join the samples of a ray in another way."""
        self._change(blend=blend)

    def shift(self, steps: float) -> None:
        """Move the look along the values, by steps of the slider."""
        prepared = self.stage.prepared
        if prepared is not None:
            span = prepared.span[1] - prepared.span[0]
            self._change(shift=self.stage.state.shift + steps * _SHIFT_SHARE * span)

    def follow(self, point: PatientPoint) -> None:
        """The crosshair stands elsewhere: cuts along the slices go with it."""
        self.stage.crosshair = point
        self.stage.adjust(self.stage.state.with_cuts_at(point))

    def move_cuts(self, steps: float) -> None:
        """Every cut deeper or less deep, by slices."""
        stage = self.stage
        if stage.space is None:
            return
        if not stage.state.cuts:
            stage.told.emit(say("There is no cut to move: D makes one that faces you."))
            return
        by = steps * max(stage.space.slice_step, 1.0)
        cuts = tuple((name, plane.moved(by)) for name, plane in stage.state.cuts)
        self._before = self._before or stage.state
        self._wheel.start()
        stage.adjust(replace(stage.state, cuts=cuts))

    def settle(self) -> None:
        """Cuts that were being moved stay: all of the way is one step."""
        before, self._before = self._before, None
        self._wheel.stop()
        if before is not None:
            self.stage.change(self.stage.state, before)

    def _change(self, **values: object) -> None:
        self.stage.change(replace(self.stage.state, **values))  # type: ignore[arg-type]

    def _see_from(self, side: str) -> None:
        self.stage.look_from(self.stage.camera.seen_from(side))

    def _turn(self, across: float, down: float) -> None:
        self.stage.look_from(self.stage.camera.rotated(across * _TURN_STEP, down * _TURN_STEP))

    def _zoom(self, factor: float) -> None:
        self.stage.look_from(self.stage.camera.zoomed(factor))

    def _reset_view(self) -> None:
        self._spin.stop()
        self.stage.look_from(Camera())

    def _toggle_spin(self) -> None:
        if self._spin.isActive():
            self._spin.stop()
        else:
            self._spin.start()
        self.stage.changed.emit()

    def _spin_on(self) -> None:
        # About the patient's long axis; the next step waits until this one is drawn.
        stage = self.stage
        if stage.volume is None or not stage.is_drawing:
            stage.look_from(stage.camera.spun(_SPIN_STEP))

    def _reset_look(self) -> None:
        self.choose_look(self.stage.fitting_look)

    def _next_blend(self) -> None:
        if self.stage.look is not None:
            self.set_blend(next_blend(self.stage.look.blend))

    def _toggle_light(self) -> None:
        look = self.stage.look
        if look is None:
            return
        if look.blend != "composite":
            self.stage.told.emit(say("A projection has no light: M goes back to tissue."))
            return
        self._change(is_lit=not look.is_lit)

    def _toggle_box(self) -> None:
        self.is_box_shown = not self.is_box_shown
        self.box_toggled.emit(self.is_box_shown)
        self.stage.changed.emit()

    def _toggle_editor(self) -> None:
        self.is_editor_shown = not self.is_editor_shown
        self.editor_toggled.emit(self.is_editor_shown)
        self.stage.changed.emit()

    def _toggle_cut(self, name: str) -> None:
        state, point = self.stage.state, self.stage.crosshair or PatientPoint(0, 0, 0)
        made = None
        if state.cut_named(name) is None:
            made = new_cut(name, point, self.stage.camera.frame)
        self.stage.change(state.with_cut(name, made))

    def _flip_cuts(self) -> None:
        self._change(cuts=tuple((n, plane.flipped()) for n, plane in self.stage.state.cuts))

    def _toggle_tool(self, name: str) -> None:
        self.set_tool("turn" if self.tool == name else name)

    def _next_slices(self) -> None:
        self.slices = SLICES[(SLICES.index(self.slices) + 1) % len(SLICES)]
        self.slices_asked.emit(self.slices)
        self.stage.changed.emit()

    def _toggle_surfaces(self) -> None:
        extras = self.stage.extras
        if not extras.surfaces:
            self.surfaces_asked.emit()
            return
        self.stage.show_beside(are_surfaces_shown=not extras.are_surfaces_shown)

    def _toggle_volume(self) -> None:
        self.stage.show_beside(is_volume_shown=not self.stage.extras.is_volume_shown)

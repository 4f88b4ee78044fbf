"""Crosshair: the place of all linked views, and the lines that turn and thicken their planes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from medview.core.geometry import FloatArray, PatientPoint
from medview.gui.tools.base import Pointer, PointTool, Stage
from medview.gui.views.cross_lines import Taken
from medview.gui.views.state import ViewState
from medview.imaging.mpr import turned_about
from medview.imaging.slice_plane import SlicePlane


class CrosshairTool(PointTool):
    """Also Shift with the left button: the place under the mouse becomes that of all views."""

    name = "crosshair"

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Follow the mouse while the button is down."""
        if self._is_down:
            point = stage.patient_at(pointer.x, pointer.y)
            stage.change(replace(stage.state, point=point))

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Stay there."""
        self._is_down = False


class LineTool(PointTool):
    """Lives for one drag of a plane's line: by its end it turns, by its side it thickens."""

    name = "line"

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self._taken = taken
        self._begin: tuple[FloatArray, ViewState, dict[str, SlicePlane]] | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember how all stood."""
        place = np.array(stage.patient_at(pointer.x, pointer.y))
        self._begin = place, stage.state, dict(stage.planes)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Follow the mouse."""
        if self._begin is None or stage.plane is None:
            return
        start, state, planes = self._begin
        now = np.array(stage.patient_at(pointer.x, pointer.y))
        ways = {"turn": _turned, "thicken": _thickened, "move": _moved}
        found = ways[self._taken.what](state, planes, (stage.plane.name, self._taken.name),
                                       (start, now))  # fmt: skip
        if found != stage.state:
            stage.change(found)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """Stay so."""
        self._begin = None

    def cancel(self, stage: Stage) -> bool:
        """Back to how it was."""
        if self._begin is None:
            return False
        stage.change(self._begin[1])
        self._begin = None
        return True


_Drag = tuple[FloatArray, FloatArray]  # from, to; LPS millimetres


def _turned(
    state: ViewState, planes: dict[str, SlicePlane], names: tuple[str, str], drag: _Drag
) -> ViewState:
    """The other planes turned about this one's normal by the angle that the mouse went."""
    still = names[0]
    normal = planes[still].normal_vector
    before, now = (place - np.array(state.point) for place in drag)
    angle = math.atan2(float(normal @ np.cross(before, now)), float(before @ now))
    return replace(state, mpr=turned_about(state.mpr, planes, still, angle, state.point))


def _thickened(
    state: ViewState, planes: dict[str, SlicePlane], names: tuple[str, str], drag: _Drag
) -> ViewState:
    """The line's plane as thick as from the mouse to its mirror image behind the line."""
    name = names[1]
    far = abs(float((drag[1] - np.array(state.point)) @ planes[name].normal_vector))
    slab = state.mpr.slab(name)
    return replace(state, mpr=state.mpr.with_slab(name, slab.thicker(2 * far - slab.mm)))


def _moved(
    state: ViewState, planes: dict[str, SlicePlane], names: tuple[str, str], drag: _Drag
) -> ViewState:
    """The line's plane moved to the mouse; along the line nothing moves."""
    here, there = (planes[name].normal_vector for name in names)
    across = np.cross(here, np.cross(here, there))
    across = across / np.linalg.norm(across)
    way = across * float((drag[1] - drag[0]) @ across)
    return replace(state, point=PatientPoint(*(float(v) for v in np.array(state.point) + way)))

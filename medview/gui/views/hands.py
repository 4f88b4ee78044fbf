"""Which tool the mouse drives: left the chosen one, middle and right as set, both scroll."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

from medview.gui.tools.base import Pointer, Tool
from medview.gui.tools.crosshair import CrosshairTool, LineTool
from medview.gui.tools.edit import EditTool, LabelTool
from medview.gui.tools.habits import habits
from medview.gui.tools.pan import PanTool
from medview.gui.tools.scroll import ScrollTool
from medview.gui.tools.table import tool_named
from medview.gui.tools.upper_window import UpperWindowTool
from medview.gui.views.cross_lines import cross_lines, taken_at
from medview.gui.views.labels import Label, label_at
from medview.gui.views.marks import Mark, body_at, handle_at
from medview.gui.views.stage import SliceStage
from medview.imaging.roi import SOLID

_CLICK_PX = 3.0
_LEFT, _MIDDLE, _RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)


class Hands:
    """Sends mouse events to tools; a drag belongs to the tool that began it."""

    def __init__(self, stage: SliceStage) -> None:
        self._stage = stage
        self.tool = tool_named("window")
        self._driven: Tool | None = None
        self._pressed: QPointF | None = None
        self.is_space_down = False
        self.is_space_used = False  # to pan, while it is down

    def choose(self, name: str) -> None:
        """Another tool for the left button; what was half drawn is given up."""
        self.tool.cancel(self._stage)
        self.tool = tool_named(name)

    def press(self, event: QMouseEvent) -> None:
        """A button went down: begin a drag, or turn it into a scroll when both are down."""
        pointer = _pointer(event)
        both = _LEFT | _RIGHT
        if self._driven is not None:
            self._driven.cancel(self._stage)
        self._pressed = event.position()
        self._driven = (
            ScrollTool() if event.buttons() & both == both else self._tool_for(event, pointer)
        )
        if self._driven is not None:
            self._driven.press(self._stage, pointer)

    def move(self, event: QMouseEvent) -> None:
        """The mouse moved, with or without a button."""
        if self._driven is not None and event.buttons() != Qt.MouseButton.NoButton:
            self._driven.move(self._stage, _pointer(event))
        elif event.buttons() == Qt.MouseButton.NoButton:
            self.tool.hover(self._stage, _pointer(event))

    def release(self, event: QMouseEvent) -> bool:
        """A button came up; True for a right click that went nowhere."""
        driven, self._driven = self._driven, None
        if driven is not None:
            driven.release(self._stage, _pointer(event))
        start, self._pressed = self._pressed, None
        is_still = start is not None and _distance(start, event.position()) <= _CLICK_PX
        return event.button() == _RIGHT and is_still and not isinstance(driven, ScrollTool)

    def cancel(self) -> bool:
        """Give up what is half done; whether there was something."""
        driven, self._driven = self._driven, None
        was_dragging = driven is not None and driven.cancel(self._stage)
        return self.tool.cancel(self._stage) or was_dragging

    def close(self) -> bool:
        """Close the outline that is being drawn; whether there was one."""
        return self.tool.close(self._stage)

    def _tool_for(self, event: QMouseEvent, pointer: Pointer) -> Tool | None:
        if event.button() == _LEFT and self.is_space_down:
            self.is_space_used = True
            return PanTool()
        if event.button() in (_MIDDLE, _RIGHT):
            does = habits().middle if event.button() == _MIDDLE else habits().right
            return None if does == "menu" else tool_named(does)
        if event.button() != _LEFT:
            return None
        if self._is_about_upper(event):
            return UpperWindowTool()
        grabbed = None if self.tool.is_drawing else self._grabbed(pointer)
        return grabbed or self._chosen(pointer)

    def _chosen(self, pointer: Pointer) -> Tool:
        """The reader's tool, or what its lines or Shift make of it."""
        if self.tool.name == "crosshair":
            taken = taken_at(cross_lines(self._stage), pointer.x, pointer.y)
            return self.tool if taken is None else LineTool(taken)
        is_plain = self.tool.name in ("window", "pan", "zoom", "scroll")
        return CrosshairTool() if pointer.is_shift and is_plain else self.tool

    def _is_about_upper(self, event: QMouseEvent) -> bool:
        """Whether a drag moves the window of what lies over the picture."""
        layer = self._stage.upper
        if layer is None or self.tool.is_drawing:
            return False
        is_asked = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        return is_asked or (layer.takes_window and self.tool.name == "window")

    def choose_at(self, x: float, y: float) -> str:
        """Select the measurement whose shape or words are at a place; its id, "" for none."""
        marks = self._marks()
        handle, label = handle_at(marks, x, y), self._label_at(marks, x, y)
        taken = handle[0] if handle else label.mark if label else body_at(marks, x, y)
        if taken is None:
            return ""
        self._stage.measuring.select(taken.measurement.id)
        self._stage.repaint_wanted.emit()
        return taken.measurement.id

    def is_over_label(self, x: float, y: float) -> bool:
        """Whether a drag from here would move the words of a measurement."""
        if not self._takes_labels or not self._stage.measuring.measurements:
            return False
        marks = self._marks()
        return handle_at(marks, x, y) is None and self._label_at(marks, x, y) is not None

    @property
    def _takes_labels(self) -> bool:
        """Whether a press may take words: not amid a shape, and a brush paints over them."""
        return not (self.tool.is_drawing or self.tool.is_brush)

    def _marks(self) -> list[Mark]:
        """What lies here and is kept, not what is only being drawn."""
        measuring = self._stage.measuring
        known = {measurement.id for measurement in measuring.measurements}
        return [each for each in measuring.marks() if each.measurement.id in known]

    def _label_at(self, marks: list[Mark], x: float, y: float) -> Label | None:
        return label_at(self._stage.measuring.labels(marks), x, y)

    def _grabbed(self, pointer: Pointer) -> Tool | None:
        """A measurement under the mouse is taken before any tool but another measuring one; its
        words before every tool but a brush."""
        measuring, marks = self._stage.measuring, self._marks()
        handle = handle_at(marks, pointer.x, pointer.y)
        label = None
        if handle is None and self._takes_labels:
            label = self._label_at(marks, pointer.x, pointer.y)
        if label is not None:
            measuring.select(label.mark.measurement.id)
            self._stage.repaint_wanted.emit()
            middle = label.box.center()
            return LabelTool(label.mark, (middle.x(), middle.y()))
        body = None if handle is not None else body_at(marks, pointer.x, pointer.y)
        if handle is None and body is None:
            measuring.select("")
            return None
        taken = handle[0] if handle is not None else body
        # A tool that measures draws on over what is of another kind.
        if taken is None or self.tool.kind not in ("", taken.measurement.kind):
            return None
        measuring.select(taken.measurement.id, None if handle is None else handle[1])
        self._stage.repaint_wanted.emit()
        is_here = taken.is_whole or taken.measurement.kind in SOLID
        if not is_here or measuring.is_fixed(taken.measurement):
            return None  # it is chosen; it changes where it was measured
        return EditTool(taken.measurement, None if handle is None else handle[1])


def _pointer(event: QMouseEvent) -> Pointer:
    place = event.position()
    is_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    return Pointer(place.x(), place.y(), is_shift)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())

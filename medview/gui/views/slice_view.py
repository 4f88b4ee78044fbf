"""A view of slices: paints one plane of a stack and turns mouse and keys into intentions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from medview.core.geometry import PatientPoint
from medview.core.results import Heatmap, LabelMap, Measurement
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import Sentence, tr
from medview.gui.style import colour
from medview.gui.tools.base import Pointer
from medview.gui.views import ink
from medview.gui.views.commands import ViewCommands
from medview.gui.views.corners import Shown, plane_title
from medview.gui.views.hands import Hands
from medview.gui.views.keys import default_bindings, peeking, who_answers
from medview.gui.views.look import Look
from medview.gui.views.reading_at import reading_at
from medview.gui.views.reference_lines import ReferenceLine
from medview.gui.views.slice_painter import SlicePainter
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import zoomed
from medview.imaging.window import Window

_PEEK_S = 0.25  # a longer press of the overlay's key is a look, not a switch
_NOTCH = 120  # wheel units a step
_NUDGES: dict[int, str] = {
    Qt.Key.Key_Left: "measure.nudge_left",
    Qt.Key.Key_Right: "measure.nudge_right",
    Qt.Key.Key_Up: "measure.nudge_up",
    Qt.Key.Key_Down: "measure.nudge_down",
}
_CURSORS = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "hand": Qt.CursorShape.OpenHandCursor,
    "zoom": Qt.CursorShape.SizeVerCursor,
    "vertical": Qt.CursorShape.SizeVerCursor,
    "cross": Qt.CursorShape.CrossCursor,
}


class SliceView(QWidget):
    """One plane (axial, coronal, sagittal) of a stack; films and single slices as acquired."""

    crosshair_moved = Signal(object)  # PatientPoint
    window_changed = Signal(object)  # Window
    measurement_made = Signal(object)  # Measurement
    measurement_changed = Signal(object)
    measurement_deleted = Signal(str)
    upper_changed = Signal(object)  # UpperLayer
    phase_step = Signal(int)
    dabbed = Signal(object)  # Dab
    brush_sized = Signal(int)
    probe_moved = Signal(object)  # ProbeReading, None when the mouse leaves
    activated = Signal()
    maximise_requested = Signal()
    series_step = Signal(int)
    tool_chosen = Signal(str)
    cine_asked = Signal(str)  # toggle, bounce, faster, slower, stop
    overlay_toggled = Signal(bool)
    corner_text_toggled = Signal(bool)
    menu_requested = Signal(QPoint, str)  # where on the screen; the measurement there, or ""

    def __init__(self, plane: str = "axial", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = SliceStage(plane, self)
        self._painter = SlicePainter(self.stage)
        self._hands = Hands(self.stage)
        self.commands = ViewCommands(self, self._hands)
        self.look = Look()
        self._hint = ""
        self.phase_count = 1  # of a 4-D series: more than one, and Shift + wheel goes through them
        self._wheel = 0
        self._peek: tuple[int, str, float] | None = None  # key, its action, since when
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(tr("{plane} view", plane=plane_title(plane)))
        self.stage.crosshair_moved.connect(self.crosshair_moved)
        self.stage.window_changed.connect(self.window_changed)
        self.stage.upper_changed.connect(self.upper_changed)
        self.stage.measuring.made.connect(self.measurement_made)
        self.stage.measuring.changed.connect(self.measurement_changed)
        self.stage.painting.dabbed.connect(self.dabbed)
        self.stage.painting.sized.connect(self.brush_sized)
        self.stage.repaint_wanted.connect(self.update)

    # -- what the window says ------------------------------------------------------------

    def set_volume(
        self, volume: Volume, stack: Stack, series: Series, study: Study, patient: Patient
    ) -> None:
        """Show a stack from its middle; its voxels may still be arriving."""
        self._hands.cancel()
        shown = Shown(volume=volume, stack=stack, series=series, study=study, patient=patient)
        self.stage.show(shown)
        self._painter.forget()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._hands.cancel()
        self.stage.show(None)
        self._painter.forget()
        self.update()

    def set_ready(
        self, ready: NDArray[np.bool_], failed: Mapping[int, Sentence] | None = None
    ) -> None:
        """(k,) which slices hold voxels; the others are black, with the reason where known."""
        before = self.stage.ready
        self.stage.failed = dict(failed or {})
        self.stage.show_ready(np.asarray(ready, bool))
        if before is None or not np.array_equal(before, ready):
            self._painter.pictures.forget_grey()
            self.update()

    def set_overlays(
        self,
        label_maps: Sequence[LabelMap],
        heatmaps: Sequence[Heatmap],
        *,
        is_confirmed: bool = False,
    ) -> None:
        """Masks and heatmaps over the slices, placed by their own geometry.

        is_confirmed: the reader has accepted all that models drew.
        """
        self.stage.overlays = (*label_maps, *heatmaps)
        self.stage.is_confirmed = is_confirmed
        self.update()

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Overlays on or off."""
        self.look = replace(self.look, has_overlay=is_visible)
        self.update()

    def set_corner_text(self, is_visible: bool) -> None:
        """Corner texts on or off; orientation letters stay."""
        self.look = replace(self.look, has_text=is_visible)
        self.update()

    def set_measurements(self, measurements: tuple[Measurement, ...]) -> None:
        """The measurements of this stack; those on other slices wait for theirs."""
        self.stage.measuring.measurements = tuple(measurements)
        self.update()

    def set_tool(self, name: str) -> None:
        """What the left button does: window, pan, zoom, scroll, crosshair, length, ..."""
        self._hands.choose(name)
        self.setCursor(_CURSORS[self._hands.tool.cursor])
        self.look = replace(
            self.look,
            probe="",
            has_handles=self.tool_name == "crosshair",
            has_curve_handles=self.tool_name == "curve",
        )
        self.update()

    def set_crosshair(self, point: PatientPoint) -> None:
        """Follow the linked place; this view's slice becomes the one that holds it."""
        self.stage.place(point=point)
        if self.isVisible():  # the other views of the place are painted at the same time
            self._painter.prepare(self.look, self.devicePixelRatioF())

    def set_window(self, window: Window) -> None:
        """Follow another view's window."""
        self.stage.place(window=window)

    def set_cine(self, words: str) -> None:
        """What the corner says of a cine that plays here, "" for none."""
        if words != self.look.cine:
            self.look = replace(self.look, cine=words)
            self.update()

    def set_reference(self, lines: tuple[ReferenceLine, ...], link: str) -> None:
        """Where slices of the active view cut this one, and how the two are linked."""
        if (lines, link) != (self.look.lines, self.look.link):
            self.look = replace(self.look, lines=lines, link=link)
            self.update()

    def set_hint(self, words: str) -> None:
        """What an empty view says to do."""
        self._hint = words
        self.update()

    def set_active(self, is_active: bool) -> None:
        """Whether this view has the accent frame."""
        self.look = replace(self.look, is_active=is_active)
        self.update()

    def go_to(self, point: PatientPoint) -> None:
        """Show a place; where it lies outside the view it comes to the middle."""
        self.stage.place(point=point)
        if self.stage.plane is None:
            return
        _, row, column = self.stage.plane.to_pixel(point)
        x, y = self.stage.map().to_screen(row, column)
        width, height = self.stage.size
        if not (0 <= x < width and 0 <= y < height):
            state = self.stage.state
            pan = (state.pan[0] + width / 2 - x, state.pan[1] + height / 2 - y)
            self.stage.change(replace(state, pan=pan))

    def apply_preset(self, number: int) -> None:
        """0 automatic, 1 as in the file, 2 and more the modality's presets."""
        stage = self.stage
        if stage.shown is None:
            return
        place = (stage.acquired, stage.ready)
        window = stage.windowing.choice(number, stage.shown.volume, place, stage.state.window)
        if window is not None:
            self.stage.change(replace(self.stage.state, window=window))

    @property
    def tool_name(self) -> str:
        """What the left button does."""
        return self._hands.tool.name

    @property
    def is_refining(self) -> bool:
        """Whether something finer than what is shown is still to come."""
        return self._painter.pictures.is_busy

    # -- Qt -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the slice as it stands."""
        painter = QPainter(self)
        try:
            self._painter.paint(painter, self.look, self.devicePixelRatioF())
            hint = self._hint if self.stage.shown is None else ""
            if self.stage.shown is not None and self.stage.plane is None:
                hint = tr(
                    "Draw a curve along a vessel: choose the curve tool and click on its way."
                )
            if hint:
                painter.setFont(ink.corner_font())
                painter.setPen(colour(ink.INK.faint))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(QRectF(self.rect()).adjusted(16, 16, -16, -16), int(flags), hint)
        finally:
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The picture is fitted anew."""
        self.stage.size = (float(max(1, self.width())), float(max(1, self.height())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.activated.emit()
        if self.stage.shown is not None:
            self._hands.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a drag; say what lies under the mouse."""
        if self.stage.shown is None:
            return
        self._hands.move(event)
        self._show_cursor(event)
        reading = reading_at(self.stage, event.position().x(), event.position().y())
        self.probe_moved.emit(reading)
        if self.tool_name == "probe" and reading is not None:
            self.look = replace(self.look, probe=reading.text())
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a right click asks for the menu."""
        if self.stage.shown is not None and self._hands.release(event):
            place = event.position()
            chosen = self._hands.choose_at(place.x(), place.y())
            self.menu_requested.emit(event.globalPosition().toPoint(), chosen)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu by its key: of the selected measurement where there is one."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.stage.shown is not None:
            self.menu_requested.emit(
                self.mapToGlobal(self.rect().center()), self.stage.measuring.selected
            )

    def _show_cursor(self, event: QMouseEvent) -> None:
        """Words that can be dragged look so."""
        if event.buttons() == Qt.MouseButton.NoButton:
            place = event.position()
            is_over = self._hands.is_over_label(place.x(), place.y())
            wanted = _CURSORS["hand" if is_over else self._hands.tool.cursor]
            if self.cursor().shape() != wanted:
                self.setCursor(wanted)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """This view alone, and back; while an outline is drawn its end."""
        if event.button() == Qt.MouseButton.LeftButton and not self._hands.close():
            self._hands.cancel()
            self.maximise_requested.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing lies under the mouse any more."""
        self.probe_moved.emit(None)
        self.stage.painting.leave()
        self.look = replace(self.look, probe="")
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A slice a notch; with Shift ten, or a 4-D phase; zoom with Ctrl, a slab with Alt."""
        event.accept()
        if self.stage.shown is None:
            return
        self.activated.emit()
        turned = event.angleDelta()
        # Some systems turn the wheel sideways while Shift is held.
        self._wheel += turned.y() or turned.x()
        notches = int(self._wheel / _NOTCH)
        self._wheel -= notches * _NOTCH
        if notches == 0:
            return
        place = event.position()
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if self._hands.tool.is_brush and event.modifiers() & held:
            self.stage.painting.sized.emit(notches)
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at = self.stage.from_middle(Pointer(place.x(), place.y()))
            self.stage.change(zoomed(self.stage.state, 1.15**notches, at))
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.commands.thicken(notches)
        else:
            is_fast = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if is_fast and self.phase_count > 1:
                self.phase_step.emit(-notches)
            else:
                self.stage.scroll(-notches * (10 if is_fast else 1))

    def focusNextPrevChild(self, _next: bool) -> bool:
        """Tab comes as a key: it may go to the next view."""
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys that the reader gave to actions; the others go on to the window."""
        if event.key() == Qt.Key.Key_Space:
            self._hands.is_space_used &= event.isAutoRepeat()
            self._hands.is_space_down = True
            return
        if event.isAutoRepeat() and self._peek is not None and self._peek[0] == event.key():
            return
        if self._nudge(event):
            return
        action_id = self._answer(event)
        if action_id in peeking():
            self._peek = (event.key(), action_id, time.monotonic())
        elif not action_id:
            self._pass_on(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A held key was only a look: turn it back."""
        if event.isAutoRepeat():
            return
        if event.key() == Qt.Key.Key_Space:
            self._hands.is_space_down = False
            if not self._hands.is_space_used:  # tapped, not held to pan
                self._answer(event)
        elif self._peek is not None and event.key() == self._peek[0]:
            (_, action_id, since), self._peek = self._peek, None
            if time.monotonic() - since >= _PEEK_S:
                self._perform(action_id)
        else:
            super().keyReleaseEvent(event)

    def _nudge(self, event: QKeyEvent) -> bool:
        """While a handle is chosen the plain arrow keys move it."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if self.stage.measuring.handle is None or modifiers != Qt.KeyboardModifier.NoModifier:
            return False
        action_id = _NUDGES.get(event.key(), "")
        if action_id:
            self._perform(action_id)
        return bool(action_id)

    def _answer(self, event: QKeyEvent) -> str:
        around = who_answers(self)
        if around is not None:
            return around.answer_key(event)
        action_id = default_bindings().answer(event)
        return action_id if self.commands.perform(action_id) else ""

    def _perform(self, action_id: str) -> None:
        around = who_answers(self)
        if around is None:
            self.commands.perform(action_id)
        else:
            around.perform_action(action_id)

    def _pass_on(self, event: QKeyEvent) -> None:
        is_back = event.key() == Qt.Key.Key_Backtab
        if not (is_back or event.key() == Qt.Key.Key_Tab):
            super().keyPressEvent(event)
        elif not super().focusNextPrevChild(not is_back):
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Who comes by Tab works here."""
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.activated.emit()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys that are held elsewhere are not held here."""
        self._hands.is_space_down = False
        self._peek = None
        super().focusOutEvent(event)

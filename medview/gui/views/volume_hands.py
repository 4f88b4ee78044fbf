"""The mouse and the keys of the volume view."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from medview.gui.actions.bindings import pressed
from medview.gui.views.keys import default_bindings, who_answers
from medview.gui.views.volume_box import dragged, handle_at
from medview.gui.views.volume_commands import VolumeCommands
from medview.gui.views.volume_cube import face_at
from medview.gui.views.volume_painter import VolumePainter, cube_middle
from medview.gui.views.volume_state import VolumeState
from medview.imaging.cutting import Lasso

_TURN = math.pi / 360  # radians a dragged pixel
_WHEEL_ZOOM = 1.12
_CLICK = 4.0  # pixels that a click may wander
_LEAST_STEP = 3.0  # pixels between corners of a lasso


class VolumeHands(QObject):
    """Turns events of a view into commands and places of the viewer."""

    def __init__(self, view: QWidget, commands: VolumeCommands, painter: VolumePainter) -> None:
        super().__init__(view)
        self._view = view
        self._commands = commands
        self._stage = commands.stage
        self._painter = painter
        self._start: QPointF | None = None
        self._last: QPointF | None = None
        self._before: VolumeState | None = None  # of the box when its handle was taken
        self._is_space_held = False
        self._click = QTimer(self)  # a second click makes it a double one, which means no place
        self._click.setSingleShot(True)
        self._click.timeout.connect(self._pick)
        self._clicked = QPointF()

    def press(self, event: QMouseEvent) -> None:
        """A drag or a click begins."""
        place = event.position()
        self._commands.settle()
        self._start = self._last = place
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._commands.tool != "turn":
            self._painter.lasso = [place]
            return
        seen = self._stage.screen(self._view.width(), self._view.height())
        if self._commands.is_box_shown and seen is not None and self._stage.space is not None:
            box = self._stage.state.box
            self._painter.held = handle_at(box, self._stage.space, seen, place)
            self._before = self._stage.state

    def move(self, event: QMouseEvent) -> None:
        """Turn, move, zoom, draw or crop as far as the mouse went."""
        if self._last is None or event.buttons() == Qt.MouseButton.NoButton:
            return
        way = event.position() - self._last
        buttons = event.buttons()
        if self._painter.lasso:
            if (event.position() - self._painter.lasso[-1]).manhattanLength() >= _LEAST_STEP:
                self._painter.lasso.append(event.position())
                self._view.update()
        elif self._painter.held is not None:
            self._crop(way)
        else:
            self._turn(way, buttons)
        self._last = event.position()

    def release(self, event: QMouseEvent) -> None:
        """The drag is over; one that went nowhere was a click."""
        start, self._start, self._last = self._start, None, None
        if self._painter.lasso:
            self._close_lasso()
        elif self._painter.held is not None:
            self._painter.held = None
            if self._before is not None:
                self._stage.change(self._stage.state, self._before)
        elif start is not None and event.button() == Qt.MouseButton.LeftButton:
            self._click_at(start, event.position())
        self._view.update()

    def forget_click(self) -> None:
        """It was the first half of a double click."""
        self._click.stop()
        self._start = self._last = None
        self._painter.lasso = []

    def wheel(self, event: QWheelEvent) -> None:
        """Nearer and further; with Shift the cuts go deeper or less deep."""
        event.accept()
        # With Shift or Alt some platforms turn the wheel's axis.
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._commands.move_cuts(-steps)
        else:
            self._stage.look_from(self._stage.camera.zoomed(_WHEEL_ZOOM**steps))

    def key(self, event: QKeyEvent) -> bool:
        """Whether a key means something here; then it is done."""
        if event.key() == Qt.Key.Key_Space:
            self._is_space_held = True
            return True
        if event.key() == Qt.Key.Key_Escape:
            return self._escape()
        if past := self._past(event):
            self._commands.run(past)
            return True
        answering = who_answers(self._view)
        if answering is None:
            return self._do(default_bindings().answer(event, in_volume=True))
        # The window does it, so that a script hears of it too.
        return bool(answering.answer_volume_key(event))

    def key_up(self, event: QKeyEvent) -> None:
        """Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._is_space_held = False

    def wants(self, event: QKeyEvent) -> bool:
        """Whether a key that is also an action of the window means something here first."""
        return bool(self._past(event))

    def _past(self, event: QKeyEvent) -> str:
        """undo or redo, where the keys of the window's say so and there is something here."""
        answering, history = who_answers(self._view), self._stage.history
        bindings = default_bindings() if answering is None else answering.bindings
        names = set(pressed(event))
        if names & set(bindings.keys("edit.undo")):
            self._commands.settle()
            return "undo" if history.has_undo else ""
        if names & set(bindings.keys("edit.redo")):
            return "redo" if history.has_redo else ""
        return ""

    def _do(self, action_id: str) -> bool:
        if action_id:
            self._commands.run(action_id.removeprefix("volume."))
        return bool(action_id)

    def _escape(self) -> bool:
        """What was begun last ends: the line, the scissors, the box, the editor."""
        if self._painter.lasso:
            self._painter.lasso = []
            self._view.update()
            return True
        begun = (
            self._commands.tool if self._commands.tool != "turn" else "",
            "box" if self._commands.is_box_shown else "",
            "editor" if self._commands.is_editor_shown else "",
        )
        command = next(filter(None, begun), "")
        answering = who_answers(self._view)
        if command and answering is not None:
            answering.perform_action(f"volume.{command}")
        elif command:
            self._commands.run(command)
        return bool(command)

    def _turn(self, way: QPointF, buttons: Qt.MouseButton) -> None:
        camera, height = self._stage.camera, max(1, self._view.height())
        is_left = bool(buttons & Qt.MouseButton.LeftButton)
        if (is_left and self._is_space_held) or buttons & Qt.MouseButton.MiddleButton:
            camera = camera.panned(way.x() / height, way.y() / height)
        elif is_left:
            camera = camera.rotated(way.x() * _TURN, way.y() * _TURN)
        else:
            camera = camera.zoomed(math.pow(2.0, -way.y() / 120))
        self._stage.look_from(camera)

    def _crop(self, way: QPointF) -> None:
        seen = self._stage.screen(self._view.width(), self._view.height())
        if self._painter.held is None or seen is None or self._stage.space is None:
            return
        state = self._stage.state
        box = dragged(state.box, self._painter.held, self._stage.space, seen, way)
        self._stage.adjust(replace(state, box=box))

    def _close_lasso(self) -> None:
        line, self._painter.lasso = self._painter.lasso, []
        seen = self._stage.screen(self._view.width(), self._view.height())
        if len(line) < 3 or seen is None:
            return
        lasso = Lasso(
            right=seen.frame[0], up=seen.frame[1], keeps=self._commands.tool == "lasso_keep",
            corners=tuple(seen.along_screen(p.x(), p.y()) for p in line),
        )  # fmt: skip
        state = self._stage.state
        self._stage.change(replace(state, lassos=(*state.lassos, lasso)))

    def _click_at(self, start: QPointF, place: QPointF) -> None:
        if (place - start).manhattanLength() > _CLICK:
            return
        side = face_at(self._stage.camera.frame, cube_middle(self._view.height()), place)
        if side:
            self._commands.run(f"from_{side.lower()}")
            return
        self._clicked = place
        self._click.start(QApplication.doubleClickInterval())

    def _pick(self) -> None:
        ratio = self._view.devicePixelRatioF()
        self._stage.pick(self._clicked.x() * ratio, self._clicked.y() * ratio)

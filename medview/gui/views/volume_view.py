"""The volume in space: a picture that a thread draws, a row of tools, mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from medview.core.study import Series
from medview.core.volume import Volume
from medview.core.words import tr
from medview.gui.style import GRID
from medview.gui.views.crop_panel import CropPanel
from medview.gui.views.look_editor import LookEditor
from medview.gui.views.volume_bar import VolumeBar
from medview.gui.views.volume_commands import VolumeCommands
from medview.gui.views.volume_hands import VolumeHands
from medview.gui.views.volume_painter import VolumePainter
from medview.gui.views.volume_stage import VolumeStage


class VolumeView(QWidget):
    """Turns with the left button, moves with the middle one, zooms with the right one."""

    maximise_requested = Signal()
    activated = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = VolumeStage(self)
        self.commands = VolumeCommands(self.stage)
        self._painter = VolumePainter(self.commands)
        self._hands = VolumeHands(self, self.commands, self._painter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(tr("Volume view"))
        self.bar = VolumeBar(self.commands, self)
        self.bar.hide()
        self.editor = LookEditor(self.commands, self)
        self.crop = CropPanel(self.stage, self)
        for part in (self.editor, self.crop):
            part.hide()
        self.stage.changed.connect(self._refresh)
        self.commands.editor_toggled.connect(self._show_editor)
        self.commands.box_toggled.connect(self._show_crop)

    def set_volume(self, volume: Volume, series: Series) -> None:
        """Show a whole volume from the front; VTK is loaded with the first one."""
        self.commands.stop()
        self.stage.open(volume, series)
        self.setToolTip("")
        self.setAccessibleDescription(series.modality)
        self._resize_picture()

    def clear(self) -> None:
        """Show nothing."""
        self.commands.stop()
        self.stage.clear()

    @property
    def is_drawn(self) -> bool:
        """Whether a picture of the present volume is there."""
        return self.stage.picture is not None or self.stage.trouble is not None

    def title(self) -> str:
        """What is shown, for the corner."""
        return self._painter.title()

    def caption(self) -> str:
        """The title as it stands in the corner: it says so while its look is still being drawn."""
        return self._painter.caption()

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self.setAccessibleName(tr("Volume view"))
        self.bar.retranslate()
        self.editor.retranslate()
        self.crop.refresh()
        self.update()

    def _refresh(self) -> None:
        for part in (self.bar, self.editor, self.crop):
            part.refresh()
        self._show_bar()
        self.update()

    def _show_bar(self) -> None:
        is_wanted = self.stage.look is not None and (
            self.underMouse()
            or self.hasFocus()
            or self.bar.has_focus
            or self.commands.is_editor_shown
        )
        if is_wanted != self._painter.has_bar:
            self._painter.has_bar = is_wanted
            self.bar.setVisible(is_wanted)
            self.update()

    def badges(self) -> list[str]:
        """What a reader must know of the picture, as the corner says it."""
        return self._painter.badges()

    def _show_editor(self, is_shown: bool) -> None:
        self.editor.setVisible(is_shown)
        self._place_parts()
        self.editor.refresh()
        (self.editor.canvas if is_shown else self).setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_crop(self, is_shown: bool) -> None:
        self.crop.setVisible(is_shown)
        self.crop.refresh()
        self._place_parts()

    def _place_parts(self) -> None:
        """The row below, the editor above it, the box's numbers under the title."""
        self.bar.stand_in(self.size())
        self.crop.adjustSize()
        self.crop.move(2 * GRID, 8 * GRID)
        high = min(self.editor.sizeHint().height(), max(120, self.height() // 2))
        width = min(self.width() - 4 * GRID, 520)
        below = self.bar.height() + 4 * GRID
        self.editor.setGeometry(
            self.width() - width - 2 * GRID, self.height() - high - below, width, high
        )

    def _resize_picture(self) -> None:
        ratio = self.devicePixelRatioF()
        size = (max(16, round(self.width() * ratio)), max(16, round(self.height() * ratio)))
        self.stage.redraw(size if self.isVisible() else (0, 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The newest picture, and what it is."""
        painter = QPainter(self)
        self._painter.paint(painter, QRectF(self.rect()))
        painter.end()

    # -- mouse and keys ------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag begins."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.activated.emit()
        self._hands.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """A drag goes on."""
        self._hands.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag is over."""
        self._hands.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """This view alone, and back."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._hands.forget_click()
            self.maximise_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Nearer and further."""
        self._hands.wheel(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys of the table of commands, 1 to 9 for looks, Enter alone."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.maximise_requested.emit()
        elif not self._hands.key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is let go."""
        self._hands.key_up(event)
        super().keyReleaseEvent(event)

    def event(self, event: QEvent) -> bool:
        """Undo is the window's own unless there is something to take back here."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._hands.wants(event):
                event.accept()
                return True
        elif event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        return super().event(event)

    # -- life ------------------------------------------------------------------------------

    def enterEvent(self, event: QEnterEvent) -> None:
        """The tools appear."""
        super().enterEvent(event)
        self._show_bar()

    def leaveEvent(self, event: QEvent) -> None:
        """The tools go."""
        super().leaveEvent(event)
        self._show_bar()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The tools appear."""
        super().focusInEvent(event)
        self._show_bar()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The tools go."""
        super().focusOutEvent(event)
        self._show_bar()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The picture is drawn anew at its new size."""
        self._place_parts()
        self._resize_picture()

    def showEvent(self, event: QShowEvent) -> None:
        """What was set while it was hidden is drawn now."""
        super().showEvent(event)
        self._resize_picture()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn for a view that is not seen."""
        super().hideEvent(event)
        self._resize_picture()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Give VTK back in the thread that has it."""
        self.commands.stop()
        self.stage.end()
        super().closeEvent(event)

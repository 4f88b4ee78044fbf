"""The volume in space: a picture that a thread draws, and the mouse that turns it."""

from __future__ import annotations

import math
from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from medview.core.errors import MedViewError
from medview.core.study import Series
from medview.core.volume import Volume
from medview.core.words import tr
from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.pixels import Picture, to_picture
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_presets import presets
from medview.gui.views.volume_thread import Drawn, VolumeThread, Wish
from medview.imaging.letters import letters, opposite

_REST_MS = 180  # the fine picture follows when the mouse has rested so long
_TURN = math.pi / 360  # radians a dragged pixel


class VolumeView(QWidget):
    """Turns with the left button, moves with the middle one, zooms with the right one."""

    maximise_requested = Signal()
    activated = Signal()

    _WHEEL_ZOOM: ClassVar[float] = 1.12

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._volume: Volume | None = None
        self._preset = 0
        self._camera = Camera()
        self._thread: VolumeThread | None = None
        self._picture: Picture | None = None
        self._trouble: MedViewError | None = None
        self._last: QPointF | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._ask_fine)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(tr("Volume view"))

    def set_volume(self, volume: Volume, series: Series) -> None:
        """Show a whole volume from the front; VTK is loaded with the first one."""
        self.clear()
        self._volume = volume
        self.setToolTip("")
        self.setAccessibleDescription(series.modality)
        self._ask_quick()

    def clear(self) -> None:
        """Show nothing."""
        self._volume, self._picture, self._trouble = None, None, None
        self._camera, self._preset = Camera(), 0
        self._rest.stop()
        if self._thread is not None:
            self._thread.forget()
        self.update()

    def set_preset(self, number: int) -> None:
        """Another way to show the same volume; unknown numbers change nothing."""
        if self._volume is not None and 0 <= number < len(presets(self._volume)):
            self._preset = number
            self._ask_quick()

    @property
    def is_drawn(self) -> bool:
        """Whether a picture of the present volume is there."""
        return self._picture is not None

    def title(self) -> str:
        """What is shown, for the corner."""
        if self._volume is None:
            return tr("Volume")
        names = {
            "bone": tr("bone"),
            "soft-tissue": tr("soft tissue"),
            "lung": tr("lung"),
            "vessels": tr("vessels and heart"),
            "generic": tr("surface"),
        }
        return f"{tr('Volume')} · {names[presets(self._volume)[self._preset].id]}"

    # -- drawing ------------------------------------------------------------------------

    def _ask(self, *, is_quick: bool) -> None:
        if self._volume is None or not self.isVisible():
            return
        if self._thread is None:
            self._thread = VolumeThread(self)
            self._thread.drawn.connect(self._show)
            self._thread.failed.connect(self._complain)
        ratio = self.devicePixelRatioF()
        size = (max(16, round(self.width() * ratio)), max(16, round(self.height() * ratio)))
        self._thread.ask(
            Wish(
                volume=self._volume,
                preset=self._preset,
                camera=self._camera,
                size=size,
                is_quick=is_quick,
            )
        )

    def _ask_quick(self) -> None:
        self._ask(is_quick=True)
        self._rest.start()

    def _ask_fine(self) -> None:
        self._ask(is_quick=False)

    def _show(self, drawn: Drawn) -> None:
        if drawn.wish.volume is self._volume:  # a picture of a volume that is gone is late
            self._picture = to_picture(drawn.pixels)
            self.update()

    def _complain(self, error: MedViewError) -> None:
        self._trouble = error
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The newest picture, and what it is."""
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(box, QColor(ink.INK.canvas))
        painter.setFont(ink.corner_font())
        if self._picture is not None:
            painter.drawImage(box, self._picture.image)
        painter.setPen(QColor(ink.INK.text))
        line = QFontMetricsF(painter.font()).height()
        painter.drawText(QPointF(ink.MARGIN, 8 + line * 0.8), self.title())
        if self._volume is not None:
            self._paint_hints(painter, box)
        if self._trouble is not None:
            painter.setPen(QColor(ink.INK.warn))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box.adjusted(24, 24, -24, -24), int(flags), self._trouble.sentence())
        painter.end()

    def _paint_hints(self, painter: QPainter, box: QRectF) -> None:
        hint = tr("rotate: drag") + " · " + tr("look: 1–4")
        if self._volume is None or len(presets(self._volume)) == 1:
            hint = tr("rotate: drag")
        align = Qt.AlignmentFlag
        inside = box.adjusted(ink.MARGIN, 8, -ink.MARGIN, -8)
        painter.setPen(colour(ink.INK.muted))
        painter.drawText(inside, int(align.AlignRight | align.AlignBottom), hint)
        painter.setFont(ink.letter_font())
        painter.setPen(QColor(ink.INK.text))
        # The largest direction alone: three letters mean nothing while it turns.
        right = letters(self._camera.frame[0])[:1]
        up = letters(self._camera.frame[1])[:1]
        places = (
            (opposite(right), align.AlignLeft | align.AlignVCenter),
            (right, align.AlignRight | align.AlignVCenter),
            (up, align.AlignHCenter | align.AlignTop),
            (opposite(up), align.AlignHCenter | align.AlignBottom),
        )
        for text, side in places:
            painter.drawText(inside, int(side), text)

    # -- mouse and keys -------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag begins."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.activated.emit()
        self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, move or zoom as far as the mouse went."""
        if self._last is None or event.buttons() == Qt.MouseButton.NoButton:
            return
        way = event.position() - self._last
        self._last = event.position()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._camera = self._camera.rotated(way.x() * _TURN, way.y() * _TURN)
        elif event.buttons() & Qt.MouseButton.MiddleButton:
            height = max(1, self.height())
            self._camera = self._camera.panned(way.x() / height, way.y() / height)
        else:
            self._camera = self._camera.zoomed(math.pow(2.0, -way.y() / 120))
        self._ask_quick()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag is over."""
        self._last = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """This view alone, and back."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._last = None
            self.maximise_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Nearer and further."""
        event.accept()
        self._camera = self._camera.zoomed(self._WHEEL_ZOOM ** (event.angleDelta().y() / 120))
        self._ask_quick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """1 to 4 looks, R back to the front, Enter alone, arrows turn."""
        step = math.radians(10)
        turns = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, -step),
            Qt.Key.Key_Down: (0.0, step),
        }
        key = event.key()
        if Qt.Key.Key_1 <= key <= Qt.Key.Key_9:
            self.set_preset(int(key) - int(Qt.Key.Key_1))
        elif key == Qt.Key.Key_R:
            self._camera = Camera()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.maximise_requested.emit()
        elif key in turns:
            self._camera = self._camera.rotated(*turns[Qt.Key(key)])
        else:
            super().keyPressEvent(event)
            return
        self._ask_quick()
        self.update()

    # -- life ---------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The picture is drawn anew at its new size."""
        self._ask_quick()

    def showEvent(self, event: QShowEvent) -> None:
        """What was set while it was hidden is drawn now."""
        super().showEvent(event)
        self._ask_quick()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Give VTK back in the thread that has it."""
        self._rest.stop()
        self._volume = None
        if self._thread is not None:
            self._thread.end()
            self._thread = None
        super().closeEvent(event)

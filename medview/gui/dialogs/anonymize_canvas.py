"""A picture with rectangles to black out: drawn, chosen, moved and deleted by mouse or keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from medview.core.words import tr
from medview.gui.style import colour, tokens

_SMALLEST = 3  # pixels of the image; less is a click
_STEP, _FAR = 1, 10
_MOVES = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip


class BlackoutCanvas(QWidget):
    """Shows an image to fit; `changed` when its rectangles (image pixels) are others.

    Drag draws, a click chooses. Keys: Insert or N adds one, Tab goes on within the dialog, arrows
    move the chosen one, with Shift they change its size, with Ctrl by ten; Delete removes it,
    Page Up and Page Down choose another.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(360, 280)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._image: QImage | None = None
        self._boxes: list[QRect] = []
        self._chosen = -1
        self._begun: QPointF | None = None
        self._drawn: QRect | None = None
        self._is_solid = False
        self.setAccessibleName(tr("Picture with areas to black out"))

    def show_picture(self, image: QImage | None, boxes: list[QRect]) -> None:
        """Another picture with its rectangles."""
        self._image, self._boxes = image, list(boxes)
        self._chosen = 0 if boxes else -1
        self._drawn = self._begun = None
        self.update()

    def set_solid(self, is_solid: bool) -> None:
        """Fill the rectangles black, as in the copy, or only frame them."""
        self._is_solid = is_solid
        self.update()

    @property
    def boxes(self) -> tuple[QRect, ...]:
        """The rectangles in image pixels."""
        return tuple(self._boxes)

    @property
    def chosen(self) -> int:
        """Which rectangle the keys act on, -1 for none."""
        return self._chosen

    def add_box(self) -> None:
        """A rectangle in the middle, to be moved by keys."""
        if self._image is None:
            return
        size = self._image.size()
        width, height = max(8, size.width() // 4), max(8, size.height() // 10)
        left, top = (size.width() - width) // 2, (size.height() - height) // 2
        self._append(QRect(left, top, width, height))

    def sizeHint(self) -> QSize:
        """Room for a picture."""
        return QSize(560, 420)

    # -- Qt ------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The picture, the rectangles, the chosen one in accent."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour(tokens().canvas))
        place = self._place()
        if self._image is None or place is None:
            painter.setPen(colour(tokens().muted))
            painter.drawText(
                self.rect(), int(Qt.AlignmentFlag.AlignCenter), tr("No picture can be shown.")
            )
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)
        extra = [] if self._drawn is None else [self._drawn]
        for number, box in enumerate([*self._boxes, *extra]):
            is_chosen = number == self._chosen or box is self._drawn
            tint = tokens().accent if is_chosen else tokens().warn
            painter.setPen(QPen(colour(tint), 2.5 if is_chosen else 1.5))
            painter.setBrush(colour("#000000", 1.0 if self._is_solid else 0.45))
            painter.drawRect(self._on_screen(box, place))
        if self.hasFocus():
            painter.setPen(QPen(colour(tokens().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a rectangle, or choose the one under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and self._image is not None:
            self._begun = self._in_image(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The rectangle as far as it is drawn."""
        if self._begun is not None:
            self._drawn = self._between(self._begun, self._in_image(event.position()))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the rectangle; a mere click chooses."""
        if self._begun is None:
            return
        box = self._between(self._begun, self._in_image(event.position()))
        begun, self._begun, self._drawn = self._begun, None, None
        if box.width() >= _SMALLEST and box.height() >= _SMALLEST:
            self._append(box)
            return
        hits = [n for n, one in enumerate(self._boxes) if one.contains(begun.toPoint())]
        self._chosen = hits[-1] if hits else -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Add, move, resize, delete, choose."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Insert, Qt.Key.Key_N):
            self.add_box()
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and self._boxes:
            step = 1 if key == Qt.Key.Key_PageDown else -1
            self._chosen = (self._chosen + step) % len(self._boxes)
            self.update()
        elif 0 <= self._chosen < len(self._boxes) and key in (
            Qt.Key.Key_Delete, Qt.Key.Key_Backspace,
        ):  # fmt: skip
            del self._boxes[self._chosen]
            self._chosen = len(self._boxes) - 1
            self._tell()
        elif 0 <= self._chosen < len(self._boxes) and key in _MOVES:
            self._move(key, event.modifiers())
        else:
            super().keyPressEvent(event)

    # -- inside --------------------------------------------------------------------------

    def _append(self, box: QRect) -> None:
        self._boxes.append(box)
        self._chosen = len(self._boxes) - 1
        self._tell()

    def _move(self, key: Qt.Key, held: Qt.KeyboardModifier) -> None:
        step = _FAR if held & Qt.KeyboardModifier.ControlModifier else _STEP
        across, down = (step * n for n in _MOVES[key])
        box = self._boxes[self._chosen]
        if held & Qt.KeyboardModifier.ShiftModifier:
            moved = box.adjusted(0, 0, across, down)
        else:
            moved = box.translated(across, down)
        if self._image is not None and moved.width() >= _SMALLEST and moved.height() >= _SMALLEST:
            self._boxes[self._chosen] = moved.intersected(self._image.rect())
            self._tell()

    def _tell(self) -> None:
        self.update()
        self.changed.emit()

    def _place(self) -> QRectF | None:
        """Where the image stands: fitted, in the middle."""
        if self._image is None:
            return None
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        return QRectF(left, top, size.width(), size.height())

    def _on_screen(self, box: QRect, place: QRectF) -> QRectF:
        scale = place.width() / self._image.width() if self._image else 1.0
        return QRectF(
            place.left() + box.left() * scale,
            place.top() + box.top() * scale,
            box.width() * scale,
            box.height() * scale,
        )

    def _in_image(self, point: QPointF) -> QPointF:
        place = self._place()
        if place is None or self._image is None:
            return QPointF()
        scale = self._image.width() / max(1.0, place.width())
        across = (point.x() - place.left()) * scale
        down = (point.y() - place.top()) * scale
        return QPointF(
            min(max(across, 0.0), self._image.width()), min(max(down, 0.0), self._image.height())
        )

    @staticmethod
    def _between(first: QPointF, second: QPointF) -> QRect:
        left, right = sorted((round(first.x()), round(second.x())))
        top, bottom = sorted((round(first.y()), round(second.y())))
        return QRect(left, top, right - left, bottom - top)

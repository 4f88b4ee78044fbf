"""One line of words on a picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from medview.gui.style import colour
from medview.gui.views import ink

_BEHIND = colour(ink.INK.canvas, 0.8)  # coloured words too keep 4.5 to 1 over white


def paint_words(
    painter: QPainter,
    text: str,
    place: QPointF,
    side: Qt.AlignmentFlag,
    room: float = 400.0,
    ink_colour: str = ink.INK.text,
) -> None:
    """One line on its base line, the picture dimmed behind it so that it reads on bone."""
    if not text:
        return
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(40.0, room))
    shift = {Qt.AlignmentFlag.AlignRight: 1.0, Qt.AlignmentFlag.AlignHCenter: 0.5}.get(side, 0.0)
    x, y = round(place.x() - metrics.horizontalAdvance(text) * shift), round(place.y())
    behind = QRectF(x - 2, y - metrics.ascent(), metrics.horizontalAdvance(text) + 4,
                    metrics.height())  # fmt: skip
    painter.fillRect(behind, _BEHIND)
    painter.setPen(QColor(ink_colour))
    painter.drawText(QPointF(x, y), text)

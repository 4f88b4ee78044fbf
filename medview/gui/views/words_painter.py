"""One line of words on a picture."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

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
    text, width, ascent, height = _fitted(text, max(40.0, room), painter.font().toString())
    shift = {Qt.AlignmentFlag.AlignRight: 1.0, Qt.AlignmentFlag.AlignHCenter: 0.5}.get(side, 0.0)
    x, y = round(place.x() - width * shift), round(place.y())
    painter.fillRect(QRectF(x - 2, y - ascent, width + 4, height), _BEHIND)
    painter.setPen(QColor(ink_colour))
    painter.drawText(QPointF(x, y), text)


@lru_cache(maxsize=512)  # most lines stay as they are from paint to paint
def _fitted(text: str, room: float, font: str) -> tuple[str, float, float, float]:
    """The text as far as there is room, its width, and ascent and height of its font."""
    drawn = QFont()
    drawn.fromString(font)
    metrics = QFontMetricsF(drawn)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    return text, metrics.horizontalAdvance(text), metrics.ascent(), metrics.height()


def broken(painter: QPainter, lines: list[str], room: float) -> list[str]:
    """The lines, those without room broken where their parts meet: no part may go unseen."""
    font = painter.font().toString()
    return [part for line in lines for part in _broken(line, max(40.0, room), font)]


@lru_cache(maxsize=512)
def _broken(text: str, room: float, font: str) -> tuple[str, ...]:
    drawn = QFont()
    drawn.fromString(font)
    if QFontMetricsF(drawn).horizontalAdvance(text) <= room:
        return (text,)
    return tuple(text.split(" · "))

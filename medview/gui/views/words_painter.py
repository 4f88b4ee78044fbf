"""One line of words on a picture, made as a picture once for as long as it says the same."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from medview.gui.style import colour
from medview.gui.views import ink

_BEHIND = colour(ink.INK.canvas, 0.8)  # coloured words too keep 4.5 to 1 over white
_BESIDE = 2  # px of the dimmed ground beside the words
_CENTRED = {Qt.AlignmentFlag.AlignRight: 1.0, Qt.AlignmentFlag.AlignHCenter: 0.5}


class Words(NamedTuple):
    """A line of words as a picture, and where its upper left corner lies."""

    place: QPointF
    image: QImage


def words_at(
    text: str,
    place: QPointF,
    side: Qt.AlignmentFlag,
    room: float,
    face: ink.Face,
    ratio: float,
) -> Words:
    """One line on its base line, the picture dimmed behind it so that it reads on bone."""
    picture, width, ascent = _drawn(text, max(40.0, room), face, ratio)
    x, y = round(place.x() - width * _CENTRED.get(side, 0.0)), round(place.y())
    return Words(QPointF(x - _BESIDE, y - ascent), picture)


def paint_words(
    painter: QPainter,
    text: str,
    place: QPointF,
    side: Qt.AlignmentFlag,
    room: float = 400.0,
    face: ink.Face | None = None,
) -> None:
    """As `words_at`, painted; in the face of corner texts where none is given."""
    if not text:
        return
    ratio = painter.device().devicePixelRatioF()
    painter.drawImage(*words_at(text, place, side, room, face or ink.corner_face(), ratio))


@lru_cache(maxsize=512)  # most lines stay as they are from paint to paint
def _drawn(text: str, room: float, face: ink.Face, ratio: float) -> tuple[QImage, float, int]:
    """The text as far as there is room, on its ground; its width and the height over the line."""
    font = ink.font_of(face.leading_with(text))
    metrics = QFontMetricsF(font)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    width, ascent = metrics.horizontalAdvance(text), math.ceil(metrics.ascent())
    across, down = (width + 2 * _BESIDE) * ratio, (ascent + metrics.descent()) * ratio
    image = QImage(math.ceil(across), math.ceil(down), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(_BEHIND)
    painter = QPainter(image)
    painter.setFont(font)
    painter.setPen(QColor(face.colour))
    painter.drawText(QPointF(_BESIDE, ascent), text)
    painter.end()
    return image, width, ascent


def words_size(lines: tuple[str, ...]) -> tuple[float, float]:
    """Width and height of some lines in the face of corner texts, with their ground."""
    return _size(lines, ink.corner_face())


@lru_cache(maxsize=256)
def _size(lines: tuple[str, ...], face: ink.Face) -> tuple[float, float]:
    widths = [ink.metrics_of(face.leading_with(text)).horizontalAdvance(text) for text in lines]
    return max(widths) + 2 * _BESIDE, len(lines) * ink.metrics_of(face).height()


def broken(lines: list[str], room: float) -> list[str]:
    """The lines, those without room broken where their parts meet: no part may go unseen."""
    face = ink.corner_face()
    return [part for line in lines for part in _broken(line, max(40.0, room), face)]


@lru_cache(maxsize=512)
def _broken(text: str, room: float, face: ink.Face) -> tuple[str, ...]:
    if ink.metrics_of(face.leading_with(text)).horizontalAdvance(text) <= room:
        return (text,)
    return tuple(text.split(" · "))

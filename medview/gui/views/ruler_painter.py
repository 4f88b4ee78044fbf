"""The scale at a view's left edge, below the letter of that side."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.kept import Kept
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ScreenMap
from medview.gui.views.words_painter import Words, words_at
from medview.imaging.ruler import Ruler, longest_ruler

_SHARE = 0.25  # of the view's height, so that it ends above the corner's lines
_LEAST_PX = 40.0
_BELOW_LETTER = 16.0
_ROOM = 400.0
_TICK, _END = 4.0, 7.0
_INK, _BEHIND = colour(ink.INK.text, 0.85), colour(ink.INK.canvas, 0.7)


def ruler_of(stage: SliceStage, where: ScreenMap) -> tuple[Ruler, float] | None:
    """The ruler of a view and its length on the screen; None where no millimetre is known."""
    room = stage.size[1] * _SHARE
    if stage.shown is None or stage.plane is None or room < _LEAST_PX:
        return None
    if not _is_one_scale(stage):
        return None
    a_pixel = (stage.measuring.known_factor or 1.0) / where.scale  # true millimetres
    ruler = longest_ruler(room * a_pixel)
    return None if ruler is None else (ruler, ruler.length_mm / a_pixel)


def _is_one_scale(stage: SliceStage) -> bool:
    """Whether a millimetre is known and is the same all over the picture."""
    if stage.shown is None or stage.measuring.calibration == "none":
        return False
    if stage.measuring.calibration != "US":
        return True
    return len({each.spacing for each in stage.shown.stack.regions if each.is_length}) == 1


class RulerPainter:
    """Paints one view's ruler; kept as a picture for as long as the scale is the same."""

    def __init__(self, stage: SliceStage) -> None:
        self._stage = stage
        self._kept: Kept[tuple[Words, ...]] = Kept()

    def forget(self) -> None:
        """Another stack is shown, or none."""
        self._kept.forget()

    def paint(self, painter: QPainter, where: ScreenMap) -> None:
        """A line with a tick for each part, and what its length is, with the calibration's mark."""
        stage = self._stage
        measuring, face = stage.measuring, ink.corner_face()
        ratio = painter.device().devicePixelRatioF()
        values = (
            stage.size, where.scale, measuring.calibration, measuring.known_factor, face, ratio,
        )  # fmt: skip
        for words in self._kept.get(
            (stage.shown, stage.plane), values, partial(_drawn, stage, where, face, ratio)
        ):
            painter.drawImage(*words)


def _drawn(stage: SliceStage, where: ScreenMap, face: ink.Face, ratio: float) -> tuple[Words, ...]:
    """The line and its words; nothing where there is no ruler."""
    found = ruler_of(stage, where)
    if found is None:
        return ()
    ruler, long = found
    left, top = ink.MARGIN - 4.0, stage.size[1] / 2 + _BELOW_LETTER
    mark = stage.measuring.calibration
    text = ruler.text if mark == "patient" else f"{ruler.text} {mark}"
    place = QPointF(left + _END + 5, top + long + 4)
    words = words_at(text, place, Qt.AlignmentFlag.AlignLeft, _ROOM, face, ratio)
    return _line(ruler, long, (left, top), ratio), words


def _line(ruler: Ruler, long: float, start: tuple[float, float], ratio: float) -> Words:
    left, top = start
    boxes = [QRectF(left, top, 1, long)]
    for number in range(ruler.parts + 1):
        wide = _END if number in (0, ruler.parts) else _TICK
        boxes.append(QRectF(left, round(top + long * number / ruler.parts), wide, 1))
    corner = QPoint(math.floor(left) - 2, math.floor(top) - 2)
    across, down = math.ceil((_END + 5) * ratio), math.ceil((long + 6) * ratio)
    image = QImage(across, down, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.translate(-corner)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_BEHIND)
    painter.drawRects([box.adjusted(-1, -1, 1, 1) for box in boxes])
    painter.setBrush(_INK)
    painter.drawRects(boxes)
    painter.end()
    return Words(QPointF(corner), image)

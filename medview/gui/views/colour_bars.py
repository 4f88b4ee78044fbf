"""Colour bars at a view's right edge: what the colours over a picture, or of it, mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from medview.core.numbers import unit_text
from medview.core.results import Heatmap
from medview.core.words import translate
from medview.gui.views import ink
from medview.gui.views.corners import figure
from medview.gui.views.pixels import Picture, to_picture
from medview.gui.views.stage import SliceStage
from medview.gui.views.words_painter import paint_words
from medview.imaging.colour_maps import GREY, colour_map

_LEAST_HEIGHT = 200.0  # of a view that has room for a bar
_WIDTH, _TALLEST = 6.0, 110.0
_LINES_ABOVE = 5.5  # of the corner's words, and the bar's own name


@dataclass(frozen=True, slots=True)
class Bar:
    """A map with the values at its upper and lower end, and what it is of."""

    colour_map: str
    top: str
    bottom: str
    name: str = ""


@cache
def _bar_picture(name: str) -> Picture:
    return to_picture(np.ascontiguousarray(colour_map(name)[::-1, None, :]))


def bars_of(stage: SliceStage, *, has_overlay: bool) -> list[Bar]:
    """The upper layer's bar, the first heatmap's, and the picture's own where it is coloured."""
    found = []
    if has_overlay and stage.upper is not None:
        low, high = stage.upper.ends
        unit = unit_text(stage.upper.volume.unit)
        found.append(Bar(stage.upper.colour_map, figure(high), figure(low), unit))
    heatmaps = [each for each in stage.overlays if isinstance(each, Heatmap)]
    if has_overlay and heatmaps:
        first = heatmaps[0]
        found.append(Bar("inferno", f"{first.maximum:.1f}", "0", translate(first.class_name)))
    state, shown = stage.state, stage.shown
    if state.colour_map != GREY and shown is not None and not shown.volume.is_colour:
        half = state.window.width / 2
        top, bottom = figure(state.window.center + half), figure(state.window.center - half)
        if state.is_inverted != shown.volume.is_inverted:
            top, bottom = bottom, top
        found.append(Bar(state.colour_map, top, bottom, unit_text(shown.volume.unit)))
    return found


def paint_colour_bars(stage: SliceStage, painter: QPainter, *, has_overlay: bool) -> None:
    """The bars below each other, where there is room."""
    width, height = stage.size
    bars = bars_of(stage, has_overlay=has_overlay)
    if not bars or height < _LEAST_HEIGHT:
        return
    tall = min(_TALLEST, height * 0.26)
    painter.setFont(ink.corner_font())
    line = QFontMetricsF(painter.font()).height() + 1
    top = max(height * 0.2, line * _LINES_ABOVE)
    for bar in bars:
        if top + tall > height * 0.8:
            return
        box = QRectF(width - ink.MARGIN - _WIDTH, top, _WIDTH, tall)
        painter.drawImage(box, _bar_picture(bar.colour_map).image)
        right = Qt.AlignmentFlag.AlignRight
        for text, y in ((bar.top, box.top() + 5), (bar.bottom, box.bottom())):
            paint_words(painter, text, QPointF(box.left() - 6, y), right)
        paint_words(painter, bar.name, QPointF(box.right(), box.top() - 8), right)
        top += tall + 36

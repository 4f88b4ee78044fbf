"""A result on its scale: value, interval, limits of the bands."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.words import tr
from medview.gui.style import FONT_SMALL, GRID, base_font, colour, tokens
from medview.risk import RiskResult, Score

_BAR = 6


class BandBar(QWidget):
    """The value on its scale, its interval shaded, the limits of the bands written below."""

    def __init__(self, score: Score, result: RiskResult) -> None:
        super().__init__()
        self._low, self._high = score.bar or (0.0, 1.0)
        starts = (band.start for band in score.bands if band.start is not None)
        self._limits = sorted(x for x in starts if self._low < x < self._high)
        self.setFixedHeight(_BAR + FONT_SMALL + GRID)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_result(result)

    def show_result(self, result: RiskResult) -> None:
        """Another result of the same score."""
        self._value = result.value or 0.0
        self._interval, self._tone = result.interval, result.tone
        self.setAccessibleName(result_words(result))
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the card allows."""
        return QSize(200, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, value, interval, limits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(tokens().line))
        painter.drawRoundedRect(QRectF(0, 0, self.width(), _BAR), 3, 3)
        tint = tint_of(self._tone)
        if self._interval is None:
            painter.setBrush(colour(tint))
            painter.drawRoundedRect(QRectF(0, 0, self._place(self._value), _BAR), 3, 3)
        else:
            low, high = (self._place(end) for end in self._interval)
            painter.setBrush(colour(tint, 0.45))
            painter.drawRoundedRect(QRectF(low, 0, max(2.0, high - low), _BAR), 3, 3)
            painter.setBrush(colour(tint))
            painter.drawRect(QRectF(self._place(self._value) - 1.5, 0, 3, _BAR))
        self._draw_limits(painter)
        painter.end()

    def _draw_limits(self, painter: QPainter) -> None:
        painter.setFont(base_font(FONT_SMALL))
        free = 0.0
        for limit in [self._low, *self._limits, self._high]:
            text = number_text(limit)
            width = painter.fontMetrics().horizontalAdvance(text)
            left = min(max(0.0, self._place(limit) - width / 2), self.width() - width)
            if limit in self._limits:
                painter.fillRect(
                    QRectF(self._place(limit) - 0.5, 0, 1, _BAR), colour(tokens().surface_2)
                )
            if left >= free:
                painter.setPen(colour(tokens().muted))
                bottom = QRectF(left, _BAR + 2, width + 1, FONT_SMALL + 2)
                painter.drawText(bottom, Qt.AlignmentFlag.AlignTop, text)
                painter.setPen(Qt.PenStyle.NoPen)
                free = left + width + GRID

    def _place(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return min(1.0, max(0.0, share)) * self.width()


def tint_of(tone: str) -> str:
    """The colour of a band's tone; the accent where it has none."""
    look = tokens()
    return {"good": look.good, "warn": look.warn, "bad": look.bad}.get(tone, look.accent)


def result_words(result: RiskResult) -> str:
    """Number, unit, interval and band in one line; why there is none where there is none."""
    if result.status == "invalid":
        return tr("not valid here")
    if result.status == "missing":
        count = len(result.missing)
        return (
            tr("needs one value")
            if count == 1
            else tr("needs {count} {count:value|values}", count=count)
        )
    number = f"{result.shown} {tr(unit_text(result.unit))}".strip()
    if result.interval is not None:
        low, high = (f"{end:.{result.decimals}f}" for end in result.interval)
        number += f" ({low} – {high})"
    return " · ".join(part for part in (number, str(result.band or "")) if part)

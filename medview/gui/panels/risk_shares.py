"""What brings a result about: a bar for each input, and the sources that can be left out."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.observation import concepts
from medview.core.words import tr
from medview.gui.cards import label
from medview.gui.panels.risk_bar import result_words
from medview.gui.style import GRID, colour, tokens
from medview.risk import Contribution, RiskResult

_MOST = 6  # bars of a card; the rest moves the result less
_LEAST = 1e-6


class EffectBar(QWidget):
    """One input's effect: to the right it raises the result, to the left it lowers it."""

    def __init__(self, share: float, words: str) -> None:
        super().__init__()
        self._share = share
        self.setFixedSize(84, 12)
        self.setAccessibleName(words)
        self.setToolTip(words)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A middle line and the bar from it."""
        painter = QPainter(self)
        middle, height = self.width() / 2, self.height()
        painter.fillRect(QRectF(middle - 0.5, 0, 1, height), colour(tokens().line))
        reach = self._share * (middle - 1)
        tint = tokens().accent  # whether more is worse is another matter for each score
        left = middle if reach > 0 else middle + reach
        painter.fillRect(QRectF(left, 3, abs(reach), height - 6), colour(tint))
        painter.end()


class EffectRows(QWidget):
    """The inputs that move a result most, each with its bar and the result without it."""

    def __init__(self, result: RiskResult) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID - 2)
        grid.setColumnStretch(0, 1)
        parts = [part for part in result.contributions if abs(part.effect) > _LEAST][:_MOST]
        largest = max((abs(part.effect) for part in parts), default=1.0)
        for line, part in enumerate(parts):
            words = effect_words(result, part)
            grid.addWidget(label(tr(concepts()[part.name].title), "small"), line, 0)
            grid.addWidget(EffectBar(part.effect / largest, words), line, 1)
            other = label(f"{part.other:.{result.decimals}f}", "small", wrap=False)
            other.setAlignment(Qt.AlignmentFlag.AlignRight)
            other.setToolTip(words)
            grid.addWidget(other, line, 2)
        self.count = len(parts)


def effect_words(result: RiskResult, part: Contribution) -> str:
    """What the result would be with an input at its usual value, or without it."""
    name = tr(concepts()[part.name].title)
    value = f"{part.other:.{result.decimals}f} {tr(unit_text(result.unit))}".strip()
    if part.usual is None or part.usual is False:
        return tr("Without “{name}”: {value}", name=name, value=value)
    usual = part.usual
    unit = tr(unit_text(concepts()[part.name].unit))
    shown = tr(usual) if isinstance(usual, str) else f"{number_text(float(usual))} {unit}".strip()
    return tr("With {name} {usual}: {value}", name=name, usual=shown, value=value)


class SourceRows(QWidget):
    """The sources of a joined result, each with its share; unticked, it counts as not known."""

    left_out = Signal(object)  # the kinds that are unticked, a tuple

    def __init__(self, result: RiskResult, without: Mapping[str, RiskResult]) -> None:
        super().__init__()
        self.boxes: dict[str, QCheckBox] = {}
        self._whole = result
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        for kind, share in sorted(result.shares.items(), key=lambda item: -item[1]):
            box = QCheckBox(tr("{source} {share} %", source=tr(kind), share=f"{share * 100:.0f}"))
            box.setChecked(True)
            box.setAccessibleName(tr("Use the source {name}", name=tr(kind)))
            box.toggled.connect(self._tell)
            self.boxes[kind] = box
            column.addWidget(box)
            other = without.get(kind)
            if other is not None:
                column.addWidget(label(self.compared(other), "small"))
        self.verdict = label("", "warn")
        self.verdict.hide()
        column.addWidget(self.verdict)

    def compared(self, other: RiskResult) -> str:
        """Another result beside the whole one: how much wider its interval is."""
        times = other.times_as_wide(self._whole)
        if other.status != "computed" or times is None:
            return tr("Without it: {result}", result=result_words(other))
        return tr(
            "Without it: {result}, interval {times} times as wide",
            result=result_words(other),
            times=number_text(round(times, 2)),
        )

    def show_result(self, result: RiskResult | None) -> None:
        """What comes out with the unticked sources left out; None when all are ticked."""
        self.verdict.setVisible(result is not None)
        if result is not None:
            self.verdict.setText(self.compared(result))

    def _tell(self) -> None:
        self.left_out.emit(tuple(kind for kind, box in self.boxes.items() if not box.isChecked()))


class ShareBar(QWidget):
    """All sources of a joined result side by side in one bar."""

    def __init__(self, result: RiskResult) -> None:
        super().__init__()
        self._shares = sorted(result.shares.items(), key=lambda item: -item[1])
        self.setFixedHeight(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        words = ", ".join(f"{tr(kind)} {share * 100:.0f} %" for kind, share in self._shares)
        self.setAccessibleName(tr("Shares of the sources: {list}", list=words))
        self.setToolTip(words)

    def sizeHint(self) -> QSize:
        """As wide as the card allows."""
        return QSize(200, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """One piece a source, the largest first and the fullest in colour."""
        painter = QPainter(self)
        left = 0.0
        for place, (_kind, share) in enumerate(self._shares):
            width = share * self.width()
            tint = colour(tokens().accent, max(0.2, 1.0 - 0.2 * place))
            painter.fillRect(QRectF(left, 0, max(0.0, width - 1), self.height()), tint)
            left += width
        painter.end()

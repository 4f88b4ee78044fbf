"""One score as a card: closed it says the result in two lines, open it shows how it came about."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.observation import concepts
from medview.core.words import current_language, say, tr
from medview.gui.cards import Card, button, label, row
from medview.gui.panels.risk_rows import InputRows
from medview.gui.style import FONT_SMALL, GRID, base_font, colour, tokens
from medview.risk import RiskResult, Score, listing

_BAR = 6


class BandBar(QWidget):
    """The value on its scale, with the limits of the bands written below."""

    def __init__(self, score: Score, result: RiskResult) -> None:
        super().__init__()
        self._low, self._high = score.bar or (0.0, 1.0)
        self._value = result.value or 0.0
        self._tone = result.tone
        starts = (band.start for band in score.bands if band.start is not None)
        self._limits = sorted(x for x in starts if self._low < x < self._high)
        self.setFixedHeight(_BAR + FONT_SMALL + GRID)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{result.shown} {unit_text(score.unit)}".strip())

    def sizeHint(self) -> QSize:
        """As wide as the card allows."""
        return QSize(200, self.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, value, limits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(tokens().line))
        painter.drawRoundedRect(QRectF(0, 0, self.width(), _BAR), 3, 3)
        painter.setBrush(colour(_tint(self._tone)))
        painter.drawRoundedRect(QRectF(0, 0, self._place(self._value), _BAR), 3, 3)
        self._draw_limits(painter)
        painter.end()

    def _draw_limits(self, painter: QPainter) -> None:
        painter.setFont(base_font(FONT_SMALL))
        free = 0.0
        marks = [self._low, *self._limits, self._high]
        for limit in marks:
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


def _tint(tone: str) -> str:
    look = tokens()
    return {"good": look.good, "warn": look.warn, "bad": look.bad}.get(tone, look.accent)


class ScoreCard(Card):
    """A score of one patient. A click, Enter or Space opens it; its fields emit `entered`."""

    entered = Signal(str, object, str)
    source_asked = Signal(object)

    def __init__(self, score: Score, result: RiskResult, *, is_open: bool) -> None:
        super().__init__()
        self.score, self.result = score, result
        self.looks = (result, is_open, current_language())
        self.rows: InputRows | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setProperty("open", is_open)  # not polished yet: cheaper than set_open
        self._add_head()
        self.add(*(self._open_body() if is_open else self._closed_body()))
        self.setAccessibleName(f"{score.title}, {self._verdict()}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space do what a click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def show_missing(self) -> None:
        """Put the cursor into the first field that is missing."""
        if self.rows is not None and self.result.missing:
            field = self.rows.fields.get(self.result.missing[0])
            if field is not None:
                field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # -- head --------------------------------------------------------------------------

    def _add_head(self) -> None:
        title = label(str(self.score.title), "title")
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        if self.result.status == "invalid":
            title.setStyleSheet(f"color: {tokens().faint};")
        self.add(row(title, *self._result_labels(), spacing=GRID))
        self.add(label(str(self.score.subtitle), "small"))

    def _result_labels(self) -> list[QWidget]:
        if self.result.status != "computed":
            return [label(self._verdict(), "muted", wrap=False)]
        if self.result.value is None:
            return []
        number = label(self.result.shown, "number", wrap=False)
        unit = tr(unit_text(self.result.unit))
        short = self.result.band is not None and len(str(self.result.band)) <= 12
        said = [unit, str(self.result.band) if short else ""]
        return [number, label(" · ".join(part for part in said if part), "muted", wrap=False)]

    def _verdict(self) -> str:
        if self.result.status == "invalid":
            return tr("not valid here")
        if self.result.status == "missing":
            count = len(self.result.missing)
            return tr("needs one value") if count == 1 else tr("needs {count} values", count=count)
        number = f"{self.result.shown} {unit_text(self.result.unit)}".strip()
        return number or str(self.result.band or "")

    # -- body --------------------------------------------------------------------------

    def _closed_body(self) -> list[QWidget]:
        if self.result.status == "missing":
            return [self._missing_line()]
        if self.result.status == "invalid":
            return [label(str(self.result.reason), "faint")]
        return self._advice()[:1]

    def _advice(self) -> list[QWidget]:
        said = [] if self.result.value is not None else [self.result.band]
        parts = [part for part in (*said, self.result.advice) if part is not None]
        if len(parts) == 2:
            parts = [say("{band}: {advice}", band=parts[0], advice=parts[1])]
        return [label(str(parts[0]), "muted")] if parts else []

    def _missing_line(self) -> QWidget:
        names = listing([s.title for s in self.score.inputs if s.name in self.result.missing])
        text = tr("Not in the record: {names}.", names=names)
        enter = button(tr("Enter"), "link", self.clicked.emit)
        enter.setAccessibleName(tr("Enter what is missing"))
        made = QWidget()
        layout = QHBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label(text, "muted"), 1)
        layout.addWidget(enter, 0, Qt.AlignmentFlag.AlignBottom)
        return made

    def _open_body(self) -> list[QWidget]:
        body: list[QWidget] = []
        if self.result.value is not None and self.score.bar is not None:
            body.append(BandBar(self.score, self.result))
        if self.result.reason is not None:
            body.append(label(str(self.result.reason), "warn"))
        body += self._advice()
        if self.result.possible is not None:
            body.append(label(self._possible(), "muted"))
        body.append(self._input_rows())
        if self.result.without:
            body.append(label(self._without(), "muted"))
        body += [label(f"! {warning}", "small") for warning in self.result.warnings]
        body.append(label(self._origin(), "faint"))
        return body

    def _input_rows(self) -> InputRows:
        rows = InputRows(self)
        for spec in self.score.inputs:
            is_needed = spec.required or spec.name in self.result.missing
            rows.add(spec.concept, self.result.used(spec.name), is_needed=is_needed)
        listed = {spec.name for spec in self.score.inputs}
        others = dict.fromkeys(e.name for e in self.score.exclusions if e.name not in listed)
        if others:
            rows.caption(tr("Can make it not valid"))
        for name in others:
            rows.add(concepts()[name], self.result.used(name), is_needed=False)
        rows.entered.connect(self.entered)
        rows.source_asked.connect(self.source_asked)
        self.rows = rows
        return rows

    def _possible(self) -> str:
        low, high = (
            f"{end:.{self.result.decimals}f}" for end in self.result.possible or (0.0, 0.0)
        )
        unit = unit_text(self.result.unit)
        if not unit:
            return tr("Between {low} and {high}, depending on what is missing.", low=low, high=high)
        return tr(
            "Between {low} and {high} {unit}, depending on what is missing.",
            low=low,
            high=high,
            unit=unit,
        )

    def _without(self) -> str:
        value = self.result.value or 0.0
        most = max(self.result.without, key=lambda item: abs(item.value - value))
        return tr(
            "Without “{name}”: {value} {unit}",
            name=tr(concepts()[most.name].title),
            value=f"{most.value:.{self.result.decimals}f}",
            unit=unit_text(self.result.unit),
        ).strip()

    def _origin(self) -> str:
        return " · ".join(
            (
                self.score.author,
                str(self.score.population),
                tr("version {name}", name=tr(self.score.version)),
                self.score.citation,
            )
        )

"""The cards of the record panel: a document, one that is refused, a trend, what is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.observation import Observation, concepts
from medview.core.words import tr
from medview.gui.cards import Card, button, chip, label, row
from medview.gui.panels.record_text import AnnotatedText
from medview.gui.style import GRID, tokens
from medview.record import Known, Trend, marks_of
from medview.session.documents import OpenDocument, UnreadDocument

_CHART_HEIGHT = 56
_MOST_UNREAD = 50


class DocumentCard(Card):
    """A document: title, date, kind, and its text with what was found."""

    def __init__(self, item: OpenDocument) -> None:
        super().__init__()
        document = item.document
        self.document_id = document.id
        self.text = AnnotatedText(item.note, marks_of(item.note))
        self.text.setStyleSheet(f"background: {tokens().surface_0}; border-radius: 4px;")
        kind = tr("text") if document.kind == "text" else document.kind
        facts = label(" · ".join(f for f in (document.date[:10], kind) if f), "small", wrap=False)
        facts.setToolTip(
            tr(
                "{file}, read as {encoding}",
                file=Path(document.path).name,
                encoding=document.encoding,
            )
        )
        title = label(document.title or Path(document.path).name, "title")
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(title.text())
        self.add(row(title, facts))
        for sentence in document.notes:
            self.add(label(str(sentence), "warn"))
        self.add(self.text)
        self._more = button(tr("Show all"), "link", self._show_all)
        self.add(self._more)
        self._more.setHidden(self.text.is_whole)

    def point_at(self, start: int, end: int) -> int:
        """Mark a span; gives its height in the card."""
        height = self.text.point_at(start, end)
        self._more.setHidden(self.text.is_whole)
        return self.text.y() + height

    def _show_all(self) -> None:
        self.text.show_all()
        self._more.hide()


class RefusedCard(Card):
    """A document of somebody else: both identities side by side, and the reader's word."""

    confirmed = Signal(str)

    def __init__(self, item: OpenDocument) -> None:
        super().__init__()
        self.document_id = item.document.id
        self.add(label(item.document.title or Path(item.document.path).name, "title"))
        if item.match is None:
            return
        self.add(label(str(item.match.sentence), "warn"))
        grid = QWidget()
        cells = QGridLayout(grid)
        cells.setContentsMargins(0, 0, 0, 0)
        for column, said in enumerate(("", tr("Document"), tr("Open study"))):
            cells.addWidget(label(said, "small"), 0, column)
        for number, (what, theirs, ours, differs) in enumerate(item.match.rows, 1):
            cells.addWidget(label(str(what), "muted"), number, 0)
            cells.addWidget(
                label(("≠ " if differs else "") + (theirs or "—"), "warn" if differs else ""),
                number,
                1,
            )
            cells.addWidget(label(ours or "—"), number, 2)
        self.add(grid)
        self.add(
            button(
                tr("Use it for this patient all the same"),
                "",
                lambda: self.confirmed.emit(self.document_id),
            )
        )


def unread_card(items: Sequence[UnreadDocument]) -> Card:
    """The files that could not be read, one sentence each."""
    card = Card()
    card.add(label(tr("Not read"), "title"))
    for item in items[:_MOST_UNREAD]:
        card.add(label(f"{Path(item.path).name}: {item.reason}", "muted"))
    if len(items) > _MOST_UNREAD:
        card.add(label(tr("and {count} more files", count=len(items) - _MOST_UNREAD), "muted"))
    return card


class TrendCard(Card):
    """A lab over time: the newest value, its age, a line, the reference."""

    def __init__(self, trend: Trend, today: dt.date) -> None:
        super().__init__()
        name = label(tr(concepts()[trend.concept].title), "title")
        number = label(shown_value(trend.latest), "title", wrap=False)
        facts = " · ".join(
            part
            for part in (tr(unit_text(trend.latest.unit)), age_text(trend.latest.time, today))
            if part
        )
        self.add(row(name, None, number, label(facts, "small", wrap=False)))
        self.add(TrendLine(trend))
        first, last = trend.points[0][0][:4], trend.points[-1][0][:4]
        ends = [
            label(first, "faint", wrap=False),
            None,
            label(reference_text(trend), "faint", wrap=False),
        ]
        self.add(row(*ends, None, label(last if last != first else "", "faint", wrap=False)))
        self.setAccessibleName(f"{name.text()} {number.text()}")


class TrendLine(QWidget):
    """The values as a line; thin lines are the reference range."""

    def __init__(self, trend: Trend) -> None:
        super().__init__()
        self._trend = trend
        self.setFixedHeight(_CHART_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Reference lines, line, a dot on the newest value."""
        days = [dt.date.fromisoformat(day).toordinal() for day, _ in self._trend.points]
        values = [value for _, value in self._trend.points]
        bounds = [b for b in self._trend.reference if b is not None]
        low, high = min(values + bounds), max(values + bounds)
        span = (high - low) or 1.0
        width, height = self.width() - 10, self.height() - 16

        def y_of(value: float) -> float:
            return 8 + height * (1 - (value - low) / span)

        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens().line), 1))
        for bound in bounds:
            painter.drawLine(QPointF(0, y_of(bound)), QPointF(self.width(), y_of(bound)))
        line = QPolygonF(
            [
                QPointF(4 + width * (day - days[0]) / ((days[-1] - days[0]) or 1), y_of(value))
                for day, value in zip(days, values, strict=True)
            ]
        )
        painter.setPen(QPen(QColor(tokens().accent), 2))
        painter.drawPolyline(line)
        painter.setBrush(QColor(tokens().accent))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(line.at(line.count() - 1), 3.5, 3.5)
        painter.end()


class KnownCard(Card):
    """What is known of the patient: name, value, where it comes from."""

    source_asked = Signal(str)

    def __init__(self, known: Sequence[Known], today: dt.date) -> None:
        super().__init__()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID + 2)
        self._grid.setColumnStretch(0, 1)
        self.body.addLayout(self._grid)
        for number, item in enumerate(known):
            self._add(number, item, today)

    def _add(self, number: int, item: Known, today: dt.date) -> None:
        one = item.observation
        value = label(shown_with_unit(one))
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        when = age_text(one.time, today)
        tooltip = "\n".join(p for p in (one.original, one.source.where, one.time[:10], when) if p)
        value.setToolTip(tooltip)
        self._grid.addWidget(label(tr(concepts()[one.concept].title)), 2 * number, 0)
        self._grid.addWidget(value, 2 * number, 1)
        locator = one.source.locator
        ask = (lambda: self.source_asked.emit(locator)) if locator else None
        mark = chip(tr(one.source.kind), tooltip, ask)
        mark.setAccessibleDescription(tooltip)
        self._grid.addWidget(mark, 2 * number, 2)
        if item.others:
            other = item.others[0]
            said = tr(
                "elsewhere: {value} ({date})", value=shown_value(other), date=other.time[:10] or "—"
            )
            self._grid.addWidget(_aligned(label(said, "warn")), 2 * number + 1, 0, 1, 3)


def _aligned(made: QLabel) -> QLabel:
    made.setAlignment(Qt.AlignmentFlag.AlignRight)
    return made


def shown_value(one: Observation) -> str:
    """A value in words of the current language, without its unit."""
    if isinstance(one.value, bool):
        return tr("yes") if one.value else tr("no")
    if isinstance(one.value, tuple):
        return " / ".join(number_text(v) for v in one.value)
    if isinstance(one.value, str):
        if one.concept == "sex":
            return (
                tr("female") if one.value == "F" else tr("male") if one.value == "M" else one.value
            )
        return tr(one.value) if one.value in concepts()[one.concept].choices else one.value
    return one.comparator + number_text(float(one.value))


def shown_with_unit(one: Observation) -> str:
    """A value with its unit as people write it."""
    return f"{shown_value(one)} {tr(unit_text(one.unit))}".strip()


def reference_text(trend: Trend) -> str:
    """The reference range in words, empty where none is known."""
    low, high = trend.reference
    if low is not None and high is not None:
        return tr("reference {low} – {high}", low=number_text(low), high=number_text(high))
    if high is not None:
        return tr("reference up to {high}", high=number_text(high))
    return tr("reference from {low}", low=number_text(low)) if low is not None else ""


def age_text(time: str, today: dt.date) -> str:
    """How old a value is; empty without a full date."""
    try:
        days = (today - dt.date.fromisoformat(time[:10])).days
    except ValueError:
        return ""
    if days < 0:
        return ""
    if days < 2:
        return tr("today") if days == 0 else tr("1 day old")
    if days < 60:
        return tr("{days} days old", days=days)
    if days < 730:
        return tr("{months} months old", months=round(days / 30.44))
    return tr("{years} years old", years=int(days / 365.25))

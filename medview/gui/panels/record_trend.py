"""A lab over time: the newest value with its age, a plot with the reference range behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.numbers import number_text, unit_text
from medview.core.observation import concepts
from medview.core.words import tr
from medview.gui.cards import Card, button, label, row
from medview.gui.panels.record_lists import source_chip
from medview.gui.panels.record_values import age_text, reference_text, shown_value, shown_with_unit
from medview.gui.style import GRID, base_font, colour, tokens
from medview.record.plotting import TrendScale, is_course, trend_scale

if TYPE_CHECKING:
    from medview.record import Series

_HEIGHT = 104
_FLAGS = {"low": "↓", "high": "↑"}


class TrendCard(Card):
    """Title, newest value, age, source; the plot below where the values lie on several days."""

    source_asked = Signal(str)

    def __init__(self, series: Series) -> None:
        super().__init__()
        self.series = series
        title, number = title_of(series), newest_of(series)
        facts = " · ".join(p for p in (tr(unit_text(series.unit)), age_text(series.age_days)) if p)
        value = label(number, "title", wrap=False)
        value.setToolTip(shown_with_unit(series.latest))  # as it was written
        chip = source_chip(series.latest.source, self.source_asked.emit)
        self.add(row(label(title, "title"), None, value, label(facts, "small", wrap=False), chip))
        said = warnings_of(series)
        if said:
            self.add(label("⚠ " + " · ".join(said), "warn"))
        if is_course(series):
            self.plot = TrendPlot(series, self.source_asked.emit)
            self.add(self.plot)
        self.add(label(reference_text(series.reference), "faint"))
        self.setAccessibleName(f"{title} {number}")
        self.setAccessibleDescription(" · ".join((facts, *said)))


class SeriesLine(QWidget):
    """One line of the list of labs; a click opens its plot below it."""

    source_asked = Signal(str)

    def __init__(self, series: Series) -> None:
        super().__init__()
        self._series = series
        self._plot: QWidget | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        self._layout = layout
        value = f"{newest_of(series)} {tr(unit_text(series.unit))}".strip()
        role = "muted" if series.is_stale else ""
        opener = button(title_of(series), "link", self._turn)
        opener.setToolTip(reference_text(series.reference))
        chip = source_chip(series.latest.source, self.source_asked.emit)
        age = label(age_text(series.age_days), "small", wrap=False)
        layout.addWidget(row(opener, None, label(value, role, wrap=False), age, chip))
        said = warnings_of(series)
        if said:
            layout.addWidget(label("⚠ " + " · ".join(said), "warn"))

    def _turn(self) -> None:
        if self._plot is not None:
            self._plot.deleteLater()
            self._plot = None
            return
        self._plot = below = QWidget()
        inner = QVBoxLayout(below)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(TrendPlot(self._series, self.source_asked.emit))
        inner.addWidget(label(reference_text(self._series.reference), "faint"))
        self._layout.addWidget(below)


class TrendPlot(QWidget):
    """The plot, made the first time that it is seen: a record may have a hundred labs."""

    def __init__(self, series: Series, ask: Callable[[str], object]) -> None:
        super().__init__()
        self._series, self._ask = series, ask
        self.points: QObject | None = None
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName(_said(series))
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def is_made(self) -> bool:
        """Whether there is a plot yet."""
        return self.points is not None

    def paintEvent(self, event: QPaintEvent) -> None:
        """The first time, have the plot made after this."""
        super().paintEvent(event)
        if self.points is None:
            QTimer.singleShot(0, self, self._make)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the panel, not the plot."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return False

    def _make(self) -> None:
        if self.points is not None:
            return
        import pyqtgraph as pg

        scale = trend_scale(self._series)
        days = pg.DateAxisItem("bottom", utcOffset=0)
        plot = pg.PlotWidget(background=tokens().surface_2, axisItems={"bottom": days})
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setYRange(scale.low, scale.high, padding=0)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setPen(colour(tokens().line))
            axis.setTextPen(colour(tokens().muted))
            axis.setTickFont(base_font(10))
        if scale.band is not None:
            band = pg.LinearRegionItem(
                scale.band, orientation="horizontal", movable=False,
                brush=colour(tokens().good, 0.13), pen=colour(tokens().line),
            )  # fmt: skip
            plot.addItem(band)
        plot.plot(scale.seconds, scale.values, pen=pg.mkPen(colour(tokens().accent), width=2))
        self.points = _scatter(pg, scale, self._series)
        self.points.sigClicked.connect(self._clicked)  # type: ignore[attr-defined]
        plot.addItem(self.points)
        plot.viewport().installEventFilter(self)
        self._layout.addWidget(plot)

    def _clicked(self, _plot: object, points: object, _event: object = None) -> None:
        for point in points:  # type: ignore[attr-defined]
            locator = str(point.data())
            if locator:
                self._ask(locator)
                return


def _scatter(pg: object, scale: TrendScale, series: Series) -> QObject:
    """A dot a value; hollow where another source says something else of that day."""
    accent, ground, warn = (colour(c) for c in (tokens().accent, tokens().surface_2, tokens().warn))
    spots = [
        {
            "pos": (at, value),
            "size": 8 if number == len(scale.values) - 1 else 6,
            "symbol": "d" if number in scale.same_day else "o",
            "brush": ground if number in scale.same_day else accent,
            "pen": warn if number in scale.same_day else accent,
            "data": series.points[number].observation.source.locator,
        }
        for number, (at, value) in enumerate(zip(scale.seconds, scale.values, strict=True))
    ]
    unit = tr(unit_text(series.unit))
    shown = [point.time[:16].replace("T", " ") for point in series.points]
    times = dict(zip(scale.seconds, shown, strict=True))
    made: QObject = pg.ScatterPlotItem(  # type: ignore[attr-defined]
        spots=spots,
        hoverable=True,
        hoverSize=10,
        tip=lambda x, y, data: f"{times.get(x, '')}  {number_text(y)} {unit}",
    )
    return made


def title_of(series: Series) -> str:
    """The name of a series in the current language, as written where it is no concept."""
    return tr(series.title) if series.key in concepts() else series.title


def newest_of(series: Series) -> str:
    """The newest value, with an arrow where it is out of its own reference range."""
    flag = _FLAGS.get(series.points[-1].flag, "")
    last = series.points[-1]
    shown = shown_value(series.latest)
    if series.latest.unit != series.unit:
        shown = series.latest.comparator + number_text(float(f"{last.value:.3g}"))
    return f"{shown} {flag}".strip()


def warnings_of(series: Series) -> list[str]:
    """What a reader should know before using the newest value."""
    said = []
    if series.is_stale:
        said.append(tr("old: {age}", age=age_text(series.age_days)))
    other = _other_of_the_day(series)
    if other:
        said.append(
            tr("elsewhere: {value} ({date})", value=other, date=series.points[-1].time[:10])
        )
    return said


def _other_of_the_day(series: Series) -> str:
    day = series.points[-1].time[:10]
    latest = series.points[-1].value
    others = [p.value for p in series.points[:-1] if p.time[:10] == day and p.value != latest]
    return number_text(others[-1]) if others else ""


def _said(series: Series) -> str:
    """The course in words, for those who do not see it."""
    first, last = series.points[0], series.points[-1]
    return tr(
        "{name}: {count} values from {first} ({start}) to {last} ({end})",
        name=title_of(series),
        count=len(series.points),
        first=number_text(first.value),
        start=first.time[:10],
        last=number_text(last.value),
        end=last.time[:10],
    )

"""One score as a card: closed it says the result in two lines, open it shows how it came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from medview.core.numbers import unit_text
from medview.core.observation import concepts
from medview.core.words import current_language, say, tr
from medview.gui.cards import Card, ElidedLabel, button, chip, label, row
from medview.gui.panels.risk_bar import BandBar, result_words
from medview.gui.panels.risk_rows import InputRows
from medview.gui.panels.risk_shares import EffectRows, ShareBar, SourceRows
from medview.gui.panels.risk_versions import VersionRows
from medview.gui.panels.risk_ways import way_of, words_of
from medview.gui.panels.risk_what_if import WhatIf
from medview.gui.panels.risk_words import origin_words, possible_words, without_words
from medview.gui.slices import Steps
from medview.gui.style import GRID, tokens
from medview.risk import RiskResult, Score, guideline_of, listing


@dataclass(frozen=True, slots=True)
class Beside:
    """What a card shows beside its result.

    versions: results of other versions with their scores. without: the result with each kind of
    source left out. units: in which unit the reader wants a concept. is_reminded: whether its
    advice stands in the report already, None where there is none to put there. is_pinned: the card
    was asked for by name.
    """

    versions: tuple[tuple[Score, RiskResult], ...] = ()
    without: Mapping[str, RiskResult] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    is_reminded: bool | None = None
    is_pinned: bool = False
    is_trying: bool = False


_INLINE = 1  # what is missing stands beside its links while it is no more than this


class ScoreCard(Card):
    """A score of one patient. A click, Enter or Space opens it; its fields emit `entered`."""

    entered = Signal(str, object, str)
    source_asked = Signal(object)
    way_asked = Signal(str, str)  # way and concept
    score_asked = Signal(str)
    reminder_asked = Signal()
    tried = Signal(object)
    left_out = Signal(object)
    trying = Signal(bool)
    unit_chosen = Signal(str, str)
    unpinned = Signal()
    card_asked = Signal()

    def __init__(
        self,
        score: Score,
        result: RiskResult,
        beside: Beside | None = None,
        parent: QWidget | None = None,
        *,
        is_open: bool,
    ) -> None:
        """The head of the card; `build` makes the rest, step by step."""
        super().__init__(parent)
        self.score, self.result, self.beside = score, result, beside or Beside()
        self.looks = (result, self.beside, is_open, current_language())
        self.rows: InputRows | None = None
        self.what_if: WhatIf | None = None
        self.sources: SourceRows | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setProperty("open", is_open)  # not polished yet: cheaper than set_open
        self._add_head()
        self._parts = self._open_body() if is_open else iter(self._closed_body())
        self.setAccessibleName(f"{score.title}, {result_words(result)}")

    def build(self) -> Steps:
        """Add what stands below the head, a few widgets at a time; nothing where it stands."""
        self.ensurePolished()
        yield
        for part in self._parts:
            if part is not None:
                self.add(part)
            for widget in (part or self.rows or self).findChildren(QWidget):
                widget.ensurePolished()
            yield

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
        below: list[QWidget | int | None] = [label(str(self.score.subtitle), "small")]
        if self.score.is_research:
            below.append(self._research_mark())
        if self.beside.is_pinned:
            away = button("×", "link", self.unpinned.emit)
            away.setAccessibleName(tr("Put the score away"))
            away.setToolTip(away.accessibleName())
            below.append(away)
        made = row(*below, spacing=GRID)
        layout = made.layout()
        if isinstance(layout, QHBoxLayout):
            layout.setStretch(0, 1)
        self.add(made)

    def _research_mark(self) -> QWidget:
        tip = tr("Research: not for advice to a patient, and not in the report.")
        if self.score.model is None:
            return chip(tr("research"), tip)
        more = tr("Shows the model's card.")
        made = chip(tr("research"), f"{tip}\n{more}", self.card_asked.emit)
        made.setAccessibleName(tr("Research: show the model's card"))
        return made

    def _result_labels(self) -> list[QWidget]:
        if self.result.status != "computed":
            return [label(result_words(self.result), "muted", wrap=False)]
        if self.result.value is None:
            return []
        number = label(self.result.shown, "number", wrap=False)
        unit = tr(unit_text(self.result.unit))
        short = self.result.band is not None and len(str(self.result.band)) <= 12
        said = [unit, self._interval(), str(self.result.band) if short else ""]
        return [number, label(" · ".join(part for part in said if part), "muted", wrap=False)]

    def _interval(self) -> str:
        if self.result.interval is None:
            return ""
        low, high = (f"{end:.{self.result.decimals}f}" for end in self.result.interval)
        return f"{low} – {high}"

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
        if not parts:
            return []
        line, advice = label(str(parts[0]), "muted"), self.result.advice
        line.setToolTip(guideline_of(advice.english()) if advice is not None else "")
        return [line]

    def _missing_line(self) -> QWidget:
        titles = [s.title for s in self.score.inputs if s.name in self.result.missing]
        said = tr("Not in the record: {names}.", names=listing(titles))
        links = [self._way_link(way, self.result.missing) for way in self._ways()]
        enter = button(tr("Enter"), "link", self.clicked.emit)
        enter.setAccessibleName(tr("Enter what is missing"))
        made = QWidget()
        if len(titles) <= _INLINE:
            beside = QHBoxLayout(made)
            beside.setContentsMargins(0, 0, 0, 0)
            beside.setSpacing(2 * GRID)
            beside.addWidget(label(said, "muted"), 1)
            for link in (*links, enter):
                beside.addWidget(link, 0, Qt.AlignmentFlag.AlignBottom)
            return made
        below = QVBoxLayout(made)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(GRID)
        line = ElidedLabel(said, "muted")
        below.addWidget(line)
        below.addWidget(row(*links, enter, None))
        return made

    def _ways(self) -> list[str]:
        """The first way by which an image could tell what is missing."""
        ways = dict.fromkeys(way_of(name) for name in self.result.missing)
        return [way for way in ways if way != "record"][:1]

    def _way_link(self, way: str, names: tuple[str, ...]) -> QWidget:
        concept = next(name for name in names if way_of(name) == way)
        return button(words_of(way), "link", partial(self.way_asked.emit, way, concept))

    def _open_body(self) -> Iterator[QWidget | None]:
        """The parts of an open card; None where one was only added to."""
        if self.result.value is not None and self.score.bar is not None:
            yield BandBar(self.score, self.result)
        if self.result.reason is not None:
            yield label(tr("Why not valid here"), "caption")
            yield label(str(self.result.reason), "warn")
        yield from self._advice()
        if self.beside.is_reminded is not None:
            yield self._reminder()
        if self.result.possible is not None:
            yield label(possible_words(self.result), "muted")
        yield from self._input_rows()
        yield from self._missing_links()
        yield from self._explained()
        yield from self._versions()
        for warning in self.result.warnings:
            yield label(f"! {warning}", "small")
        yield from self._trial()
        yield label(origin_words(self.score), "faint")

    def _reminder(self) -> QWidget:
        words = tr("In the report: remove") if self.beside.is_reminded else tr("Remind in report")
        made = button(words, "link", self.reminder_asked.emit)
        return row(made, None)

    def _missing_links(self) -> list[QWidget]:
        if self.result.status != "missing":
            return []
        ways = dict.fromkeys(way_of(name) for name in self.result.missing)
        links = [self._way_link(way, self.result.missing) for way in ways]
        return [row(*links, None)]

    def _explained(self) -> list[QWidget]:
        if self.result.status != "computed" or not self.result.contributions:
            return []
        bars = EffectRows(self.result)
        if not bars.count:
            return []
        found: list[QWidget] = [label(tr("What moves it, and the result without"), "caption"), bars]
        if self.beside.without:
            self.sources = SourceRows(self.result, self.beside.without)
            self.sources.left_out.connect(self.left_out)
            found += [label(tr("Sources"), "caption"), ShareBar(self.result), self.sources]
        elif self.result.without:
            found.append(label(without_words(self.result), "muted"))
        return found

    def _versions(self) -> list[QWidget]:
        if not self.beside.versions:
            return []
        rows = VersionRows(self.beside.versions)
        rows.asked.connect(self.score_asked)
        return [label(tr("Beside it"), "caption"), rows]

    def _trial(self) -> Iterator[QWidget | None]:
        if not self.beside.is_trying:
            yield row(button(tr("What if…"), "link", partial(self.trying.emit, True)), None)
            return
        self.what_if = WhatIf(self.score, self.result)
        self.what_if.tried.connect(self.tried)
        close = button(tr("Close “what if”"), "link", partial(self.trying.emit, False))
        yield self.what_if
        yield from self.what_if.build()
        yield row(close, None)

    def _input_rows(self) -> Iterator[QWidget | None]:
        self.rows = rows = InputRows(self, self.beside.units)
        yield rows
        for spec in self.score.inputs:
            is_needed = spec.required or spec.name in self.result.missing
            rows.add(spec.concept, self.result.used(spec.name), is_needed=is_needed)
            yield None
        listed = {spec.name for spec in self.score.inputs}
        others = dict.fromkeys(e.name for e in self.score.exclusions if e.name not in listed)
        if others:
            rows.caption(tr("Can make it not valid"))
        for name in others:
            rows.add(concepts()[name], self.result.used(name), is_needed=False)
            yield None
        for meant in self.result.meant:
            rows.ask_whether(meant)
        rows.entered.connect(self.entered)
        rows.source_asked.connect(self.source_asked)
        rows.unit_chosen.connect(self.unit_chosen)

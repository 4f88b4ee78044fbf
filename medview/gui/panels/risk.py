"""The risk panel: the scores that fit this patient and study, one card each, one open at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from shiboken6 import isValid

from medview.core.observation import Source
from medview.core.words import current_language, tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import CardColumn, empty_state, label
from medview.gui.panels.risk_card import Beside, ScoreCard
from medview.gui.panels.risk_finder import ScoreFinder
from medview.gui.panels.risk_trial import Trial
from medview.gui.slices import Slices, Steps
from medview.risk import RiskResult, by_use
from medview.session import Session
from medview.session.events import (
    ActiveChanged,
    Event,
    HoldingsChanged,
    KnowledgeChanged,
    ShowSource,
)
from medview.session.reminding import reminder_of
from medview.session.research import scores_at_hand

_RETRY_MS = 500
_TOGETHER_MS = 15  # several events come of one thing that the reader does


class RiskPanel(QWidget):
    """Shows `session.risks()`; what the reader types goes back to the session as a command."""

    way_asked = Signal(str, str)  # the way in which a missing concept can be had
    card_asked = Signal(str)  # the model whose card is to be shown
    counted = Signal()  # there are other results

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._results: tuple[RiskResult, ...] = ()
        self._shown: object = None
        self._open: str | None = None
        self._is_by_hand = False  # a card was opened or closed, or worked on, by the user
        self._pinned: list[str] = []  # scores that were asked for by name
        self._units: dict[str, str] = {}
        self._cards: dict[str, ScoreCard] = {}
        self._trial = Trial(session)
        self.finder = ScoreFinder()
        self.finder.chosen.connect(self.pin)
        self._column = CardColumn()
        self._column.fill([])
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._take_news)
        self._soon = QTimer(self, singleShot=True, interval=_TOGETHER_MS)
        self._soon.timeout.connect(self._take_news)
        self._slices = Slices(self)
        self._then: Callable[[ScoreCard], None] | None = None  # for the open card, once it stands
        self._is_stale = False  # there are results that nobody has looked at yet
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column)
        SessionBridge(session, self).heard.connect(self._hear)
        self.retranslate()

    @property
    def computed(self) -> int:
        """How many scores have a result now."""
        return sum(result.status == "computed" for result in self._results)

    @property
    def cards(self) -> Sequence[ScoreCard]:
        """The cards from top to bottom."""
        if self._slices.is_running or self._is_stale or self._soon.isActive():
            self._soon.stop()
            self._refresh()
        return tuple(self._cards.values())

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._column.setAccessibleName(tr("Risk"))
        self.scores_read()

    def scores_read(self) -> None:
        """There are other scores than before: research models were read."""
        self.finder.show_scores(scores_at_hand())
        self._redraw()

    def open_score(self, score_id: str | None) -> None:
        """Open one card and close the one that was open; None closes all."""
        self._open = score_id
        self._is_by_hand = True
        self._redraw(lambda card: card.show_missing())

    def pin(self, score_id: str) -> None:
        """Show a score that was asked for by name, whether it fits or not, and open it."""
        if score_id not in self._pinned and score_id not in self._cards:
            self._pinned.insert(0, score_id)
        self.open_score(score_id)

        def bring(card: ScoreCard) -> None:
            card.show_missing()
            QTimer.singleShot(0, card, lambda: self._column.scroll_to(card))

        self._then = bring

    def _hear(self, event: Event) -> None:
        if isinstance(event, ActiveChanged | HoldingsChanged):
            self._is_by_hand = False
        if isinstance(event, KnowledgeChanged | ActiveChanged | HoldingsChanged):
            self._soon.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has changed while another panel was in front."""
        super().showEvent(event)
        if self._is_stale:
            self._slices.start(self._draw)

    def _take_news(self) -> None:
        """Something is known that was not: judge it now, draw it when it can be seen."""
        self._is_stale = True  # from now on: the panel may come to front while it is judged
        self._slices.start(self._draw if self.isVisible() else self._judge)

    def _judge(self) -> Steps:
        self._trial.begin()
        yield
        fitting = []
        for result in self._trial.fitting():
            if result is not None:
                fitting.append(result)
            yield
        ordered = self._ordered(fitting)
        self._results = (*self._asked_for(ordered), *ordered)
        self._choose_open()
        self.counted.emit()
        yield

    def _redraw(self, then: Callable[[ScoreCard], None] | None = None) -> None:
        """Draw again what changed, between the events of the user."""
        self._then = then or self._then
        self._slices.start(self._draw)

    def _refresh(self) -> None:
        """Draw again what changed, now: what was begun is done to its end."""
        self._slices.start(self._draw)
        self._slices.finish()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)

    def _draw(self) -> Steps:
        """Judge and draw again what changed; never under the hands of somebody who is typing."""
        if self._is_being_typed():
            self._later.start(_RETRY_MS)
            return
        self._is_stale = False
        yield from self._judge()
        besides = {}
        for result in self._results:
            if result.score == self._open:
                yield from self._trial.judge_versions(result)
            besides[result.score] = self._beside(result)
            yield
        state = (self._results, self._open, besides, current_language(), self._session.patient)
        if state == self._shown:
            self._do_then()
            return
        made: dict[str, ScoreCard] = {}
        try:
            for result in self._results:
                made[result.score] = self._card(result, besides[result.score])
                yield from made[result.score].build()
            yield
            if self._is_being_typed():
                self._later.start(_RETRY_MS)
                return
            self._swap(made, besides)
            self._shown = state
            self._do_then()
        finally:
            for card in made.values():
                # With the panel its cards are gone, before the work on them is.
                if card is not self._cards.get(card.score.id) and isValid(card):
                    card.deleteLater()

    def _do_then(self) -> None:
        then, self._then = self._then, None
        if then is not None and self._open in self._cards:
            then(self._cards[self._open])

    def _swap(self, made: dict[str, ScoreCard], besides: Mapping[str, Beside]) -> None:
        """Put the cards of now into the place of those before."""
        focus = self._focused()
        self._cards = made
        by_name = [made[r.score] for r in self._results if besides[r.score].is_pinned]
        rest = [card for card in made.values() if card not in by_name]
        fits = [card for card in rest if not card.result.is_offered]
        offered = [card for card in rest if card.result.is_offered]
        belongs = [label(tr("Belongs to this kind of study"), "small"), *offered] if offered else []
        named = [label(tr("Opened by name"), "small"), *by_name] if by_name else []
        finder = [self.finder] if self._session.patient is not None else []
        heading = [self._heading()] if fits or not (offered or by_name) else []
        self._place([*finder, *named, *heading, *fits, *belongs])
        self._focus_again(focus)

    def _is_being_typed(self) -> bool:
        cards = self._cards.values()
        return any(card.rows is not None and card.rows.is_being_typed for card in cards)

    def _asked_for(self, fitting: Sequence[RiskResult]) -> tuple[RiskResult, ...]:
        """Results of scores that were opened by name and do not fit of themselves."""
        known, there = scores_at_hand(), {result.score for result in fitting}
        wanted = [known[name] for name in self._pinned if name in known and name not in there]
        results = (self._trial.result(score) for score in wanted)
        return tuple(result for result in results if result is not None)

    def _place(self, wanted: Sequence[QWidget]) -> None:
        """Put the widgets in order; those that stand there already stay untouched."""
        layout = self._column.column
        for place in reversed(range(layout.count() - 1)):  # the last item is the stretch
            item = layout.itemAt(place)
            widget = item.widget() if item is not None else None
            if widget is not None and widget not in wanted:
                layout.removeWidget(widget)
                widget.hide()
                if widget is not self.finder:
                    widget.deleteLater()
        for place, widget in enumerate(wanted):
            if layout.indexOf(widget) != place:
                layout.insertWidget(place, widget)
                widget.show()

    def _ordered(self, results: Sequence[RiskResult]) -> tuple[RiskResult, ...]:
        """By use; but nothing moves under the pointer: then the order stays as it was."""
        by_id = {result.score: result for result in results}
        if not self.underMouse() and self._focused() is None:
            return by_use(results)
        kept = [by_id.pop(old.score) for old in self._results if old.score in by_id]
        return (*kept, *by_use(tuple(by_id.values())))

    def _choose_open(self) -> None:
        """The first that has a result, unless the user chose or the pointer is on the panel."""
        is_kept = self._is_by_hand or self.underMouse() or self._focused() is not None
        if self._open in [result.score for result in self._results] and is_kept:
            return
        if self._open is None and self._is_by_hand:
            return
        self._open = next((r.score for r in self._results if r.status == "computed"), None)

    def _heading(self) -> QWidget:
        shown = [r for r in self._results if r.score not in self._pinned and not r.is_offered]
        if shown:
            return label(tr("Fits this patient and this study"), "small")
        if self._session.patient is None:
            return empty_state(
                tr("No patient is open"), tr("Open a study: its patient's scores show here.")
            )
        return empty_state(
            tr("No score fits what is known yet"),
            tr("Open the patient's documents, or measure a nodule and name the ruler."),
        )

    def _beside(self, result: RiskResult) -> Beside:
        """What an open card shows beside its result."""
        pinned = result.score in self._pinned
        if result.score != self._open:
            return Beside(is_pinned=pinned)
        reminder = reminder_of(result, self._session.study)
        return Beside(
            versions=self._trial.versions(result),
            without=self._trial.without(result),
            units=dict(self._units),
            is_reminded=None if reminder is None else reminder in self._session.work.reminders,
            is_pinned=pinned,
            is_trying=self._trial.is_on(result.score),
        )

    def _card(self, result: RiskResult, beside: Beside) -> ScoreCard:
        """The card of a result; one that would look the same is kept."""
        is_open = result.score == self._open
        looks = (result, beside, is_open, current_language())
        old = self._cards.get(result.score)
        if old is not None and old.looks == looks:
            return old
        score, parent = scores_at_hand()[result.score], self._column.widget()
        card = ScoreCard(score, result, beside, parent, is_open=is_open)
        toggled = None if is_open else result.score
        card.clicked.connect(lambda: self.open_score(toggled))
        card.entered.connect(self._enter)
        card.source_asked.connect(self._show_source)
        card.way_asked.connect(self.way_asked)
        card.score_asked.connect(self.pin)
        card.card_asked.connect(lambda: self.card_asked.emit(result.score))
        card.reminder_asked.connect(lambda: self._remind(result))
        card.tried.connect(lambda values: self._trial.try_on(card, values))
        card.left_out.connect(lambda kinds: self._trial.leave_out(card, kinds))
        card.trying.connect(lambda on: self._try(result.score, is_on=on))
        card.unit_chosen.connect(self._units.__setitem__)
        card.unpinned.connect(lambda: self._unpin(result.score))
        return card

    def _enter(self, name: str, value: float | bool | str | None, unit: str) -> None:
        self._is_by_hand = True
        self._session.made.enter(name, value, unit)

    def _try(self, score_id: str, *, is_on: bool) -> None:
        self._is_by_hand = True
        self._trial.turn(score_id, is_on=is_on)
        self._redraw()

    def _unpin(self, score_id: str) -> None:
        self._pinned.remove(score_id)
        self._redraw()

    def _remind(self, result: RiskResult) -> None:
        reminder = reminder_of(result, self._session.study)
        if reminder is not None:
            self._session.made.remind(reminder)

    def _show_source(self, source: Source) -> None:
        self._session.events.send(ShowSource(source.locator))

    def _focused(self) -> tuple[str, str] | None:
        """Score and input of the field that has the keyboard."""
        for score_id, card in self._cards.items():
            if card.rows is None:
                continue
            for name, field in card.rows.fields.items():
                if field.hasFocus():
                    return score_id, name
        return None

    def _focus_again(self, place: tuple[str, str] | None) -> None:
        card = self._cards.get(place[0]) if place else None
        if place is None or card is None or card.rows is None:
            return
        field = card.rows.fields.get(place[1])
        if field is not None:
            field.setFocus(Qt.FocusReason.OtherFocusReason)

"""The findings panel: one card a run, refusals in grey, the reader's measurements below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.ai.signature import badge
from medview.core.made_names import shown_number
from medview.core.numbers import percent, quantity_text, volume_text
from medview.core.observation import concepts
from medview.core.results import Finding, GateVerdict, Measurement, ModelRun
from medview.core.words import say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import Card, CardColumn, Meter, button, empty_state, label, row
from medview.gui.panels.growth_cards import growth_widgets
from medview.gui.panels.measurement_cards import MeasurementCards
from medview.gui.panels.result_cards import (
    common_word,
    detection_slider,
    first_look_card,
    offer_card,
    verbs,
    word_buttons,
)
from medview.gui.panels.segments import TOOLS as SEGMENT_TOOLS
from medview.gui.panels.segments import SegmentsCard
from medview.gui.panels.why_box import Looks, WhyBox
from medview.gui.style import GRID, tokens
from medview.session import Session
from medview.session.analysis import Task
from medview.session.events import (
    ActiveChanged,
    Event,
    GoTo,
    KnowledgeChanged,
    LinksChanged,
    SegmentsCounted,
    ShowSource,
)
from medview.session.first_look import first_look_of
from medview.session.looks import structures
from medview.session.mentions import query_of
from medview.session.nodules import is_outdated
from medview.session.reviewing import state_of
from medview.session.studies import Place
from medview.session.work import Decision, Threshold


class FindingsPanel(QWidget):
    """Cards of the active patient; a click goes there, the buttons decide."""

    action_asked = Signal(str)  # an action's name
    brush_changed = Signal()
    override_asked = Signal(object)  # a refused run that the reader answers for
    why_opened = Signal(object)  # the run whose reasons are shown
    edit_asked = Signal(object, object)  # a run, its finding whose mask is to be put right
    origin_asked = Signal(object)  # a run: where it comes from
    offer_taken = Signal(object)  # a task that was offered
    looked = Signal(str)  # the reader's first opinion

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.looks: Looks | None = None
        self._tool = ""
        self._segments: SegmentsCard | None = None
        self._open = ""
        self._why = ""
        self._offers: tuple[Task, ...] = ()
        self._column = CardColumn()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column)
        self._cards = MeasurementCards(session, self)
        self._cards.changed.connect(self.retranslate)
        # Several events come of one change: the cards are built once, after the last.
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self.retranslate)
        SessionBridge(session, self).heard.connect(self._hear)
        self.retranslate()

    @property
    def count(self) -> int:
        """How many results and measurements have a card; refusals are not counted."""
        active = self._session.active
        if active is None:
            return 0
        ran = sum(run.status == "run" for run in self._session.made.runs_of(active))
        return ran + len(self._session.work.measurements)

    def open_measurement(self, measurement_id: str) -> None:
        """Open the card of a measurement."""
        self._cards.open(measurement_id)

    def copy_measurements(self) -> None:
        """All measurements to the clipboard, as text."""
        self._cards.copy_all()

    def show_finding(self, finding_id: str) -> None:
        """Open the card of a finding and go to its place."""
        for found in self._session.made.findings:
            if found.finding.id == finding_id:
                self._choose(found.run)

    def retranslate(self) -> None:
        """Build the cards again, in the current language."""
        self._column.setAccessibleName(tr("Findings"))
        active = self._session.active
        widgets: list[QWidget] = []
        if active is not None:
            if self._session.settings.look_first and _waits(self._session, active):
                widgets.append(first_look_card(self.looked.emit))
            widgets += self._offered()
            runs = list(reversed(self._session.made.runs_of(active)))
            shown = [run for run in runs if run.status == "run"]
            refused = [run for run in runs if run.status != "run"]
            widgets += [self._run_card(run) for run in shown]
            widgets += [self._refusal_card(run) for run in refused]
            widgets += self._cards.widgets()
            widgets += growth_widgets(self._session)
            widgets += self._segment_cards()
            widgets += self._from_risk()
        if not widgets:
            widgets = [
                empty_state(
                    tr("No findings yet"),
                    tr("Ctrl+R analyses the series that is shown."),
                    tr(
                        "L draws a length, E an ellipse, A an angle, F an outline; P takes a value."
                    ),
                    tr("K marks the image that is shown as a key image."),
                )
            ]
        self._column.fill(widgets)

    def _hear(self, event: Event) -> None:
        if isinstance(event, ActiveChanged | KnowledgeChanged | LinksChanged | SegmentsCounted):
            self._later.start(0)

    def show_tool(self, name: str) -> None:
        """The tool in use: the segments' own have their card open."""
        if name != self._tool and (name in SEGMENT_TOOLS or self._tool in SEGMENT_TOOLS):
            self._later.start(0)
        self._tool = name

    def show_brush(self) -> None:
        """The brush has another size."""
        if self._segments is not None:
            self._segments.show_brush()

    def _segment_cards(self) -> list[QWidget]:
        self._segments = None
        if not self._session.segmenting.segments and self._tool not in SEGMENT_TOOLS:
            return []
        self._segments = card = SegmentsCard(self._session, self._tool)
        card.action_asked.connect(self.action_asked)
        card.brush_changed.connect(self.brush_changed)
        return [label(tr("SEGMENTS"), "caption"), card]

    def show_offers(self, offers: Sequence[Task]) -> None:
        """Models that fit the series that is shown and have not run on it."""
        self._offers = tuple(offers)
        self._later.start(0)

    def _offered(self) -> list[QWidget]:
        cards: list[QWidget] = []
        for task in self._offers:
            doubt = "" if task.verdict.verdict == "accepted" else _doubts(task.verdict)
            title = tr(task.model.title or task.model.name)
            cards.append(offer_card(title, doubt, partial(self.offer_taken.emit, task)))
        return [label(tr("FITS THIS SERIES"), "caption"), *cards] if cards else []

    # -- runs ------------------------------------------------------------------------------

    def _run_card(self, run: ModelRun) -> Card:
        card = Card()
        card.setAccessibleName(tr(run.model.title or run.model.name))
        card.add(label(tr(run.model.title or run.model.name), "title"))
        add_badge(card, run)
        about = self._subject(run)
        if about is not None:
            card.add(label(shown_number(about.text), "muted"))
            if is_outdated(run, about):
                card.add(label(tr("The nodule was changed since: ask again."), "warn"))
        self._add_findings(card, run)
        if not run.findings:
            card.add(label(tr("Ran and found nothing."), "muted"))
        if run.gate is not None and run.gate.verdict == "borderline":
            card.add(label(_doubt(run), "warn"))
        words = [state_of(self._session.work, run, f) for f in run.findings]
        decision = common_word(words)
        card.add(label(_origin(run, words), "faint"))
        card.add(button(tr("How it was made"), "link", partial(self.origin_asked.emit, run)))
        if run.findings and self._has_documents:
            link = button(tr("What the record says of it"), "link", partial(self._ask_record, run))
            card.add(link)
        if run.findings:
            card.add(self._buttons(run, decision))
        if self._why == run.id:
            card.add(*self._reasons(run))
        card.set_open(self._open == run.id)
        card.clicked.connect(partial(self._choose, run))
        return card

    def _subject(self, run: ModelRun) -> Measurement | None:
        """The measurement that a run is about, None where it is about the whole stack."""
        measured = self._session.work.measurements if run.subject else ()
        return next((m for m in measured if m.id == run.subject), None)

    def _add_probability(self, card: Card, finding: Finding) -> None:
        probability = finding.probability or 0.0
        number = label(f"{probability:.2f}", "number", wrap=False)
        said = label(tr(finding.label), "muted")
        card.add(row(number, said, None))
        card.add(Meter(probability, finding.interval))
        if finding.answer_said is not None:
            role = "warn" if finding.answer == "abstain" else "muted"
            card.add(label(str(finding.answer_said), role))
        words = [sureness(probability)]
        if finding.interval is not None:
            low, high = finding.interval
            words.append(f"{low:.2f} – {high:.2f}")
        card.add(label(" · ".join(words), "muted"))

    def _add_measure(self, card: Card, finding: Finding, run: ModelRun) -> None:
        labels = run.label_map.labels if run.label_map is not None else ()
        own = next((item for item in labels if item.value == finding.label_value), None)
        if own is not None and own.hidden:
            return
        mark = label("■" if own is not None else "", wrap=False)
        mark.setStyleSheet(f"color: {own.colour if own is not None else tokens().line};")
        mark.setFixedWidth(14)
        known = [q for q in finding.measurements if q.concept in concepts()]
        if finding.volume_mm3 is not None:
            size = label(volume_text(finding.volume_mm3), wrap=False)
            words = self._words(run, finding)
            card.add(row(mark, label(tr(finding.label)), None, size, *words, spacing=GRID))
        for quantity in known:
            title = label(tr(concepts()[quantity.concept].title))
            value = label(quantity_text(quantity), wrap=False)
            card.add(row(title, None, value, spacing=GRID))

    def _add_findings(self, card: Card, run: ModelRun) -> None:
        for finding in run.findings:
            if finding.kind == "detection":
                self._add_detection(card, finding, run)
            elif finding.probability is not None:
                self._add_probability(card, finding)
            else:
                self._add_measure(card, finding, run)
        choose = partial(self._choose_threshold, run)
        card.add(*detection_slider(run, self._session.work, choose))

    def _add_detection(self, card: Card, finding: Finding, run: ModelRun) -> None:
        goes = button(tr(finding.label), "link", partial(self._go_to, run, finding))
        score = label(f"{finding.score or 0.0:.2f}", wrap=False)
        sizes = [quantity_text(q) for q in finding.measurements]
        size = label(" · ".join(sizes), "muted", wrap=False)
        card.add(row(goes, size, None, score, *self._words(run, finding), spacing=GRID))

    def _words(self, run: ModelRun, finding: Finding) -> tuple[QWidget, ...]:
        decide = self._session.made.decide
        edit = partial(self.edit_asked.emit, run, finding)
        return word_buttons(run, finding, self._session.work, decide, edit)

    def _go_to(self, run: ModelRun, finding: Finding) -> None:
        self._session.events.send(GoTo(run.series_uid, finding.centroid))

    def _choose_threshold(self, run: ModelRun, score: float) -> None:
        book = self._session.book
        if book is not None:
            others = tuple(t for t in book.work.thresholds if t.run_id != run.id)
            name = say("Choose how much is shown")
            book.change(name, thresholds=(*others, Threshold(run_id=run.id, score=score)))

    def _buttons(self, run: ModelRun, decision: Decision | None) -> QWidget:
        said = decision.decision if decision is not None else "suggested"
        holds = decision is not None and decision.is_for
        accept = button(
            tr("Accepted") if holds else tr("Accept"),
            "primary" if said != "rejected" else "",
            partial(self._decide, run, "suggested" if holds else "accepted"),
        )
        away = button(tr("Remove"), "link", partial(self._hide, run))
        reject = button(
            tr("Rejected") if said == "rejected" else tr("Reject"),
            "",
            partial(self._decide, run, "suggested" if said == "rejected" else "rejected"),
        )
        for made, is_on in ((accept, holds), (reject, said == "rejected")):
            made.setCheckable(True)
            made.setChecked(is_on)
        why = button(tr("Why"), "", partial(self._show_why, run))
        return row(accept, reject, why, None, away)

    def _refusal_card(self, run: ModelRun) -> Card:
        card = Card()
        title = label(tr(run.model.title or run.model.name), "title")
        title.setStyleSheet(f"color: {tokens().muted};")
        words = {
            "refused": say("Refused: {reason}", reason=run.reason or ""),
            "failed": say("Failed: {reason}", reason=run.reason or ""),
            "cancelled": say("Stopped before it ended."),
        }
        card.add(title)
        about = self._subject(run)
        if about is not None:
            card.add(label(shown_number(about.text), "muted"))
        card.add(label(str(words.get(run.status, "")), "muted"))
        if run.status == "refused" and run.gate is not None and run.gate.can_override:
            answer = button(
                tr("I answer for it: run all the same"), "", partial(self.override_asked.emit, run)
            )
            answer.setToolTip(tr("Your name and the time stand on the result."))
            card.add(row(answer, None))
        away = button(tr("Remove"), "link", partial(self._hide, run))
        card.add(row(label(f"{run.model.name} {run.model.version}", "faint"), None, away))
        return card

    # -- what the reader does ----------------------------------------------------------------

    def _choose(self, run: ModelRun) -> None:
        self._open = run.id
        place = next((f.centroid for f in run.findings if f.centroid is not None), None)
        about = self._subject(run)
        if place is None and about is not None:
            place = about.points[0]
        self._session.events.send(GoTo(run.series_uid, place))
        self.retranslate()

    @property
    def _has_documents(self) -> bool:
        patient = self._session.patient
        return patient is not None and bool(self._session.documents.of(patient))

    def _ask_record(self, run: ModelRun) -> None:
        queries = dict.fromkeys(query_of(finding) for finding in run.findings)
        self._session.events.send(ShowSource("mentions:" + " | ".join(queries)))

    def _decide(self, run: ModelRun, decision: str) -> None:
        self._session.made.decide_all([finding.id for finding in run.findings], decision)

    def _show_why(self, run: ModelRun) -> None:
        self._why = "" if self._why == run.id else run.id
        book = self._session.book
        if self._why and book is not None:
            ids = {finding.id for finding in run.findings}
            book.change(say("Show why"), explained=tuple(sorted(ids | set(book.work.explained))))
            self.why_opened.emit(run)
        self.retranslate()

    def _hide(self, run: ModelRun) -> None:
        book = self._session.book
        if book is not None:
            book.change(say("Remove a result"), hidden_runs=(*book.work.hidden_runs, run.id))

    def _reasons(self, run: ModelRun) -> list[QWidget]:
        reasons = _reasons(run)
        can_be_asked = structures(run) and not run.subject
        if self.looks is not None and (run.heatmaps or can_be_asked):
            said = sum(finding.explanation is not None for finding in run.findings)
            reasons.insert(said, WhyBox(run, structures(run), self.looks))
        return reasons

    # -- risk --------------------------------------------------------------------------------

    def _from_risk(self) -> list[QWidget]:
        cards: list[QWidget] = []
        for result in self._session.risks():
            about_image = any(item.source.kind in ("ruler", "model") for item in result.inputs)
            if result.status != "computed" or not about_image:
                continue
            card = Card()
            score = tr(titles().get(result.score, result.score))
            number = label(result.shown, "number", wrap=False)
            card.add(
                row(label(score, "title"), None, number, label(result.unit, "small", wrap=False))
            )
            if result.advice is not None:
                card.add(label(str(result.advice), "muted"))
            cards.append(card)
        return [label(tr("FROM RISK"), "caption"), *cards] if cards else []


def add_badge(card: Card, run: ModelRun) -> None:
    """Say on a run's card that nobody known vouches for its model."""
    mark = badge(run.model.signature)
    if mark is not None:
        card.add(label(str(mark), "warn"))


def titles() -> dict[str, str]:
    """The English titles of the scores by id."""
    from medview.risk import catalogue

    return {score.id: score.title.template for score in catalogue().values()}


def sureness(probability: float) -> str:
    """The word for a probability: how far it is from even."""
    distance = abs(probability - 0.5)
    return tr("sure") if distance >= 0.4 else tr("fairly sure") if distance >= 0.2 else tr("unsure")


def _doubt(run: ModelRun) -> str:
    if run.gate is None:
        return ""
    said = [str(check.said) for check in run.gate.checks if not check.ok]
    word = run.gate.override
    if word is not None:
        said.append(
            tr("{reader} answered for it, {time}.", reader=word.by or tr("A reader"),
               time=word.at[:16].replace("T", " "))
        )  # fmt: skip
    return " ".join(said)


def _origin(run: ModelRun, words: Sequence[Decision | None]) -> str:
    parts = [f"{run.model.name} {run.model.version}", run.device]
    decision = common_word(words)
    if decision is not None:
        parts.append(f"{verbs()[decision.decision]} {decision.at[11:16]} {decision.by}".strip())
    else:
        parts.append(tr("partly confirmed") if any(words) else tr("not confirmed"))
    return " · ".join(parts)


def _waits(session: Session, active: Place) -> bool:
    """Whether the study that is looked at waits for the reader's first opinion."""
    return first_look_of(session.work, active.study.uid) is None


def _doubts(verdict: GateVerdict) -> str:
    return " ".join(str(check.said) for check in verdict.checks if not check.ok)


def _reasons(run: ModelRun) -> list[QWidget]:
    lines = [finding.explanation for finding in run.findings if finding.explanation is not None]
    widgets: list[QWidget] = [label(str(line), "muted") for line in lines]
    if run.heatmaps:
        widgets.append(
            label(
                tr("The heatmap shows what the model used, not the outline of a lesion."), "muted"
            )
        )
    for check in run.gate.checks if run.gate is not None else ():
        sign = "✓" if check.ok else "✗"
        widgets.append(label(f"{sign} {check.said}", "small"))
    widgets += [label(str(note), "small") for note in run.notes]
    seconds = tr("{seconds} s, {precision}", seconds=percent(run.seconds), precision=run.precision)
    widgets.append(label(seconds, "faint"))
    return widgets

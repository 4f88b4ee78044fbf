"""Runs of models as cards: what was found, why, and the reader's word; refusals in grey."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from medview.ai.signature import badge
from medview.core.made_names import shown_number
from medview.core.numbers import percent
from medview.core.results import Finding, Measurement, ModelRun
from medview.core.words import say, tr
from medview.gui.cards import Card, button, label, row
from medview.gui.panels.finding_rows import detection_row, measure_rows, probability_rows
from medview.gui.panels.result_cards import (
    common_word,
    detection_slider,
    verbs,
    word_buttons,
)
from medview.gui.panels.why_box import Looks, WhyBox
from medview.gui.style import tokens
from medview.session import Session
from medview.session.decided import state_of
from medview.session.events import GoTo, ShowSource
from medview.session.looks import structures
from medview.session.mentions import query_of
from medview.session.nodules import is_outdated
from medview.session.work import Decision, Threshold


class RunCards(QObject):
    """Makes the cards; one is open, of one the reasons are shown."""

    changed = Signal()  # another card is open, or its reasons are
    override_asked = Signal(object)  # a refused run that the reader answers for
    why_opened = Signal(object)  # the run whose reasons are shown
    edit_asked = Signal(object, object)  # a run, its finding whose mask is to be put right
    origin_asked = Signal(object)  # a run: where it comes from

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.looks: Looks | None = None
        self._open = ""
        self._why = ""

    def widgets(self) -> list[QWidget]:
        """Runs with their findings, the newest first, then those that did not run."""
        active = self._session.active
        if active is None:
            return []
        runs = list(reversed(self._session.made.runs_of(active)))
        shown = [self._run_card(run) for run in runs if run.status == "run"]
        return [*shown, *(self._refusal_card(run) for run in runs if run.status != "run")]

    def open(self, run: ModelRun) -> None:
        """Open the card of a run and go to its place."""
        self._open = run.id
        place = next((f.centroid for f in run.findings if f.centroid is not None), None)
        about = self._subject(run)
        if place is None and about is not None:
            place = about.points[0]
        self._session.events.send(GoTo(run.series_uid, place))
        self.changed.emit()

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
        card.clicked.connect(partial(self.open, run))
        return card

    def _subject(self, run: ModelRun) -> Measurement | None:
        """The measurement that a run is about, None where it is about the whole stack."""
        measured = self._session.work.measurements if run.subject else ()
        return next((m for m in measured if m.id == run.subject), None)

    def _add_findings(self, card: Card, run: ModelRun) -> None:
        work = self._session.work
        for finding in run.findings:
            if finding.kind == "detection":
                goes = partial(self._go_to, run, finding)
                card.add(detection_row(finding, goes, self._words(run, finding)))
            elif finding.probability is not None:
                card.add(*probability_rows(finding))
            else:
                card.add(*measure_rows(run, finding, work, partial(self._words, run, finding)))
        card.add(*detection_slider(run, work, partial(self._choose_threshold, run)))

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
        self.changed.emit()

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


def add_badge(card: Card, run: ModelRun) -> None:
    """Say on a run's card that nobody known vouches for its model."""
    mark = badge(run.model.signature)
    if mark is not None:
        card.add(label(str(mark), "warn"))


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

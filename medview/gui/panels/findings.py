"""The findings panel: one card a run, refusals in grey, the reader's measurements below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.results import GateVerdict
from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import CardColumn, empty_state, label
from medview.gui.panels.from_risk import FromRisk
from medview.gui.panels.growth_cards import growth_widgets
from medview.gui.panels.measurement_cards import MeasurementCards
from medview.gui.panels.result_cards import (
    first_look_card,
    offer_card,
)
from medview.gui.panels.run_cards import RunCards
from medview.gui.panels.segments import TOOLS as SEGMENT_TOOLS
from medview.gui.panels.segments import SegmentsCard
from medview.session import Session
from medview.session.analysis import Task
from medview.session.events import (
    ActiveChanged,
    Event,
    KnowledgeChanged,
    LinksChanged,
    SegmentsCounted,
)
from medview.session.first_look import first_look_of
from medview.session.studies import Place


class FindingsPanel(QWidget):
    """Cards of the active patient; a click goes there, the buttons decide."""

    action_asked = Signal(str)  # an action's name
    brush_changed = Signal()
    offer_taken = Signal(object)  # a task that was offered
    looked = Signal(str)  # the reader's first opinion

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tool = ""
        self._segments: SegmentsCard | None = None
        self._offers: tuple[Task, ...] = ()
        self._column = CardColumn()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column)
        self.runs = RunCards(session, self)
        self.runs.changed.connect(self.retranslate)
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

    def show_finding(self, finding_id: str) -> None:
        """Open the card of a finding and go to its place."""
        for found in self._session.made.findings:
            if found.finding.id == finding_id:
                self.runs.open(found.run)

    def retranslate(self) -> None:
        """Build the cards again, in the current language."""
        self._column.setAccessibleName(tr("Findings"))
        active = self._session.active
        widgets: list[QWidget] = []
        if active is not None:
            if self._session.settings.look_first and _waits(self._session, active):
                widgets.append(first_look_card(self.looked.emit))
            widgets += self._offered()
            widgets += self.runs.widgets()
            widgets += self._cards.widgets()
            widgets += growth_widgets(self._session)
            widgets += self._segment_cards()
            if widgets:  # what no measurement or model says has no score here
                widgets.append(FromRisk(self._session))
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


def _waits(session: Session, active: Place) -> bool:
    """Whether the study that is looked at waits for the reader's first opinion."""
    return first_look_of(session.work, active.study.uid) is None


def _doubts(verdict: GateVerdict) -> str:
    return " ".join(str(check.said) for check in verdict.checks if not check.ok)

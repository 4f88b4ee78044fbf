"""The right panel: tabs for findings, record, risk and report, each with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.panels.findings import FindingsPanel
from medview.gui.panels.risk import RiskPanel
from medview.gui.style import GRID, RIGHT_PANEL, tokens
from medview.session import Session
from medview.session.events import DocumentsChanged, Event, KnowledgeChanged, WorkChanged

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel, Run
    from medview.gui.panels.report import ReportPanel

TABS = ("findings", "record", "risk", "report")


class Sidebar(QWidget):
    """One panel at a time; the tab says how much is in it.

    run: does slow work in a thread and hands its result on.
    """

    tab_changed = Signal(str)
    record_made = Signal(object)  # the RecordPanel

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__()
        self._session, self._run = session, run
        self.setFixedWidth(RIGHT_PANEL)
        self.findings = FindingsPanel(session)
        self.risk = RiskPanel(session)
        self._record: RecordPanel | None = None
        self._report: ReportPanel | None = None
        self._empty = {"record": QWidget(), "report": QWidget()}  # until they are made
        self._stack = QStackedWidget()
        self._tabs: dict[str, QToolButton] = {}
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, 0, GRID, 0)
        bar.setSpacing(0)
        panels = (self.findings, self._empty["record"], self.risk, self._empty["report"])
        for name, panel in zip(TABS, panels, strict=True):
            tab = QToolButton()
            tab.setCheckable(True)
            tab.setFixedHeight(40)
            tab.clicked.connect(lambda _checked=False, n=name: self.show_tab(n))
            bar.addWidget(tab)
            self._tabs[name] = tab
            self._stack.addWidget(panel)
        bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._stack, 1)
        SessionBridge(session, self).heard.connect(self._hear)
        self.risk.counted.connect(self._name_tabs)
        self.show_tab("findings")

    def show_tab(self, name: str) -> None:
        """Bring one panel to the front."""
        place = TABS.index(name) if name in TABS else 0
        if name == "record":
            self.make_record()
        elif name == "report":
            self._make_report()
        self._stack.setCurrentIndex(place)
        for number, tab in enumerate(self._tabs.values()):
            tab.setChecked(number == place)
        self._name_tabs()
        self.tab_changed.emit(TABS[place])

    @property
    def tab(self) -> str:
        """The panel that is in front."""
        return TABS[self._stack.currentIndex()]

    @property
    def record(self) -> RecordPanel:
        """Made when it is first asked for, as the report is."""
        return self.make_record()

    @property
    def report(self) -> ReportPanel:
        """Made when it is first asked for: the window answers a tenth sooner without it."""
        return self._make_report()

    def save_report(self) -> None:
        """Ask for a name and save the report there."""
        self.report.save_pdf()

    def save_objects(self) -> None:
        """Ask for a folder and write results and measurements there as DICOM."""
        self.report.save_objects()

    @property
    def is_busy(self) -> bool:
        """Whether a page of the report is being made or something saved."""
        return self._report is not None and self._report.is_busy

    def retranslate(self) -> None:
        """Say everything again in the current language."""
        self._name_tabs()
        self.findings.retranslate()
        self.risk.retranslate()
        if self._record is not None:
            self._record.retranslate()
        if self._report is not None:
            self._report.retranslate()

    def make_record(self) -> RecordPanel:
        """The panel, in its place."""
        if self._record is None:
            from medview.gui.panels.record import RecordPanel

            self._record = RecordPanel(self._session, run=self._run)
            self._put("record", self._record)
            self.record_made.emit(self._record)
        return self._record

    def _make_report(self) -> ReportPanel:
        if self._report is None:
            from medview.gui.panels.report import ReportPanel

            self._report = ReportPanel(self._session)
            self._put("report", self._report)
        return self._report

    def _put(self, name: str, panel: QWidget) -> None:
        """A panel in the place of the empty one that stood for it."""
        empty = self._empty.pop(name)
        self._stack.insertWidget(self._stack.indexOf(empty), panel)
        self._stack.removeWidget(empty)
        empty.deleteLater()

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkChanged | DocumentsChanged | KnowledgeChanged):
            self._name_tabs()

    def _name_tabs(self) -> None:
        patient = self._session.patient
        counts = {
            "findings": self.findings.count,
            "record": len(self._session.documents.of(patient)) if patient else 0,
            "risk": self.risk.computed,
            "report": 0,
        }
        names = {
            "findings": tr("Findings"),
            "record": tr("Record"),
            "risk": tr("Risk"),
            "report": tr("Report"),
        }
        for name, tab in self._tabs.items():
            count = f"  {counts[name]}" if counts[name] else ""
            tab.setText(names[name] + count)
            tab.setAccessibleName(names[name])
            under = tokens().accent if tab.isChecked() else "transparent"
            tint = tokens().text if tab.isChecked() else tokens().muted
            tab.setStyleSheet(
                f"border: none; border-bottom: 2px solid {under}; border-radius: 0;"
                f"color: {tint}; background: transparent; padding: 0 8px;"
            )

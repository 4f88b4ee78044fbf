"""The right panel: tabs for findings, record, risk and report, each with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.panels.findings import FindingsPanel
from medview.gui.panels.record import RecordPanel
from medview.gui.panels.risk import RiskPanel
from medview.gui.style import GRID, RIGHT_PANEL, tokens
from medview.session import Session
from medview.session.events import DocumentsChanged, Event, KnowledgeChanged, WorkChanged

if TYPE_CHECKING:
    from medview.gui.panels.report import ReportPanel

TABS = ("findings", "record", "risk", "report")


class Sidebar(QWidget):
    """One panel at a time; the tab says how much is in it."""

    tab_changed = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setFixedWidth(RIGHT_PANEL)
        self.findings = FindingsPanel(session)
        self.record = RecordPanel(session)
        self.risk = RiskPanel(session)
        self._report: ReportPanel | None = None
        self._no_report = QWidget()
        self._stack = QStackedWidget()
        self._tabs: dict[str, QToolButton] = {}
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, 0, GRID, 0)
        bar.setSpacing(0)
        for name, panel in zip(
            TABS, (self.findings, self.record, self.risk, self._no_report), strict=True
        ):
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
        if name == "report":
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
        self.record.retranslate()
        self.risk.retranslate()
        if self._report is not None:
            self._report.retranslate()

    def _make_report(self) -> ReportPanel:
        if self._report is None:
            from medview.gui.panels.report import ReportPanel

            self._report = ReportPanel(self._session)
            self._stack.insertWidget(self._stack.indexOf(self._no_report), self._report)
            self._stack.removeWidget(self._no_report)
            self._no_report.deleteLater()
        return self._report

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

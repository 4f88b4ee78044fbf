"""A white page in the dark panel: the report's document at the width that is there."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QPalette, QResizeEvent, QTextDocument
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from medview.gui.style import RADIUS_CARD
from medview.report import ReportContent, report_document

_PAGE, _INK = "#ffffff", "#1b2126"
_MARGIN = 16


class ReportPage(QTextBrowser):
    """Shows a ReportContent; paper is white in either theme, and what is read stays in place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: ReportContent | None = None
        self._document: QTextDocument | None = None
        self._width = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setViewportMargins(_MARGIN, _MARGIN, _MARGIN // 2, _MARGIN)
        self.setStyleSheet(
            f"QTextBrowser {{ background: {_PAGE}; color: {_INK}; border: none; padding: 0;"
            f" border-radius: {RADIUS_CARD}px; }}"
        )
        palette = self.viewport().palette()
        palette.setColor(QPalette.ColorRole.Base, QColor(_PAGE))
        palette.setColor(QPalette.ColorRole.Text, QColor(_INK))
        self.viewport().setPalette(palette)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(60)
        self._settle.timeout.connect(self._lay_out)

    def show_content(self, content: ReportContent) -> None:
        """Set the page; the place that was scrolled to is kept."""
        self._content = content
        self._width = 0
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pictures follow the width once it has settled."""
        super().resizeEvent(event)
        self._settle.start()

    def _lay_out(self) -> None:
        width = self.viewport().width()
        if self._content is None or width < 50 or width == self._width:
            return
        self._width = width
        place = self.verticalScrollBar().value()
        document = report_document(self._content, width)
        document.setParent(self)
        self.setDocument(document)
        if self._document is not None:
            self._document.deleteLater()
        self._document = document
        self.verticalScrollBar().setValue(place)

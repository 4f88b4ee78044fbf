"""The report as PDF: A4, fonts embedded, text that can be selected, the notice on every page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPageLayout,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QTextDocument,
)

from medview.core.files import write_whole
from medview.core.words import say
from medview.report.characters import with_true_characters
from medview.report.content import Headings, ReportContent
from medview.report.document import PAGE_WIDTH, keep_together, report_document, report_font

_DPI = 1200
_SCALE = _DPI / 96
_MARGIN_MM = 20.0
_PAGE_HEIGHT = 971  # A4 less 20 mm above and below, in pixels of 1/96 inch
_FOOTER = 44
_INK, _MUTED, _LINE, _WARN = "#1b2126", "#56626b", "#d3dade", "#8a5a00"


def write_pdf(content: ReportContent, path: Path) -> Path:
    """Write the report as PDF, mode 0600. Raises WriteFailed; may run in any thread once a
    QGuiApplication exists."""
    return write_whole(path, pdf_bytes(content))


def pdf_bytes(content: ReportContent) -> bytes:
    """The PDF in memory."""
    document = report_document(content)
    document.setPageSize(QSizeF(PAGE_WIDTH, _PAGE_HEIGHT - _FOOTER))
    keep_together(document)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM),
            QPageLayout.Unit.Millimeter,
        )
    )
    # The document's title shows in a viewer's window, which the system may keep: no patient there.
    writer.setTitle(content.heading(say("Report")))
    writer.setCreator(f"MedView {content.version}")
    painter = QPainter(writer)
    painter.scale(_SCALE, _SCALE)
    pages = document.pageCount()
    for page in range(pages):
        if page:
            writer.newPage()
        _draw_page(painter, document, page)
        _draw_footer(painter, content, page + 1, pages)
    painter.end()
    buffer.close()
    return with_true_characters(bytes(data.data()), document.toPlainText() + _footer(content, 0, 0))


def _draw_page(painter: QPainter, document: QTextDocument, page: int) -> None:
    height = _PAGE_HEIGHT - _FOOTER
    area = QRectF(0, page * height, PAGE_WIDTH, height)
    painter.save()
    painter.translate(0, -page * height)
    context = QAbstractTextDocumentLayout.PaintContext()
    # A line that only touches the edge belongs to the next page: Qt would write it on both.
    context.clip = area.adjusted(0, 1, 0, -1)
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Text, QColor(_INK))  # whatever theme the window wears
    context.palette = palette
    painter.setClipRect(area)
    document.documentLayout().draw(painter, context)
    painter.restore()


def _draw_footer(painter: QPainter, content: ReportContent, page: int, pages: int) -> None:
    top = _PAGE_HEIGHT - _FOOTER + 10
    painter.setPen(QColor(_LINE))
    painter.drawLine(0, top, PAGE_WIDTH, top)
    painter.setFont(report_font(10))
    line = QRectF(0, top + 4, PAGE_WIDTH, 14)
    left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
    notice, number, who, made = _footer(content, page, pages).split("\n")
    painter.setPen(QColor(_WARN))
    painter.drawText(line, left, notice)
    painter.setPen(QColor(_MUTED))
    painter.drawText(line, right, number)
    below = line.translated(0, 14)
    painter.drawText(below, left, who)
    painter.drawText(below, right, made)


def _footer(content: ReportContent, page: int, pages: int) -> str:
    """Its four texts, one a line."""
    number = say(Headings.page.template, page=page, pages=pages)
    who = " · ".join(part for part in (content.patient_name, content.patient_id) if part)
    made = say(Headings.made.template, date=content.date, version=content.version)
    parts = (content.notice, content.heading(number), who, content.heading(made))
    return "\n".join(" ".join(part.split()) for part in parts)

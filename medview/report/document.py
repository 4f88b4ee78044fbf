"""The report as one Qt text document, for the page on the screen and the PDF alike."""

from __future__ import annotations

import os
import sys
from html import escape

import numpy as np
from PySide6.QtCore import QSizeF, QUrl
from PySide6.QtGui import (
    QFont,
    QFontDatabase,
    QGuiApplication,
    QImage,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from medview.core.words import Sentence
from medview.report.content import (
    Headings,
    KeyImage,
    ReportContent,
    ReportFinding,
    ReportRisk,
    inputs_by_source,
)

# At 96 dots an inch; the PDF is drawn at a finer scale from the same layout.
PAGE_WIDTH = 643  # A4 less 20 mm on either side
_GAP = 12
_INK, _MUTED, _LINE, _WARN = "#1b2126", "#56626b", "#d3dade", "#8a5a00"


_application: list[QGuiApplication] = []


def ensure_application() -> None:
    """Fonts need a QGuiApplication; commands have none until here, and no screen is asked for."""
    if QGuiApplication.instance() is None:
        if sys.platform.startswith("linux"):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        _application.append(QGuiApplication(["medview"]))


def report_font(pixels: int = 13) -> QFont:
    """The face of the report: Latin and Chinese in one line of families, no hinting to a grid."""
    present = set(QFontDatabase.families())
    wanted = ("Inter", "Noto Sans", "DejaVu Sans", "Segoe UI")
    latin = next((name for name in wanted if name in present), QFont().defaultFamily())
    chinese = [n for n in ("Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei") if n in present]
    font = QFont()
    font.setFamilies([latin, *chinese])
    font.setPixelSize(pixels)
    # Ligatures would come out of the PDF as characters of their own when text is copied.
    for tag in ("liga", "clig", "dlig"):
        font.setFeature(QFont.Tag(tag), 0)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def report_document(content: ReportContent, width: float = PAGE_WIDTH) -> QTextDocument:
    """The report laid out at a width in pixels of 1/96 inch.

    May be made in any thread; belongs to the one that made it.
    """
    ensure_application()
    document = QTextDocument()
    document.setUseDesignMetrics(True)
    document.setDocumentMargin(0)
    document.setDefaultFont(report_font())
    document.setDefaultStyleSheet(_SHEET)
    for number, image in enumerate(content.images):
        url = QUrl(f"medview:image/{number}")
        document.addResource(QTextDocument.ResourceType.ImageResource.value, url, _picture(image))
    document.setHtml(html_of(content, width))
    document.setPageSize(QSizeF(width, -1))
    return document


_SHEET = f"""
body {{ color: {_INK}; }}
.title {{ font-size: 20px; font-weight: 600; margin: 0; }}
h4 {{ font-weight: 600; margin: 16px 0 4px 0; }}
p {{ margin: 0 0 3px 0; }}
.muted {{ color: {_MUTED}; }}
.small {{ color: {_MUTED}; font-size: 11px; }}
.warn {{ color: {_WARN}; }}
.item {{ margin: 0 0 5px 0; }}
"""


def _picture(image: KeyImage) -> QImage:
    pixels = np.ascontiguousarray(image.pixels)
    rows, columns, _ = pixels.shape
    picture = QImage(pixels.data, columns, rows, columns * 3, QImage.Format.Format_RGB888)
    return picture.copy()  # QImage does not keep the array alive


def keep_together(document: QTextDocument) -> None:
    """Begin a new page before an item, or a heading with its first item, that would be torn.

    For a document with a page size. A table (key images) is left to Qt.
    """
    height = document.pageSize().height()
    for _ in range(document.pageCount()):
        torn = _first_torn(document, height)
        if torn is None:
            return
        layout = torn.blockFormat()
        layout.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
        QTextCursor(torn).setBlockFormat(layout)


def _first_torn(document: QTextDocument, height: float) -> QTextBlock | None:
    layout = document.documentLayout()
    heading: QTextBlock | None = None
    block = document.begin()
    while block.isValid():
        area = layout.blockBoundingRect(block)
        is_torn = int(area.top() // height) != int((area.bottom() - 1) // height)
        first = heading if heading is not None else block
        top = layout.blockBoundingRect(first).top()
        is_torn = is_torn or int(top // height) != int(area.top() // height)
        is_movable = area.height() < height / 3 and top % height > height / 3
        if is_torn and is_movable and QTextCursor(block).currentTable() is None:
            return first
        heading = block if block.blockFormat().headingLevel() else None
        block = block.next()
    return None


def html_of(content: ReportContent, width: float = PAGE_WIDTH) -> str:
    """The report as the HTML that Qt's text understands; all texts are escaped."""
    parts = [
        _header(content),
        _section(content, Headings.impression, _paragraphs(content.impression)),
        _images(content, width),
        _section(content, Headings.findings, _findings(content)),
        _section(content, Headings.measurements, _measurements(content)),
        _section(content, Headings.risks, "".join(_risk(risk) for risk in content.risks)),
        _section(content, Headings.unconfirmed, _unconfirmed(content)),
        _section(content, Headings.follow_ups, _flowing(content.follow_ups)),
        _section(content, Headings.highlights, _flowing(content.highlights)),
        _section(content, Headings.models, _lines(content.models, "small")),
        _section(content, Headings.not_run, _lines(content.not_run, "small")),
        _section(content, Headings.sources, _lines(content.sources, "small")),
        f'<p class="warn" style="margin-top:16px">{escape(content.notice)}</p>',
    ]
    return f"<body>{''.join(parts)}</body>"


def _header(content: ReportContent) -> str:
    who = " · ".join(part for part in (content.patient_name, content.patient_id) if part)
    lines = [f'<p class="title">{escape(content.title)}</p>', f'<p class="muted">{escape(who)}</p>']
    lines += [
        f'<p class="muted">{escape(" · ".join(line))}</p>'
        for line in (content.patient_lines, content.study_lines)
        if line
    ]
    return "".join(lines)


def _section(content: ReportContent, heading: Sentence, body: str) -> str:
    return f"<h4>{escape(content.heading(heading))}</h4>{body}" if body else ""


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())


def _lines(lines: tuple[str, ...], style: str = "") -> str:
    return "".join(f'<p class="{style}">{escape(line)}</p>' for line in lines)


def _flowing(items: tuple[str, ...]) -> str:
    return f'<p class="small">{escape(" · ".join(items))}</p>' if items else ""


def _images(content: ReportContent, width: float) -> str:
    """Two pictures side by side, of equal height in a row, captions below."""
    rows = []
    for start in range(0, len(content.images), 2):
        pair = content.images[start : start + 2]
        cells = []
        for offset, (image, size) in enumerate(zip(pair, _sizes(pair, width), strict=True)):
            cells.append(
                f'<td width="{size[0] + _GAP}" valign="top">'
                f'<img src="medview:image/{start + offset}" width="{size[0]}" height="{size[1]}">'
                f'<p class="small">{escape(image.caption)}</p></td>'
            )
        rows.append(f'<table cellspacing="0" cellpadding="0"><tr>{"".join(cells)}</tr></table>')
    return f'<p style="font-size:6px">&nbsp;</p>{"".join(rows)}' if rows else ""


def _sizes(pair: tuple[KeyImage, ...], width: float) -> list[tuple[int, int]]:
    """Width and height of the pictures of one row."""
    shapes = [image.pixels.shape for image in pair]
    aspects = [columns / rows for rows, columns, _ in shapes]
    # A single picture takes as much as it would in a pair, so that it does not shout.
    room = (width - 2 * _GAP) / max(sum(aspects), 2 * aspects[0] if len(pair) == 1 else 0)
    height = min(room, 0.55 * width)
    return [(round(height * aspect), round(height)) for aspect in aspects]


def _findings(content: ReportContent) -> str:
    said = content.heading(Headings.accepted_at)
    items = "".join(_finding(finding, said) for finding in content.accepted)
    if not items and (content.unconfirmed or content.models):
        items = f'<p class="muted">{escape(content.heading(Headings.none_accepted))}</p>'
    return items


def _finding(finding: ReportFinding, said: str = "") -> str:
    details = "&nbsp; " + escape(" · ".join(finding.details)) if finding.details else ""
    tail = " · ".join(part for part in (finding.model, said, finding.decided) if part)
    small = f'<br><span class="small">{escape(tail)}</span>' if tail else ""
    return f'<p class="item"><b>{escape(finding.title)}</b>{details}{small}</p>'


def _unconfirmed(content: ReportContent) -> str:
    return "".join(
        f'<p class="item muted">{escape(f.title)}'
        f"{escape(': ' + ', '.join(f.details) if f.details else '')}"
        f"{f' <span class=small>{escape(f.model)}</span>' if f.model else ''}</p>"
        for f in content.unconfirmed
    )


def _measurements(content: ReportContent) -> str:
    rows = "".join(
        f'<tr><td>{escape(m.name)}&nbsp;&nbsp;</td><td align="right">{escape(m.value)}</td>'
        f'<td class="small">&nbsp;&nbsp;{escape(m.where)}</td></tr>'
        for m in content.measurements
    )
    return f'<table cellspacing="0" cellpadding="1">{rows}</table>' if rows else ""


def _risk(risk: ReportRisk) -> str:
    head = f"<b>{escape(risk.title)}</b>&nbsp; {escape(risk.value)}"
    advice = (" · " if risk.value else "") + escape(risk.advice) if risk.advice else ""
    warnings = "".join(f'<br><span class="warn">{escape(w)}</span>' for w in risk.warnings)
    inputs = "; ".join(inputs_by_source(risk))
    small = "<br>".join(
        f'<span class="small">{escape(text)}</span>' for text in (inputs, risk.citation) if text
    )
    return f'<p class="item">{head}{advice}{warnings}{"<br>" + small if small else ""}</p>'

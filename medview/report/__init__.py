"""Findings, measurements and risks as a report: values in, PDF and text out.

Nothing is decided here: what stands under "accepted" was accepted by the reader. Front door:
`ReportContent` and its parts, `write_pdf`, `write_text`, `text_of`, `html_of`, `report_document`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from medview.report.content import (
    KeyImage,
    ReportContent,
    ReportFinding,
    ReportInput,
    ReportMeasurement,
    ReportRisk,
)
from medview.report.text import text_of, write_text

if TYPE_CHECKING:
    from medview.report.document import html_of, report_document
    from medview.report.pdf import write_pdf

__all__ = [
    "KeyImage",
    "ReportContent",
    "ReportFinding",
    "ReportInput",
    "ReportMeasurement",
    "ReportRisk",
    "html_of",
    "report_document",
    "text_of",
    "write_pdf",
    "write_text",
]

# QtGui comes when a page is drawn: a text report needs none of it.
_HOME = {"html_of": "document", "report_document": "document", "write_pdf": "pdf"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"medview.report.{_HOME[name]}"), name)

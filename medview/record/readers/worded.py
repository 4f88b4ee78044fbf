"""Documents that are a page of words: the text layer of a PDF, the words of an RTF file."""

from __future__ import annotations

from pathlib import Path

from medview.record.document import Document
from medview.record.readers.pdf import pdf_text
from medview.record.readers.plaintext import worded
from medview.record.readers.rtf import rtf_text


def read_pdf(data: bytes, path: Path) -> Document:
    """The text layer. Raises UnreadableInstance where there is none, or the file is damaged."""
    text, notes = pdf_text(data, path.name)
    return worded(data, path, text, kind="PDF", encoding="PDF", notes=notes)


def read_rtf(data: bytes, path: Path) -> Document:
    """The words. Raises UnreadableInstance where the file is damaged."""
    return worded(data, path, rtf_text(data, path.name), kind="RTF", encoding="RTF")

"""Texts as documents, and what is read in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.record import Document, Note, extract

Reader = Callable[..., Note]


@pytest.fixture
def read() -> Reader:
    """The note of a text."""

    def read_text(text: str, date: str = "") -> Note:
        document = Document(
            id="d0", path="note.txt", kind="text", date=date, text=text, narrative=((0, len(text)),)
        )
        return extract(document)

    return read_text

"""The text layer of a PDF, by PDFium; nothing in the file is run or followed."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say

_MAX_PAGES = 2000
_MAX_CHARACTERS = 20_000_000
_MAX_SECONDS = 60.0
_ALONE = threading.Lock()  # PDFium may be used by one thread at a time
# PDFium writes a hyphen at the end of a line as one of these.
_HYPHEN = re.compile(r"[\x02\ufffe\u00ad](?:\r?\n)?")


def pdf_text(
    data: bytes, where: str, clock: Callable[[], float] = time.monotonic
) -> tuple[str, list[Sentence]]:
    """(text, what is missing of it); an empty line stands between pages.

    Raises UnreadableInstance for a damaged or locked file, and for one without any text.
    """
    import pypdfium2 as pdfium

    notes: list[Sentence] = []
    with _ALONE:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as error:
            raise _unreadable(str(error), where) from error
        try:
            count = len(document)
            pages = list(_pages(document, count, notes, clock() + _MAX_SECONDS, clock))
        except pdfium.PdfiumError as error:
            raise _unreadable(str(error), where) from error
        finally:
            document.close()
    text = "\n\n".join(page for page in pages if page)
    if not text.strip():
        raise UnreadableInstance(
            say("The PDF has no text, only pictures ({count} {count:page|pages}).", count=count),
            where,
            what_to_do=say("Recognise its text with another program and open the result."),
        )
    return text, notes


def _pages(
    document: Any,
    count: int,
    notes: list[Sentence],
    until: float,
    clock: Callable[[], float],
) -> Iterator[str]:
    length = 0
    for number in range(min(count, _MAX_PAGES)):
        if length > _MAX_CHARACTERS or clock() > until:
            notes.append(
                say(
                    "Only the first {read} of {count} {count:page|pages} were read.",
                    read=number,
                    count=count,
                )
            )
            return
        page = document[number]
        try:
            words = page.get_textpage()
            text = _HYPHEN.sub("-", words.get_text_bounded() or "")
            words.close()
        finally:
            page.close()
        text = text.replace("\r\n", "\n").replace("\x00", "").strip()
        length += len(text)
        if not text:
            notes.append(say("Page {number} has no text, only pictures.", number=number + 1))
        yield text
    if count > _MAX_PAGES:
        notes.append(
            say(
                "Only the first {read} of {count} {count:page|pages} were read.",
                read=_MAX_PAGES,
                count=count,
            )
        )


def _unreadable(said: str, where: str) -> UnreadableInstance:
    if "password" in said.lower():
        return UnreadableInstance(
            say("The PDF is locked with a password."),
            where,
            what_to_do=say("Save it without the password and open that file."),
        )
    return UnreadableInstance(
        say("The PDF is damaged."),
        where,
        detail=said[:80],
        what_to_do=say("Save it again in the program that wrote it."),
    )

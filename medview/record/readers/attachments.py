"""Documents inside documents: base64 text, HTML, RTF, PDF; nothing is written or followed."""

from __future__ import annotations

import base64
import binascii
import re

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.record.encoding import decode
from medview.record.readers.page import Page, plain_text
from medview.record.readers.pdf import pdf_text
from medview.record.readers.plaintext import identity_in
from medview.record.readers.rtf import rtf_text

_MOST_BYTES = 48 << 20
_HTML = re.compile(rb"\s*<(?:!doctype html|html|body|div|p|\?xml)\b", re.IGNORECASE)


def attachment_text(page: Page, kind: str, data: str, date: str = "", place: str = "") -> None:
    """Show a base64 attachment: text, HTML, RTF and PDF are read, other kinds named in a note.

    kind: its media type as the file says; the bytes decide. date: ISO, where it is not the
    document's. place: where in the file it stands, for the note.
    """
    where = place or page.title or "-"
    try:
        raw = base64.b64decode(re.sub(r"\s+", "", data), validate=True)
    except (binascii.Error, ValueError):
        page.notes.append(
            say(
                "An attachment could not be read: its base64 text is damaged ({where}).",
                where=where,
            )
        )
        return
    attached(page, kind, raw, date, where)


def attached(page: Page, kind: str, raw: bytes, date: str = "", where: str = "-") -> None:
    """As attachment_text, of bytes that are already decoded."""
    kind = kind.split(";", maxsplit=1)[0].strip().lower()
    if len(raw) > _MOST_BYTES:
        page.notes.append(
            say("An attachment was not read: it is larger than {size} MB.", size=_MOST_BYTES >> 20)
        )
        return
    try:
        text = _text(page, kind, raw, where)
    except UnreadableInstance as error:
        page.notes.append(
            say("An attachment was not read ({where}): {why}", where=where, why=error.what)
        )
        return
    if text is None:
        page.notes.append(
            say("An attachment was not read ({kind}, {where}).", kind=kind or "?", where=where)
        )
    else:
        page.claims.append((where, identity_in(text, page.notes), page.free_text(text, date)))


def _text(page: Page, kind: str, raw: bytes, where: str) -> str | None:
    if raw.lstrip()[:5] == b"%PDF-" or b"%PDF-" in raw[:1024]:
        text, notes = pdf_text(raw, where)
        page.notes += notes
        return text
    if raw.lstrip().startswith(b"{\\rtf"):
        return rtf_text(raw, where)
    if "html" in kind or kind.endswith("xml") or _HTML.match(raw):
        return plain_text(decode(raw, where)[0])
    if kind in ("", "application/octet-stream") or "text" in kind or kind.endswith("/plain"):
        return decode(raw, where)[0] if raw.strip() else ""
    return None

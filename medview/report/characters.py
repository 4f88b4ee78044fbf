"""Chinese text in a PDF that can be searched and copied as it was written.

Chinese faces draw a radical (U+2E80-2FDF) and the character of the same shape with one glyph, and
Qt notes the radical as the glyph's meaning: a search for the character then finds nothing.
"""

from __future__ import annotations

import re

from PySide6.QtGui import QFont, QRawFont

from medview.report.document import report_font

_RADICALS = range(0x2E80, 0x2FE0)
_CMAP = re.compile(rb"begincmap.*?endcmap", re.DOTALL)
_CODE = re.compile(rb"<(2[EF][0-9A-F]{2})>")


def with_true_characters(pdf: bytes, text: str) -> bytes:
    """The PDF with each radical in its character maps replaced by the character of `text`.

    The length of every stream stays, so the file's cross references stay true.
    """
    meant = _meant_characters(text)

    def corrected(code: re.Match[bytes]) -> bytes:
        return b"<%04X>" % meant.get(int(code[1], 16), int(code[1], 16))

    return _CMAP.sub(lambda cmap: _CODE.sub(corrected, cmap[0]), pdf)


def _meant_characters(text: str) -> dict[int, int]:
    """Radical to the character of the text that the same glyph of some face draws."""
    written = {c for c in text if 0x3400 <= ord(c) <= 0xFFFF} - {chr(r) for r in _RADICALS}
    if not written:
        return {}
    meant: dict[int, int] = {}
    for family in report_font().families():
        face = QRawFont.fromFont(QFont(family))
        glyphs = {_glyph(face, character): ord(character) for character in written}
        glyphs.pop(0, None)
        for radical in _RADICALS:
            character = glyphs.get(_glyph(face, chr(radical)))
            if character is not None and chr(radical) not in text:
                meant[radical] = character
    return meant


def _glyph(face: QRawFont, character: str) -> int:
    """The glyph's number, 0 where the face has none."""
    found = face.glyphIndexesForString(character)
    return int(found[0]) if found else 0

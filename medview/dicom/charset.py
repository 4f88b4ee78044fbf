"""Texts of DICOM headers in all the character sets of PS3.3 C.12.1.1.2."""

from __future__ import annotations

import warnings

_PADDING = " \0"


def defined_terms(raw: bytes) -> tuple[str, ...]:
    """The values of Specific Character Set; one empty term where none is named."""
    return tuple(part.strip(_PADDING) for part in raw.decode("ascii", "replace").split("\\"))


def decode_text(raw: bytes, charsets: tuple[str, ...], *, is_name: bool = False) -> str:
    """A text value; bytes that the declared sets cannot explain become replacement marks.

    Names keep their component groups; trailing padding is removed.
    """
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii").strip(_PADDING)
    from pydicom.charset import convert_encodings, decode_bytes

    # A damaged name of a set may hold what Python's codecs refuse to look up.
    named = [term.replace("\0", "") for term in charsets] or [""]
    delimiters = {0x0D, 0x0A, 0x09, 0x0C, 0x5C} | ({0x5E, 0x3D} if is_name else set())
    with warnings.catch_warnings():
        # What cannot be decoded is seen in the text itself.
        warnings.simplefilter("ignore")
        text: str = decode_bytes(raw, convert_encodings(named), delimiters)
    return text.strip(_PADDING)

"""Names that the program gives: kept in English, shown in the language that is read now."""

from __future__ import annotations

from medview.core.words import tr


def shown_number(name: str) -> str:
    """ "Nodule 2" and its like in the current language; what the reader wrote stays as it is."""
    word, _, number = name.rpartition(" ")
    if number.isdecimal():
        if word == "Nodule":
            return tr("Nodule {number}", number=number)
        if word == "Segment":
            return tr("Segment {number}", number=number)
        if word == "Curve":
            return tr("Curve {number}", number=number)
    return name


def shown_name(name: str) -> str:
    """A name of a segment or an organ: numbered, or of the catalogue; others stay."""
    shown = shown_number(name)
    return tr(name) if shown == name and "{" not in name else shown

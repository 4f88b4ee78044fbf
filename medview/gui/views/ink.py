"""Colours, pens and type of the views, from the tokens of `medview.gui.style`."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QColor, QFont, QPen

from medview.core.words import current_language
from medview.gui.style import DARK, colour, corner_pixels, exact_font

# Views are black in every theme, so their ink is always the dark theme's.
INK = DARK
MARGIN = 10  # px between the frame and the corner texts


def plane_colour(plane: str, alpha: float = 1.0) -> QColor:
    """The colour of a plane's corner and of its line in other planes."""
    by_name = {"axial": INK.axial, "coronal": INK.coronal, "sagittal": INK.sagittal}
    return colour(by_name.get(plane, INK.line), alpha)


def pen(value: str | QColor, width: float = 1.0) -> QPen:
    """A pen whose width is in screen pixels, whatever the zoom."""
    result = QPen(QColor(value), width)
    result.setCosmetic(True)
    return result


def corner_font() -> QFont:
    """The face of corner texts: small, figures of equal width, in the size that is set."""
    return _face(corner_pixels(), current_language())


def letter_font() -> QFont:
    """The face of orientation letters."""
    return _face(corner_pixels() + 1, current_language(), semibold=True)


@cache
def _face(pixels: int, _language: str, *, semibold: bool = False) -> QFont:
    """Kept for each language: the Chinese face leads only where the words are Chinese."""
    return exact_font(pixels, semibold=semibold)

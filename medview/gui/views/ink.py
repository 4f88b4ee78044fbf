"""Colours, pens and type of the views, from the tokens of `medview.gui.style`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPen

from medview.core.words import current_language
from medview.gui.style import DARK, colour, corner_pixels, exact_font, has_han

# Views are black in every theme, so their ink is always the dark theme's.
INK = DARK
MARGIN = 10  # px between the frame and the corner texts


@cache
def plane_colour(plane: str, alpha: float = 1.0) -> QColor:
    """The colour of a plane's corner and of its line in other planes; not to be changed."""
    by_name = {"axial": INK.axial, "coronal": INK.coronal, "sagittal": INK.sagittal}
    return colour(by_name.get(plane, INK.line), alpha)


def pen(value: str | QColor, width: float = 1.0) -> QPen:
    """A pen whose width is in screen pixels, whatever the zoom."""
    result = QPen(QColor(value), width)
    result.setCosmetic(True)
    return result


@dataclass(frozen=True, slots=True)
class Face:
    """A type of the views: pixels high, weight, colour, and whether the Chinese face leads."""

    pixels: int
    is_semibold: bool
    leads_chinese: bool
    colour: str = INK.text

    def leading_with(self, text: str) -> Face:
        """The face for a text: behind a Latin face Qt takes the Chinese one in any weight."""
        return replace(self, leads_chinese=True) if has_han(text) else self


def corner_face(ink_colour: str = INK.text) -> Face:
    """The face of corner texts: small, figures of equal width, in the size that is set."""
    return _face(corner_pixels(), current_language(), ink_colour, semibold=False)


def letter_face() -> Face:
    """The face of orientation letters."""
    return _face(corner_pixels() + 1, current_language(), INK.text, semibold=True)


def corner_font() -> QFont:
    """The font of corner texts."""
    return font_of(corner_face())


def letter_font() -> QFont:
    """The font of orientation letters."""
    return font_of(letter_face())


@cache
def _face(pixels: int, language: str, ink_colour: str, *, semibold: bool) -> Face:
    return Face(pixels, semibold, language == "zh_CN", ink_colour)


@cache
def font_of(face: Face) -> QFont:
    """The font of a face."""
    return exact_font(face.pixels, semibold=face.is_semibold, leads_chinese=face.leads_chinese)


@cache
def metrics_of(face: Face) -> QFontMetricsF:
    """How large words of a face are."""
    return QFontMetricsF(font_of(face))

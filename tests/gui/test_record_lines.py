"""The lines under mentions can be told apart without colour, and seen in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from medview.gui.panels.record_lines import draw_line, legend_of, tint_of
from medview.gui.style import apply_theme, tokens
from medview.record.correcting import TYPES

GROUPS = ("disease", "symptom", "finding", "drug", "allergy", "lab", "anatomy", "date")


@pytest.fixture(params=["dark", "light"])
def theme(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[str]:
    apply_theme(qapp, request.param)
    yield request.param
    apply_theme(qapp, "dark")


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [c / 255 for c in QColor(colour).getRgb()[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def drawn(kind: str, *, is_broken: bool = False) -> NDArray[np.uint8]:
    """How dark each pixel is, whatever the colour."""
    image = QImage(60, 12, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    draw_line(painter, kind, 2, 58, 6, is_broken=is_broken)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(12, 60, 4)
    return pixels[..., 3].copy()


def test_every_kind_stands_out_from_the_card(theme: str) -> None:
    for kind in TYPES:
        assert contrast(tint_of(kind), tokens().surface_0) >= 3, (theme, kind)


@pytest.mark.parametrize(("one", "two"), list(combinations(GROUPS, 2)))
def test_kinds_differ_in_shape_and_not_in_colour_alone(one: str, two: str) -> None:
    first, second = drawn(one), drawn(two)

    assert (first != second).sum() > 0.08 * ((first > 0) | (second > 0)).sum()


@pytest.mark.parametrize("kind", GROUPS)
def test_what_is_denied_is_a_broken_line_of_its_kind(kind: str) -> None:
    whole, broken = drawn(kind), drawn(kind, is_broken=True)

    assert (broken.max(axis=0) > 0).sum() < 0.85 * (whole.max(axis=0) > 0).sum()
    assert broken.any()


def test_a_filter_shows_the_line_that_it_stands_for(qapp: QApplication) -> None:
    assert not legend_of("diseases").isNull()
    assert not legend_of("negated").isNull()
    assert legend_of("family").isNull()

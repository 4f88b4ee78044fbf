"""Colours of the look: contrast by WCAG 2.1, and apart for every kind of colour vision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from medview.gui.style import DARK, LIGHT, Tokens
from medview.imaging.colour_maps import colour_map
from medview.imaging.overlay import SAFE_COLOURS

THEMES = {"dark": DARK, "light": LIGHT}
# Machado, Oliveira and Fernandes 2009, table of severity 1.0, on linear RGB.
MACHADO = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
JUST_SEEN = 2.3  # CIE 1976 difference that is just seen (Mahy 1994)


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255


def linear(values: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(rgb(colour)) @ (0.2126, 0.7152, 0.0722))


def contrast(a: str, b: str) -> float:
    """WCAG 2.1, relative luminances."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(values: np.ndarray, vision: str) -> np.ndarray:
    """CIE L*a*b* (D65) of sRGB values as an eye of this vision sees them."""
    seen = np.clip(linear(values) @ MACHADO[vision].T, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = seen @ to_xyz.T / (0.9505, 1.0, 1.089)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


def test_the_formulas_agree_with_printed_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # WCAG's own example
    assert lab(np.array([1.0, 0, 0]), "normal") == pytest.approx((53.24, 80.09, 67.20), abs=0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_muted_text_have_their_contrast_on_every_surface(theme: str) -> None:
    tokens: Tokens = THEMES[theme]
    for surface in (tokens.surface_0, tokens.surface_1, tokens.surface_2):
        assert contrast(tokens.text, surface) >= 7, surface
        assert contrast(tokens.muted, surface) >= 4.5, surface


@pytest.mark.parametrize("theme", THEMES)
def test_words_in_colours_can_be_read_and_focus_is_seen(theme: str) -> None:
    """4.5:1 for words (WCAG 1.4.3), 3:1 for what only marks (1.4.11)."""
    tokens: Tokens = THEMES[theme]
    for surface in (tokens.surface_0, tokens.surface_1):
        for word in (tokens.good, tokens.warn, tokens.bad, tokens.accent):
            assert contrast(word, surface) >= 4.5, (word, surface)
    assert contrast(tokens.accent, tokens.surface_2) >= 3
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5


def test_words_over_the_images_can_be_read_in_both_themes() -> None:
    for word in (DARK.text, DARK.warn, DARK.accent, DARK.axial, DARK.coronal, DARK.sagittal):
        assert contrast(word, DARK.canvas) >= 4.5, word


@pytest.mark.parametrize("vision", MACHADO)
def test_label_colours_that_stand_side_by_side_stay_apart(vision: str) -> None:
    """Outlines 1.5 px wide need far more than what is just seen: four times of it at least."""
    colours = {name: lab(rgb(name), vision) for name in SAFE_COLOURS}
    for a, b in itertools.combinations(colours, 2):
        assert np.linalg.norm(colours[a] - colours[b]) > 4 * JUST_SEEN, (a, b)


@pytest.mark.parametrize("vision", MACHADO)
def test_plane_colours_are_told_apart_by_colour_or_by_where_they_stand(vision: str) -> None:
    """Crosshair lines: no two planes look alike to anyone."""
    colours = [lab(rgb(c), vision) for c in (DARK.axial, DARK.coronal, DARK.sagittal)]
    for a, b in itertools.combinations(colours, 2):
        assert np.linalg.norm(a - b) > 4 * JUST_SEEN


@pytest.mark.parametrize("vision", MACHADO)
@pytest.mark.parametrize("name", ["inferno", "viridis", "cividis"])
def test_heat_maps_grow_brighter_for_every_eye(name: str, vision: str) -> None:
    """Lightness rises from end to end, so that no value looks less than a smaller one."""
    lightness = lab(np.asarray(colour_map(name), float).reshape(-1, 3) / 255, vision)[::8, 0]

    assert (np.diff(lightness) > 0).all()
    assert lightness[-1] - lightness[0] > 50

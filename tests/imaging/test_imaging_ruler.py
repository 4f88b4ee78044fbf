"""The scale at a view's edge: round lengths that fit, round ticks."""

from __future__ import annotations

import math

import pytest

from medview.imaging.ruler import longest_ruler


@pytest.mark.parametrize(
    ("room", "length", "parts", "text"),
    [
        (104.0, 100.0, 10, "10 cm"),
        (99.9, 50.0, 5, "5 cm"),
        (50.0, 50.0, 5, "5 cm"),
        (27.0, 20.0, 4, "2 cm"),
        (10.0, 10.0, 10, "1 cm"),
        (9.0, 5.0, 5, "5 mm"),
        (0.6, 0.5, 5, "0.5 mm"),
        (640.0, 500.0, 5, "50 cm"),
    ],
)
def test_the_longest_round_length_that_fits(
    room: float, length: float, parts: int, text: str
) -> None:
    ruler = longest_ruler(room)

    assert ruler is not None
    assert ruler.length_mm == pytest.approx(length)
    assert (ruler.parts, ruler.text) == (parts, text)


@pytest.mark.parametrize("room", [0.0, -3.0, math.inf, math.nan])
def test_no_room_no_ruler(room: float) -> None:
    assert longest_ruler(room) is None

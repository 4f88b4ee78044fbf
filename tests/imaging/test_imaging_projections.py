"""Mammograms: how each stands, whichever way its pixels were stored."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.study import Projection
from medview.imaging.letters import edge_letters, patient_orientation
from medview.imaging.projections import common_scale, hanging_order, mammography_pose


def shown(projection: Projection) -> tuple[str, str, str, str]:
    """Letters at the left, right, upper and lower edge, by turning a picture of letters."""
    left, right, up, down = edge_letters(*patient_orientation(projection.orientation))
    picture = np.array([["", up, ""], [left, "", right], ["", down, ""]])
    pose = mammography_pose(projection)
    if pose.flip_h:
        picture = picture[:, ::-1]
    if pose.flip_v:
        picture = picture[::-1]
    picture = np.rot90(picture, -pose.turns)
    return picture[1, 0], picture[1, 2], picture[0, 1], picture[2, 1]


@pytest.mark.parametrize(
    "orientation", ["P\\F", "A\\F", "P\\H", "A\\H", "F\\P", "H\\P", "F\\A", "H\\A"]
)
@pytest.mark.parametrize("side", ["R", "L"])
def test_an_oblique_view_stands_with_chest_walls_inward_and_feet_down(
    side: str, orientation: str
) -> None:
    left, right, up, down = shown(Projection(laterality=side, view="MLO", orientation=orientation))
    assert (left, right) == (("A", "P") if side == "R" else ("P", "A"))
    assert (up, down) == ("H", "F")


@pytest.mark.parametrize("orientation", ["P\\L", "A\\L", "P\\R", "A\\R", "L\\P", "R\\A"])
@pytest.mark.parametrize(("side", "outer"), [("R", "R"), ("L", "L")])
def test_a_view_from_above_stands_with_its_outer_half_up(
    side: str, outer: str, orientation: str
) -> None:
    left, right, up, _ = shown(Projection(laterality=side, view="CC", orientation=orientation))
    assert (left, right) == (("A", "P") if side == "R" else ("P", "A"))
    assert up == outer


def test_a_film_that_stands_right_is_left_as_it_is() -> None:
    pose = mammography_pose(Projection(laterality="R", view="MLO", orientation="P\\FL"))
    assert (pose.flip_h, pose.flip_v, pose.turns, pose.edge) == (False, False, 0, "right")


def test_without_orientation_or_side_nothing_is_turned() -> None:
    assert mammography_pose(Projection(laterality="L", view="CC")).edge == "left"
    assert mammography_pose(Projection(view="CC", orientation="P\\L")).edge == ""
    odd = mammography_pose(Projection(laterality="R", view="CC", orientation="CR\\X"))
    assert (odd.flip_h, odd.turns) == (False, 0)


def film(title: str) -> Projection:
    return Projection(laterality=title[:1], view=title[1:])


@pytest.mark.parametrize(
    ("titles", "places"),
    [
        (["LMLO", "RCC", "LCC", "RMLO"], [1, 2, 3, 0]),
        (["RCC", "RCC", "LCC"], [0, 2, None, None]),
        (["RML", "LXCCL"], [None, 1, 0, None]),
        (["RML", "RMLO"], [None, None, 1, None]),
        ([], [None, None, None, None]),
    ],
)
def test_films_hang_right_beside_left_cc_above_mlo(titles: list[str], places: list) -> None:
    assert hanging_order(film(title) for title in titles) == places


def test_one_scale_fits_the_largest_film() -> None:
    assert common_scale([(240, 300), (180, 240)], [(600, 600), (600, 600)]) == 2.0

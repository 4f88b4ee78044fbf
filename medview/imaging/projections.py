"""Mammograms as they hang: chest walls meet, the right breast on the screen's left (IHE MAMMO)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medview.core.study import Projection, Stack
from medview.imaging.letters import opposite, patient_orientation

# In reading order: right and left, CC above MLO. What lies below decides which edge is the top.
_ORDER = ("RCC", "LCC", "RMLO", "LMLO")
_FROM_ABOVE = ("CC", "XCCL", "XCCM", "FB")
Letters = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pose:
    """How a picture is to stand: mirrored across or down, then turned by quarters clockwise.

    edge: `left` or `right`, the side of its tile that the chest wall touches; empty for none.
    """

    flip_h: bool = False
    flip_v: bool = False
    turns: int = 0
    edge: str = ""


def is_mammogram(modality: str, stack: Stack) -> bool:
    """Whether a stack hangs as a mammogram: one of modality MG whose side is known."""
    side = "" if stack.projection is None else stack.projection.laterality
    return modality == "MG" and side in ("R", "L")


def mammography_pose(projection: Projection) -> Pose:
    """How a mammogram stands by its Patient Orientation, with the fewest changes to its pixels.

    The chest wall (posterior) points to the middle between the two breasts; feet are down, in
    views from above the outer half of the breast is up (C.8.11.7, IHE RAD TF-2 4.16.4.2.2.1.1.2).
    As stored where the file does not say how it lies.
    """
    side = projection.laterality
    if side not in ("R", "L"):
        return Pose()
    right, down = patient_orientation(projection.orientation)
    edge = "right" if side == "R" else "left"
    if not right or not down:
        return Pose(edge=edge)
    wanted_right = "P" if side == "R" else "A"
    # Medial is the patient's left in the right breast.
    medial = "L" if side == "R" else "R"
    wanted_down = medial if projection.view in _FROM_ABOVE else "F"
    fits = [
        (down_now[0] != wanted_down, turns, flip_v + flip_h, Pose(flip_h, flip_v, turns, edge))
        for flip_h in (False, True)
        for flip_v in (False, True)
        for turns in (0, 1, 3)
        for right_now, down_now in [_posed((right, down), flip_h, flip_v, turns)]
        if right_now[0] == wanted_right
    ]
    # A view that runs obliquely may name another letter first: then only the chest wall decides.
    return min(fits, key=lambda fit: fit[:3])[3] if fits else Pose(edge=edge)


def _posed(letters: Letters, flip_h: bool, flip_v: bool, turns: int) -> Letters:
    right = opposite(letters[0]) if flip_h else letters[0]
    down = opposite(letters[1]) if flip_v else letters[1]
    for _ in range(turns):  # a clockwise quarter: what pointed up points right
        right, down = opposite(down), right
    return right, down


def hanging_order(projections: Iterable[Projection]) -> list[int | None]:
    """Which of some films stands in each place of 2 x 2 (RCC, LCC, RMLO, LMLO), None for none.

    A true lateral (ML, LM) takes the place of a missing oblique, other views from above that of a
    missing CC. Of several films of one view the first one stands.
    """
    films = list(projections)
    chosen: list[int | None] = []
    for title in _ORDER:
        side, view = title[0], title[1:]
        others = _FROM_ABOVE if view == "CC" else ("MLO", "ML", "LM", "LMO", "SIO", "ISO")
        ranked = [
            (others.index(film.view), number)
            for number, film in enumerate(films)
            if film.laterality == side and film.view in others
        ]
        chosen.append(min(ranked)[1] if ranked else None)
    return chosen


def common_scale(
    sizes_mm: Sequence[tuple[float, float]], tiles: Sequence[tuple[float, float]]
) -> float:
    """Screen pixels a millimetre with which every film (width, height) fits its tile (in pixels):
    one scale for all, so that breasts can be compared."""
    return min(
        min(tile[0] / size[0], tile[1] / size[1])
        for size, tile in zip(sizes_mm, tiles, strict=True)
    )

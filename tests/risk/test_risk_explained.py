"""What a result hangs on: the share of each input, and the range while one is not known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest

from medview.core.observation import Observation
from medview.risk import RiskResult, catalogue, compute

Typed = Callable[[str, Mapping[str, str | float | bool]], RiskResult]
_BROCK: dict[str, str | float | bool] = {
    "age": 67, "sex": "F", "nodule_diameter_max": "10.2mm", "nodule_type": "solid",
    "nodule_count": 1, "family_history_lung_cancer": True, "emphysema": True,
    "nodule_upper_lobe": True, "nodule_spiculated": True,
}  # fmt: skip


def test_a_contribution_is_the_coefficient_where_the_score_is_a_sum(typed: Typed) -> None:
    parts = {part.name: part for part in typed("brock", _BROCK).contributions}

    assert parts["nodule_spiculated"].effect == pytest.approx(0.7729)
    assert parts["family_history_lung_cancer"].effect == pytest.approx(0.2961)
    assert parts["sex"].effect == pytest.approx(0.6011)
    assert parts["age"].effect == pytest.approx(0.0287 * 7)
    assert "nodule_type" in parts  # solid is the usual one: no effect, and it is said


def test_without_the_family_history_it_is_what_a_no_gives(typed: Typed) -> None:
    result = typed("brock", _BROCK)
    other = typed("brock", {**_BROCK, "family_history_lung_cancer": False})

    without = {part.name: part.value for part in result.without}
    assert without["family_history_lung_cancer"] == other.value


@pytest.mark.parametrize("name", ["nodule_diameter_max", "nodule_spiculated", "nodule_count"])
def test_the_range_while_an_input_is_unknown_holds_every_answer(typed: Typed, name: str) -> None:
    gap = typed("brock", {key: value for key, value in _BROCK.items() if key != name})
    answers: list[str | float | bool] = {
        "nodule_diameter_max": [1, 6, 17, 30],
        "nodule_spiculated": [True, False],
        "nodule_count": [1, 4, 100],
    }[name]  # type: ignore[assignment]

    assert gap.status == "missing"
    assert gap.possible is not None
    values = [typed("brock", {**_BROCK, name: answer}).value or 0.0 for answer in answers]
    assert gap.possible[0] <= min(values) + 1e-9
    assert gap.possible[1] >= max(values) - 1e-9
    assert math.isclose(gap.possible[0], min(values)) or name == "nodule_count"


def test_a_group_the_score_has_no_term_for_is_refused_in_words(
    said: Callable[..., Observation],
) -> None:
    case = next(c for c in catalogue()["mesa-chd"].cases if c.status == "computed")
    known = [said(name, value) for name, value in case.inputs.items() if name != "race"]

    result = compute(catalogue()["mesa-chd"], [*known, said("race", "pacific islander")])

    assert result.status == "invalid"
    assert "Made for white, black, Hispanic" in str(result.reason)


def test_the_range_of_a_score_that_has_no_term_for_some_groups_is_found(
    said: Callable[..., Observation],
) -> None:
    case = next(c for c in catalogue()["mesa-chd"].cases if c.status == "computed")
    known = [said(name, value) for name, value in case.inputs.items() if name != "race"]

    result = compute(catalogue()["mesa-chd"], known)

    assert result.missing == ("race",)
    assert result.possible is not None

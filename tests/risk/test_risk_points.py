"""Tables of points and lists of rules: what they add up, and what they need not be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medview.risk import catalogue
from medview.risk.formulas import Inputs, NotKnown, formula
from medview.risk.formulas.conditions import holds
from medview.risk.formulas.points import classes, table

AGE = {"number": "age", "from": [[65, 1], [75, 2]]}


@pytest.mark.parametrize(("age", "points"), [(64.9, 0), (65.0, 1), (74.0, 1), (75.0, 2)])
def test_the_last_limit_that_is_reached_counts(age: float, points: float) -> None:
    assert table(Inputs({"age": age}), {"items": [AGE]}).value == points


@pytest.mark.parametrize(("albumin", "points"), [(2.7, 3), (2.8, 2), (3.4, 2), (3.5, 0)])
def test_the_lowest_limit_under_which_a_number_lies_counts(albumin: float, points: float) -> None:
    item = {"number": "albumin", "below": [[2.8, 3], [3.5, 2]]}

    assert table(Inputs({"albumin": albumin}), {"items": [item]}).value == points


def test_of_a_group_only_the_most_points_count_and_lower_ones_need_not_be_known() -> None:
    group = {"most": [{"yes": "dialysis", "points": 4}, {"yes": "diabetes", "points": 1}]}

    assert table(Inputs({"dialysis": True}), {"items": [group]}).value == 4
    with pytest.raises(NotKnown):
        table(Inputs({"diabetes": True}), {"items": [group]})


def test_one_part_that_is_known_can_settle_a_condition() -> None:
    yes, unknown = {"name": "ascites_seen", "is": True}, {"name": "fever", "is": True}
    known = Inputs({"ascites_seen": True})

    assert holds({"any": [unknown, yes]}, known)
    assert not holds({"all": [unknown, {"not": yes}]}, known)
    with pytest.raises(NotKnown):
        holds({"all": [unknown, yes]}, known)


def test_the_first_rule_that_holds_names_the_class() -> None:
    rules = [{"band": "high", "if": {"name": "psa", "above": 20}}, {"band": "low"}]

    assert [classes(Inputs({"psa": psa}), {"rules": rules}).band for psa in (20.0, 20.1)] == [
        "low",
        "high",
    ]


def _tables() -> list[str]:
    return [score.id for score in catalogue().values() if score.formula == "points.table"]


@given(st.data())
def test_no_answers_take_a_table_beyond_the_bar_on_which_it_is_drawn(data: st.DataObject) -> None:
    score = catalogue()[data.draw(st.sampled_from(_tables()))]
    values: dict[str, float | bool | str] = {}
    for spec in score.inputs:
        if spec.concept.kind == "yes-no":
            values[spec.name] = data.draw(st.booleans())
        elif spec.concept.kind == "choice":
            values[spec.name] = data.draw(st.sampled_from(spec.concept.choices))
        else:
            low, high = spec.valid or spec.concept.plausible or (0.0, 1.0)
            values[spec.name] = data.draw(st.floats(low, high))
    outcome = formula(score.formula)(Inputs(values), score.coefficients)

    assert outcome.value is not None
    if score.bar is not None and not any("times" in i for i in score.coefficients["items"]):
        assert score.bar[0] <= outcome.value <= score.bar[1]
    assert not score.bands or outcome.band or score.band_of(outcome.value) is not None

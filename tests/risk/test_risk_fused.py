"""One number for a nodule: Brock where nothing else is known, wider for every source that goes."""

from __future__ import annotations

import json
import math
import random

import pytest

from medview.core.observation import Observation, Source, concepts
from medview.core.paths import resources_dir
from medview.risk import catalogue, compute, judge, know
from medview.risk.result import RiskResult

_KINDS = {
    "nodule_diameter_max": "ruler", "nodule_malignancy_probability": "model",
    "nodule_type": "reader", "nodule_spiculated": "reader", "nodule_upper_lobe": "reader",
    "nodule_count": "reader", "emphysema": "model", "family_history_lung_cancer": "sentence",
    "age": "header", "sex": "header",
}  # fmt: skip
_DEMO: dict[str, float | bool | str] = {
    "nodule_diameter_max": 10.2, "nodule_malignancy_probability": 71.0, "nodule_type": "solid",
    "nodule_spiculated": True, "nodule_upper_lobe": True, "nodule_count": 1.0, "emphysema": True,
    "family_history_lung_cancer": True, "age": 67.0, "sex": "F",
}  # fmt: skip


def seen(
    values: dict[str, float | bool | str], net: tuple[float, float] | None = None
) -> list[Observation]:
    return [
        Observation(
            patient_id="", concept=name, value=value, unit=concepts()[name].unit,
            source=Source(kind=_KINDS[name]),
            interval=net if name == "nodule_malignancy_probability" else None,
        )
        for name, value in values.items()
    ]  # fmt: skip


def fused(values: dict[str, float | bool | str], *left_out: str) -> RiskResult:
    return judge(catalogue()["nodule-fused"], know(seen(values)), left_out=left_out)


def log_odds(percent: float) -> float:
    return math.log(percent / (100.0 - percent))


def width(result: RiskResult) -> float:
    assert result.interval is not None
    return log_odds(result.interval[1]) - log_odds(result.interval[0])


def test_without_the_net_it_is_brock_to_the_last_digit() -> None:
    known = {name: v for name, v in _DEMO.items() if name != "nodule_malignancy_probability"}

    brock = compute(catalogue()["brock"], seen(known))

    assert fused(known).value == pytest.approx(brock.value, abs=1e-9)


def test_half_of_the_nets_evidence_is_added_to_brocks_log_odds() -> None:
    brock = compute(catalogue()["brock"], seen(_DEMO)).value or 0.0
    expected = log_odds(brock) + 0.5 * (log_odds(71.0) - log_odds(29.3))

    assert log_odds(fused(_DEMO).value or 0.0) == pytest.approx(expected, abs=1e-9)


def test_a_certain_net_narrows_and_an_unsure_one_widens() -> None:
    sure = judge(catalogue()["nodule-fused"], know(seen(_DEMO, (68.0, 74.0))))
    unsure = judge(catalogue()["nodule-fused"], know(seen(_DEMO, (30.0, 95.0))))

    assert width(sure) < width(unsure)


@pytest.mark.parametrize("source", ["ruler", "model", "sentence", "reader", "header"])
def test_each_source_that_is_removed_widens_the_interval_on_the_screen(source: str) -> None:
    whole, rest = fused(_DEMO), fused(_DEMO, source)

    assert rest.status == "computed"
    assert rest.interval is not None
    assert whole.interval is not None
    assert width(rest) > width(whole)
    assert rest.interval[1] - rest.interval[0] > whole.interval[1] - whole.interval[0]
    assert source not in rest.shares


def test_no_input_of_any_nodule_narrows_the_odds_by_going() -> None:
    chance = random.Random(20261121)
    for _ in range(60):
        values = dict(_DEMO)
        values["nodule_diameter_max"] = chance.uniform(4.0, 30.0)
        values["nodule_malignancy_probability"] = chance.uniform(1.0, 99.0)
        values["nodule_type"] = chance.choice(["solid", "part-solid", "non-solid"])
        values["age"] = float(chance.randint(50, 75))
        values["sex"] = chance.choice(["F", "M"])
        values["nodule_count"] = float(chance.randint(1, 8))
        for name in ("nodule_spiculated", "emphysema", "family_history_lung_cancer"):
            values[name] = chance.random() < 0.5
        whole = width(fused(values))
        for name in values:
            assert width(fused(values, name)) >= whole - 1e-9, (name, values)


def test_the_shares_of_the_sources_add_up() -> None:
    shares = fused(_DEMO).shares

    assert set(shares) == {"ruler", "model", "sentence", "reader", "header"}
    assert sum(shares.values()) == pytest.approx(1.0)


def test_without_size_and_net_there_is_no_number() -> None:
    result = fused(_DEMO, "nodule_diameter_max", "nodule_malignancy_probability")

    assert (result.status, result.missing) == ("missing", ("nodule_diameter_max",))


def test_the_errors_are_those_of_the_intervals_that_the_paper_prints() -> None:
    """The middle of each printed interval of an odds ratio is the coefficient: no slip."""
    told = json.loads((resources_dir() / "scores" / "nodule-fused.json").read_text())
    brock = told["coefficients"]["brock"]
    printed = {
        "nodule_upper_lobe": (1.14, 3.27), "nodule_spiculated": (1.16, 4.05),
        "emphysema": (0.78, 2.33), "family_history_lung_cancer": (0.83, 2.17),
    }  # fmt: skip
    parts = {name: (brock["yes"][name], ends) for name, ends in printed.items()}
    parts["female"] = (brock["female"], (1.12, 2.97))
    parts["part-solid"] = (brock["type"]["part-solid"], (0.74, 2.88))
    for name, (part, (low, high)) in parts.items():
        assert math.sqrt(low * high) == pytest.approx(math.exp(part["beta"]), rel=0.01), name
        assert part["error"] == pytest.approx(math.log(high / low) / 3.919928, abs=1e-4)

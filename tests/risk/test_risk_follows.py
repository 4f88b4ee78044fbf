"""What follows from something else has its source; silence and old values say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from medview.core.errors import InvalidInput
from medview.core.observation import Observation, concepts
from medview.core.paths import resources_dir
from medview.risk import by_hand, catalogue, compute, know
from medview.risk.score import ScoreInput

Said = Callable[..., Observation]
TODAY = date(2026, 3, 1)


def _found(name: str, *told: Observation) -> object:
    used = know(told, reference=TODAY).choose(ScoreInput(concept=concepts()[name])).used
    return None if used is None else used.value


@pytest.mark.parametrize(
    ("name", "of", "value", "wanted"),
    [
        ("uncontrolled_hypertension", "systolic_bp", 161.0, True),
        ("uncontrolled_hypertension", "systolic_bp", 160.0, False),
        ("severe_kidney_disease", "creatinine", 2.3, True),
        ("severe_kidney_disease", "creatinine", 1.0, None),  # dialysis is still open
        ("severe_kidney_disease", "dialysis", True, True),
        ("severe_liver_disease", "cirrhosis", False, None),
        ("temperature_raised", "temperature", 37.4, True),
        ("fever", "temperature", 38.0, False),
        ("crp_raised", "crp", 30.0, True),
        ("leucocytes_raised", "leucocytes", 3.9, True),
        ("leucocytes_raised", "leucocytes", 9.0, False),
        ("confusion", "gcs", 14.0, True),
        ("confusion", "gcs", 15.0, False),
        ("hypotension_periprocedural", "systolic_bp", 120.0, None),  # or inotropes
        ("anaemia", "haematocrit", 35.9, True),
        ("anaemia", "haematocrit", 37.0, None),  # it turns on the sex
        ("smoker", "smoking_status", "former", False),
        ("stroke_history", "stroke_tia_embolism", True, None),
        ("stroke_history", "stroke_tia_embolism", False, False),
        ("stroke_tia_embolism", "stroke_history", True, True),
        ("vascular_disease", "infarction_history", False, None),
        ("cardiovascular_disease", "stroke_history", True, True),
        ("infratentorial_haemorrhage", "haematoma_location", "deep", False),
    ],
)
def test_a_yes_or_no_follows_from_a_value_and_never_from_silence(
    said: Said, name: str, of: str, value: float | bool | str, wanted: object
) -> None:
    assert _found(name, said(of, value, time=TODAY.isoformat())) is wanted
    assert _found(name) is None


def test_what_is_told_itself_comes_before_what_follows(said: Said) -> None:
    told = (said("fever", True), said("temperature", 36.8, time=TODAY.isoformat()))

    assert _found("fever", *told) is True


@pytest.mark.parametrize(("days", "wanted"), [(90, False), (91, None)])
def test_an_old_value_says_nothing_about_today(said: Said, days: int, wanted: object) -> None:
    day = (TODAY - timedelta(days=days)).isoformat()

    assert _found("uncontrolled_hypertension", said("systolic_bp", 130.0, time=day)) is wanted


def test_numbers_follow_by_the_scores_that_make_them(said: Said) -> None:
    now = TODAY.isoformat()
    pressure = said("blood_pressure", (120.0, 60.0), time=now)
    lungs = (said("arterial_oxygen", 80.0, time=now), said("inspired_oxygen", 40.0, time=now))

    assert _found("mean_arterial_pressure", pressure) == pytest.approx(80.0)
    assert _found("pf_ratio", *lungs) == pytest.approx(200.0)
    eyes = [said(n, w, time=now) for n, w in (("gcs_eye", "to sound"), ("gcs_verbal", "confused"),
                                            ("gcs_motor", "obeys"))]  # fmt: skip
    assert _found("gcs", *eyes) == 13.0
    assert _found("confusion", *eyes) is True


def test_signs_of_sirs_are_counted_with_the_open_ones_in_mind(said: Said) -> None:
    def found(**signs: float) -> object:
        told = [said(name, value, time=TODAY.isoformat()) for name, value in signs.items()]
        return _found("sirs_two", *told)

    assert found(temperature=38.5, heart_rate=100.0) is True
    assert found(temperature=38.5, heart_rate=80.0) is None
    assert found(temperature=37.0, heart_rate=80.0, leucocytes=8.0) is False  # breath: one
    assert found(temperature=37.0, heart_rate=100.0, leucocytes=8.0, respiratory_rate=14.0) is None


def test_has_bled_says_where_the_pressure_came_from(said: Said) -> None:
    lab = said("systolic_bp", 172.0, kind="sentence", where="letter", time=TODAY.isoformat())

    result = compute(catalogue()["has-bled"], [lab], reference=TODAY)

    used = result.used("uncontrolled_hypertension")
    assert used is not None
    assert used.value is True
    assert used.source.kind == "sentence"
    assert used.source.where == "Systolic blood pressure 172 mmHg (letter)"
    assert "uncontrolled_hypertension" not in result.missing


def test_each_rule_names_what_is_there_and_only_conditions_with_a_limit_need_a_source() -> None:
    rules = json.loads((resources_dir() / "follows.json").read_text(encoding="utf-8"))["follows"]

    assert all({rule["concept"], rule["of"]} <= set(concepts()) for rule in rules)
    assert all(rule.get("score", "gcs") in catalogue() for rule in rules)
    limits = [r for r in rules if concepts()[r["of"]].kind == "number" and "if" in r]
    assert all(rule["source"].startswith("10.") for rule in limits)


@pytest.mark.parametrize("number", ["9", "12", "25"])
def test_a_bare_number_of_either_unit_is_asked_about_before_it_is_used(number: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        by_hand("creatinine", number)

    todo = refused.value.what_to_do
    assert refused.value.what.english() == f"Creatinine {number} has no unit."
    assert todo is not None
    assert todo.english() == f"Is it {number} mg/dL or {number} µmol/L?"
    assert by_hand("creatinine", f"{number} mg/dL").value == float(number)


@pytest.mark.parametrize("clear", ["1.2", "0.5", "8.9"])
def test_a_bare_number_that_one_unit_fits_is_in_that_unit(clear: str) -> None:
    assert by_hand("creatinine", clear).unit == "mg/dL"


def test_a_bare_number_that_is_unusual_in_the_listed_unit_is_used_and_asked_about() -> None:
    score = catalogue()["albi"]

    bare = compute(score, [by_hand("bilirubin", "12"), by_hand("albumin", "3.5")])
    with_unit = compute(score, [by_hand("bilirubin", "12 mg/dL"), by_hand("albumin", "3.5")])

    asked = [w.english() for w in bare.warnings if "has no unit" in w.english()]
    assert asked == ["Bilirubin 12 has no unit; it is taken as 12 mg/dL. Was 12 µmol/L meant?"]
    assert [m.unit for m in bare.meant] == ["umol/L"]
    assert with_unit.meant == ()


def test_what_is_counted_is_a_whole_number() -> None:
    with pytest.raises(InvalidInput) as refused:
        by_hand("nodule_count", "1.5")

    todo = refused.value.what_to_do
    assert todo is not None
    assert todo.english() == "Possible is a whole number, 0–100."
    assert by_hand("nodule_count", "2.0").value == 2.0


def test_a_value_of_a_day_to_come_is_named(said: Said) -> None:
    later = (date.today() + timedelta(days=400)).isoformat()  # noqa: DTZ011
    lab = said("creatinine", 1.1, time=later)

    result = compute(catalogue()["ckd-epi-2021"], [lab], reference=TODAY)

    assert [w for w in result.warnings if "still to come" in w.english()]

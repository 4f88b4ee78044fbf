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


def test_a_score_gives_no_number_to_whom_it_refuses(said: Said) -> None:
    now = TODAY.isoformat()
    kidney = (said("creatinine", 1.0, time=now), said("age", 60.0, time=now), said("sex", "M"))
    clearance = (*kidney, said("weight", 80.0, time=now))

    assert _found("egfr", *kidney) == pytest.approx(86.3, abs=0.2)
    assert _found("clearance_below_30", *clearance) is False
    for name in ("dialysis", "acute_kidney_injury"):
        assert _found("egfr", *kidney, said(name, True, time=now)) is None
        assert _found("clearance_below_30", *clearance, said(name, True, time=now)) is None


@pytest.mark.parametrize(
    ("name", "fresh", "old"),
    [
        ("mean_arterial_pressure", ("systolic_bp", 90.0), ("diastolic_bp", 50.0)),
        ("mean_arterial_pressure", ("diastolic_bp", 50.0), ("systolic_bp", 90.0)),
        ("pf_ratio", ("arterial_oxygen", 60.0), ("inspired_oxygen", 21.0)),
    ],
)
def test_a_number_is_not_made_of_values_from_different_times(
    said: Said, name: str, fresh: tuple[str, float], old: tuple[str, float]
) -> None:
    day = (TODAY - timedelta(days=400)).isoformat()

    assert _found(name, said(*fresh, time=TODAY.isoformat()), said(*old, time=day)) is None
    assert _found(name, *(said(*one, time=TODAY.isoformat()) for one in (fresh, old))) is not None


def test_a_made_number_is_as_old_as_the_oldest_of_its_values(said: Said) -> None:
    days = [(TODAY - timedelta(days=back)).isoformat() for back in (0, 20)]
    told = (said("weight", 80.0, time=days[0]), said("height", 180.0, time="2001-05-05"))
    kidney = (said("creatinine", 1.0, time=days[1]), said("age", 60.0, time=days[0]))

    used = know([*told, *kidney, said("sex", "M")], reference=TODAY)
    bmi, egfr = used.find("bmi"), used.find("egfr")

    assert bmi is not None
    assert bmi.time == days[0]  # a height lasts
    assert egfr is not None
    assert egfr.time == days[1]


@pytest.mark.parametrize("name", ["fever", "sirs_two", "severe_kidney_disease", "egfr"])
def test_what_came_long_after_the_exam_says_nothing_about_its_day(said: Said, name: str) -> None:
    later = (TODAY + timedelta(days=2000)).isoformat()
    told = (("temperature", 39.0), ("heart_rate", 120.0), ("creatinine", 5.0), ("age", 60.0))

    assert _found(name, said("sex", "M"), *(said(*one, time=later) for one in told)) is None


def test_the_fresh_sign_is_heard_where_a_better_source_has_an_old_one(said: Said) -> None:
    old = (TODAY - timedelta(days=2000)).isoformat()
    told = (
        said("temperature", 36.5, time=old),
        said("temperature", 39.5, kind="sentence", time=TODAY.isoformat()),
    )

    assert _found("fever", *told) is True


def test_signs_of_sirs_are_of_one_day_and_dated(said: Said) -> None:
    day = [(TODAY - timedelta(days=back)).isoformat() for back in (0, 1)]
    warm = ("temperature", 39.0)

    assert _found("sirs_two", said(*warm, time=day[0]), said("heart_rate", 120.0)) is None
    apart = said("heart_rate", 120.0, time=day[1])
    assert _found("sirs_two", said(*warm, time=day[0]), apart) is None
    assert _found("sirs_two", said(*warm, time=day[1]), apart) is True


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

"""Which value a score uses, what it refuses, and what it says about the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medview.core.errors import InvalidInput
from medview.core.observation import Observation, concepts
from medview.core.study import Patient, Study
from medview.risk import RiskResult, Score, by_hand, by_use, catalogue, compute, fitting
from medview.risk.by_hand import _SHORT
from medview.risk.contradictions import contradiction

Said = Callable[..., Observation]
CKD = catalogue()["ckd-epi-2021"]
BROCK = catalogue()["brock"]
PATIENT = Patient(id="P1", sex="F", birth_date="1958-06-01")
STUDY = Study(uid="1.2.3", date="2026-01-31")


def ckd(*observations: Observation) -> RiskResult:
    return compute(CKD, observations, patient=PATIENT, study=STUDY)


def words(result: RiskResult) -> str:
    return " ".join(warning.english() for warning in result.warnings)


def test_age_and_sex_come_from_the_header_at_the_day_of_the_exam(said: Said) -> None:
    result = ckd(said("creatinine", 1.1))

    age, sex = result.used("age"), result.used("sex")
    assert age is not None
    assert (age.value, age.source.kind, age.time) == (67.0, "header", "2026-01-31")
    assert sex is not None
    assert sex.value == "F"


def test_the_age_of_an_old_document_gives_way_to_the_birth_date(said: Said) -> None:
    old = said("age", 61.0, kind="header", time="2020-03-25")

    result = ckd(old, said("creatinine", 1.1))

    age = result.used("age")
    assert age is not None
    assert age.value == 67.0


def test_a_missing_value_is_named_and_nothing_is_computed() -> None:
    result = ckd()

    assert (result.status, result.missing, result.value) == ("missing", ("creatinine",), None)


def test_a_condition_that_nobody_mentions_is_unknown_and_not_no(said: Said) -> None:
    score = catalogue()["cha2ds2-vasc"]
    known = [said(n, False) for n in ("heart_failure", "diabetes", "vascular_disease")]

    result = compute(score, known, patient=PATIENT, study=STUDY)

    assert result.status == "missing"
    assert result.missing == ("hypertension", "stroke_tia_embolism")
    assert result.possible == (2.0, 5.0)


def test_the_newest_laboratory_value_is_used(said: Said) -> None:
    result = ckd(
        said("creatinine", 1.2, time="2026-01-29"), said("creatinine", 0.9, time="2022-03-01")
    )

    used = result.used("creatinine")
    assert used is not None
    assert used.value == 1.2
    assert "another source" not in words(result)  # years apart is a course, no contradiction


@pytest.mark.parametrize("kind", ["lab", "sentence", "model"])
def test_the_reader_outranks_every_other_source(said: Said, kind: str) -> None:
    result = ckd(
        said("creatinine", 1.0, kind="reader", time="2026-01-01"),
        said("creatinine", 1.05, kind=kind, time="2026-01-30"),
    )

    used = result.used("creatinine")
    assert used is not None
    assert used.source.kind == "reader"


def test_two_sources_that_contradict_are_both_named(said: Said) -> None:
    result = ckd(
        said("creatinine", 1.2, time="2026-01-29"),
        said("creatinine", 0.8, kind="sentence", time="2026-01-20"),
    )

    assert "Creatinine: 1.2 mg/dL is used, another source says 0.8 mg/dL" in words(result)


def test_a_ruler_and_a_sentence_that_differ_by_over_two_millimetres_are_both_named(
    said: Said,
) -> None:
    result = compute(
        BROCK,
        [
            said("nodule_diameter_max", 10.2, kind="ruler"),
            said("nodule_diameter_max", 7.0, kind="sentence", time="2026-01-31"),
        ],
        patient=PATIENT,
        study=STUDY,
    )

    assert "10.2 mm is used, another source says 7 mm" in words(result)


def test_a_size_of_an_earlier_day_does_not_count_for_this_study(said: Said) -> None:
    old = said("nodule_diameter_max", 6.0, kind="sentence", time="2024-05-02")

    result = compute(BROCK, [old], patient=PATIENT, study=STUDY)

    assert "nodule_diameter_max" in result.missing


def test_an_old_laboratory_value_is_used_and_marked(said: Said) -> None:
    result = ckd(said("creatinine", 1.1, time="2025-11-01"))

    used = result.used("creatinine")
    assert used is not None
    assert used.is_stale
    assert "Creatinine is 91 days old; up to 30 is usual." in words(result)


def test_units_are_converted(said: Said) -> None:
    molar, mass = ckd(said("creatinine", 97.24, unit="umol/L")), ckd(said("creatinine", 1.1))

    assert molar.value == pytest.approx(mass.value)


def test_a_unit_that_cannot_be_converted_is_refused_in_words(said: Said) -> None:
    result = ckd(said("creatinine", 1.1, unit="mmol/kg"))

    assert result.status == "missing"
    assert "mmol/kg cannot be converted to mg/dL" in words(result)


def test_an_unusable_value_below_a_sound_one_is_not_worth_a_word(said: Said) -> None:
    result = ckd(said("creatinine", 1.1), said("creatinine", 1.1, kind="model", unit="mmol/kg"))

    assert result.status == "computed"
    assert "converted" not in words(result)


def test_a_bound_is_no_number(said: Said) -> None:
    result = ckd(said("creatinine", 0.3, comparator="<"))

    assert result.status == "missing"
    assert "only known as <0.3" in words(result)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 88.0, -1.0])
def test_an_impossible_value_in_the_record_makes_the_score_invalid(
    said: Said, value: float
) -> None:
    result = ckd(said("creatinine", value))

    assert result.status == "invalid"
    assert result.reason is not None
    assert "not possible" in result.reason.english()


def test_a_unit_that_was_mixed_up_is_asked_for(said: Said) -> None:
    result = ckd(said("creatinine", 88.0))

    assert result.reason is not None
    assert result.reason.english() == ("Creatinine 88 mg/dL is not possible; was 88 µmol/L meant?")


def test_an_impossible_value_gives_way_to_a_sound_one(said: Said) -> None:
    result = ckd(said("creatinine", 88.0, time="2026-01-30"), said("creatinine", 1.0))

    assert result.status == "computed"
    assert "88 mg/dL is not possible" in words(result)


def test_a_child_is_refused_by_a_score_for_adults(said: Said) -> None:
    child = Patient(id="P1", sex="M", birth_date="2021-12-01")

    result = compute(CKD, [said("creatinine", 0.4)], patient=child, study=STUDY)

    assert result.status == "invalid"
    assert result.reason is not None
    assert result.reason.english() == "Age 4 y is outside 18–120, for which the score was made."


def test_an_exclusion_makes_the_score_invalid_and_says_why(said: Said) -> None:
    result = ckd(said("creatinine", 6.0), said("dialysis", True, kind="sentence"))

    assert result.status == "invalid"
    assert result.reason is not None
    assert result.reason.english() == "Not valid on dialysis."


def test_exclusions_that_nobody_mentions_are_named_beside_the_result(said: Said) -> None:
    result = ckd(said("creatinine", 1.0), said("dialysis", False, kind="sentence"))

    assert result.status == "computed"
    assert "Acute kidney injury" in words(result)
    assert "Dialysis" not in words(result)
    assert "Pregnancy" not in words(result)  # she is 67


def test_observations_of_another_patient_are_left_out(said: Said) -> None:
    result = ckd(said("creatinine", 3.0, patient="P2"))

    assert result.status == "missing"


def test_a_pair_of_pressures_gives_the_systolic_one(said: Said) -> None:
    score = catalogue()["prevent-hf-10y"]

    result = compute(score, [said("blood_pressure", (148.0, 84.0), kind="sentence")])

    used = result.used("systolic_bp")
    assert used is not None
    assert (used.value, used.source.kind) == (148.0, "sentence")


def test_egfr_for_prevent_follows_openly_from_creatinine(said: Said) -> None:
    score = catalogue()["prevent-cvd-10y"]
    lab = said("creatinine", 1.1, where="labs.hl7")

    result = compute(score, [lab], patient=PATIENT, study=STUDY)

    used = result.used("egfr")
    assert used is not None
    assert used.value == pytest.approx(ckd(lab).value)
    assert used.source.where == "CKD-EPI 2021, creatinine 1.1 mg/dL (labs.hl7)"
    assert used.source.kind == "lab"


def test_body_mass_index_follows_from_weight_and_height(said: Said) -> None:
    score = catalogue()["prevent-hf-10y"]

    result = compute(score, [said("weight", 81.0), said("height", 1.8, unit="m")])

    used = result.used("bmi")
    assert used is not None
    assert used.value == pytest.approx(25.0)


def test_the_longest_diameter_stands_for_the_mean_only_with_a_word_about_it(said: Said) -> None:
    score = catalogue()["fleischner-2017"]
    ruler = said("nodule_diameter_max", 9.4, kind="ruler")
    others = [said("nodule_type", "solid"), said("nodule_count", 1.0), said("age", 67.0)]

    result = compute(score, [ruler, *others])

    assert result.band_id == "solid-single-above-8"
    assert "the short axis is not known" in words(result)


def test_spiculation_makes_a_nodule_high_risk_and_silence_makes_it_nothing(said: Said) -> None:
    score = catalogue()["fleischner-2017"]
    base = [
        said("nodule_diameter_mean", 7.0),
        said("nodule_type", "solid"),
        said("nodule_count", 1.0),
        said("age", 67.0),
    ]

    silent = compute(score, base)
    spiculated = compute(score, [*base, said("nodule_spiculated", True, kind="reader")])

    assert silent.missing == ("nodule_high_risk",)
    assert spiculated.band_id == "solid-single-6-8-high"


def test_overrides_replace_what_the_record_says(said: Said) -> None:
    result = compute(
        CKD,
        [said("creatinine", 1.1, time="2026-01-30")],
        patient=PATIENT,
        study=STUDY,
        overrides=[by_hand("creatinine", "2mg/dL")],
    )

    used = result.used("creatinine")
    assert used is not None
    assert used.value == 2.0
    assert "another source" not in words(result)


def test_a_result_says_what_it_would_be_without_each_yes(typed: Callable[..., RiskResult]) -> None:
    inputs = dict(BROCK.cases[2].inputs)
    without = typed("brock", {**inputs, "family_history_lung_cancer": "no"})

    result = typed("brock", inputs)

    by_name = {item.name: item.value for item in result.without}
    assert by_name["family_history_lung_cancer"] == without.value
    assert "emphysema" not in by_name


def test_scores_that_fit_are_those_whose_own_inputs_are_known(said: Said) -> None:
    kidney = fitting([said("creatinine", 1.1)], patient=PATIENT, study=STUDY)
    nodule = fitting([said("nodule_diameter_max", 9.0, kind="ruler")], patient=PATIENT, study=STUDY)
    nothing = fitting([], patient=PATIENT, study=STUDY)

    assert [score.id for score in kidney] == ["ckd-epi-2021"]
    assert {"brock", "fleischner-2017", "mayo-nodule"} <= {score.id for score in nodule}
    assert nothing == ()


def test_vital_signs_of_another_year_bring_no_score_of_acute_illness(said: Said) -> None:
    names = ("respiratory_rate", "oxygen_saturation", "heart_rate", "systolic_bp")
    values = (16.0, 97.0, 70.0, 120.0)

    def ids(time: str) -> list[str]:
        known = [said(n, v, time=time) for n, v in zip(names, values, strict=True)]
        return [score.id for score in fitting(known, patient=PATIENT, study=STUDY)]

    assert ids("2026-01-31") == ["news2"]
    assert ids("2019-01-31") == []


def test_results_are_shown_computed_first_and_invalid_last(said: Said) -> None:
    results = [
        compute(CKD, [said("dialysis", True)]),
        compute(CKD, []),
        ckd(said("creatinine", 1.0)),
    ]

    assert [r.status for r in by_use(results)] == ["computed", "missing", "invalid"]


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("age", "-4", "0–120"),
        ("creatinine", "88mg/dL", "88 µmol/L"),
        ("creatinine", "nan", "Possible"),
        ("creatinine", "1.1 apples", "umol/L"),
        ("creatinine", "high", "number"),
        ("diabetes", "perhaps", "yes or no"),
        ("sex", "O", "F, M"),
        ("shoe_size", "42", "no input"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(name: str, value: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        by_hand(name, value)

    assert hint in refusal.value.sentence()


@pytest.mark.parametrize(
    ("name", "value", "expected", "unit"),
    [
        ("creatinine", "97 µmol/l", 97.0, "umol/L"),
        ("creatinine", "1,1mg/dl", 1.1, "mg/dL"),
        ("creatinine", "97 micromol/L", 97.0, "umol/L"),
        ("albumin", "38 gm/l", 38.0, "g/L"),
        ("platelets", "150 K/µL", 150.0, "10*3/uL"),
        ("platelets", "150 G/L", 150.0, "10*9/L"),
        ("platelets", "150 ×10⁹/L", 150.0, "10*9/L"),
        ("d_dimer", "0.5 mg/L FEU", 0.5, "mg/L"),
        ("weight", "150 pounds", 150.0, "[lb_av]"),
        ("temperature", "98 degrees Fahrenheit", 98.0, "[degF]"),
        ("age", 67, 67.0, "a"),
        ("systolic_bp", "148mmHg", 148.0, "mm[Hg]"),
        ("diabetes", True, True, ""),
        ("diabetes", "否", False, ""),
        ("sex", "female", "F", ""),
        ("smoking_status", "ex-smoker", "former", ""),
        ("blood_pressure", "148/84", (148.0, 84.0), "mm[Hg]"),
    ],
)
def test_values_are_read_as_people_type_them(
    name: str, value: str | float | bool, expected: object, unit: str
) -> None:
    observation = by_hand(name, value)

    assert (observation.value, observation.unit) == (expected, unit)


@pytest.mark.parametrize(
    ("short", "concept"),
    [("hdl", "hdl_cholesterol"), ("SBP", "systolic_bp"), ("upper-lobe", "nodule_upper_lobe")],
)
def test_short_names_mean_their_concepts(short: str, concept: str) -> None:
    value = "yes" if concept == "nodule_upper_lobe" else "50"

    assert by_hand(short, value).concept == concept


def test_every_short_name_leads_to_a_concept() -> None:
    assert {name for name in _SHORT.values() if name not in concepts()} == set()


@settings(deadline=None, max_examples=40)
@given(
    first=st.floats(0.2, 20.0), second=st.floats(0.2, 20.0), age=st.integers(18, 120),
    sex=st.sampled_from("FM"),
)  # fmt: skip
def test_more_creatinine_never_means_a_better_kidney(
    first: float, second: float, age: int, sex: str
) -> None:
    low, high = (
        compute(CKD, [by_hand("age", age), by_hand("sex", sex), by_hand("creatinine", said)]).value
        for said in (f"{number} mg/dL" for number in sorted((first, second)))
    )

    assert low is not None
    assert high is not None
    assert low >= high > 0


@settings(deadline=None, max_examples=40)
@given(diameter=st.floats(0.5, 300.0), age=st.integers(0, 120))
def test_brock_gives_a_number_inside_its_ranges_and_none_outside(diameter: float, age: int) -> None:
    inputs = {**BROCK.cases[0].inputs, "nodule_diameter_max": diameter, "age": age}

    result = compute(BROCK, [by_hand(name, value) for name, value in inputs.items()])

    inside = 1.0 <= diameter <= 30.0 and 50 <= age <= 75
    assert result.status == ("computed" if inside else "invalid")
    assert (result.value is not None and 0.0 < result.value < 100.0) == inside


PREVENT_10 = [catalogue()[f"prevent-{name}-10y"] for name in ("cvd", "ascvd", "hf")]


@settings(deadline=None, max_examples=40)
@given(
    score=st.sampled_from(PREVENT_10), first=st.integers(110, 180), second=st.integers(110, 180),
    age=st.integers(30, 79), sex=st.sampled_from("FM"),
)  # fmt: skip
def test_more_blood_pressure_never_means_less_risk_by_prevent(
    score: Score, first: int, second: int, age: int, sex: str
) -> None:
    base = {**score.cases[0].inputs, "age": age, "sex": sex}

    low, high = (
        compute(score, [by_hand(k, v) for k, v in {**base, "systolic_bp": sbp}.items()]).value
        for sbp in sorted((first, second))
    )

    assert low is not None
    assert high is not None
    assert 0 < low <= high < 100


@settings(deadline=None, max_examples=40)
@given(diameter=st.floats(4.0, 30.0), share=st.floats(1.0, 3.0))
def test_a_larger_nodule_is_never_less_suspect(diameter: float, share: float) -> None:
    for score_id in ("brock", "mayo-nodule"):
        score = catalogue()[score_id]
        larger = min(30.0, diameter * share)
        small, large = (
            compute(
                score,
                [
                    by_hand(k, v)
                    for k, v in {**score.cases[0].inputs, "nodule_diameter_max": d}.items()
                ],
            ).value
            for d in (diameter, larger)
        )
        assert small is not None
        assert large is not None
        assert small <= large


CONTRADICTIONS = {
    "years since quitting in one who never smoked": (
        "va-nodule",
        {"age": 62, "nodule_diameter_max": 10, "smoking_status": "never", "quit_years": 10},
        "Smoking never and Years since quitting 10 y contradict each other.",
    ),
    "quit before birth": (
        "va-nodule",
        {"age": 62, "nodule_diameter_max": 10, "smoking_status": "former", "quit_years": 70},
        "Years since quitting 70 y and Age 62 y contradict each other.",
    ),
    "a part larger than the whole": (
        "fleischner-2017",
        {"age": 60, "mean_diameter": 7, "type": "part-solid", "count": 1, "solid_part": 15},
        "Nodule, solid part 15 mm and Nodule, mean diameter 7 mm contradict each other.",
    ),
    "a nadir above the baseline": (
        "recist-1-1",
        {
            "target_sum_baseline": 50,
            "target_sum_nadir": 60,
            "target_sum_now": 55,
            "new_lesions": "no",
        },
        "contradict each other.",
    ),
    "a diastole above the systole": (
        "curb-65",
        {"age": 70, "confusion": "no", "urea": 8, "respiratory_rate": 20, "sbp": 80, "dbp": 120},
        "contradict each other.",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_inputs_that_cannot_both_be_true_are_named_and_nothing_is_computed(
    case: tuple[str, dict[str, str | float], str],
) -> None:
    score, inputs, reason = case

    result = compute(catalogue()[score], [by_hand(name, value) for name, value in inputs.items()])

    assert (result.status, result.value, result.band) == ("invalid", None, None)
    assert result.reason is not None
    assert reason in result.reason.english()


# A nodule of 12 x 6 mm has a mean of 9 mm, and its solid part may be 10 mm long.
@pytest.mark.parametrize(("mean", "solid"), [(7, 7), (9, 10)])
def test_inputs_at_the_limit_do_not_contradict(mean: float, solid: float) -> None:
    given = {"age": 60, "mean_diameter": mean, "type": "part-solid", "count": 1}

    result = compute(
        catalogue()["fleischner-2017"],
        [by_hand(name, value) for name, value in {**given, "solid_part": solid}.items()],
    )

    assert result.status == "computed"


def test_sizes_may_differ_by_what_rounding_takes() -> None:
    sizes = {"nodule_solid_part": 10.4, "nodule_diameter_mean": 10.5, "nodule_diameter_max": 10.0}

    assert contradiction(sizes) is None
    assert contradiction({**sizes, "nodule_solid_part": 11.0}) is not None


def test_years_since_quitting_in_a_smoker_count_nothing_and_are_named() -> None:
    given = {"age": 62, "nodule_diameter_max": 10, "smoking_status": "current", "quit_years": 10}

    result = compute(
        catalogue()["va-nodule"], [by_hand(name, value) for name, value in given.items()]
    )

    assert result.value == pytest.approx(40.29, abs=0.01)
    assert "Smoking current and Years since quitting 10 y contradict" in words(result)

"""Every score gives the results that its sources print."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from medview.risk import Score, by_hand, catalogue, compute
from medview.risk.formulas import formula
from medview.risk.score import WorkedCase

_CASES = [(score, case) for score in catalogue().values() for case in score.cases]


@pytest.mark.parametrize(
    ("score", "case"), _CASES, ids=[f"{s.id}-{n}" for n, (s, _) in enumerate(_CASES)]
)
def test_a_worked_case_comes_out_to_the_printed_digit(score: Score, case: WorkedCase) -> None:
    result = compute(score, [by_hand(name, value) for name, value in case.inputs.items()])

    assert result.status == case.status, result.reason
    if case.value is not None:
        assert result.value is not None
        assert round(result.value, case.decimals) == case.value
    if case.band:
        assert result.band_id == case.band


@pytest.mark.parametrize("score", catalogue().values(), ids=lambda score: score.id)
def test_a_score_is_whole(score: Score) -> None:
    assert score.doi.startswith("10.")
    assert callable(formula(score.formula))
    assert any(case.status == "computed" for case in score.cases)
    assert score.fits_any
    starts = [band.start for band in score.bands if band.start is not None]
    assert starts in (sorted(starts), sorted(starts, reverse=True))


Case = dict[str, Any]


@pytest.fixture(scope="module")
def vectors(clinical_data: Path) -> list[Case]:
    """Worked cases of public calculators."""
    with gzip.open(clinical_data / "risk" / "vectors.json.gz", "rt", encoding="utf-8") as file:
        cases: list[Case] = json.load(file)["cases"]
    return cases


def _given(case: Mapping[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("label", item.get("value")) for item in case["inputs"]}


_PREVENT = {
    "age": "age", "total_c": "total_cholesterol", "hdl_c": "hdl_cholesterol", "sbp": "systolic_bp",
    "bmi": "bmi", "egfr": "egfr", "dm": "diabetes", "bp_tx": "antihypertensive_treatment",
    "statin": "statin_treatment", "sex": "sex",
}  # fmt: skip
_OUTCOMES = {"total_cvd_percent": "cvd", "ascvd_percent": "ascvd", "heart_failure_percent": "hf"}


def _prevent_cases(vectors: list[Case]) -> Iterator[tuple[str, dict[str, Any], float]]:
    for case in vectors:
        if case["score"] != "PREVENT" or case.get("note") != "model used: base":
            continue
        given = _given(case)
        inputs = {
            ours: given[theirs]
            for theirs, ours in _PREVENT.items()
            if given.get(theirs) is not None
        }
        inputs["smoking_status"] = "current" if given["smoking"] else "never"
        for answer in case["expected"]:
            if answer["name"] in _OUTCOMES:
                years = str(given["horizon"]).removesuffix("r")
                yield f"prevent-{_OUTCOMES[answer['name']]}-{years}", inputs, answer["value"]


def test_prevent_agrees_with_the_recorded_results_of_another_program(vectors: list[Case]) -> None:
    checked = 0

    for score_id, inputs, expected in _prevent_cases(vectors):
        result = compute(catalogue()[score_id], [by_hand(k, v) for k, v in inputs.items()])
        assert result.value is not None, (score_id, inputs, result.reason)
        assert round(result.value, 1) == expected, (score_id, inputs)
        checked += 1

    assert checked >= 12


_POINTS = {
    "Congestive Heart Failure": "heart_failure", "Hypertension": "hypertension",
    "Stroke/TIA/Thromboembolism": "stroke_tia_embolism", "Vascular disease": "vascular_disease",
    "Diabetes": "diabetes",
}  # fmt: skip


def test_cha2ds2_vasc_agrees_with_the_public_test_set(vectors: list[Case]) -> None:
    checked = 0

    for case in vectors:
        total = [a["value"] for a in case["expected"] if a["name"] == "Total score"]
        if case["score"] != "CHA2DS2-VASc.v1" or not total or not case.get("clock"):
            continue
        given = _given(case)
        born, clock = str(given["Birthdate"])[:10], case["clock"][:10]
        age = int(clock[:4]) - int(born[:4]) - (clock[5:] < born[5:])
        inputs: dict[str, Any] = {ours: given[t] == "Present" for t, ours in _POINTS.items()}
        inputs |= {"age": age, "sex": given["Gender"]}
        result = compute(catalogue()["cha2ds2-vasc"], [by_hand(k, v) for k, v in inputs.items()])
        assert result.value == total[0], case["case"]
        checked += 1

    assert checked >= 10


_SIZES = {"<6": "5mm", "6-8": "7mm", ">8": "9mm", "≥6": "9mm"}


def test_fleischner_agrees_with_the_public_test_set(vectors: list[Case]) -> None:
    checked = 0

    for case in vectors:
        if not case["score"].startswith("Fleischner"):
            continue
        given = _given(case)
        size = str(given.get("Size (if solid)") or given.get("Size (if subsolid)")).split(" ")[0]
        kind = given["Nodule type"].lower()
        feature = given.get("Additional features (if subsolid and single)", "")
        kind = (
            {"Part solid": "part-solid"}.get(feature, "non-solid") if kind == "subsolid" else kind
        )
        inputs: dict[str, Any] = {
            "age": 60,
            "nodule_type": kind,
            "nodule_count": 1 if given["Number of nodules"] == "Single" else 3,
            "nodule_diameter_mean": _SIZES[size],
            "nodule_solid_part": "4mm",
        }
        if "Risk level (if solid)" in given:
            inputs["nodule_high_risk"] = given["Risk level (if solid)"] == "High"
        result = compute(catalogue()["fleischner-2017"], [by_hand(k, v) for k, v in inputs.items()])
        expected = [a["label"] for a in case["expected"] if a["name"].endswith("interpretation")]
        assert result.advice is not None
        assert _months(result.advice.english()) == _months(expected[0]), case["case"]
        checked += 1

    assert checked == 12


def _months(advice: str) -> list[str]:
    """The intervals named, in order: what two wordings of one advice share."""
    return re.findall(r"\d+(?:-\d+)?", advice.replace("–", "-"))


def test_ckd_epi_2021_agrees_with_medcalc_bench(vectors: list[Case]) -> None:
    cases = [c for c in vectors if c["score"].startswith("MedCalc-Bench: CKD-EPI")]

    for case in cases:
        given = {i["name"]: i["value"] for i in case["inputs"]}
        inputs = {
            "age": given["age"],
            "creatinine": f"{given['creatinine']}mg/dL",
            "sex": given["sex"],
        }
        result = compute(catalogue()["ckd-epi-2021"], [by_hand(k, v) for k, v in inputs.items()])
        assert result.value == pytest.approx(float(case["expected"][0]["value"]), abs=5e-6)

    assert cases


def _typed(case: Case, names: Mapping[str, str]) -> dict[str, str]:
    """Quantities of a public case as one would type them."""
    units = {"gm/l": "g/L", "gm/dl": "g/dL", "1": "", None: ""}
    return {
        names[item["name"]]: f"{item['value']} {units.get(item.get('unit'), item.get('unit'))}"
        for item in case["inputs"]
        if item["name"] in names and "value" in item
    }


def _answer(case: Case, name: str) -> Any:
    return next((a["value"] for a in case["expected"] if a["name"] == name), None)


_LIVER = {
    "Age": "age", "Platelet count": "platelets", "ALT": "alt", "AST": "ast",
    "Total bilirubin": "bilirubin", "Albumin": "albumin", "Serum Albumin": "albumin",
    "INR": "inr", "serum Sodium (sNa)": "sodium", "Serum Creatinine": "creatinine",
}  # fmt: skip
_DISPUTED = {
    "4237ccd7dcaf1298": "41, but MELD 3.0 ends at 40 (10.1053/j.gastro.2021.08.050)",
    "e26f384d8bac60ad": "2.71, but 64 x 12 / (100 sqrt 8) = 2.7153: cut off, not rounded",
}


@pytest.mark.parametrize(
    ("source", "score_id", "answer", "least"),
    [
        ("ALBI_", "albi", "ALBI score", 4),
        ("Fibrosis-4_", "fib-4", "FIB-4 Score", 3),
        ("MELD_3_0", "meld-3", "MELD score 3.0", 5),
    ],
)
def test_liver_scores_agree_with_the_public_test_set(
    vectors: list[Case], source: str, score_id: str, answer: str, least: int
) -> None:
    score, checked = catalogue()[score_id], 0

    for case in vectors:
        expected = _answer(case, answer) if case["score"].startswith(source) else None
        if expected is None or case["case"] in _DISPUTED:
            continue
        inputs: dict[str, Any] = {**_typed(case, _LIVER), "dialysis": False}
        if "Gender" in _given(case):
            inputs["sex"] = _given(case)["Gender"]
        result = compute(score, [by_hand(name, value) for name, value in inputs.items()])
        assert result.value is not None, (case["case"], result.reason, result.missing)
        assert round(result.value, score.decimals) == expected, case["case"]
        checked += 1

    assert checked >= least


_VITALS = {
    "Systolic BP": "systolic_bp", "spO2": "oxygen_saturation", "Heart rate": "heart_rate",
    "Temperature": "temperature", "Respiration rate": "respiratory_rate",
}  # fmt: skip


def test_news2_agrees_with_the_public_test_set(vectors: list[Case]) -> None:
    cases = [case for case in vectors if case["score"] == "NEWS2.v1"]

    for case in cases:
        given = _given(case)
        inputs: dict[str, Any] = {
            **_typed(case, _VITALS),
            "oxygen_treatment": given["Supplemental oxygen"] == "Oxygen",
            "hypercapnic_failure": given["Oxygen saturation target"] == "88-92%",
            "confusion": given["Consciousness"] != "Alert",
            "age": 50,
        }
        result = compute(catalogue()["news2"], [by_hand(k, v) for k, v in inputs.items()])
        assert result.value == _answer(case, "Total score"), case["case"]

    assert len(cases) >= 10


_YES = {"confusion": True, "respiratory_rate": 32, "systolic_bp": 85, "urea": 9, "age": 70}
_NO = {"confusion": False, "respiratory_rate": 16, "systolic_bp": 125, "urea": 4, "age": 40}
_SIGNS = {
    "Confusion": "confusion", "Altered": "confusion", "Respiration": "respiratory_rate",
    "Respiratory": "respiratory_rate", "Systolic": "systolic_bp", "Blood": "urea", "Age": "age",
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "score_id", "answer"),
    [("CURB-65.v1", "curb-65", "Total score"), ("qSOFA.v1", "qsofa", "Total Score")],
)
def test_bedside_scores_agree_with_the_public_test_set(
    vectors: list[Case], source: str, score_id: str, answer: str
) -> None:
    cases = [case for case in vectors if case["score"] == source]

    for case in cases:
        inputs: dict[str, Any] = {"diastolic_bp": 75}
        for name, label in _given(case).items():
            sign = _SIGNS[name.split()[0].rstrip("?")]
            inputs[sign] = (_YES if label.strip() == "Present" else _NO)[sign]
        result = compute(catalogue()[score_id], [by_hand(k, v) for k, v in inputs.items()])
        assert result.value == _answer(case, answer), case["case"]

    assert len(cases) >= 3

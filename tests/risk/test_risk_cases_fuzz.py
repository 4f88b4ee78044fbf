"""Whatever a file of cases holds: each case is answered, in order and in words, never guessed."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from medview.cli.main import main
from medview.core.observation import concepts
from medview.session.research import all_scores

pytestmark = pytest.mark.usefixtures("no_log_left")
_ODD: tuple[object, ...] = (
    None, "", " ", "nan", "NaN", math.nan, math.inf, -math.inf, -1, 0, 1e308, -1e308, "1e400",
    "88", "88mg/dL", "7 bananas", "1,5", ",", "１２", "yes", "no", True, False, [], {}, [1],
    "\u0000",
    "是", "F", "M", "X", "120/80", "12 mg/dL/mmHg", "5" * 5000, "mg/dL", "<5", ">60", "3-4",
)  # fmt: skip


def answers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, cases: list[object]
) -> list[dict[str, object]]:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases), encoding="utf-8")
    assert main(["risk", "--cases", str(file), "--json"]) == 0

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is no number of JSON")

    found: list[dict[str, object]] = json.loads(capsys.readouterr().out, parse_constant=refuse)[
        "scores"
    ]
    return found


def test_odd_values_in_every_input_of_every_score(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chance = random.Random(20261121)
    cases: list[object] = []
    for score in all_scores().values():
        names = [spec.name for spec in score.inputs]
        for _ in range(6):
            inputs = {name: _some(name, chance) for name in names if chance.random() < 0.9}
            inputs[chance.choice(names)] = chance.choice(_ODD)
            cases.append({"score": score.id, "inputs": inputs})

    told = answers(capsys, tmp_path, cases)

    assert [row["score"] for row in told] == [case["score"] for case in cases]  # type: ignore[index]
    for row in told:
        assert row["status"] in ("computed", "missing", "invalid")
        assert row["reason"] or row["status"] != "invalid"
        assert row["missing"] or row["status"] != "missing"
        if row["status"] != "computed":
            assert row["value"] is None


def _some(name: str, chance: random.Random) -> object:
    concept = concepts()[name]
    if concept.kind == "yes-no":
        return chance.random() < 0.5
    if concept.kind == "choice":
        return chance.choice(concept.choices)
    low, high = concept.plausible or (0.0, 100.0)
    return low + (high - low) * chance.random() ** 2


@pytest.mark.parametrize(
    "case",
    [None, 7, "brock", [], {}, {"score": None}, {"score": ["brock"], "inputs": 3},
     {"score": "brock", "inputs": []}, {"score": "brock", "inputs": {"": 1}},
     {"score": "brock", "inputs": {"no such thing": 1}}, {"score": "x" * 10_000}],
)  # fmt: skip
def test_a_case_that_is_none_is_answered_as_invalid_or_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, case: object
) -> None:
    good = {"score": "ckd-epi-2021", "inputs": {"creatinine": "1.2mg/dL", "age": 55, "sex": "M"}}

    first, second = answers(capsys, tmp_path, [case, good])

    assert first["status"] in ("invalid", "missing")
    assert second["status"] == "computed"


@pytest.mark.parametrize(
    ("value", "said"),
    [("88mg/dL", "µmol/L"), ("nan", "cannot be nan"), ("-1mg/dL", "cannot be"),
     ("5 bananas", "unit"), ("1e400", "cannot be")],
)  # fmt: skip
def test_an_impossible_value_by_hand_ends_with_status_two(
    capsys: pytest.CaptureFixture[str], value: str, said: str
) -> None:
    status = main(["risk", "--score", "ckd-epi-2021", "--input", f"creatinine={value}"])

    assert status == 2
    assert said in capsys.readouterr().err


def test_a_child_in_a_score_for_adults_is_refused_and_not_computed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    inputs = {"creatinine": "0.5mg/dL", "age": 7, "sex": "F"}

    (told,) = answers(capsys, tmp_path, [{"score": "ckd-epi-2021", "inputs": inputs}])

    assert told["status"] == "invalid"
    assert "Age 7 y is outside 18–120" in str(told["reason"])


def test_unknown_is_not_no(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    known = {"age": 70, "sex": "M", "hypertension": True, "diabetes": False,
             "stroke_tia_embolism": False, "vascular_disease": False}  # fmt: skip
    silent: dict[str, object] = {"score": "cha2ds2-vasc", "inputs": known}
    denied: dict[str, object] = {
        "score": "cha2ds2-vasc", "inputs": {**known, "heart_failure": False}
    }  # fmt: skip

    first, second = answers(capsys, tmp_path, [silent, denied])

    assert (first["status"], first["missing"]) == ("missing", ["heart_failure"])
    assert (second["status"], second["value"]) == ("computed", 2.0)


def test_a_child_is_refused_by_scores_that_do_not_ask_the_age(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    signs = {"respiratory_rate": 30, "systolic_bp": 95, "confusion": False}

    child, unknown = answers(
        capsys,
        tmp_path,
        [
            {"score": "qsofa", "inputs": {**signs, "age": 4}},
            {"score": "qsofa", "inputs": signs},
        ],
    )

    assert child["status"] == "invalid"
    assert "outside 18–120" in str(child["reason"])
    assert unknown["status"] == "computed"

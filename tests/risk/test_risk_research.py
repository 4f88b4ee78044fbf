"""Trained models answer through the scores' interface, openly about what they had to fill."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from medview.cli.main import main
from medview.risk import by_hand, judge, know
from medview.risk.result import RiskResult
from medview.session.research import all_scores, research_scores

pytestmark = pytest.mark.usefixtures("no_log_left")
_ALL = {
    "age": 70, "sex": "M", "ejection_fraction": "25%", "creatinine": "1.8mg/dL", "sodium": 132,
    "diabetes": True, "hypertension": False, "platelets": 200, "creatine_kinase": 200,
    "anaemia_haematocrit_below_36": False, "smoker": False,
}  # fmt: skip


def heart(*left_out: str) -> RiskResult:
    known = know([by_hand(name, value) for name, value in _ALL.items()])
    return judge(all_scores()["heart-failure-death"], known, left_out=left_out)


def width(result: RiskResult) -> float:
    low, high = (np.log(end / (100.0 - end)) for end in result.interval or (1.0, 1.0))
    return float(high - low)


def test_every_shipped_table_model_is_a_score_whose_inputs_all_have_names() -> None:
    found = research_scores()

    assert len(found) == 6
    for score in found.values():
        assert score.is_research
        assert score.doi.startswith("10.")
        assert score.model is not None
        columns = score.model.model.columns  # type: ignore[attr-defined]
        assert len(score.inputs) == len(columns)


def test_a_whole_row_gives_what_the_model_itself_gives() -> None:
    score = all_scores()["heart-failure-death"]
    model = score.model.model  # type: ignore[union-attr]
    row = {
        "age": 70.0, "sex": "M", "anaemia": 0.0, "creatine_kinase": 200.0, "diabetes": 1.0,
        "ejection_fraction": 25.0, "hypertension": 0.0, "platelets": 200_000.0,
        "creatinine": 1.8, "sodium": 132.0, "smoking": 0.0,
    }  # fmt: skip
    from medview.risk.tabular import encode

    expected = model.predict(encode(model.columns, [row])[0])

    result = heart()
    assert result.value == pytest.approx(100.0 * expected[0])
    assert result.interval == pytest.approx((100.0 * expected[1], 100.0 * expected[2]))
    assert result.filled == ()


def test_what_is_not_known_is_named_and_widens_the_interval() -> None:
    whole, gappy = heart(), heart("ejection_fraction", "sodium")

    assert gappy.filled == ("ejection_fraction", "sodium")
    assert width(gappy) > width(whole)
    said = " ".join(str(warning) for warning in gappy.warnings)
    assert "Not known, filled from the rest of the row: Ejection fraction, Sodium." in said


def test_with_almost_nothing_known_there_is_no_number() -> None:
    result = heart("reader")

    assert result.status == "missing"
    assert result.value is None
    assert set(result.missing) == {"anaemia_haematocrit_below_36", *_ALL}


def test_the_command_lists_and_computes_them_marked_as_research(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"score": "heart-failure-death", "inputs": _ALL}]))

    assert main(["risk", "--cases", str(cases), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["scores"][0]

    assert answer["research"] is True
    assert answer["value"] == pytest.approx(heart().value)
    assert answer["interval"] == pytest.approx(list(heart().interval or ()))

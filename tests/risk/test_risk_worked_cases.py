"""Every score gives the results that its sources print."""

from __future__ import annotations

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
    assert score.fits_any or score.family  # an older version stands beside the newer one
    starts = [band.start for band in score.bands if band.start is not None]
    assert starts in (sorted(starts), sorted(starts, reverse=True))

"""Scores: declarative units in `resources/scores/`, their arithmetic, and what a result says.

From observations to a number or an advice with every input's source; unknown is never taken for
no. Front door: catalogue, compute, fitting, by_use, by_hand, Score, ScoreInput, RiskResult; for
many scores of one patient know once, then fitting_of and judge.
"""

from medview.risk.by_hand import by_hand, concept_called, meant_by
from medview.risk.compute import compute, judge
from medview.risk.fitting import by_use, fitting, fitting_of, shown_of
from medview.risk.follow_up import due
from medview.risk.guidelines import guideline_of
from medview.risk.known import Known, know, overridden
from medview.risk.result import Contribution, Meant, RiskResult, UsedInput, Without
from medview.risk.score import Band, Score, ScoreInput, catalogue
from medview.risk.wording import amount, listing

__all__ = [
    "Band",
    "Contribution",
    "Known",
    "Meant",
    "RiskResult",
    "Score",
    "ScoreInput",
    "UsedInput",
    "Without",
    "amount",
    "by_hand",
    "by_use",
    "catalogue",
    "compute",
    "concept_called",
    "due",
    "fitting",
    "fitting_of",
    "guideline_of",
    "judge",
    "know",
    "listing",
    "meant_by",
    "overridden",
    "shown_of",
]

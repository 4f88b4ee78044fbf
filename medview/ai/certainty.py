"""What a calibration leaves possible: present, absent, or no answer.

Split conformal prediction, each class apart (Vovk et al. 2005): a set that holds the truth with the
wanted certainty for cases like those of the calibration. One class in it is an answer; both, or
none (a probability that neither kind of case showed), is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.core.words import Sentence, say

PRESENT, ABSENT, ABSTAIN = "present", "absent", "abstain"
WEAK = "weak"  # of a second output: no limits hold for it


def conformal_answer(probability: float, limits: Mapping[str, Any]) -> str:
    """present, absent or abstain; "" where the calibration knows no limits (calib.json
    `conformal`)."""
    if "present_from" not in limits:
        return ""
    can_be = probability >= float(limits["present_from"])
    can_be_not = probability <= float(limits["absent_to"])
    if can_be == can_be_not:
        return ABSTAIN
    return PRESENT if can_be else ABSENT


def answer_said(answer: str, limits: Mapping[str, Any]) -> Sentence | None:
    """The answer in words; None where there is none to give."""
    percent = round(100 * (1 - float(limits.get("alpha", 0.1))))
    if answer == PRESENT:
        return say(
            "At {percent} % certainty only its presence is left by the cases that this model was "
            "calibrated on.", percent=percent,
        )  # fmt: skip
    if answer == ABSENT:
        return say(
            "At {percent} % certainty only its absence is left by the cases that this model was "
            "calibrated on.", percent=percent,
        )  # fmt: skip
    if answer == ABSTAIN:
        return say(
            "No answer: at {percent} % certainty the cases that this model was calibrated on do "
            "not decide it.", percent=percent,
        )  # fmt: skip
    return None


def weak_said(known: Mapping[str, Any]) -> Sentence:
    """What is to be said of a second output (calib.json `weaker`) wherever it is shown."""
    return say(
        "A weak second output, for the ill alone: in patients that it did not learn from it told "
        "these two apart with an AUC of {auc} only.", auc=f"{float(known['auc']):.2f}",
    )  # fmt: skip


def volume_said(interval: tuple[float, float] | None, limits: Mapping[str, Any]) -> Sentence | None:
    """Between which volumes the true one lies; None where no calibration knows it.

    interval: mL, by the relative errors of the calibration.
    """
    if interval is None:
        return None
    low, high = interval
    digits = 1 if high >= 1 else 3
    return say(
        "{low} to {high} mL at {percent} % certainty.",
        percent=round(100 * (1 - float(limits.get("alpha", 0.1)))),
        low=f"{low:.{digits}f}", high=f"{high:.{digits}f}",
    )  # fmt: skip

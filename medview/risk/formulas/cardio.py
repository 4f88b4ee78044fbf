"""Points for patients with atrial fibrillation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome

_ONE_POINT = ("heart_failure", "hypertension", "diabetes", "vascular_disease")


def cha2ds2_vasc(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """CHA2DS2-VASc, 0-9 points; Lip 2010, 10.1378/chest.09-1584.

    The band turns on the points without the one for sex: men 0/1/2 are women 1/2/3.
    """
    age = given.number("age")
    points = sum(given.yes(name) for name in _ONE_POINT) + 2 * given.yes("stroke_tia_embolism")
    points += 2 if age >= 75 else 1 if age >= 65 else 0
    band = ("low", "intermediate", "high")[min(points, 2)]
    return Outcome(float(points + given.is_female()), band)

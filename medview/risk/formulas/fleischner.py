"""Fleischner Society 2017: what to do about an incidental nodule (10.1148/radiol.2017161659)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def fleischner_2017(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """The cell of the guideline's table as a band; there is no number.

    The size is the mean of long and short axis, rounded to the nearest millimetre. Risk is asked
    for only in solid nodules up to 8 mm or in several, the solid part only where it decides.
    """
    # Halves are rounded up, as a reader does; round() would take 6.5 to 6.
    size = math.floor(given.number("nodule_diameter_mean") + 0.5)
    kind = given.word("nodule_type")
    multiple = given.number("nodule_count") > 1
    if kind == "solid":
        return Outcome(band=_solid(given, size, multiple))
    if multiple:
        return Outcome(band=f"subsolid-multiple-{_below_six(size)}")
    if kind == "part-solid" and size >= 6:
        part = given.number("nodule_solid_part")
        return Outcome(band=f"part-solid-solid-{_below_six(math.floor(part + 0.5))}")
    return Outcome(band=f"{kind}-single-{_below_six(size)}")


def _below_six(size: int) -> str:
    return "below-6" if size < 6 else "from-6"


def _solid(given: Inputs, size: int, multiple: bool) -> str:
    if size > 8 and not multiple:
        return "solid-single-above-8"
    risk = "high" if given.yes("nodule_high_risk") else "low"
    if size < 6:
        return f"solid-below-6-{risk}"
    if multiple:
        return f"solid-multiple-from-6-{risk}"
    return f"solid-single-6-8-{risk}"

"""Units that are not in a concept's table are converted by a library, or refused."""

from __future__ import annotations

import pytest

from medview.core.observation import concepts
from medview.core.units import converted


@pytest.mark.parametrize(
    ("concept", "value", "unit", "expected"),
    [
        ("temperature", 100.4, "[degF]", 38.0),
        ("creatinine", 0.0884, "mmol/L", 1.0),
        ("creatinine", 10.0, "ug/mL", 1.0),
        ("creatinine", 88400.0, "nmol/L", 1.0),
        ("glucose", 5550.7, "umol/L", 100.0),
        ("height", 1.8e3, "mm", 180.0),
        ("platelets", 0.25, "10*12/L", 250.0),
        ("systolic_bp", 160.0, "mbar", 120.01),
    ],
)
def test_a_rare_unit_is_converted(concept: str, value: float, unit: str, expected: float) -> None:
    assert concepts()[concept].to_own_unit(value, unit) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("unit", ["kg", "mol", "", "{score}", "banana", "mg/", "1" * 500, "m$L"])
def test_what_is_no_unit_of_a_concentration_is_refused(unit: str) -> None:
    assert concepts()["creatinine"].to_own_unit(1.0, unit) is None


def test_a_mass_turns_into_an_amount_only_where_the_molar_mass_is_known() -> None:
    assert converted(1.0, "mg/dL", "umol/L", 113.12) == pytest.approx(88.4, abs=0.01)
    assert converted(1.0, "mg/dL", "umol/L") is None

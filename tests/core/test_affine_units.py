"""Units whose scales do not begin at one zero: HbA1c of the IFCC and of the NGSP."""

from __future__ import annotations

import pytest

from medview.core.observation import Observation, Source, concepts
from medview.record.merging import merged
from medview.record.plausible import only_plausible_unit
from medview.record.summary import trends
from medview.risk import by_hand, meant_by

HBA1C = concepts()["hba1c"]


# The table of the master equation as ngsp.org prints it.
@pytest.mark.parametrize(("ifcc", "ngsp"), [(31, 5.0), (42, 6.0), (48, 6.5), (53, 7.0), (97, 11.0)])
@pytest.mark.parametrize("unit", ["mmol/mol", "mmol/mol{Hb}"])
def test_hba1c_is_turned_by_the_master_equation(ifcc: float, ngsp: float, unit: str) -> None:
    assert HBA1C.to_own_unit(ifcc, unit) == pytest.approx(ngsp, abs=0.06)
    assert HBA1C.from_own_unit(ngsp, unit) == pytest.approx(ifcc, abs=0.6)


def test_a_difference_knows_no_offset() -> None:
    assert HBA1C.difference_in_own_unit(1.0, "mmol/mol") == pytest.approx(0.0915)
    assert concepts()["glucose"].difference_in_own_unit(1.0, "mmol/L") == pytest.approx(18.016)


def observed(value: float, unit: str, time: str = "2026-03-01") -> Observation:
    source = Source(kind="lab", where=f"{value}")
    return Observation(
        patient_id="P", concept="hba1c", value=value, unit=unit, time=time, source=source
    )


def test_one_result_in_both_units_is_one_and_another_stays_another() -> None:
    assert len(merged([observed(48, "mmol/mol"), observed(6.5, "%")])) == 1
    assert len(merged([observed(48, "mmol/mol"), observed(4.8, "%")])) == 2
    assert len(merged([observed(48, "mmol/mol"), observed(7.5, "%")])) == 2


def test_a_course_in_both_units_is_drawn_on_one_scale() -> None:
    course = [observed(8.0, "%", "2025-01-10"), observed(53, "mmol/mol", "2025-07-10")]
    (trend,) = trends(course, {})
    assert [round(value, 1) for _, value in trend.points] == [8.0, 7.0]


def test_hba1c_is_typed_in_either_unit() -> None:
    assert by_hand("hba1c", "48 mmol/mol").unit == "mmol/mol"
    meant = meant_by("hba1c", "48 %")
    assert meant is not None
    assert meant.unit == "mmol/mol"


def test_a_number_without_unit_is_a_share_as_it_always_was() -> None:
    assert only_plausible_unit("hba1c", 6.5) == "%"
    assert only_plausible_unit("hba1c", 11.2) == "%"
    assert only_plausible_unit("hba1c", 48) == ""

"""Growth of a lesion against printed cases and against arithmetic by hand."""

from __future__ import annotations

import math

import pytest

from medview.core.errors import InvalidInput
from medview.core.geometry import PatientPoint
from medview.core.results import Measurement, Quantity
from medview.imaging.growth import (
    Growth,
    Size,
    days_between,
    doubling_days,
    growth,
    growth_lines,
    growth_quantities,
    signed,
    size_of,
)


def made(kind: str, *numbers: tuple[str, float, str], calibration: str = "patient") -> Measurement:
    points = (PatientPoint(0, 0, 0), PatientPoint(10, 0, 0)) * 2
    if kind == "ellipse":
        points = (
            PatientPoint(-6, 0, 0), PatientPoint(6, 0, 0), PatientPoint(0, -4, 0),
            PatientPoint(0, 4, 0),
        )  # fmt: skip
    return Measurement(
        id="m", kind=kind, series_uid="s", stack=0, points=points, normal=(0, 0, 1),
        calibration=calibration,
        quantities=tuple(Quantity(concept=c, value=v, unit=u) for c, v, u in numbers),
    )  # fmt: skip


def test_a_diameter_26_percent_larger_is_a_volume_doubled() -> None:
    """The rule that Fleischner 2017 prints: one doubling is 26 % of diameter."""
    found = growth(Size(diameter_mm=10.0), Size(diameter_mm=12.6), 100)
    assert found.diameter == pytest.approx(0.26)
    assert found.doubling_days == pytest.approx(100.0, abs=0.1)
    assert found.is_by_diameter


@pytest.mark.parametrize(
    ("before", "after", "time", "doubling"),
    [
        (100_000, 800_000, 24, 8.0),  # printed: three doublings in 24 hours
        (100, 400, 4, 2.0),  # two doublings in four years
        (50.0, 100.0, 90, 90.0),
        (100.0, 125.0, 90, 90 * math.log(2) / math.log(1.25)),  # NELSON's least growth, 3 months
        (200.0, 100.0, 60, -60.0),  # halves
    ],
)
def test_doubling_times_of_printed_cases(
    before: float, after: float, time: float, doubling: float
) -> None:
    assert doubling_days(before, after, time) == pytest.approx(doubling)


def test_nelsons_bounds_of_growth_after_a_year() -> None:
    """VDT 400 days, the bound of suspicious growth: in 400 days the volume is twice as large."""
    assert doubling_days(120.0, 240.0, 400) == pytest.approx(400)
    fast, slow = (
        growth(Size(volume_mm3=100.0), Size(volume_mm3=190.0), 365),
        growth(Size(volume_mm3=100.0), Size(volume_mm3=150.0), 365),
    )
    assert fast.doubling_days is not None
    assert slow.doubling_days is not None
    assert fast.doubling_days < 400
    assert slow.doubling_days > 600


def test_a_volume_goes_before_the_diameter() -> None:
    found = growth(
        Size(diameter_mm=8.0, volume_mm3=270.0), Size(diameter_mm=9.0, volume_mm3=540.0), 120
    )
    assert found.doubling_days == pytest.approx(120)
    assert not found.is_by_diameter
    assert found.diameter == pytest.approx(0.125)


def test_small_changes_are_called_what_they_are() -> None:
    same = growth(Size(diameter_mm=8.0), Size(diameter_mm=9.5), 90)
    grown = growth(Size(diameter_mm=8.0), Size(diameter_mm=10.0), 90)
    assert not same.is_beyond_error
    assert grown.is_beyond_error
    assert not growth(Size(volume_mm3=100.0), Size(volume_mm3=124.0), 90).is_beyond_error
    assert any("measuring twice" in line.english() for line in growth_lines(same))


def test_what_stays_the_same_has_no_doubling_time() -> None:
    found = growth(Size(diameter_mm=8.0), Size(diameter_mm=8.0), 90)
    assert found.doubling_days is None
    assert [line.english() for line in growth_lines(found)][:2] == [
        "Diameter 0 %",
        "Unchanged over 90 days",
    ]


def test_shrinking_is_said_as_halving() -> None:
    found = growth(Size(volume_mm3=200.0), Size(volume_mm3=100.0), 60)
    assert "Volume halves in 60 days (over 60 days)" in {
        line.english() for line in growth_lines(found)
    }


def test_days_are_counted_over_leap_years_and_refused_without_dates() -> None:
    assert days_between("1959-12-09", "1960-04-13") == 126  # the two real dates of the abdomen
    assert days_between("2024-02-28", "2024-03-01") == 2
    for earlier, later in (("", "2024-01-01"), ("2024-01-01", ""), ("2024-13-01", "2024-01-01")):
        with pytest.raises(InvalidInput, match="date"):
            days_between(earlier, later)
    with pytest.raises(InvalidInput, match="one day"):
        days_between("2024-01-01", "2024-01-01")


@pytest.mark.parametrize(
    ("measurement", "diameter", "volume"),
    [
        (made("length", ("Length", 12.0, "mm")), 12.0, None),
        (made("bidirectional", ("Long axis", 12.0, "mm"), ("Short axis", 8.0, "mm")), 10.0, None),
        (made("ellipse", ("Area", 75.4, "mm2")), 10.0, None),
        (made("nodule", ("Mean diameter", 9.1, "mm"), ("Volume", 0.4, "mL")), 9.1, 400.0),
        (made("sphere", ("Diameter", 20.0, "mm"), ("Volume", 4188.8, "mm3")), 20.0, 4188.8),
    ],
)
def test_the_size_of_each_kind(
    measurement: Measurement, diameter: float, volume: float | None
) -> None:
    size = size_of(measurement)
    assert size is not None
    assert size.diameter_mm == pytest.approx(diameter)
    assert size.volume_mm3 == (None if volume is None else pytest.approx(volume))


def test_pixels_and_values_are_no_size() -> None:
    assert size_of(made("length", ("Length", 30.0, "{pixels}"), calibration="none")) is None
    assert size_of(made("probe", ("Value", 30.0, "[hnsf'U]"))) is None
    assert size_of(made("ellipse", ("Area", 30.0, "{pixels}2"), calibration="none")) is None


def test_a_diameter_and_a_volume_do_not_compare() -> None:
    with pytest.raises(InvalidInput, match="diameter"):
        growth(Size(diameter_mm=5.0), Size(volume_mm3=60.0), 30)


def test_numbers_for_a_report_carry_units() -> None:
    found = Growth(
        days=126, diameter=0.1, volume=None, doubling_days=300.0, is_by_diameter=True,
        is_beyond_error=True,
    )  # fmt: skip
    assert {(q.concept, q.unit) for q in growth_quantities(found)} == {
        ("Change of diameter", "%"), ("Volume doubling time", "d"), ("Days between", "d"),
    }  # fmt: skip


def test_a_change_carries_its_sign() -> None:
    assert [signed(v) for v in (25.6, -12.4, 0.2, -0.3)] == ["+26", "−12", "0", "0"]

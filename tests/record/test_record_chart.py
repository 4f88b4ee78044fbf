"""One store of observations: doubles joined, contradictions and old values shown, lists made."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from medview.core.observation import Observation, Source
from medview.core.results import Code
from medview.record import chart_of, is_stale, known_of, merged

DAY = dt.date(2026, 1, 30)


def creatinine(value: float, time: str, **more: object) -> Observation:
    kind = str(more.pop("kind", "lab"))
    one = Observation(
        patient_id="P-1",
        concept="creatinine",
        value=value,
        unit="mg/dL",
        time=time,
        source=Source(kind=kind, where=f"{kind} {time}", locator=f"document:{kind}:0:4"),
        original=f"Creatinine {value} mg/dL",
    )
    return replace(one, **more)  # type: ignore[arg-type]


def named(concept: str, name: str, status: str, time: str = "", **more: object) -> Observation:
    source = Source(kind="sentence", where="letter", locator=f"document:d{time}:0:5")
    one = Observation(
        patient_id="P-1", concept=concept, value=name, time=time, source=source, status=status
    )
    return replace(one, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "unit", "time", "original"),
    [
        (1.2, "mg/dL", "2026-01-27", "Creatinine 1.2 mg/dL"),
        (106.0, "umol/L", "2026-01-27", "Creatinine 106 umol/L"),
        (1.2, "mg/dL", "2026-01-28", "Creatinine 1.2 mg/dL"),
        (1.2, "mg/dL", "", "Creatinine 1.2 mg/dL"),
    ],
)
def test_what_a_note_repeats_of_the_laboratory_is_one_value_with_two_sources(
    value: float, unit: str, time: str, original: str
) -> None:
    lab = creatinine(1.2, "2026-01-27T08:00:00", reference=(0.5, 1.1))
    note = creatinine(value, time, kind="sentence", unit=unit, original=original)

    for order in ([lab, note], [note, lab]):
        (one,) = merged(order)
        assert (one.source.kind, one.value, one.reference) == ("lab", 1.2, (0.5, 1.1))
        assert [s.kind for s in one.also] == ["sentence"]


def test_two_notes_that_repeat_one_result_are_both_its_sources() -> None:
    notes = [creatinine(1.2, day, kind="sentence") for day in ("2026-01-27", "2026-01-30")]
    lab = creatinine(1.2, "2026-01-27")

    (one,) = merged([*notes, lab])

    assert (one.source.kind, one.time, len(one.also)) == ("lab", "2026-01-27", 2)


@pytest.mark.parametrize(
    "other",
    [
        creatinine(1.2, "2026-01-27T16:00:00"),  # the second sample of the day
        creatinine(1.3, "2026-01-27"),
        creatinine(1.2, "2026-01-20", kind="sentence"),
        creatinine(1.2, "2026-01-27", comparator="<"),
        creatinine(1.2, "2026-01-27", patient_id="P-2"),
        creatinine(112.0, "2026-01-27", unit="umol/L", original="Creatinine 112 umol/L"),
    ],
)
def test_what_may_be_another_value_stays_one(other: Observation) -> None:
    assert len(merged([creatinine(1.2, "2026-01-27T08:00:00"), other])) == 2


def test_two_creatinines_show_the_latest_its_age_and_the_other() -> None:
    (known,) = known_of([creatinine(1.9, "2025-11-01"), creatinine(1.2, "2026-01-27")], on=DAY)

    assert (known.observation.value, known.age_days, known.is_stale) == (1.2, 3, False)
    assert [o.value for o in known.others] == [1.9]


def test_a_difference_within_a_tenth_is_no_contradiction() -> None:
    (known,) = known_of([creatinine(1.12, "2026-01-26"), creatinine(1.2, "2026-01-27")], on=DAY)

    assert known.others == ()


@pytest.mark.parametrize(
    ("concept", "time", "stale"),
    [
        ("creatinine", "2025-12-31", False),
        ("creatinine", "2025-12-30", True),
        ("inr", "2026-01-22", True),
        ("inr", "2026-01-23", False),
        ("blood_pressure", "2026-01-28", True),
        ("smoking_status", "2025-01-29", True),
        ("hypertension", "1999-01-01", False),
        ("creatinine", "2025", False),
    ],
)
def test_old_values_are_marked_by_their_concept(concept: str, time: str, stale: bool) -> None:
    assert is_stale(creatinine(1.0, time, concept=concept), DAY) is stale


def test_the_reader_may_set_another_limit() -> None:
    old = creatinine(1.0, "2026-01-20")

    assert is_stale(old, DAY, {"creatinine": 2})
    assert not is_stale(creatinine(1.0, "2020-01-01"), DAY, {"creatinine": 0})


def test_a_problem_named_by_two_documents_is_one_line_with_both_places() -> None:
    chart = chart_of(
        merged(
            [
                named("problem", "Hypertension (disorder)", "active", "2020-01-01"),
                named("problem", "hypertension", "active", "2026-01-01"),
                named("problem", "Gout", "past"),
                named("problem", "asthma", "denied"),
            ]
        ),
        DAY,
    )

    first = chart.problems[0]
    assert [(p.name, p.status) for p in chart.problems] == [
        ("Hypertension (disorder)", "active"),
        ("Gout", "past"),
        ("asthma", "denied"),
    ]
    assert first.time == "2026-01-01"
    assert len(first.sources) == 2


def test_documents_that_disagree_about_a_problem_are_shown_both() -> None:
    (line,) = chart_of(
        [
            named("problem", "asthma", "denied", "2020-01-01"),
            named("problem", "asthma", "active", "2026-01-01"),
        ],
        DAY,
    ).problems

    assert line.status == "active"
    assert [o.status for o in line.others] == ["denied"]


def test_a_series_is_in_one_unit_with_its_range_and_flags() -> None:
    found = [
        creatinine(106.0, "2025-06-01", unit="umol/L", reference=(44.0, 97.0)),
        creatinine(1.0, "2026-01-27", reference=(0.5, 1.1)),
    ]
    (series,) = chart_of(found, DAY).series

    assert [round(p.value, 3) for p in series.points] == [1.199, 1.0]
    assert [p.flag for p in series.points] == ["high", ""]
    assert (series.unit, series.reference, series.age_days) == ("mg/dL", (0.5, 1.1), 3)


def test_a_result_without_a_concept_has_a_series_by_its_code() -> None:
    code = Code("LN", "2276-4", "Ferritin")
    found = [
        creatinine(v, t, concept="other_result", unit="ng/mL", code=code)
        for v, t in ((80.0, "2025-01-01"), (95.0, "2026-01-01"))
    ]
    (series,) = chart_of(merged(found), DAY).series

    assert (series.key, series.title, len(series.points)) == ("other:2276-4", "Ferritin", 2)


def test_a_drug_in_two_languages_is_one_medicine_with_both_sources() -> None:
    found = merged(
        [
            named("medication", "Amlodipine", "active", "2026-01-30"),
            named("medication", "氨氯地平", "active", "2026-01-27"),
            named("problem", "高血压", "active", "2026-01-27"),
            named("problem", "Hypertension", "active", "2026-01-30"),
        ]
    )
    chart = chart_of(found, DAY)

    (medicine,) = chart.medications
    assert medicine.name == "Amlodipine"
    assert len(medicine.sources) == 2
    assert len(chart.problems) == 1

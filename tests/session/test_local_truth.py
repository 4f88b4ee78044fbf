"""What became of findings: rates by month, drift, and rows that calibrate a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from decided_by_hand import CHILD, decide, decide_enough

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Finding, ModelRun
from medview.core.settings import Settings
from medview.core.study import Patient
from medview.dicom.uids import derived_uid
from medview.session import Session
from medview.session.local_truth import (
    LEAST,
    Rate,
    by_month,
    calibration_rows,
    decided_findings,
    has_drifted,
    missing_cases,
    wanting,
)
from medview.session.provenance import identity
from medview.session.runs import past_run
from medview.session.truth_cases import keep_case, truth_folder
from medview.session.work import Decision, Work
from medview.training.local import LEAST as TRAINED
from medview.training.parts import cases_of

GRID = Geometry(shape=(1, 4, 4), origin=PatientPoint(0, 0, 0))


def rate(month: str, accepted: int, rejected: int) -> Rate:
    return Rate(model="m", month=month, accepted=accepted, edited=0, rejected=rejected)


def test_decisions_are_counted_by_month_and_model_also_of_runs_that_were_replaced() -> None:
    folder = decide(1, 0.9, "accepted", "2026-10-03T10:00:00+00:00")
    decide(2, 0.8, "rejected", "2026-11-03T10:00:00+00:00")
    decide(3, 0.1, "accepted", "2026-11-04T10:00:00+00:00")
    past_run("r1", folder)

    rows = decided_findings()
    rates = by_month(rows)

    assert [(r.month, r.accepted, r.rejected) for r in rates] == [("2026-10", 1, 0),
                                                                  ("2026-11", 1, 1)]  # fmt: skip
    assert {row.by for row in rows} == {"Dr A"}
    assert "P1" not in {row.patient for row in rows}  # folders tell nothing of the patient
    scored = {row["score"]: row["label"] for row in calibration_rows(CHILD, rows)}
    positive = CHILD.description["provenance"]["positive"][0]
    assert scored[0.9] == positive
    assert scored[0.8] != positive  # rejected: what was called ill is well
    assert scored[0.1] != positive  # accepted: what was called well is well
    missing = missing_cases(CHILD, calibration_rows(CHILD, rows))
    assert missing == (LEAST - 1, LEAST - 2)
    assert (
        "9 more with the finding and 8 more without"
        in wanting(CHILD, calibration_rows(CHILD, rows)).english()
    )


def test_the_least_number_of_cases_is_the_calibrations_own() -> None:
    assert LEAST == TRAINED


def test_decided_cases_are_what_calibrate_takes() -> None:
    from medview.training.local import Wish, calibrate_on

    decide_enough()

    calib, changes = calibrate_on(CHILD, calibration_rows(CHILD, decided_findings()), Wish())

    assert calib["temperature"] > 0
    assert "after" in changes


def test_a_month_apart_from_those_before_is_said_and_a_small_one_is_not() -> None:
    steady = [rate("2026-08", 40, 10), rate("2026-09", 38, 12)]

    assert has_drifted([*steady, rate("2026-10", 10, 40)])
    assert not has_drifted([*steady, rate("2026-10", 41, 9)])
    assert not has_drifted([*steady, rate("2026-10", 1, 3)])
    assert not has_drifted(steady[:1])


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263.
    low, high = replace(rate("2026-08", 81, 182)).interval

    assert (low, high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def test_an_organ_has_one_tracking_uid_a_patient_wherever_it_is_found() -> None:
    one = Patient(id="P1", name="A^B", birth_date="1950-01-01", sex="F", studies=())
    same = replace(one, name="Another^Spelling")

    uids = {
        derived_uid("finding", identity(who, study), "lungs", "right lung")
        for who, study in ((one, "1.2"), (same, "1.3"))
    }

    assert len(uids) == 1
    assert identity(replace(one, id=""), "1.2") == "1.2"


@pytest.mark.parametrize(
    ("decision", "label"), [("accepted", "bacteria"), ("rejected", "not bacteria")]
)
def test_a_decided_class_becomes_a_training_case_that_goes_with_its_word(
    imaging_data: Path, decision: str, label: str
) -> None:
    session = Session(Settings(hang=False))
    session.studies.open([imaging_data / "cr-dx" / "chest-cxr-monochrome1.dcm"])
    (place,) = session.studies.places()
    desk = session.segmenting
    found = Finding(id="f", kind="classification", label=CHILD.outputs[0].name, probability=0.9)
    run = ModelRun(id="r", model=CHILD.ref, series_uid=place.series.uid, stack=0, status="run",
                   findings=(found,))  # fmt: skip
    word = Decision(finding_id="f", decision=decision, at="2026-11-03T10:00:00+00:00")

    folder = keep_case(place, run, Work(decisions=(word,)), desk)

    assert folder is not None
    (case,) = cases_of(truth_folder(CHILD.name), "all", CHILD.description["outputs"])
    assert (case.label, case.truth) == (label, None)
    assert case.volume.stored.shape == place.stack.geometry.shape
    assert keep_case(place, run, Work(), desk) is None
    assert not folder.exists()
    session.close()

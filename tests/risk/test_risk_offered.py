"""A study brings the scores that belong to it, before anything is known of the patient."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.core.observation import Observation
from medview.core.study import Patient, Series, Study
from medview.risk import by_use, catalogue, know, shown_of
from medview.risk.offered import offered

Said = Callable[..., Observation]


def _study(modality: str, part: str = "", title: str = "", series: str = "") -> Study:
    made = Series(uid="1.2", modality=modality, body_part=part, description=series)
    return Study(uid="1.1", date="2026-01-31", description=title, series=(made,))


def _ids(study: Study) -> set[str]:
    return {score.id for score in offered(catalogue().values(), study)}


@pytest.mark.parametrize(
    ("study", "ids"),
    [
        (_study("CT", "CHEST"), {"brock", "fleischner-2017"}),
        (_study("CT", "", "CT THORAX"), {"brock", "fleischner-2017"}),
        (_study("CT", "", "胸部平扫"), {"brock", "fleischner-2017"}),
        (_study("CT", "CHEST", "LDCT screening"), {"brock", "fleischner-2017", "lung-rads-2022"}),
        (_study("CT", "HEAD"), {"abc-2", "ich-score", "aspects"}),
        (_study("CT", "", "颅脑CT平扫"), {"abc-2", "ich-score", "aspects"}),
        (_study("US", "", "US Thyroid"), {"ti-rads"}),
        (_study("US", "", "甲状腺超声"), {"ti-rads"}),
        (_study("MR", "PROSTATE"), {"psa-density", "capra"}),
        (_study("CT", "", "Calcium score", "CaSc 3.0"), {"agatston", "mesa-chd-calcium"}),
        (_study("CT", "ABDOMEN"), {"bosniak-2019", "adrenal-washout"}),
        (_study("MG", "BREAST"), {"gail"}),
        (_study("MR", "KNEE"), set()),
        (_study("CR", "CHEST"), set()),
        (_study("CT", "CHEST", "Canine thorax"), set()),
    ],
)
def test_a_study_is_offered_what_belongs_to_it(study: Study, ids: set[str]) -> None:
    assert _ids(study) == ids


def test_the_offer_stays_short() -> None:
    study = _study("CT", "CHESTABDPELVIS", "Staging, trauma, liver, kidney, aorta, pancreas")

    assert len(_ids(study)) == 6


def test_what_is_not_for_this_patient_is_not_offered() -> None:
    child = Patient(id="1", birth_date="2020-01-01", sex="F")
    study = _study("CT", "CHEST")

    results = shown_of(catalogue().values(), know((), child, study), child, study)
    assert [result for result in results if result is not None] == []


def test_an_offered_score_says_what_it_needs_and_stands_last() -> None:
    woman = Patient(id="1", birth_date="1958-06-01", sex="F")
    study = _study("CT", "CHEST")
    every = shown_of(catalogue().values(), know((), woman, study), woman, study)

    results = by_use([result for result in every if result is not None])
    assert [result.score for result in results] == ["brock", "fleischner-2017"]
    assert all(result.is_offered and result.status == "missing" for result in results)
    assert "nodule_diameter_max" in results[0].missing
    assert results[0].used("age") is not None


def test_what_was_made_for_the_study_stands_before_what_fits_the_patient(said: Said) -> None:
    woman = Patient(id="P1", birth_date="1958-06-01", sex="F")
    heard = (said("creatinine", 1.0), said("nodule_diameter_max", 8.0), said("nodule_count", 1))

    def order(study: Study) -> list[str]:
        known = know(heard, woman, study)
        every = shown_of(catalogue().values(), known, woman, study)
        return [result.score for result in by_use([r for r in every if r is not None])]

    chest, knee = order(_study("CT", "CHEST")), order(_study("MR", "KNEE"))
    # What is computed stands first, what misses a value follows; of each the study's own first.
    assert chest[:2] == ["nodule-fused", "ckd-epi-2021"]
    assert set(chest[2:5]) >= {"brock", "fleischner-2017"}
    assert knee[0] == "nodule-fused"  # the catalogue's order, where none is the study's own

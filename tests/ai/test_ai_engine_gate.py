"""The gate: what a model was not made for is refused, each time with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.gate import applies, judge
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.results import GateVerdict
from medview.core.study import Patient, Series, Stack, Study
from medview.dicom import scan

CHILD_FILM = (
    {"check": "modality", "in": ["CR", "DX"], "missing": "refuse"},
    {"check": "age_years", "low": 1, "high": 5, "described_as": "children of 1-5 years",
     "missing": "refuse"},
    {"check": "body_part", "in": ["CHEST"], "also_in": ["series", "study"], "missing": "refuse"},
    {"check": "view", "in": ["AP", "PA"], "missing": "warn"},
    {"check": "inverted", "fail": "warn"},
)  # fmt: skip
HIPPOCAMPUS = (
    {"check": "modality", "in": ["MR"], "missing": "refuse"},
    {"check": "body_part", "in": ["HEAD"], "missing": "warn"},
    {"check": "slice_count", "low": 20},
    {"check": "slice_spacing_mm", "low": 0.6, "high": 1.5},
)


def model(*gates: Mapping[str, Any]) -> ModelFolder:
    folder = open_folder(shipped_models_dir() / "lungs")
    return replace(folder, description={**folder.description, "gates": list(gates)})


def film(**header: str) -> tuple[Patient, Study, Series, Stack]:
    stack = Stack(frames=(), geometry=Geometry(shape=(1, 100, 80)), verdict="projection")
    series = Series(uid="1", modality="DX", body_part="CHEST", stacks=(stack,), header=header)
    return Patient(id="p"), Study(uid="s", date="2026-01-31", series=(series,)), series, stack


def real(folder: Path) -> tuple[Patient, Study, Series, Stack]:
    patient = scan([folder]).patients[0]
    study = patient.studies[0]
    return patient, study, study.series[0], study.series[0].stacks[0]


def said(verdict: GateVerdict) -> str:
    assert verdict.verdict == "refused"
    return str(verdict.reason)


def test_child_of_four_is_accepted() -> None:
    verdict = judge(model(*CHILD_FILM), *film(PatientAge="004Y", ViewPosition="AP"))

    assert verdict.verdict == "accepted"
    assert all(check.ok for check in verdict.checks)


def test_adult_is_refused_with_age_and_population() -> None:
    assert said(judge(model(*CHILD_FILM), *film(PatientAge="067Y", ViewPosition="PA"))) == (
        "This film shows an adult (67 y); the model was trained on children of 1-5 years."
    )


@pytest.mark.parametrize("age", ["", "000Y", "0Y", "***"])
def test_unknown_age_is_refused_where_the_model_asks_for_it(age: str) -> None:
    assert "age is not known" in said(judge(model(*CHILD_FILM), *film(PatientAge=age)))


@pytest.mark.parametrize(
    ("age", "verdict"),
    [("011M", "refused"), ("013M", "accepted"), ("100W", "accepted"), ("005Y", "accepted"),
     ("006Y", "refused"), ("300D", "refused")],
)  # fmt: skip
def test_age_in_days_weeks_months_is_understood(age: str, verdict: str) -> None:
    given = film(PatientAge=age, ViewPosition="AP")

    assert judge(model(*CHILD_FILM), *given).verdict == verdict


def test_birth_date_stands_in_for_a_missing_age_and_contradicts_a_wrong_one() -> None:
    patient, study, series, stack = film(ViewPosition="AP")
    adult = replace(patient, birth_date="1959-03-01")
    wrong = replace(series, header={"PatientAge": "004Y"})

    assert "adult (66 y)" in said(judge(model(*CHILD_FILM), adult, study, series, stack))
    assert "adult (66 y)" in said(judge(model(*CHILD_FILM), adult, study, wrong, stack))


def test_lateral_view_is_refused() -> None:
    given = film(PatientAge="004Y", ViewPosition="LL")

    assert "LATERAL view" in said(judge(model(*CHILD_FILM), *given))


def test_missing_view_that_only_warns_is_borderline() -> None:
    assert judge(model(*CHILD_FILM), *film(PatientAge="004Y")).verdict == "borderline"


def test_inverted_film_that_only_warns_is_borderline() -> None:
    given = film(PatientAge="4Y", ViewPosition="AP", PhotometricInterpretation="MONOCHROME1")

    assert judge(model(*CHILD_FILM), *given).verdict == "borderline"


def test_animals_localizers_and_colour_are_refused_though_no_rule_asks() -> None:
    assert "animal" in said(judge(model(), *film(PatientSpeciesDescription="Canine")))
    assert "localizer" in said(judge(model(), *film(ImageType="ORIGINAL\\PRIMARY\\LOCALIZER")))
    assert "colour" in said(judge(model(), *film(PhotometricInterpretation="RGB")))


def test_human_species_is_no_animal() -> None:
    given = film(PatientSpeciesDescription="Homo sapiens")

    assert judge(model(), *given).verdict == "accepted"


def test_body_part_in_other_words_fits_and_another_is_refused() -> None:
    patient, study, series, stack = film(PatientAge="004Y", ViewPosition="AP")
    for part, verdict in (("THORAX", "accepted"), ("胸部", "accepted"), ("HAND", "refused")):
        other = replace(series, body_part=part)
        assert judge(model(*CHILD_FILM), patient, study, other, stack).verdict == verdict


def test_description_stands_in_for_a_missing_body_part() -> None:
    patient, study, series, stack = film(PatientAge="004Y", ViewPosition="AP")
    silent = replace(series, body_part="")
    named = replace(silent, description="Thorax a.p. liegend")

    assert said(judge(model(*CHILD_FILM), patient, study, silent, stack)) == (
        "The series does not say which body part it shows."
    )
    assert judge(model(*CHILD_FILM), patient, study, named, stack).verdict == "accepted"


def test_refusing_checks_stand_first_and_give_the_reason() -> None:
    verdict = judge(model(*CHILD_FILM), *film(PatientAge="067Y"))

    assert verdict.checks[0].name == "age_years"
    assert verdict.reason == verdict.checks[0].said


def test_model_applies_by_modality_and_body_part_only() -> None:
    _, _, series, _ = film(PatientAge="067Y")

    assert applies(model(*CHILD_FILM), series)
    assert not applies(model(*CHILD_FILM), replace(series, modality="CT"))
    assert not applies(model(*CHILD_FILM), replace(series, body_part="HAND"))
    assert not applies(model(*CHILD_FILM), replace(series, stacks=()))


def test_adult_films_of_the_corpus_are_refused_for_the_child_model(imaging_data: Path) -> None:
    for name in ("chest-cxr-jpeg.dcm", "chest-cxr-monochrome1.dcm"):
        given = real(imaging_data / "cr-dx" / name)
        assert "adult (62 y)" in said(judge(model(*CHILD_FILM), *given))


def test_every_other_film_of_the_corpus_is_refused_for_the_child_model(imaging_data: Path) -> None:
    for name in ("dog-monochrome1.dcm", "rg2-jpeg12.dcm", "rg3-monochrome1-j2k.dcm"):
        assert judge(model(*CHILD_FILM), *real(imaging_data / "cr-dx" / name)).verdict == "refused"


def test_dog_is_refused_as_an_animal(imaging_data: Path) -> None:
    given = real(imaging_data / "cr-dx" / "dog-monochrome1.dcm")

    assert "animal" in said(judge(model(*CHILD_FILM), *given))


def test_heads_with_thick_or_few_slices_are_refused_for_the_hippocampus(
    imaging_data: Path,
) -> None:
    for name, reason in (
        ("t1-sag-head", "The stack has 18 slices; the model needs at least 20. The slices are"),
        ("brain-t1-post", "The stack has 13 slices; the model needs at least 20. The slices are"),
    ):
        verdict = judge(model(*HIPPOCAMPUS), *real(imaging_data / "mr" / name))
        assert said(verdict).startswith(reason)
        assert [check.name for check in verdict.checks if not check.ok] == [
            "slice_count", "slice_spacing_mm",
        ]  # fmt: skip


def test_whole_chest_is_accepted_for_the_lungs_but_for_its_unknown_age(imaging_data: Path) -> None:
    lungs = open_folder(shipped_models_dir() / "lungs")
    given = real(imaging_data / "ct" / "chest-whole")

    verdict = judge(lungs, *given)

    assert applies(lungs, given[2])
    assert verdict.verdict == "borderline"
    assert [check.name for check in verdict.checks if not check.ok] == ["age_years"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lidc-0001", "covers 40 mm"),
        ("head-small", "The pixels are 3.2 mm wide"),
        ("localizer", "HEAD"),
        ("gap", "missing inside"),
        ("head-tilt-philips", "BRAIN"),
        ("abdomen-contrast", "covers 50 mm"),
    ],
)
def test_ct_that_is_no_whole_chest_is_refused_for_the_lungs(
    imaging_data: Path, name: str, reason: str
) -> None:
    lungs = open_folder(shipped_models_dir() / "lungs")
    given = real(imaging_data / "ct" / name)

    assert reason in said(judge(lungs, *given))


@pytest.mark.parametrize("verdict", ["non-uniform", "gaps", "duplicates"])
def test_uneven_slices_are_refused_though_no_rule_asks(verdict: str) -> None:
    patient, study, series, _ = film(PatientAge="004Y")
    stack = Stack(frames=(), geometry=Geometry(shape=(30, 100, 80)), verdict=verdict)
    made = replace(series, modality="MR", stacks=(stack,))
    rule = {"check": "modality", "in": ["MR"]}
    assert judge(model(rule), patient, study, made, stack).verdict == "refused"
    even = replace(stack, verdict="regular")
    assert judge(model(rule), patient, study, made, even).verdict == "accepted"

"""The gate's three states: every reason that matters, a banner, a reader's word on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.gate import joined, judge, needs_lesion
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.results import Check, GateVerdict
from medview.core.study import Patient, Series, Stack, Study
from medview.core.words import say
from medview.dicom import scan
from medview.training.coverage import binomial_interval

# Below these folders of the corpus lies what a model was made for.
MADE_FOR = {"lungs": "ct/chest-whole", "nodule": "ct/"}


def model(*gates: dict[str, object]) -> ModelFolder:
    folder = open_folder(shipped_models_dir() / "lungs")
    return replace(folder, description={**folder.description, "gates": list(gates)})


def stack_of(**fields: object) -> tuple[Patient, Study, Series, Stack]:
    geometry = fields.pop("geometry", Geometry(shape=(30, 64, 64)))
    header = {"PatientAge": "067Y"}
    assert isinstance(geometry, Geometry)
    stack = Stack(frames=(), geometry=geometry, verdict=str(fields.pop("verdict", "regular")))
    series = Series(uid="1", modality="CT", body_part="CHEST", stacks=(stack,), header=header)
    series = replace(series, **fields)  # type: ignore[arg-type]
    return Patient(id="p"), Study(uid="s", date="2026-01-31", series=(series,)), series, stack


AGE = {"check": "age_years", "low": 1, "high": 5, "described_as": "children of 1-5 years"}


def test_all_reasons_are_said_and_the_gravest_first() -> None:
    rules = ({"check": "slice_count", "low": 40}, AGE, {"check": "body_part", "in": ["HEAD"]})

    verdict = judge(model(*rules), *stack_of())

    assert [str(reason) for reason in verdict.reasons] == [
        "The series shows CHEST; the model was made for HEAD.",
        "This study shows an adult (67 y); the model was trained on children of 1-5 years.",
        "The stack has 30 slices; the model needs at least 40.",
    ]
    assert str(verdict.reason) == " ".join(str(reason) for reason in verdict.reasons)


def test_of_another_modality_sizes_do_not_matter_but_stay_in_the_list() -> None:
    rules = ({"check": "slice_count", "low": 40}, {"check": "modality", "in": ["MR"]})

    verdict = judge(model(*rules), *stack_of())

    assert len(verdict.reasons) == 1
    assert "made for MR" in str(verdict.reason)
    assert "slice_count" in [check.name for check in verdict.checks if check.refuses]


@pytest.mark.parametrize(
    ("axes", "lies"),
    [
        (((1, 0, 0), (0, 1, 0), (0, 0, 1)), "axial"),
        (((1, 0, 0), (0, 0, -1), (0, 1, 0)), "coronal"),
        (((0, 1, 0), (0, 0, -1), (-1, 0, 0)), "sagittal"),
        (((1, 0, 0), (0, 0.8, 0.6), (0, -0.6, 0.8)), "oblique"),
    ],
)
def test_how_the_slices_lie_is_asked_of_their_normal(
    axes: tuple[tuple[float, float, float], ...], lies: str
) -> None:
    given = stack_of(geometry=Geometry(shape=(30, 64, 64), axes=axes))  # type: ignore[arg-type]
    names = ("axial", "coronal", "sagittal", "oblique")

    taken = {name for name in names if judge(
        model({"check": "orientation", "in": [name]}), *given).verdict == "accepted"}  # fmt: skip

    assert taken == {lies}


def test_a_reader_may_answer_only_where_the_model_says_so() -> None:
    silent = stack_of(header={})
    strict = judge(model({**AGE, "missing": "refuse"}), *silent)
    lenient = judge(model({**AGE, "missing": "refuse", "override": "missing"}), *silent)
    adult = judge(model({**AGE, "missing": "refuse", "override": "missing"}), *stack_of())

    assert (strict.can_override, lenient.can_override, adult.can_override) == (False, True, False)


def test_a_readers_word_lets_it_run_with_banner_name_and_time() -> None:
    refused = judge(model({**AGE, "missing": "refuse", "override": "always"}), *stack_of(header={}))

    run = refused.overridden("Dr. Li", "2026-02-01T10:00:00+08:00")

    assert run.verdict == "borderline"
    assert run.override is not None
    assert (run.override.by, run.override.checks) == ("Dr. Li", ("age_years",))
    seen = joined(run, [Check("distance", ok=True, said=say("The slices lie axially."))])
    assert seen is not None
    assert (seen.verdict, seen.override) == ("borderline", run.override)


def test_what_the_pixels_say_refuses_even_what_a_reader_answered_for() -> None:
    refused = judge(model({**AGE, "missing": "refuse", "override": "always"}), *stack_of(header={}))
    hand = Check("router", ok=False, said=say("The slices lie axially."), grade="refuse")

    seen = joined(refused.overridden("x", "2026"), [hand])

    assert seen is not None
    assert (seen.verdict, seen.checks[0], seen.can_override) == ("refused", hand, False)


def test_a_doubt_about_the_pixels_makes_an_accepted_case_borderline() -> None:
    doubt = Check("distance", ok=False, said=say("The slices lie axially."), grade="warn")

    seen = joined(GateVerdict("accepted", ()), [doubt])

    assert seen is not None
    assert (seen.verdict, seen.reasons) == ("borderline", ())


def test_a_rule_that_may_be_answered_for_in_another_way_is_no_rule() -> None:
    from medview.ai.schema import check_gate

    with pytest.raises(ModelUnavailable, match="override"):
        check_gate({**AGE, "override": "sometimes"})


def test_nothing_of_the_corpus_gets_past_the_header_rules_of_a_model_not_made_for_it(
    imaging_data: Path,
) -> None:
    models = [open_folder(p) for p in sorted(shipped_models_dir().iterdir()) if p.is_dir()]
    models = [m for m in models if m.kind in ("segmentation", "classification", "rules")]
    assert len(models) >= 5
    taken = set()
    for patient in scan([imaging_data]).patients:
        for study in patient.studies:
            for series in study.series:
                for stack in series.stacks:
                    where = Path(stack.frames[0].path).relative_to(imaging_data).as_posix()
                    for one in models:
                        size = 12.0 if needs_lesion(one) else None
                        if judge(one, patient, study, series, stack, size).verdict != "refused":
                            taken.add((one.name, where))
    assert {name for name, where in taken if not where.startswith(MADE_FOR.get(name, "-"))} == set()
    assert {name for name, _ in taken} == {"lungs", "nodule"}


def test_binomial_intervals_are_those_of_the_tables() -> None:
    """Clopper and Pearson: 0 of 10, 10 of 10 and 8 of 10 as printed in tables."""
    assert binomial_interval(0, 10) == pytest.approx((0, 0.3085), abs=1e-4)
    assert binomial_interval(10, 10) == pytest.approx((0.6915, 1), abs=1e-4)
    assert binomial_interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    assert np.isfinite(binomial_interval(950, 1000)).all()

"""Cross-validation: each patient judged once, by a net that did not learn from them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_sets import balls_plan

from medview.core.errors import Cancelled, InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.crossval import rows_fingerprint
from medview.training.learning import Job, make_task, read_all
from medview.training.parts import folds_of
from medview.training.plan import TrainPlan, read_plan
from medview.training.trust import dealt_parts


def _plan(folder: Path, folds: int, steps: int = 4) -> TrainPlan:
    plan = balls_plan(folder, steps)
    text = plan.path.read_text().replace("held_out = 0.25", f"folds = {folds}")
    plan.path.write_text(text.replace("calibrate = 0.0", "calibrate = 0.25"))
    return read_plan(plan.path)


def _job(folder: Path, *, resume: bool = False) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(folder, no_progress, CancelToken(), resume)


def test_every_patient_is_held_out_once_and_never_learnt_from_there(tmp_path):
    plan = _plan(tmp_path, folds=3)
    parts = read_all(plan, _job(tmp_path / "run"))
    assert not parts.held_out
    folds = list(folds_of(plan, parts))
    held = [case.patient for fold in folds for case in fold.held_out]
    assert sorted(held) == sorted(case.patient for case in (*parts.fit, *parts.calibrate))
    assert [len({c.patient for c in fold.held_out}) for fold in folds] == [3, 3, 2]
    for fold in folds:
        out, fit, apart = (
            {case.patient for case in part} for part in (fold.held_out, fold.fit, fold.calibrate)
        )
        assert fit
        assert apart
        assert not out & fit
        assert not out & apart
        assert not fit & apart


def test_the_estimate_is_that_of_all_folds_and_the_card_says_so(tmp_path):
    plan = _plan(tmp_path, folds=2)
    model = train_model(plan, _job(tmp_path / "run"))
    stated = json.loads((model / "eval.json").read_text())
    rows = [
        row
        for number in (1, 2)
        for row in json.loads((tmp_path / "run" / f"fold-{number}" / "per_case.json").read_text())[
            "per_case"
        ]
    ]
    mean = sum(row["dice.ball"] for row in rows) / len(rows)
    assert stated["estimate"]["dice.ball"]["value"] == pytest.approx(mean, abs=1e-4)
    assert (stated["held_out"]["cases"], stated["held_out"]["patients"]) == (16, 8)
    assert stated["held_out"]["how"].startswith("cross-validation")
    assert "cross-validation in 2 folds" in (model / "card.md").read_text()


def test_a_stop_between_folds_is_taken_up_there(tmp_path):
    plan, stop = _plan(tmp_path, folds=2), CancelToken()

    def second(_done: int, _total: int, what: str) -> None:
        if what.startswith("Fold 2 of 2: Training"):
            stop.cancel()

    (tmp_path / "run").mkdir()
    with pytest.raises(Cancelled):
        train_model(plan, Job(tmp_path / "run", second, stop))
    first = tmp_path / "run" / "fold-1" / "per_case.json"
    before = first.stat().st_mtime_ns
    whole = train_model(plan, _job(tmp_path / "whole"))
    resumed = train_model(plan, _job(tmp_path / "run", resume=True))
    assert first.stat().st_mtime_ns == before
    told = [json.loads((folder / "eval.json").read_text()) for folder in (resumed, whole)]
    assert all(one.pop("made") for one in told)  # its seconds are each run's own
    assert told[0] == told[1]


def test_rows_of_a_fold_are_kept_only_for_what_they_were_measured_on(tmp_path):
    plan = _plan(tmp_path, folds=2)
    job = _job(tmp_path / "run")
    fold = next(folds_of(plan, read_all(plan, job)))
    task = make_task(plan, fold, job.cancel)

    def with_model(**fields):
        return replace(plan, model={**plan.model, **fields})

    first, *rest = fold.held_out
    redrawn = replace(first, truth=np.zeros_like(first.truth))
    marks = [
        rows_fingerprint(*given, task)
        for given in (
            (plan, fold),
            (with_model(pipeline=[*plan.model["pipeline"], {"op": "components"}]), fold),
            (with_model(outputs=[{**plan.model["outputs"][0], "name": "Other"}]), fold),
            (plan, replace(fold, held_out=(redrawn, *rest))),
            (plan, replace(fold, held_out=(*rest,))),
        )
    ]

    assert len(set(marks)) == len(marks)
    assert rows_fingerprint(plan, fold, task) == marks[0]


def test_certainty_is_fitted_on_cases_that_had_no_part_in_the_weights(tmp_path):
    """With folds none is left out of the fit, and patience chooses weights by the others."""
    plan = _plan(tmp_path, folds=2)
    parts = read_all(plan, _job(tmp_path / "run"))
    apart = dealt_parts(plan, parts)
    assert apart.fit == list(parts.calibrate)

    patient = replace(plan, recipe=replace(plan.recipe, patience=2))
    for given in (parts, replace(parts, calibrate=())):
        halves = dealt_parts(patient, given)
        assert halves.fit
        assert halves.test
        assert {c.id for c in (*halves.fit, *halves.test)} == {c.id for c in parts.dev}
        assert not {c.patient for c in halves.fit} & {c.patient for c in halves.test}


@pytest.mark.parametrize("change", ["folds = 1", "folds = 3\nheld_out = 0.25", ""])
def test_a_plan_names_a_held_out_part_or_folds(tmp_path, change):
    plan = balls_plan(tmp_path)
    plan.path.write_text(plan.path.read_text().replace("held_out = 0.25", change))
    with pytest.raises(InvalidInput, match="either split\\.held_out or"):
        read_plan(plan.path)


def test_more_folds_than_patients_are_refused(tmp_path):
    plan = _plan(tmp_path, folds=9)
    with pytest.raises(InvalidInput, match="fewer patients than folds"):
        train_model(plan, _job(tmp_path / "run"))
    assert not (tmp_path / "run" / "model").exists()

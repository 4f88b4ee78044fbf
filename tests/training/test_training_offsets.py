"""What is added to a net's last bias after its training, and who has a say in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from training_sets import balls_plan

from medview.ai.folder import open_folder
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import measure_model, train_model
from medview.training.evaluation import Listener, evaluate_cases
from medview.training.learning import Job, read_all
from medview.training.offsets import best_of, fit_offsets
from medview.training.plan import Offsets, read_plan

_TABLE = "[offsets]\nlabels = [1]\nchoices = [0.0, -1.0, 1.0]\n[recipe]"


def _job(folder: Path) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(folder, no_progress, CancelToken())


def _plan_with(folder: Path, table: str = _TABLE):
    path = balls_plan(folder, steps=6).path
    path.write_text(path.read_text().replace("[recipe]", table, 1))
    return read_plan(path)


def _row(patient, value):
    return {"patient": patient, "dice.ball": value}


def test_the_best_mean_dice_decides_and_the_own_patient_has_no_say():
    tried = {
        0.0: [_row("a", 0.9), _row("b", 0.5), _row("c", 0.5)],
        -1.0: [_row("a", 0.1), _row("b", 0.6), _row("c", 0.6)],
    }
    assert best_of(tried, {1: "ball"}) == {1: 0.0}
    assert best_of(tried, {1: "ball"}, without="a") == {1: -1.0}


def test_where_several_are_as_good_the_net_stays_as_it_learnt():
    rows = [_row("a", 0.5)]
    assert best_of({-1.0: rows, 0.0: rows, 1.0: rows}, {1: "ball"}) == {1: 0.0}
    assert best_of({-1.0: [], 0.0: []}, {1: "ball"}) == {1: 0.0}  # nobody drew it


def test_the_bias_moves_by_what_was_chosen_and_the_figures_are_the_pipelines(tmp_path):
    plain = train_model(balls_plan(tmp_path, steps=6), _job(tmp_path / "plain"))
    path = tmp_path / "balls.toml"
    path.write_text(path.read_text().replace("[recipe]", _TABLE, 1))
    plan = read_plan(path)
    model = train_model(plan, _job(tmp_path / "run"))
    told = json.loads((model / "eval.json").read_text())
    value = told["offsets"]["values"]["1"]
    before, after = (load_file(f / "weights.safetensors") for f in (plain, model))
    assert np.float16(before["head.bias"][1] + value) == pytest.approx(after["head.bias"][1], 2e-3)
    rest = set(before) - {"head.bias"}
    assert all(np.array_equal(before[name], after[name]) for name in rest)
    # What was measured on the moved logits is what the folder's own pipeline gives.
    parts = read_all(plan, _job(tmp_path / "run"))
    listener = Listener(no_progress, CancelToken())
    found = fit_offsets(
        open_folder(model), parts.held_out, plan.offsets, listener, shipped={1: value}
    )
    rows = evaluate_cases(open_folder(model), parts.held_out, listener).per_case
    assert [row["dice.ball"] for row in found.own] == [row["dice.ball"] for row in rows]
    best = max(plan.offsets.choices, key=lambda c: np.mean([
        row["dice.ball"] for row in fit_offsets(
            open_folder(plain), parts.held_out, replace(plan.offsets, choices=(c,)), listener
        ).own]))  # fmt: skip
    assert value == best
    card = (model / "card.md").read_text()
    assert f"(ball {value:+g})" in card
    assert "with the numbers that the other patients gave" in card


def test_measuring_again_adds_nothing_twice(tmp_path):
    plan = _plan_with(tmp_path)
    shipped = train_model(plan, _job(tmp_path / "run"))
    again = measure_model(read_plan(shipped / "train.toml"), _job(tmp_path / "again"))
    one, other = (load_file(f / "weights.safetensors") for f in (shipped, again))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    first, second = (json.loads((f / "eval.json").read_text()) for f in (shipped, again))
    assert first["offsets"] == second["offsets"]
    assert first["metrics"] == second["metrics"]


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("labels = [9]\nchoices = [0, 1]", "offsets.labels"),
        ("labels = []\nchoices = [0, 1]", "offsets.labels"),
        ("labels = [1]\nchoices = [1, 2]", "offsets.choices"),
        ('labels = [1]\nchoices = ["much", 0]', "offsets.choices"),
    ],
)
def test_an_impossible_table_is_refused_in_a_sentence(tmp_path, table, named):
    with pytest.raises(InvalidInput, match=named):
        _plan_with(tmp_path, f"[offsets]\n{table}\n[recipe]")


def test_offsets_is_a_value_of_the_plan(tmp_path):
    assert _plan_with(tmp_path).offsets == Offsets(labels=(1,), choices=(0.0, -1.0, 1.0))

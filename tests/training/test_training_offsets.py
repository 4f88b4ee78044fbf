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
from medview.ai.worker.nets import build_net
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import measure_model, train_model
from medview.training.checkpoint import save_half
from medview.training.evaluation import Listener, evaluate_cases
from medview.training.learning import Job, read_all
from medview.training.offsets import best_of, fit_offsets, move_bias
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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A plan with the table, beside its set, and the model that it made."""
    folder = tmp_path_factory.mktemp("offsets")
    plan = _plan_with(folder)
    return plan, train_model(plan, _job(folder / "run"))


def test_only_the_last_bias_moves_and_by_what_was_chosen(tmp_path):
    plan = balls_plan(tmp_path)
    net = build_net(plan.network["arch"], plan.network["args"])
    path = tmp_path / plan.network["weights"]
    path.write_bytes(save_half(net))
    before = load_file(path)
    move_bias(plan, tmp_path, {1: -1.5})
    after = load_file(path)
    assert after.pop("head.bias") == pytest.approx(before.pop("head.bias") - [0, 1.5], abs=2e-3)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_what_was_measured_on_moved_logits_is_what_the_folder_gives(made):
    plan, model = made
    told = json.loads((model / "eval.json").read_text())
    value = told["offsets"]["values"]["1"]
    held_out = read_all(plan, _job(model.parent)).held_out
    listener = Listener(no_progress, CancelToken())
    folder = open_folder(model)
    found = fit_offsets(folder, held_out, plan.offsets, listener, shipped={1: value})
    rows = evaluate_cases(folder, held_out, listener).per_case
    assert list(found.own) == list(rows)
    # The choice was the best one: with the others the very cases overlap no better.
    means = {
        choice: np.mean([row["dice.ball"] for row in fit_offsets(
            folder, held_out, replace(plan.offsets, choices=(choice - value,)), listener).own])
        for choice in plan.offsets.choices
    }  # fmt: skip
    assert means[value] == max(means.values())
    card = (model / "card.md").read_text()
    assert f"(ball {value:+g})" in card
    assert "with the numbers that the other patients gave" in card


def test_measuring_again_adds_nothing_twice(made, monkeypatch):
    plan, model = made
    monkeypatch.setenv("MEDVIEW_DATA", str(plan.path.parent))
    again = measure_model(read_plan(model / "train.toml"), _job(plan.path.parent / "again"))
    one, other = (load_file(f / "weights.safetensors") for f in (model, again))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    first, second = (json.loads((f / "eval.json").read_text()) for f in (model, again))
    assert first["offsets"] == second["offsets"]
    assert first["metrics"] == second["metrics"]
    # The bias ships in half precision, so a voxel at an edge may change sides.
    dice = [told["estimate"]["dice.ball"]["value"] for told in (first, second)]
    assert dice[0] == pytest.approx(dice[1], abs=0.01)


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

"""The focal loss, early stopping, and a training that the system kills at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_sets import balls_plan, films_plan

from medview.ai.worker.nets import build_net
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.learning import Job, learn, make_task, read_all
from medview.training.loop import Training
from medview.training.losses import cross_entropy, focal, weighted_binary
from medview.training.plan import TrainPlan, read_plan


def _job(folder: Path, *, resume: bool = False) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(folder, no_progress, CancelToken(), resume)


def _learnt(plan: TrainPlan, run: Job) -> Training:
    return learn(plan, make_task(plan, read_all(plan, run), run.cancel), run)


def test_the_focal_loss_is_that_of_its_formula():
    logits = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 3.0]], dtype=torch.float64)
    truth = torch.tensor([0, 1])
    p = torch.softmax(logits, 1)[torch.arange(2), truth]
    expected = (-((1 - p) ** 2) * p.log()).mean()
    assert float(cross_entropy(logits, truth, 2.0)) == pytest.approx(float(expected), rel=1e-12)
    plain = torch.nn.functional.cross_entropy(logits, truth)
    assert float(cross_entropy(logits, truth)) == pytest.approx(float(plain), rel=1e-12)


def test_the_focal_loss_of_yes_or_no_keeps_the_weights_of_the_classes():
    logits, truth = torch.tensor([1.0, -2.0, 0.3]), torch.tensor([1, 0, 0])
    p = torch.where(truth == 1, torch.sigmoid(logits), 1 - torch.sigmoid(logits))
    weight = torch.tensor([2.0, 0.5, 0.5])
    expected = (weight * (1 - p) ** 1.5 * -p.log()).mean()
    assert float(weighted_binary(logits, truth, weight, 1.5)) == pytest.approx(float(expected))


def test_a_sure_and_right_answer_has_a_gradient_that_is_a_number():
    entropy = torch.tensor([0.0, 1e-30, 2.0], requires_grad=True)
    focal(entropy, 0.5).sum().backward()
    assert entropy.grad is not None
    assert torch.isfinite(entropy.grad).all()


def _patient(plan: TrainPlan, text: str) -> TrainPlan:
    plan.path.write_text(plan.path.read_text().replace("seed = 1", f"seed = 1\n{text}"))
    return read_plan(plan.path)


def test_a_training_without_gain_stops_and_keeps_its_best_look(tmp_path):
    # No step changes anything, so the first look stays the best one.
    plan = balls_plan(tmp_path, steps=24)
    plan.path.write_text(plan.path.read_text().replace("calibrate = 0.0", "calibrate = 0.25"))
    plan = _patient(plan, "patience = 3\nfocal = 2.0")
    plan = replace(plan, recipe=replace(plan.recipe, learning_rate=0.0))
    training = _learnt(plan, _job(tmp_path / "run"))
    assert (training.at.step, training.kept_step) == (8, 2)
    again = _learnt(plan, _job(tmp_path / "run", resume=True))
    assert again.at.step == 8
    kept, resumed = training.at.average.state_dict(), again.at.average.state_dict()
    assert all(torch.equal(kept[name], resumed[name]) for name in kept)
    assert all(torch.equal(kept[name], training.at.best[name]) for name in kept)


def test_the_card_tells_where_an_early_stop_was(tmp_path):
    plan = _patient(films_plan(tmp_path, steps=12), "patience = 12")
    model = train_model(plan, _job(tmp_path / "run"))
    assert "12 looks at the calibration part" in (model / "card.md").read_text()


def test_patience_without_patients_of_its_own_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="patients of its own"):
        _patient(balls_plan(tmp_path), "patience = 3")


def _command(plan: TrainPlan, runs: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "medview.cli.main", "train", str(plan.path),
            "--runs", str(runs), "--json", *more]  # fmt: skip


@pytest.mark.slow
def test_a_training_killed_at_any_moment_is_resumed_to_the_same_weights(tmp_path):
    plan = balls_plan(tmp_path, steps=60)
    env = {**os.environ, "MEDVIEW_DATA": str(tmp_path)}
    subprocess.run(_command(plan, tmp_path / "whole"), env=env, check=True, capture_output=True)
    checkpoint = tmp_path / "cut" / "balls" / "checkpoint.safetensors"
    draw = random.Random(3)
    for _ in range(2):
        seen = checkpoint.stat().st_mtime_ns if checkpoint.is_file() else 0
        with subprocess.Popen(
            _command(plan, tmp_path / "cut", "--resume"), env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as run:  # fmt: skip
            while run.poll() is None:
                if checkpoint.is_file() and checkpoint.stat().st_mtime_ns != seen:
                    time.sleep(draw.uniform(0, 0.05))
                    break
                time.sleep(0.001)
            run.send_signal(signal.SIGKILL)
        assert not (tmp_path / "cut" / "balls" / "model").exists()
    subprocess.run(
        _command(plan, tmp_path / "cut", "--resume"), env=env, check=True, capture_output=True
    )
    whole, cut = (tmp_path / name / "balls" / "model" for name in ("whole", "cut"))
    one, other = (load_file(folder / "weights.safetensors") for folder in (whole, cut))
    assert all(torch.equal(one[name], other[name]) for name in one)
    figures = [json.loads((folder / "eval.json").read_text()) for folder in (whole, cut)]
    # A look that was lost with the kill is drawn again; the seconds are those of each run.
    assert all(f.pop("made")["history"] for f in figures)
    assert figures[0] == figures[1]


def test_a_training_may_end_before_its_schedule_does(tmp_path):
    plan = balls_plan(tmp_path, steps=8)
    early = replace(plan, recipe=replace(plan.recipe, until=3))
    short = _learnt(early, _job(tmp_path / "short"))
    long = Training(plan, make_task(plan, read_all(plan, _job(tmp_path / "long")), CancelToken()),
                    _net(plan), tmp_path / "long")  # fmt: skip
    there = long.run(no_progress, CancelToken(), until=3).state_dict()
    assert short.at.step == 3
    own = short.at.average.state_dict()
    assert all(torch.equal(own[name], there[name]) for name in own)  # of the same schedule
    path = tmp_path / "balls.toml"
    path.write_text(path.read_text().replace("steps = 8", "steps = 8\nuntil = 9"))
    with pytest.raises(InvalidInput, match="until"):
        read_plan(path)


def _net(plan: TrainPlan) -> torch.nn.Module:
    torch.manual_seed(plan.recipe.seed)
    return build_net(plan.network["arch"], plan.network["args"])

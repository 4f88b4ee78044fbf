"""Where nets learn: their data follow them, whatever the device, and the processor is always one.

No graphics card is needed to see it: on torch's `meta` device tensors have a place and a shape and
nothing else, and an operation on tensors of two places is refused there as on a card.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from training_sets import balls_plan, films_plan, kinds_plan

from medview.ai.worker.nets import build_net
from medview.cli.main import main
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.learning import Job, make_task, read_all
from medview.training.plan import TrainPlan


@pytest.mark.parametrize("make", [balls_plan, films_plan, kinds_plan])
def test_what_a_net_learns_from_goes_to_where_it_lies(
    make: Callable[[Path], TrainPlan], tmp_path: Path
):
    plan = make(tmp_path)
    job = Job(tmp_path, no_progress, CancelToken())
    task = make_task(plan, read_all(plan, job), job.cancel)
    net = build_net(plan.network["arch"], plan.network["args"])
    losses = list(task.losses(net.to("meta"), 0))
    assert {loss.device.type for loss in losses} == {"meta"}
    for loss in losses:
        loss.backward()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_card_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plan = balls_plan(tmp_path)
    given = ["train", str(plan.path), "--runs", str(tmp_path / "runs"), "--device", "cuda"]
    assert main(given) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")
def test_a_training_on_a_card_says_so_in_its_card(tmp_path: Path):
    from medview.ai.worker.devices import devices

    plan, card = balls_plan(tmp_path), devices()[0]
    model = train_model(plan, Job(tmp_path / "run", no_progress, CancelToken(), device=card))
    assert f"s of {card.title}" in (model / "card.md").read_text()

"""Cases within a margin: what is learnt from them, and when there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_sets import balls_plan

from medview.core.geometry import VoxelIndex
from medview.core.progress import CancelToken, no_progress
from medview.training import trust
from medview.training.augment import augment_volume
from medview.training.cases import Case
from medview.training.learning import Job, make_task, read_all
from medview.training.loop import generator, samples_of_step
from medview.training.losses import UNDRAWN
from medview.training.margin import MOST, in_margin
from medview.training.parts import Parts
from medview.training.plan import TrainPlan
from medview.training.segmentation import prepare_volume


@pytest.fixture
def plan(tmp_path: Path) -> TrainPlan:
    return balls_plan(tmp_path)


@pytest.fixture
def parts(plan: TrainPlan, tmp_path: Path) -> Parts:
    return read_all(plan, Job(tmp_path, no_progress, CancelToken()))


class Spy(torch.nn.Module):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.seen = torch.nn.Parameter(torch.zeros(1)), []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x[0, 0].clone())
        return self.weight * torch.ones(1, 2, *x.shape[2:])


def seen_in(plan: TrainPlan, parts: Parts, steps: int = 1, **strength: float) -> list[torch.Tensor]:
    augment = {**plan.recipe.augment, **strength}
    plan = replace(plan, recipe=replace(plan.recipe, augment=augment))
    task, net = make_task(plan, parts, CancelToken()), Spy()
    for step in range(steps):
        list(task.losses(net, step))
    return net.seen


def test_a_case_in_a_margin_keeps_its_greys_its_labels_and_its_place(parts):
    case = parts.fit[0]
    wider = in_margin(case, generator(3))
    before, after = case.volume.geometry, wider.volume.geometry
    corner = after.to_index(before.to_patient(VoxelIndex(0, 0, 0)))
    starts = [round(n) for n in corner]
    where = tuple(slice(at, at + size) for at, size in zip(starts, before.shape, strict=True))
    assert np.array_equal(wider.volume.values()[where], case.volume.values())
    assert np.array_equal(wider.truth[where], case.truth)
    assert wider.truth.sum() == case.truth.sum()
    assert wider.truth.shape == wider.volume.stored.shape == after.shape
    assert (wider.id, wider.patient) == (case.id, case.patient)


def test_margins_differ_in_width_and_grey_and_stay_within_the_greys_of_the_case(parts):
    case = parts.fit[0]
    low, high = case.volume.values().min(), case.volume.values().max()
    sizes, means = set(), set()
    for number in range(30):
        volume = in_margin(case, generator(number)).volume
        more = np.subtract(volume.stored.shape, case.volume.stored.shape)
        assert more.min() >= 0
        assert more.max() <= 2 * MOST
        assert low <= volume.values().min()
        assert volume.values().max() <= high
        sizes.add(tuple(more))
        means.add(round(float(volume.values().mean())))
    assert len(sizes) > 25
    assert len(means) > 10


def test_a_margin_is_the_same_for_the_same_generator(parts):
    one, two, other = (in_margin(parts.fit[0], generator(n)).volume.stored for n in (1, 1, 2))
    assert np.array_equal(one, two)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_where_a_drawing_ended_nothing_is_known_of_the_margin_either(parts):
    case = replace(parts.fit[0], open_ended=frozenset({1}))
    label = prepare_volume(in_margin(case, generator(1)), (), (1,)).label
    drawn = (label == 1).any(2).any(1)
    assert (label[~drawn] == UNDRAWN).all()
    assert not (label[drawn] == UNDRAWN).any()


def test_a_margin_goes_through_the_pipeline_with_its_case(plan, parts):
    image = make_task(plan, parts, CancelToken())._margined(0, generator(1)).image
    assert image.numel() > prepare_volume(parts.fit[0], plan.steps(), (1,)).image.numel()
    inside = image[image != 0]  # all but what fills up to a multiple
    assert float(inside.mean()) == pytest.approx(0, abs=1e-4)
    assert float(inside.std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_about_the_share_of_cases_that_is_asked_for_has_a_margin(plan, parts):
    plain, some = (seen_in(plan, parts, 40, margin=share) for share in (0, 0.5))
    wider = sum(s.shape != p.shape for s, p in zip(some, plain, strict=True))
    assert 20 <= wider <= 60  # of 80


def test_without_margins_a_training_sees_what_it_always_saw(plan, parts):
    recipe, task = plan.recipe, make_task(plan, parts, CancelToken())
    wanted = []
    for place, index in enumerate(samples_of_step(recipe.seed, 0, recipe.batch, len(parts.fit))):
        case = task._fit[index]
        rng = generator(recipe.seed, 2, 0, place)
        wanted.append(augment_volume(case.image, case.label, rng, recipe.augment)[0])
    for seen in (seen_in(plan, parts), seen_in(plan, parts, margin=0)):
        assert all(torch.equal(s, w) for s, w in zip(seen, wanted, strict=True))


def test_the_usual_world_of_a_net_that_learned_margins_holds_every_case_in_one(
    plan, parts, monkeypatch
):
    sizes: dict[str, list[int]] = {}

    def ask(case: Case) -> np.ndarray:
        sizes.setdefault(case.id, []).append(case.volume.stored.size)
        return np.random.default_rng(len(sizes)).normal(size=4)

    monkeypatch.setattr(trust, "_asker", lambda _folder, _listener: ask)
    _, about = trust.world_of(None, trust.dealt_parts(plan, parts), None)  # type: ignore[arg-type]
    assert {len(found) for found in sizes.values()} == {1}
    assert "kept_in_margin" not in about
    sizes.clear()
    recipe = replace(plan.recipe, augment={"margin": 0.5})
    with_margins = trust.dealt_parts(replace(plan, recipe=recipe), parts)
    _, about = trust.world_of(None, with_margins, None)  # type: ignore[arg-type]
    assert all(len(found) == 2 and found[1] > found[0] for found in sizes.values())
    assert about["kept"]["cases"] == about["kept_in_margin"]["cases"] == len(parts.dev)
    told = {"alpha": 0.1, "fit_cases": 20, "fitted_on": "x", "test_cases": 4, "measured_on": "y"}
    assert "within a margin" in trust.card_section({**told, "distance": about})

"""How sure a model may be: limits on cases that it did not learn from, held to others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medview.ai.certainty import answer_said, conformal_answer
from medview.ai.folder import open_folder
from medview.ai.worker.assemble import find
from medview.ai.worker.distance import deepest
from medview.ai.worker.nets import UNet3d
from medview.ai.worker.pipeline import PipelineResult
from medview.ai.worker.steps import Context, State
from medview.ai.worker.tiles import Tiling
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.results import Check
from medview.core.volume import Volume
from medview.core.words import Sentence
from medview.training.local import limits_of_classes, limits_of_volumes
from medview.training.trust import _class_coverage, card_section

LIMITS = {"alpha": 0.1, "present_from": 0.3, "absent_to": 0.6}


@pytest.mark.parametrize(
    ("probability", "answer"), [(0.9, "present"), (0.1, "absent"), (0.45, "abstain")]
)
def test_both_or_neither_left_is_no_answer(probability: float, answer: str) -> None:
    assert conformal_answer(probability, LIMITS) == answer
    apart = {"alpha": 0.1, "present_from": 0.8, "absent_to": 0.2}
    assert conformal_answer(0.5, apart) == "abstain"
    assert conformal_answer(probability, {}) == ""


def test_no_answer_has_its_own_sentence_with_the_certainty() -> None:
    said = answer_said("abstain", {**LIMITS, "alpha": 0.05})

    assert said is not None
    assert said.english().startswith("No answer: at 95 % certainty")


def test_a_finding_carries_the_answer_and_its_sentence() -> None:
    folder = open_folder(shipped_models_dir() / "pneumonia-child")
    limits = folder.calibration().get("conformal")
    given = PipelineResult(None, {"Pneumonia": 0.999}, (), ())

    (finding,) = find(folder, given, Geometry(shape=(1, 4, 4)), "run")

    wanted = "" if limits is None else "present"
    assert finding.answer == wanted
    assert (finding.answer_said is None) == (wanted == "")


def test_a_picture_unlike_the_training_gets_no_answer() -> None:
    folder = open_folder(shipped_models_dir() / "pneumonia-child")
    doubt = Check("distance", ok=False, said=Sentence("Unlike"), grade="warn")
    given = PipelineResult(None, {"Pneumonia": 0.999}, (), (), checks=(doubt,))

    (finding,) = find(folder, given, Geometry(shape=(1, 4, 4)), "run")

    assert finding.answer == "abstain"
    assert finding.answer_said is not None
    assert "which this one is not" in finding.answer_said.english()


def test_conformal_limits_hold_the_truth_as_often_as_they_promise() -> None:
    """On made cases, whose probabilities for both kinds are known, over many draws."""
    rng = np.random.default_rng(4)

    def draw(count: int) -> list[dict[str, object]]:
        ill = rng.random(count) < 0.4
        score = np.where(ill, rng.beta(4, 2, count), rng.beta(2, 4, count))
        return [
            {"label": "ill" if i else "well", "score": float(s)}
            for i, s in zip(ill, score, strict=True)
        ]

    held = []
    for _ in range(40):
        limits = limits_of_classes(draw(200), ["ill"], 0.1)
        found = _class_coverage(draw(500), ["ill"], limits)
        held.append((found["covered_present"]["value"], found["covered_absent"]["value"]))
    assert np.mean(held, axis=0) == pytest.approx([0.9, 0.9], abs=0.015)


def test_volume_limits_hold_the_true_volume_as_often_as_they_promise() -> None:
    folder = open_folder(shipped_models_dir() / "hippocampus")
    rng = np.random.default_rng(1)
    name = "volume_error.anterior"

    def inside(share: float, errors: np.ndarray) -> float:
        return float((np.abs(1 / (1 + errors) - 1) <= share).mean())

    held = []
    for _ in range(60):
        rows = [{name: float(e)} for e in rng.normal(0.02, 0.08, 60)]
        (share,) = limits_of_volumes(folder, rows, 0.1).values()
        held.append(inside(share, rng.normal(0.02, 0.08, 400)))
    assert np.mean(held) == pytest.approx(0.91, abs=0.02)


def test_the_deepest_features_are_those_of_the_whole_volume_whatever_the_tiles() -> None:
    """Means and deviations add up over tiles where the net sees no further than a voxel."""
    torch.manual_seed(0)
    net = UNet3d(outputs=2, widths=[3, 5], encoder=[1, 1], decoder=[1]).eval()
    rng = np.random.default_rng(0)
    volume = Volume(geometry=Geometry(shape=(16, 16, 16)), stored=rng.normal(size=(16, 16, 16)))
    state = State(volume)
    with torch.inference_mode():
        maps = net.bottleneck(torch.from_numpy(state.image)[None, None])[0].flatten(1).numpy()

    whole = deepest(net, state)

    assert whole[:5] == pytest.approx(maps.mean(1), abs=1e-5)
    assert whole[5:] == pytest.approx(maps.std(1), abs=1e-5)
    tiled = State(volume)
    tiled.tiling = Tiling((8, 8, 8), 0.5)
    assert np.isfinite(deepest(net, tiled)).all()
    moved = State(volume, Context(device="meta"))  # asked for there, and moved from there since
    np.testing.assert_array_equal(deepest(net, moved), whole)


def test_the_card_says_how_often_and_on_how_many() -> None:
    about = {
        "alpha": 0.1, "fit_cases": 25, "fitted_on": "the held-out part", "test_cases": 24,
        "measured_on": "dev",
        "volumes": {"anterior": {"interval_share": 0.21, "hits": 23, "cases": 24, "value": 0.9583,
                                 "interval": [0.7888, 0.9989]}},
    }  # fmt: skip

    text = card_section(about)

    assert (
        "| volume of anterior inside its interval (±21 %) | 0.958 | 24 | 0.789 to 0.999 |" in text
    )

"""One temperature for a segmentation's voxels: found again where it is known, kept off the rest."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medview.ai.folder import open_folder
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume
from medview.training.cases import Case
from medview.training.evaluation import Listener
from medview.training.trust import card_section
from medview.training.voxels import (
    Voxels,
    _figures,
    _near,
    _pairs,
    fit_temperature,
    has_voxels,
    voxel_certainty,
)

LISTENER = Listener(no_progress, CancelToken())


def overconfident(times: float, patient: str, seed: int) -> Voxels:
    """Labels drawn from the softmax of logits, which are then told `times` as large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (4000, 3))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = (shares.cumsum(1) > rng.random((len(shares), 1))).argmax(1)
    return Voxels(patient, (times * logits)[None].astype(np.float32), truth, (1, 2))


@pytest.mark.parametrize("times", [0.5, 2.5])
def test_the_temperature_is_what_logits_were_blown_up_by(times: float) -> None:
    found = [overconfident(times, str(seed), seed) for seed in range(2)]
    assert fit_temperature(found) == pytest.approx(times, rel=0.06)
    before = _figures([_pairs(v, 1.0) for v in found])
    after = _figures([_pairs(v, times) for v in found])
    assert after["ece"] < 0.01
    assert before["ece"] > 3 * after["ece"]
    assert after["interval"][0] <= after["ece"] + 0.005
    said, so = np.array(after["bins"]).T
    assert np.abs(said - so).max() < 0.05


def test_looks_are_averaged_as_probabilities() -> None:
    two = np.array([[[4.0, 0.0]], [[0.0, 4.0]]], np.float32)
    shares = Voxels("a", two, np.zeros(1, np.int64), (1,)).probabilities(2.0)
    assert shares == pytest.approx(np.array([[0.5, 0.5]]))


def test_a_net_that_says_what_is_so_keeps_its_own() -> None:
    assert fit_temperature([overconfident(1.0, "a", 0)]) == pytest.approx(1.0, abs=0.06)


def test_without_voxels_the_temperature_changes_nothing() -> None:
    assert fit_temperature([]) == 1.0


def test_what_nobody_looked_for_does_not_count_as_said_wrongly() -> None:
    sure = np.zeros((1, 5, 3), np.float32)
    sure[..., 2] = 9.0  # of a structure that was not drawn in this case
    voxels = Voxels("a", sure, np.zeros(5, np.int64), (1,))
    said, so = _pairs(voxels, 1.0)
    assert said.shape == so.shape == (5,)
    assert said.max() < 0.01
    assert not so.any()


def test_where_nothing_is_sure_the_figures_and_the_card_say_so() -> None:
    even = Voxels("a", np.zeros((1, 20, 2), np.float32), np.arange(20) % 2, (1,))
    found = _figures([_pairs(even, 1.0)])
    assert found["sure"] == 0
    assert found["right_where_sure"] is None
    json.dumps(found, allow_nan=False)
    about = {"alpha": 0.1, "fit_cases": 2, "fitted_on": "x", "test_cases": 2, "measured_on": "y",
             "voxels": {"temperature": 1.0, "cases": 1, "before": found,
                        "after": found}}  # fmt: skip
    assert "none lies outside the band" in card_section(about)


def test_where_nobody_looked_nothing_is_counted() -> None:
    grid = Geometry(shape=(8, 8, 8))
    truth = np.zeros((8, 8, 8), np.int64)
    truth[2, 2, 2] = 1
    found = np.zeros_like(truth)
    found[6, 6, 6], found[2, 2, 3] = 2, 3
    volume = Volume(stored=np.zeros((8, 8, 8), np.float32), geometry=grid)
    case = Case(id="a", patient="a", volume=volume, truth=truth.astype(np.uint8),
                labels=frozenset({1, 3}), open_ended=frozenset({3}))  # fmt: skip
    places = set(zip(*(p.tolist() for p in _near(case, truth, found, 0)), strict=True))
    assert (2, 2, 2) in places
    assert (2, 2, 1) in places  # beside it
    assert (6, 6, 6) not in places  # label 2 was not looked for here
    assert (2, 2, 3) not in places  # label 3 was drawn over a part of its length only
    assert (2, 6, 2) not in places  # far from everything


def test_the_shipped_net_is_measured_on_cases_of_its_kind(training_data) -> None:
    from medview.training.cases import read_cases

    folder = open_folder(shipped_models_dir() / "hippocampus")
    assert has_voxels(folder)
    assert not has_voxels(open_folder(shipped_models_dir() / "lungs"))
    cases = []
    for case in read_cases(training_data / "hippocampus", "dev"):
        cases.append(case)
        if len(cases) == 2:
            break
    temperature, about = voxel_certainty(folder, cases, cases, LISTENER)
    assert about["cases"] == 2
    assert 0.2 < temperature < 10
    assert about["after"]["right_where_sure"] > 0.9
    trust = {"alpha": 0.1, "fit_cases": 2, "test_cases": 2, "fitted_on": "x", "measured_on": "y",
             "voxels": about}  # fmt: skip
    assert f"at temperature {temperature:.2f}" in card_section(trust)

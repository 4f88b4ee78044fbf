"""A second look at an answered picture: the right places, a fixed scale, progress, cancel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.look import Look, methods_of
from medview.ai.worker.looking import look
from medview.core.errors import Cancelled, ModelUnavailable
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.results import Heatmap
from medview.training.cases import Case, read_cases


def shipped(name: str) -> ModelFolder:
    return open_folder(shipped_models_dir() / name)


@pytest.fixture(scope="module")
def film(training_data: Path) -> Case:
    cases = read_cases(training_data / "cxr-pneumonia", "dev")
    return next(case for case in cases if case.label == "bacteria")


def ask(case: Case, method: str, told: Callable[[int, int, str], None] = no_progress) -> Heatmap:
    asked = Look(label="Pneumonia", method=method)
    return look(shipped("pneumonia-child"), case.volume, asked, told, CancelToken())


def test_a_film_is_asked_with_progress_and_its_map_has_blocks_of_its_true_grid(film: Case) -> None:
    told: list[tuple[int, int]] = []

    found = ask(film, "hirescam", lambda done, total, _what: told.append((done, total)))

    assert found.cells == (1, 12, 12)
    assert found.values.shape == film.volume.geometry.shape
    assert 0 < found.values.max() <= 1
    assert len(np.unique(found.values)) <= 12 * 12
    assert told == sorted(told)
    assert 0.8 < told[-1][0] / told[-1][1] <= 1
    assert found.fidelity is not None
    assert found.fidelity.beats_chance


def test_for_a_pooled_linear_head_the_map_is_that_of_the_pipeline(film: Case) -> None:
    """The exact class activation map, drawn by other code, on the same fixed scale."""
    from medview.ai.worker.pipeline import Pipeline

    given = Pipeline(shipped("pneumonia-child")).run(film.volume, no_progress, CancelToken())
    ((_, own),) = given.heatmaps

    found = ask(film, "grad_cam").values

    assert np.allclose(own, found, atol=2e-3)  # the weights' biases lie in the one, not the other


def test_a_look_can_be_given_up(film: Case) -> None:
    cancel = CancelToken()
    asked = Look(label="Pneumonia", method="occlusion")
    with pytest.raises(Cancelled):
        look(shipped("pneumonia-child"), film.volume, asked, lambda *_a: cancel.cancel(), cancel)


def test_models_without_maps_cannot_be_asked(film: Case) -> None:
    assert methods_of(shipped("lungs")) == ()
    assert methods_of(shipped("router")) == ()
    with pytest.raises(ModelUnavailable):
        look(shipped("lungs"), film.volume, Look(label="Right lung"), no_progress, CancelToken())


def test_a_structure_is_asked_in_the_volume_that_it_lies_in(training_data: Path) -> None:
    folder = shipped("hippocampus")
    case = next(read_cases(training_data / "hippocampus", "dev"))
    asked = Look(label="Hippocampus, anterior", method="hirescam", randomised=True)

    found = look(folder, case.volume, asked, no_progress, CancelToken())

    assert case.truth is not None
    assert min(found.cells) > 1
    assert found.values.shape == case.volume.geometry.shape
    assert found.random_likeness is not None
    assert abs(found.random_likeness) < 0.5
    strong = found.values > 0.5 * found.values.max()
    # What the net used lies on or near the structure: most of the strong cells touch it.
    i, j, k = (float(np.mean(axis)) for axis in np.nonzero(case.truth == 1))
    a, b, c = (float(np.mean(axis)) for axis in np.nonzero(strong))
    assert np.hypot(np.hypot(a - i, b - j), c - k) < 12

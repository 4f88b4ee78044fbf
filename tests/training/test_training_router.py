"""A router: learnt from pictures of a few kinds, it names them or says that it does not know."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from training_sets import kinds_plan, picture_of

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.worker.consult import ask_router
from medview.ai.worker.pipeline import Pipeline
from medview.ai.worker.steps import State
from medview.ai.worker.views import views
from medview.cli.main import main
from medview.core.errors import InputRefused, InvalidInput
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume
from medview.training.build import Job, train_model
from medview.training.cases import film_volume
from medview.training.plan import read_plan


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("router")
    plan = kinds_plan(folder)
    (folder / "run").mkdir()
    path = train_model(plan, Job(folder / "run", no_progress, CancelToken()))
    return plan, open_folder(path), folder / "set"


@pytest.fixture
def router(trained) -> Pipeline:
    return Pipeline(trained[1])


def _film(picture: np.ndarray, modality: str = "") -> Volume:
    return replace(film_volume(picture), modality=modality)


def _stack(pictures: list[np.ndarray], modality: str) -> Volume:
    stored = np.stack(pictures)
    geometry = Geometry(shape=stored.shape, spacing=(2.0, 2.0, 5.0))
    return Volume(geometry=geometry, stored=stored, modality=modality)


def _model(trained, modality: str, part: str) -> ModelFolder:
    gates = [{"check": "modality", "in": [modality]}, {"check": "body_part", "in": [part]}]
    own = trained[1]
    return replace(own, description={**own.description, "kind": "classification", "gates": gates})


def _run(router: Pipeline, volume: Volume):
    return router.run(volume, no_progress, CancelToken()).route


def test_evaluate_prints_accuracy_and_unknown(trained, capsys):
    _, folder, data = trained
    assert main(["evaluate", str(folder.path), str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    metrics = found["metrics"]
    assert metrics["accuracy"]["value"] > 0.8
    assert metrics["accuracy"]["value"] + metrics["unknown"]["value"] <= 1
    assert {row["answer"] for row in found["per_case"]} <= {"disc", "bars", "unknown"}


def test_a_known_kind_is_named_and_a_strange_picture_is_not(router):
    rng = np.random.default_rng(1)
    assert _run(router, _film(picture_of("bars", rng))).answer == 1
    strange = rng.normal(90, 30, (40, 40)).clip(0, 255).astype(np.uint8)
    assert _run(router, _film(strange)).looks_like is None


def test_a_header_of_another_modality_takes_the_answer_but_not_the_looks(router):
    bars = picture_of("bars", np.random.default_rng(1))
    route = _run(router, _film(bars, "CR"))
    assert (route.looks_like, route.answer) == (1, None)


def test_slices_that_contradict_each_other_have_no_answer(router):
    rng = np.random.default_rng(2)
    kinds = ["bars"] * 4 + ["disc"] * 4
    mixed = _run(router, _stack([picture_of(kind, rng) for kind in kinds], "CT"))
    alike = _run(router, _stack([picture_of("bars", rng) for _ in range(8)], "CT"))
    assert mixed.looks_like is None
    assert alike.looks_like == 1


def test_a_picture_that_contradicts_a_model_is_said(trained, router):
    hand = _film(picture_of("disc", np.random.default_rng(1)), "CR")
    check = ask_router(router, _model(trained, "CR", "CHEST"), hand, CancelToken())
    assert not check.ok
    assert check.said.english() == (
        "The picture looks like this: Disc; the model was made for CR, CHEST."
    )
    assert ask_router(router, _model(trained, "CR", "EXTREMITY"), hand, CancelToken()).ok


def test_a_film_under_the_name_of_a_cross_section_is_found(trained, router):
    disc = _film(picture_of("disc", np.random.default_rng(1)), "CT")
    assert not ask_router(router, _model(trained, "CT", "EXTREMITY"), disc, CancelToken()).ok


def test_what_it_does_not_know_is_left_to_the_model(trained, router):
    noise = _film(np.random.default_rng(3).normal(90, 30, (40, 40)).clip(0, 255).astype(np.uint8))
    check = ask_router(router, _model(trained, "CR", "CHEST"), noise, CancelToken())
    assert check.ok
    empty = _film(np.zeros((40, 40), np.uint8))
    assert ask_router(router, _model(trained, "CR", "CHEST"), empty, CancelToken()).ok


def test_views_are_square_in_millimetres_and_hounsfield_units_go_through_windows():
    stored = np.full((10, 20, 40), -1000, np.int16)
    stored[:, 5:15, 10:30] = 40
    stored[:, 8:12, 15:25] = 700
    geometry = Geometry(shape=stored.shape, spacing=(1.0, 2.0, 3.0))
    state = State(Volume(geometry=geometry, stored=stored, unit="HU", modality="CT"))

    views(state, size=32, slices=3, windows=[-20, 330, 0, 100])

    assert state.image.shape == (6, 32, 32)  # three slices through two windows
    bright = state.image[0] > 0
    assert np.ptp(np.flatnonzero(bright.any(0))) == np.ptp(np.flatnonzero(bright.any(1)))
    np.testing.assert_allclose(state.image.mean((1, 2)), 0, atol=1e-5)


def test_an_empty_series_shows_nothing():
    with pytest.raises(InputRefused):
        views(State(_film(np.zeros((40, 40), np.uint8))), size=32, slices=3, windows=[])


def test_a_class_that_is_empty_stops_the_training(trained, tmp_path):
    plan, _, data = trained
    text = plan.path.read_text().replace('"disc", "bars"', '"disc", "bars", "rings"')
    (tmp_path / "kinds.toml").write_text(text.replace('"set"', f'"{data}"'))
    (tmp_path / "run").mkdir()
    with pytest.raises(InvalidInput, match="no case"):
        train_model(
            read_plan(tmp_path / "kinds.toml"), Job(tmp_path / "run", no_progress, CancelToken())
        )
    assert not (tmp_path / "run" / "model").exists()

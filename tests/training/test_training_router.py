"""A router: learnt from pictures of a few kinds, it names them or says that it does not know."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from training_sets import kinds_plan, picture_of

from medview.ai.folder import ModelFolder, open_folder, write_manifest
from medview.ai.worker.consult import ask_router
from medview.ai.worker.pipeline import Pipeline
from medview.ai.worker.route import joined, summed
from medview.ai.worker.steps import State
from medview.ai.worker.views import views
from medview.cli.main import main
from medview.core.errors import InputRefused, InvalidInput
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume
from medview.training.build import train_model
from medview.training.cases import film_volume
from medview.training.learning import Job
from medview.training.plan import read_plan


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("router")
    plan = kinds_plan(folder)
    (folder / "run").mkdir()
    path = train_model(plan, Job(folder / "run", no_progress, CancelToken()))
    calib = json.loads((path / "calib.json").read_text())
    assert all(0.5 <= share <= 1 for share in calib["none"])
    assert max(calib["ood"]["limits"]) == calib["ood"]["limit"]
    return plan, open_folder(path), folder / "set"


@pytest.fixture
def router(trained) -> Pipeline:
    return Pipeline(trained[1])


def _film(picture: np.ndarray, modality: str = "") -> Volume:
    return replace(film_volume(picture), modality=modality)


def _section(pictures: list[np.ndarray]) -> Volume:
    stored = np.stack(pictures)
    return Volume(geometry=Geometry(shape=stored.shape), stored=stored, modality="CT")


def _model(trained, modality: str, part: str) -> ModelFolder:
    gates = [{"check": "modality", "in": [modality]}, {"check": "body_part", "in": [part]}]
    own = trained[1]
    return replace(own, description={**own.description, "kind": "classification", "gates": gates})


def _known_disc(router: Pipeline, modality: str) -> Volume:
    """A picture that this small net is sure of."""
    rng = np.random.default_rng(1)
    films = (_film(picture_of("disc", rng), modality) for _ in range(30))
    return next(film for film in films if _run(router, film).looks_like == 0)


def _run(router: Pipeline, volume: Volume):
    return router.run(volume, no_progress, CancelToken()).route


def test_evaluate_prints_accuracy_and_unknown(trained, capsys):
    _, folder, data = trained
    assert main(["evaluate", str(folder.path), str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    metrics = found["metrics"]
    assert metrics["accuracy"]["value"] > 0.9
    answered = 1 - metrics["unknown"]["value"]
    right = metrics["accuracy"]["value"] * answered
    assert metrics["right"]["value"] == pytest.approx(right, abs=1e-3)
    assert right > 0.3
    assert {row["answer"] for row in found["per_case"]} <= {"disc", "bars", "unknown"}


def test_known_kinds_are_named_and_strange_pictures_are_not(router):
    rng = np.random.default_rng(1)
    bars = [_run(router, _film(picture_of("bars", rng))).answer for _ in range(20)]
    noise = [rng.normal(90, 30, (40, 40)).clip(0, 255).astype(np.uint8) for _ in range(20)]
    strange = [_run(router, _film(picture)).looks_like for picture in noise]
    assert bars.count(1) >= 12
    assert bars.count(0) == 0
    assert strange.count(None) >= 18


def test_each_kind_has_its_own_limits(trained, tmp_path):
    folder = tmp_path / "strict"
    shutil.copytree(trained[1].path, folder)
    calib = json.loads((folder / "calib.json").read_text())
    calib["none"][1] = 0.0
    (folder / "calib.json").write_text(json.dumps(calib))
    write_manifest(folder)
    strict, rng = Pipeline(open_folder(folder)), np.random.default_rng(1)
    said = [_run(strict, _film(picture_of(kind, rng))).answer for kind in ("bars", "disc") * 10]
    assert 1 not in said
    assert said.count(0) >= 5


def test_a_header_of_another_modality_takes_the_answer_but_not_the_looks(router):
    rng = np.random.default_rng(1)
    routes = [_run(router, _film(picture_of("bars", rng), "CR")) for _ in range(20)]
    assert sum(route.looks_like == 1 for route in routes) >= 12
    assert all(route.answer is None for route in routes)


def test_pictures_that_contradict_each_other_have_no_answer():
    shares = np.full((4, 3), 0.3, np.float32)
    shares[:, 1] = 0.9
    assert joined([1, 1, None, 1], shares).looks_like == 1
    assert joined([1, 1, 0, 1], shares).looks_like is None
    assert joined([None, None, None, 1], shares).looks_like is None
    assert joined([1, 1, None, 1], shares).probability == pytest.approx(0.9)


def test_a_picture_that_contradicts_a_model_is_said(trained, router):
    hand = _known_disc(router, "CR")
    check = ask_router(router, _model(trained, "CR", "CHEST"), hand, CancelToken())
    assert not check.ok
    assert check.said.english() == (
        "The picture looks like this: Disc; the model was made for CR, CHEST."
    )
    assert ask_router(router, _model(trained, "CR", "EXTREMITY"), hand, CancelToken()).ok


def test_a_film_under_the_name_of_a_cross_section_is_found(trained, router):
    disc = _known_disc(router, "CT")
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


def test_a_lone_cross_section_is_not_answered_for(router):
    rng = np.random.default_rng(1)
    pictures = [picture_of("bars", rng) for _ in range(6)]
    lone = [_run(router, _section([picture])) for picture in pictures]
    assert all(route.looks_like is None for route in lone)
    assert any(route.pictures != (None,) for route in lone)


def test_an_empty_series_shows_nothing():
    with pytest.raises(InputRefused):
        views(State(_film(np.zeros((40, 40), np.uint8))), size=32, slices=3, windows=[])


def test_a_class_that_is_empty_stops_the_training(trained, tmp_path):
    plan, _, data = trained
    text = plan.path.read_text().replace('"disc", "bars"', '"disc", "bars", "rings"')
    text = text.replace("outputs = 3", "outputs = 4")
    (tmp_path / "kinds.toml").write_text(text.replace('"set"', f'"{data}"'))
    (tmp_path / "run").mkdir()
    with pytest.raises(InvalidInput, match="no case"):
        train_model(
            read_plan(tmp_path / "kinds.toml"), Job(tmp_path / "run", no_progress, CancelToken())
        )
    assert not (tmp_path / "run" / "model").exists()


def test_in_hounsfield_units_a_covering_output_stands_for_those_it_covers():
    outputs = [{}, {}, {"covers": [0, 1]}]
    shares = np.array([[0.45, 0.5, 0.05], [0.1, 0.1, 0.8]], np.float32)
    sums, nearest = summed(shares, outputs, is_hounsfield=True)
    np.testing.assert_allclose(sums, [[0, 0, 0.95], [0, 0, 0.2]], atol=1e-6)
    assert nearest[0, 2] == 1
    plain, _ = summed(shares, outputs, is_hounsfield=False)
    np.testing.assert_allclose(plain, [[0.45, 0.5, 0], [0.1, 0.1, 0]], atol=1e-6)

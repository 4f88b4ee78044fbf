"""What a finished model says of itself: distances of surfaces, aims, changed pictures, again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from training_sets import balls_plan, films_plan

from medview.ai.catalogue import shipped_models_dir
from medview.cli.main import main
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.card import aims_section
from medview.training.learning import Job, read_all
from medview.training.outlines import outline_figures, surface_distance
from medview.training.plan import Shift, read_plan
from medview.training.shift import CHANGES, without


def _job(folder: Path) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(folder, no_progress, CancelToken())


def test_surfaces_of_two_shifted_boxes_are_as_far_apart_as_the_shift():
    box = np.zeros((20, 24, 28), bool)
    box[5:15, 6:16, 7:17] = True
    moved = np.roll(box, 4, axis=0)
    mean, far = surface_distance(moved, box, (2.0, 1.0, 1.0))
    assert far == pytest.approx(8.0)  # four slices of 2 mm
    assert 0 < mean < far
    assert surface_distance(box, box, (2.0, 1.0, 1.0)) == (0.0, 0.0)


def test_surface_distances_are_those_of_simpleitk():
    rng = np.random.default_rng(3)
    k, j, i = np.indices((18, 22, 26))
    masks = [
        (k - z) ** 2 * 4 + (j - y) ** 2 + (i - x) ** 2 < radius**2
        for z, y, x, radius in ((9, 11, 13, 7.5), (9.6, 12, 14.2, *rng.uniform(7, 8, 1)))
    ]
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    for image in images:
        image.SetSpacing((1.1, 0.9, 2.0))
    edges = [SimpleITK.BinaryContour(image, fullyConnected=False) for image in images]
    away = [
        np.abs(SimpleITK.GetArrayFromImage(SimpleITK.SignedMaurerDistanceMap(
            edge, squaredDistance=False, useImageSpacing=True)))
        for edge in edges
    ]  # fmt: skip
    on = [SimpleITK.GetArrayFromImage(edge) > 0 for edge in edges]
    there, back = away[1][on[0]], away[0][on[1]]
    mean, far = surface_distance(masks[0], masks[1], (2.0, 0.9, 1.1))
    assert mean == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-4)
    assert far == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-4)


def test_the_mean_is_over_the_parts_that_are_shown(tmp_path):
    from medview.core.results import Label

    outputs = [
        Label(value=n, name=name, colour="#fff", hidden=hidden)
        for n, name, hidden in (
            (1, "Mandible", False),
            (2, "Brainstem", False),
            (3, "Larynx", True),
        )
    ]
    rows = [
        {"patient": "a", "dice.mandible": 0.9, "dice.brainstem": 0.5, "dice.larynx": 0.0},
        {"patient": "b", "dice.mandible": 0.7, "volume_error.mandible": -0.2},
        {"patient": "c", "dice.brainstem": 0.7, "volume_error.mandible": 0.1},
    ]
    found = outline_figures(outputs, rows)
    assert found["dice.mean"]["value"] == pytest.approx((0.8 + 0.6) / 2)
    assert found["volume_error.mandible"]["value"] == pytest.approx(0.15)
    assert found["volume_bias.mandible"]["value"] == pytest.approx(-0.05)
    assert found["dice.larynx"]["value"] == 0.0


def test_the_card_says_which_aims_were_missed():
    estimate = {"auc": {"value": 0.92}, "sensitivity": {"value": 0.9}, "ece": {"value": 0.03}}
    aims = {"auc": (0.915, 0.93), "sensitivity": (0.95, 0.97), "ece": (0.1, 0.05)}
    (section,) = aims_section(aims, estimate)
    assert "| auc | 0.920 | 0.915 | 0.93 | aim missed |" in section
    assert "| sensitivity | 0.900 | 0.95 | 0.97 | below the least |" in section
    assert "| ece | 0.030 | 0.1 | 0.05 | aim reached |" in section


def test_a_left_out_part_takes_its_patients_along(tmp_path):
    plan = films_plan(tmp_path)
    parts = read_all(plan, _job(tmp_path / "run"))
    apart = without(parts, Shift(name="some", leave_out=("ill/1*", "well/2.png")))
    out = {case.patient for case in apart.held_out}
    assert {case.id for case in apart.held_out} >= {"ill/1.png", "ill/11.png", "well/2.png"}
    assert not out & {case.patient for case in (*apart.fit, *apart.calibrate)}
    with pytest.raises(InvalidInput, match="pattern"):
        without(parts, Shift(name="none", leave_out=("nobody/*",)))


def test_changed_and_unseen_pictures_stand_in_the_card_apart_from_dev(tmp_path):
    films_plan(tmp_path, steps=30)
    path = tmp_path / "films.toml"
    more = '\n[elsewhere]\nchanged = true\n[[elsewhere.without]]\nname = "some"\n'
    more += 'leave_out = ["ill/1*", "well/1*"]\n'
    path.write_text(path.read_text() + more)
    model = train_model(read_plan(path), _job(tmp_path / "run"))
    told = json.loads((model / "eval.json").read_text())
    assert set(told["changed"]) == set(CHANGES)
    assert told["shifts"][0]["cases"] == 11
    card = (model / "card.md").read_text()
    assert "never seen: some" in card
    assert card.index("When the pictures are not like these") < card.index("On the part `dev`")
    assert (model / "reliability.png").is_file()
    assert (model / "curves.png").is_file()


def test_a_model_is_measured_again_without_learning(tmp_path, capsys, monkeypatch):
    plan = balls_plan(tmp_path, steps=2)
    model = train_model(plan, _job(tmp_path / "run"))
    own = tmp_path / "balls"
    shutil.copytree(model, own)
    weights = (own / "weights.safetensors").read_bytes()
    (own / "train.toml").write_text(
        (own / "train.toml").read_text() + '[aims]\n"dice.ball" = [0.9, 0.95]\n'
    )
    (tmp_path / "again").mkdir()
    monkeypatch.setenv("MEDVIEW_DATA", str(tmp_path))
    args = ["train", str(own / "train.toml"), "--measure", "--runs", str(tmp_path / "again")]
    assert main([*args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["beside"]["same_weights"] is True
    assert found["beside"]["outside"] == []
    assert found["metrics"] == found["stated"]
    made = Path(found["path"])
    assert (made / "weights.safetensors").read_bytes() == weights
    assert "below the least" in (made / "card.md").read_text()
    told = [json.loads((folder / "eval.json").read_text())["made"] for folder in (own, made)]
    assert told[0] == told[1]

    other = replace(read_plan(own / "train.toml").recipe, seed=9)
    text = (own / "train.toml").read_text().replace("seed = 1", f"seed = {other.seed}")
    (own / "train.toml").write_text(text)
    assert main(args) == 2
    assert "learned from other data" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["headneck-oar", "hippocampus", "pneumonia-child", "router"])
def test_the_training_file_of_a_shipped_model_describes_what_ships(name):
    folder = shipped_models_dir() / name
    plan = read_plan(folder / "train.toml")
    told = json.loads((folder / "model.json").read_text())
    told.pop("provenance")
    assert told == plan.model
    figures = json.loads((folder / "eval.json").read_text())
    assert bool(plan.certainty) == ("trust" in figures)
    for figure in plan.aims:
        assert figure in figures["estimate"]
    made = figures.get("made", {}).get("steps")
    assert made in (None, plan.recipe.until or plan.recipe.steps)


def test_the_documented_examples_are_readable_plans():
    examples = sorted((shipped_models_dir().parent / "docs" / "examples").glob("*.toml"))
    assert [path.stem for path in examples] == ["own-dicom", "us-breast"]
    assert {read_plan(path).model["kind"] for path in examples} == {
        "classification", "segmentation",
    }  # fmt: skip

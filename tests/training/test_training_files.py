"""A slip in a training file is one sentence before anything is read, never after hours."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from training_sets import balls_plan, films_plan, write_index

from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.learning import Job
from medview.training.plan import TrainPlan, read_plan
from medview.training.seal import LOCK


def _changed(plan: TrainPlan, old: str, new: str) -> Path:
    text = plan.path.read_text(encoding="utf-8")
    assert old in text
    plan.path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return plan.path


def _train(path: Path, folder: Path) -> Path:
    return train_model(read_plan(path), Job(folder, no_progress, CancelToken()))


NUMBERS = [
    ("steps = 4", "steps = 0", "recipe.steps"),
    ("batch = 2", "batch = 0", "recipe.batch"),
    ("learning_rate = 5e-3", "learning_rate = nan", "recipe.learning_rate"),
    ("learning_rate = 5e-3", "learning_rate = -1", "recipe.learning_rate"),
    ("weight_decay = 1e-2", "weight_decay = inf", "recipe.weight_decay"),
    ("ema = 0.9", "ema = 1.5", "recipe.ema"),
    ("seed = 1", "seed = 99999999999999", "recipe.seed"),
    ("seed = 1", "seed = 1\ncrop = [8, 8]", "recipe.crop"),
    ("seed = 1", 'seed = 1\ncrop = ["8", 8, 8]', "recipe.crop"),
    ("seed = 1", "seed = 1\nrestarts = [3, 2]", "recipe.restarts"),
    ("seed = 1", "seed = 1\nmirrored = [[1]]", "recipe.mirrored"),
    ("seed = 1", "seed = 1\npatience = -1", "recipe.patience"),
    ("held_out = 0.25", "held_out = inf", "split.held_out"),
    ("calibrate = 0.0", "calibrate = -1", "split.calibrate"),
    ("calibrate = 0.0", "calibrate = 0.9", "split.calibrate"),
    ("noise = 0.1", 'noise = "strong"', "recipe.augment.noise"),
    ("noise = 0.1", "nois = 0.1", "recipe.augment.nois"),
    ("rotate_deg = 5", "rotate_deg = inf", "recipe.augment.rotate_deg"),
    ('title = "Made by formula"', "", "data.title"),
    ('limits = "All."', "", "card.limits"),
    ('limits = "All."', "limits = 3", "card.limits"),
]  # fmt: skip
NETWORK = (
    '{op = "network", arch = "unet3d", weights = "weights.safetensors", '
    "args = {outputs = 2, widths = [4, 8], encoder = [1, 1], decoder = [1]}},"
)
MODELS = [
    (NETWORK, "", "lacks model.pipeline: network"),
    ('name = "balls"', 'name = "../balls"', "name"),
    ('kind = "segmentation"', 'kind = "rules"', "model.kind"),
    ('kind = "segmentation"', "", "kind"),
    ('op = "normalize"', 'op = "normalise"', "unknown step normalise"),
    ('axes = "LPS"', "axes = 3", "axes"),
    ('{op = "orient", axes = "LPS"},', "3,", "pipeline"),
    ('weights = "weights.safetensors"', 'weights = "../w.safetensors"', "network"),
    ('check = "modality"', 'check = "modalities"', "modalities"),
    ('color = "#00ff00"', 'color = "green"', "outputs"),
]


@pytest.mark.parametrize(("old", "new", "named"), NUMBERS + MODELS)
def test_an_impossible_value_is_named_when_the_file_is_read(tmp_path, old, new, named):
    path = _changed(balls_plan(tmp_path), old, new)
    with pytest.raises(InvalidInput) as caught:
        read_plan(path)
    assert named in caught.value.sentence()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("outputs = 2", "outputs = 5", "outputs"),
        ("outputs = 2", "outputs = 0", "network"),
        ("widths = [4, 8]", "widths = [4, 0]", "network"),
        ('arch = "unet3d"', 'arch = "unet9d"', "unet9d"),
        ("seed = 1", "seed = 1\ncrop = [7, 8, 8]", "recipe.crop"),
        ('{op = "orient", axes = "LPS"}', '{op = "normalize", mode = "odd"}', "mode"),
    ],
)
def test_a_net_that_cannot_be_is_refused_before_the_data_are_read(tmp_path, old, new, named):
    path = _changed(balls_plan(tmp_path), old, new)
    for file in (tmp_path / "set").iterdir():  # whoever read them now would say so
        file.write_bytes(b"")
    with pytest.raises(InvalidInput) as caught:
        _train(path, tmp_path / "run")
    assert named in caught.value.sentence()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("factors = [2, 2, 2]", "factors = [2, 2]", "pad_multiple"),
        ("factors = [2, 2, 2]", "factors = [0, 2, 2]", "pad_multiple"),
        ("factors = [2, 2, 2]", "factors = [1, 1, 1]", "multiples of 2"),
    ],
)
def test_a_step_whose_numbers_fit_no_image_is_named(tmp_path, old, new, named):
    path = _changed(balls_plan(tmp_path), old, new)
    with pytest.raises(InvalidInput) as caught:
        _train(path, tmp_path / "run")
    assert named in caught.value.sentence()
    assert not (tmp_path / "run").exists()


def test_a_classifier_needs_patients_to_calibrate_on_and_stages_that_there_are(tmp_path):
    plan = films_plan(tmp_path)
    path = _changed(plan, '"stage2"', '"stage7"')
    with pytest.raises(InvalidInput, match=r"features\.layers"):
        _train(path, tmp_path / "run")
    _changed(plan, '"stage7"', '"stage2"')
    with pytest.raises(InvalidInput, match=r"split\.calibrate"):
        read_plan(_changed(plan, "calibrate = 0.25", "calibrate = 0.0"))


def test_a_training_that_comes_apart_says_so_and_keeps_no_weights_of_it(tmp_path):
    path = _changed(balls_plan(tmp_path), "learning_rate = 5e-3", "learning_rate = 1e12")
    with pytest.raises(InvalidInput, match="came apart by step 1"):
        _train(path, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK]


def test_pictures_with_a_class_are_no_outlines(tmp_path):
    plan = balls_plan(tmp_path)
    shutil.rmtree(tmp_path / "set")
    films_plan(tmp_path)
    with pytest.raises(InvalidInput, match="no outlines"):
        _train(plan.path, tmp_path / "run")


def test_an_image_that_a_step_refuses_is_named(tmp_path):
    plan = films_plan(tmp_path)
    packed = io.BytesIO()
    Image.new("L", (48, 40), 90).save(packed, "PNG")
    with zipfile.ZipFile(tmp_path / "set" / "train.zip", "a") as archive:
        archive.writestr("well/grey.png", packed.getvalue())
    with (tmp_path / "set" / "index.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, object]] = list(csv.DictReader(file))
    rows.append({"file": "well/grey.png", "split": "train", "label": "well", "patient": "0"})
    write_index(tmp_path / "set", rows)
    with pytest.raises(InvalidInput, match="all its values are the same") as caught:
        _train(plan.path, tmp_path / "run")
    assert caught.value.where == "well/grey.png"

"""Bad data and bad luck: one sentence each, nothing half-written; and what an evaluation draws."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_sets import balls_plan, films_plan

from medview.cli.main import main
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, no_progress
from medview.training import describe
from medview.training.build import train_model
from medview.training.cases import film_volume
from medview.training.curves import require_plots
from medview.training.data_checks import near_duplicates, require_unchanged, thumbnail
from medview.training.learning import Job


def _train(plan, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return train_model(plan, Job(folder, no_progress, CancelToken()))


def _list_files(folder: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in sorted(folder.iterdir())
    ]
    (folder / "checksums.txt").write_text("\n".join(lines) + "\n")


def test_a_file_that_is_not_the_one_listed_stops_the_training(tmp_path):
    plan = balls_plan(tmp_path)
    _list_files(tmp_path / "set")
    require_unchanged(tmp_path / "set")
    index = tmp_path / "set" / "index.csv"
    index.write_text(index.read_text() + "\n")
    with pytest.raises(InvalidInput, match="data have changed") as caught:
        _train(plan, tmp_path / "run")
    assert caught.value.where == "index.csv"
    assert list((tmp_path / "run").iterdir()) == []


def test_a_listed_file_that_is_missing_stops_the_training(tmp_path):
    plan = balls_plan(tmp_path)
    _list_files(tmp_path / "set")
    (tmp_path / "set" / "dev.npz").unlink()
    with pytest.raises(InvalidInput, match="data have changed"):
        _train(plan, tmp_path / "run")


def _with(folder: Path, name: str, array: np.ndarray) -> None:
    with np.load(folder / "train.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(folder / "train.npz", **{**arrays, name: array})


def test_values_that_are_no_numbers_are_one_sentence(tmp_path):
    plan = balls_plan(tmp_path)
    with np.load(tmp_path / "set" / "train.npz") as file:
        image = file["image_003"].astype(np.float32)
    image[2, 2, 2] = np.nan
    _with(tmp_path / "set", "image_003", image)
    with pytest.raises(InvalidInput, match="values that are no numbers") as caught:
        _train(plan, tmp_path / "run")
    assert caught.value.where == "003"


def test_a_label_on_another_grid_is_one_sentence(tmp_path):
    plan = balls_plan(tmp_path)
    _with(tmp_path / "set", "label_003", np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(InvalidInput, match="another grid"):
        _train(plan, tmp_path / "run")


def test_a_disk_that_fills_at_the_end_leaves_the_older_model_whole(tmp_path, monkeypatch):
    plan = balls_plan(tmp_path, steps=2)
    before = (_train(plan, tmp_path / "run") / "MANIFEST.sha256").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(describe, "write_manifest", full)
    with pytest.raises(WriteFailed):
        _train(plan, tmp_path / "run")
    assert (tmp_path / "run" / "model" / "MANIFEST.sha256").read_bytes() == before
    assert not [path for path in (tmp_path / "run").iterdir() if "new" in path.name]


def test_without_plots_a_training_does_not_begin(monkeypatch):
    monkeypatch.setattr("medview.training.curves.find_spec", lambda _: None)
    with pytest.raises(InvalidInput, match="matplotlib"):
        require_plots()


def test_pictures_that_look_alike_in_two_parts_are_counted():
    rng = np.random.default_rng(1)
    films = [rng.normal(90, 30, (50, 70)) for _ in range(6)]
    again = np.clip(films[2] * 0.9 + 7 + rng.normal(0, 0.5, (50, 70)), 0, 255)
    fit = [thumbnail(film_volume(film)) for film in films]
    dev = [thumbnail(film_volume(film)) for film in (again, rng.normal(90, 30, (50, 70)))]
    assert near_duplicates({"fit": fit, "dev": dev}) == {"dev like fit": 1}
    assert near_duplicates({"fit": fit[:3], "dev": fit[3:]}) == {}


def test_the_card_says_whether_cases_look_alike(tmp_path):
    model = _train(balls_plan(tmp_path, steps=2), tmp_path / "run")
    assert "looks nearly like one of another part" in (model / "card.md").read_text()
    assert json.loads((model / "eval.json").read_text())["near_duplicates"] == {}


def test_the_worst_cases_are_drawn_for_their_owner_alone(tmp_path, capsys):
    model = _train(balls_plan(tmp_path, steps=2), tmp_path / "run")
    pictures = tmp_path / "pictures"
    given = ["evaluate", str(model), str(tmp_path / "set"), "--pictures", str(pictures)]
    assert main(given) == 0
    drawn = sorted(pictures.iterdir())
    assert [path.name for path in drawn] == [f"balls-worst-{n}.png" for n in range(1, 5)]
    assert all(path.stat().st_mode & 0o077 == 0 for path in drawn)
    colours = {tuple(c) for c in np.asarray(Image.open(drawn[0])).reshape(-1, 3)}
    assert (90, 220, 120) in colours  # the outline by hand
    capsys.readouterr()


def test_a_classifier_s_probabilities_and_subgroups_are_told(tmp_path, capsys):
    plan = films_plan(tmp_path, steps=2)
    model = _train(plan, tmp_path / "run")
    assert (tmp_path / "run" / "reliability.png").stat().st_size > 5000
    pictures = tmp_path / "pictures"
    given = ["evaluate", str(model), str(tmp_path / "set"), "--pictures", str(pictures)]
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["subgroups"]["ill"]["auc"] == found["metrics"]["auc"]
    assert (pictures / "spots-reliability.png").is_file()

"""Labelled data as people really bring them, and two trainings that want the same place."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_sets import balls_plan, films_plan, kinds_plan, write_balls, write_films

from medview.cli.main import main
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.cases import read_cases
from medview.training.learning import Job
from medview.training.seal import at_work_in, model_in


def _with_arrays(folder: Path, **changed: np.ndarray) -> None:
    with np.load(folder / "train.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(folder / "train.npz", **{**arrays, **changed})


@pytest.mark.parametrize("value", [300, -1, 0.5, np.nan])
def test_a_label_that_would_become_another_one_is_refused(tmp_path, value):
    write_balls(tmp_path / "set")
    label = np.zeros((4, 4, 4), np.float64)
    label[1, 1, 1] = value
    _with_arrays(tmp_path / "set", image_003=np.zeros((4, 4, 4), np.uint8), label_003=label)
    with pytest.raises(InvalidInput, match="whole numbers up to 255") as caught:
        list(read_cases(tmp_path / "set", "train"))
    assert caught.value.where == "003"


def test_a_list_saved_by_a_spreadsheet_is_read_and_one_in_another_encoding_named(tmp_path):
    write_balls(tmp_path / "set")
    index = tmp_path / "set" / "index.csv"
    plain = index.read_bytes()
    index.write_bytes(b"\xef\xbb\xbf" + plain)
    assert len(list(read_cases(tmp_path / "set", "train"))) == 16
    index.write_bytes(plain + "9,Müller,train\n".encode("latin-1"))
    with pytest.raises(InvalidInput, match="cannot be read") as caught:
        list(read_cases(tmp_path / "set", "train"))
    assert caught.value.where == "index.csv"


def _replaced(folder: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(folder / "train.zip") as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        for each, old in members.items():
            archive.writestr(each, data if each == name else old)


def _png(mode: str, size: tuple[int, int]) -> bytes:
    packed = io.BytesIO()
    Image.new(mode, size).save(packed, "PNG")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"no picture", "missing or damaged"),
        (_png("1", (20000, 20000)), "missing or damaged"),  # grows to 400 MB
        (_png("I;16", (20, 20)), "more than 8 bits"),
    ],
    ids=["junk", "bomb", "deep"],
)
def test_a_picture_that_cannot_be_taken_is_named(tmp_path, picture, said):
    write_films(tmp_path / "set")
    _replaced(tmp_path / "set", "well/2.png", picture)
    with pytest.raises(InvalidInput, match=said) as caught:
        list(read_cases(tmp_path / "set", "train"))
    assert caught.value.where == "well/2.png"


def test_a_picture_without_a_class_counts_as_nothing(tmp_path):
    write_films(tmp_path / "set")
    index = tmp_path / "set" / "index.csv"
    index.write_text(index.read_text().replace("well/2.png,train,well", "well/2.png,train,"))
    with pytest.raises(InvalidInput, match="has no class") as caught:
        list(read_cases(tmp_path / "set", "train"))
    assert caught.value.where == "well/2.png"


@pytest.mark.skipif(os.name == "nt", reason="no locks there")
def test_two_trainings_do_not_write_into_one_folder(tmp_path):
    plan, run = balls_plan(tmp_path, steps=2), tmp_path / "run"
    with at_work_in(run), pytest.raises(InvalidInput, match="Another training") as caught:
        train_model(plan, Job(run, no_progress, CancelToken()))
    assert caught.value.where == str(run)
    assert not (run / "model").exists()
    train_model(plan, Job(run, no_progress, CancelToken()))
    assert (run / "model" / "model.json").is_file()


def _fill_the_disk(folder: Path) -> None:
    with model_in(folder) as new:
        (new / "card.md").write_text("half")
        raise OSError(28, "No space left on device")


def test_a_model_that_cannot_be_written_whole_leaves_the_older_one(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "card.md").write_text("the older one")
    with pytest.raises(WriteFailed, match="disk is full"):
        _fill_the_disk(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "card.md").read_text() == "the older one"


@pytest.mark.parametrize("name", ["model", "model.old"])
def test_a_model_that_cannot_be_put_in_its_place_leaves_the_older_one(tmp_path, monkeypatch, name):
    """`model.old` is all that is left where a training was killed between two steps."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "card.md").write_text("the older one")
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name == "model.new":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(WriteFailed), model_in(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "card.md").read_text() == "the older one"


@pytest.mark.parametrize("option", ["--measure", "--record"])
def test_measuring_where_no_model_lies_says_that(tmp_path, capsys, option):
    plan = balls_plan(tmp_path)
    assert main(["train", str(plan.path), "--runs", str(tmp_path / "runs"), option]) == 2
    assert "No model lies beside the training file" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_measuring_and_resuming_are_not_asked_for_at_once(tmp_path, capsys):
    plan = balls_plan(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["train", str(plan.path), "--measure", "--record"])
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def _only(folder: Path, *ids: str) -> Path:
    first, *rows = (folder / "index.csv").read_text().splitlines()
    kept = [row for row in rows if row.split(",")[0] in ids]
    (folder / "index.csv").write_text("\n".join([first, *kept]) + "\n")
    return folder


def test_one_patient_s_intervals_are_not_taken_for_knowledge(tmp_path, capsys):
    plan = balls_plan(tmp_path, steps=1)
    model = train_model(plan, Job(tmp_path / "run", no_progress, CancelToken()))
    data = _only(tmp_path / "set", "101", "102")
    capsys.readouterr()
    assert main(["evaluate", str(model), str(data)]) == 0
    assert "one patient alone" in capsys.readouterr().out


def test_a_classifier_is_not_measured_on_one_class(tmp_path, capsys):
    model = train_model(films_plan(tmp_path, 1), Job(tmp_path / "run", no_progress, CancelToken()))
    data = _only(tmp_path / "set", "well/500.png", "well/502.png")
    assert main(["evaluate", str(model), str(data)]) == 2
    assert "all of one class: well." in capsys.readouterr().err


def test_a_router_that_answers_nothing_ends_its_training_all_the_same(tmp_path):
    plan = kinds_plan(tmp_path, steps=2)
    model = train_model(plan, Job(tmp_path / "run", no_progress, CancelToken()))
    metrics = json.loads((model / "eval.json").read_text())["metrics"]
    assert metrics["unknown"]["value"] == 1
    assert "accuracy" not in metrics

"""`medview train` and `medview evaluate`: one document, one sentence, the right status."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own way of writing it
from training_sets import balls_plan

from medview.ai.folder import open_folder
from medview.cli.evaluate import find_model
from medview.cli.main import main
from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry, PatientPoint
from medview.core.paths import shipped_models_dir
from medview.training.again import HEADING, NO_CURVES, with_section
from medview.training.demo_cases import read_mask


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Plan, runs folder and the printed document of a training."""
    folder = tmp_path_factory.mktemp("commands")
    plan = balls_plan(folder, steps=3)
    assert main(["train", str(plan.path), "--runs", str(folder / "runs"), "--quiet"]) == 0
    return plan, folder / "runs" / "balls" / "model", folder / "set"


def test_train_prints_where_the_model_is_and_its_figures(trained, capsys):
    plan, model, _ = trained
    arguments = ["train", str(plan.path), "--runs", str(model.parents[1]), "--resume", "--json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["path"] == str(model)
    assert document["metrics"]["dice.ball"]["interval"]


def test_evaluate_prints_one_document_of_the_contract(trained, capsys):
    _, model, data = trained
    assert main(["evaluate", str(model), str(data), "--split", "train", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "medview.evaluate/1"
    assert (document["model"], document["split"], document["cases"]) == ("balls", "train", 16)
    assert set(document["metrics"]["dice.ball"]) == {"value", "interval"}


def test_evaluate_without_json_prints_lines_with_intervals(trained, capsys):
    _, model, data = trained
    assert main(["evaluate", str(model), str(data)]) == 0
    assert "95 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "no-such-model", "{data}"], "no model of this name"),
        (["evaluate", "{model}", "/no/such/folder"], "nothing at this path"),
        (["evaluate", "{model}", "{data}", "--split", "test"], "no part test"),
        (["evaluate", "{model}", "{model}"], "no labelled data here"),
        (["train", "{model}/model.json"], "no training file"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_status_2(trained, capsys, arguments, said):
    _, model, data = trained
    filled = [text.format(model=model, data=data) for text in arguments]
    assert main(filled) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_a_name_alone_never_means_the_folder_one_stands_in(tmp_path, monkeypatch):
    for name in ("lungs", "chest"):
        shutil.copytree(shipped_models_dir() / "lungs", tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert find_model("lungs").path.parent == shipped_models_dir()
    assert find_model("./lungs").path.resolve() == tmp_path / "lungs"
    with pytest.raises(InvalidInput) as refused:
        find_model("chest")
    assert "./chest" in refused.value.sentence()


def test_a_mask_is_read_at_its_millimetres(tmp_path):
    image = sitk.GetImageFromArray(np.eye(4, dtype=np.uint8)[None].repeat(3, 0))
    image.SetSpacing((0.5, 0.7, 2.0))
    image.SetOrigin((-3.0, 4.0, 5.0))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "mask.nii.gz"))

    geometry, voxels = read_mask(tmp_path / "mask.nii.gz")

    wanted = Geometry(
        shape=(3, 4, 4), spacing=(0.5, 0.7, 2.0), origin=PatientPoint(-3, 4, 5),
        axes=((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    )  # fmt: skip
    assert geometry.same_grid(wanted, 1e-4)
    assert voxels.sum() == 12


def test_a_refused_training_leaves_no_folder(tmp_path, capsys):
    plan = balls_plan(tmp_path)
    (tmp_path / "set" / "dev.npz").write_bytes(b"damaged")
    assert main(["train", str(plan.path), "--runs", str(tmp_path / "runs"), "--quiet"]) == 2
    assert not (tmp_path / "runs").exists()

    shutil.rmtree(tmp_path / "set")
    plan = balls_plan(tmp_path)
    (tmp_path / "a-file").write_text("")
    assert main(["train", str(plan.path), "--runs", str(tmp_path / "a-file"), "--quiet"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def _lose_curves(folder):
    (folder / "curves.png").unlink()
    card = (folder / "card.md").read_text()
    before, mark, after = card.partition("Loss, and figures")
    assert mark
    after = after.partition("(curves.png)\n\n")[2]
    shown, heading, rest = after.partition("\n\n## The worst cases")
    (folder / "card.md").write_text(f"{before}{shown}\n\n{NO_CURVES}{heading}{rest}")
    told = json.loads((folder / "eval.json").read_text())
    told["made"]["history"] = []
    (folder / "eval.json").write_text(json.dumps(told))


def test_a_model_made_again_is_told_of_in_the_card(trained, tmp_path, capsys):
    _, model, _ = trained
    shipped = tmp_path / "balls"
    shutil.copytree(model, shipped)
    _lose_curves(shipped)
    given = ["train", str(shipped / "train.toml"), "--record", "--runs"]
    assert main([*given, str(tmp_path / "nowhere")]) == 2
    assert "no model made again" in capsys.readouterr().err

    assert main([*given, str(model.parents[1])]) == 0
    assert "the very same weights" in capsys.readouterr().out
    card = (shipped / "card.md").read_text()
    assert "## Made again" in card
    assert "Every figure came out as it is stated." in card
    # The first making's curves were lost; those of the same net made again are its own.
    assert (shipped / "curves.png").read_bytes() == (model / "curves.png").read_bytes()
    assert card.partition("\n## Made again")[0] == (model / "card.md").read_text().rstrip() + "\n"
    assert json.loads((shipped / "eval.json").read_text())["made"]["history"]
    assert open_folder(shipped).kind == "segmentation"  # its list of files fits again

    document = json.loads((shipped / "eval.json").read_text())
    document["metrics"]["dice.ball"] = {"value": 0.9, "interval": [0.89, 0.91]}
    (shipped / "eval.json").write_text(json.dumps(document))
    assert main([*given, str(model.parents[1]), "--json"]) == 0
    beside = json.loads(capsys.readouterr().out)["beside"]
    assert beside["outside"] == ["dev dice.ball"]
    card = (shipped / "card.md").read_text()
    assert card.count("## Made again") == 1
    assert "| dev dice.ball | 0.900 |" in card

    text = (shipped / "train.toml").read_text()
    (shipped / "train.toml").write_text(text.replace("seed = 1", "seed = 2"))
    assert main([*given, str(model.parents[1])]) == 2
    assert "another training file" in capsys.readouterr().err


def test_the_section_of_a_model_made_again_stays_before_what_a_calibration_adds():
    card = "# A\n\n## How it was made\n\nSo.\n\n## How sure it says it is\n\nSo sure.\n"
    once = with_section(card, f"{HEADING}\n\nOnce.\n")
    twice = with_section(once, f"{HEADING}\n\nTwice.\n")
    assert twice == card.replace("\n## How sure", f"\n{HEADING}\n\nTwice.\n\n## How sure")

"""From a TOML file to a whole model folder; killed and resumed, on bad data, twice the same."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_sets import balls_plan, films_plan, kinds_plan, write_balls, write_films, write_index

from medview.ai.folder import open_folder
from medview.ai.worker.net_steps import mahalanobis
from medview.ai.worker.pipeline import Pipeline
from medview.core.errors import Cancelled, InputRefused, InvalidInput, WriteFailed
from medview.core.progress import CancelToken, no_progress
from medview.training import checkpoint
from medview.training.build import train_model
from medview.training.calibrate import known_world
from medview.training.cases import deal, film_volume, read_cases, splits_of
from medview.training.evaluation import Listener, evaluate_model
from medview.training.learning import Job, learn, make_task, read_all
from medview.training.loop import learning_rate, samples_of_step
from medview.training.plan import read_plan
from medview.training.segmentation import prepare_volume

QUIET = Listener(no_progress, CancelToken())


def job(folder: Path, *, resume: bool = False) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(folder, no_progress, CancelToken(), resume)


@pytest.fixture(scope="module")
def balls_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A trained model folder and its data."""
    folder = tmp_path_factory.mktemp("balls")
    return train_model(balls_plan(folder, steps=60), job(folder / "run")), folder / "set"


@pytest.fixture(scope="module")
def films_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("films")
    return train_model(films_plan(folder, steps=30), job(folder / "run")), folder / "set"


def test_training_leaves_a_model_folder_that_passes_its_checks(balls_model):
    model, _ = balls_model
    folder = open_folder(model)
    assert (folder.name, folder.kind) == ("balls", "segmentation")
    assert (model.parent / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (model / "train.toml").is_file()


def test_the_trained_net_finds_balls_of_people_it_never_saw(balls_model):
    model, _ = balls_model
    stated = json.loads((model / "eval.json").read_text())
    assert stated["metrics"]["dice.ball"]["value"] > 0.8
    assert stated["estimate"]["dice.ball"]["value"] > 0.8


def test_evaluate_gives_the_figures_that_the_card_states(balls_model):
    model, data = balls_model
    document = evaluate_model(open_folder(model), data, "dev", QUIET)
    assert document["schema"] == "medview.evaluate/1"
    assert (document["cases"], document["patients"]) == (4, 2)
    assert document["metrics"] == json.loads((model / "eval.json").read_text())["metrics"]
    assert len(document["per_case"]) == 4


def test_the_card_leads_with_the_estimate_and_says_how_it_was_made(balls_model):
    card = (balls_model[0] / "card.md").read_text()
    assert card.index("(estimate)") < card.index("On the part `dev`")
    assert "Nobody's data." in card
    assert "60 steps of 2, seed 1" in card
    assert len(card) > 1500


def test_training_and_inference_see_the_same_numbers(balls_model):
    model, data = balls_model
    folder, case = open_folder(model), next(read_cases(data, "dev"))
    prepared = prepare_volume(case, folder.pipeline[:3], (1, 2)).image
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, x):
            seen.append(x[0, 0].clone())
            return torch.zeros(1, 2, *x.shape[2:])

    pipeline = Pipeline(folder)
    pipeline._networks["unet3d:weights.safetensors:"] = Spy()
    pipeline.run(case.volume, no_progress, CancelToken())
    assert torch.equal(seen[-1], prepared)  # first a small image tells what a tile costs


def test_a_classifier_is_trained_calibrated_and_measured(films_model):
    model, data = films_model
    folder = open_folder(model)
    calib = folder.calibration()
    document = evaluate_model(folder, data, "dev", QUIET)
    assert 0 < calib["thresholds"]["Spot"] < 1
    assert document["metrics"]["auc"]["value"] > 0.9
    assert document["metrics"] == json.loads((model / "eval.json").read_text())["metrics"]


def test_the_card_of_a_classifier_sets_stated_beside_seen(films_model):
    model, _ = films_model
    card = (model / "card.md").read_text()
    table = card.split("How far its probabilities can be believed")[1].split("##")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| ")][2:]
    dev = json.loads((model / "eval.json").read_text())["dev"]
    assert sum(int(count) for count, _, _ in rows) == dev["cases"] - dev["refused"]
    assert all(0 <= float(part) <= 1 for _, *parts in rows for part in parts)


def test_a_heatmap_lies_on_the_film_and_is_strongest_near_the_spot(films_model):
    model, data = films_model
    case = next(c for c in read_cases(data, "train") if c.label == "ill")
    result = Pipeline(open_folder(model)).run(case.volume, no_progress, CancelToken())
    ((name, heat),) = result.heatmaps
    inside = heat[0, 10:22, 14:26].mean()
    assert (name, heat.shape) == ("Spot", case.volume.stored.shape)
    assert 0 <= heat.min() <= heat.max() <= 1
    assert inside > 2 * heat.mean()


def test_a_picture_unlike_the_training_is_refused_in_words(films_model):
    model, _ = films_model
    stripes = np.indices((40, 48))[1] // 3 % 2 * 255.0
    with pytest.raises(InputRefused, match="unlike the ones the model was trained on"):
        Pipeline(open_folder(model)).run(film_volume(stripes), no_progress, CancelToken())


def test_few_cases_leave_no_direction_in_which_every_picture_is_infinitely_far():
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(24, 24))
    fit, apart = rng.normal(size=(12, 24)) @ mixed, rng.normal(size=(6, 24)) @ mixed
    known = known_world(fit, apart)
    near = [mahalanobis(row, known) for row in rng.normal(size=(200, 24)) @ mixed]
    far = mahalanobis(30 * rng.normal(size=24) @ mixed, known)
    assert np.mean(np.array(near) > known["limit"]) < 0.05
    assert far > known["limit"]


def weights_after(plan, run: Job) -> dict[str, torch.Tensor]:
    parts = read_all(plan, run)
    return learn(plan, make_task(plan, parts, run.cancel), run).at.average.state_dict()


def in_half(plan):
    return replace(plan, recipe=replace(plan.recipe, precision="bfloat16"))


@pytest.mark.parametrize("change", [lambda plan: plan, in_half], ids=["float32", "bfloat16"])
def test_a_training_killed_and_resumed_ends_with_the_same_weights(tmp_path, change):
    plan = change(balls_plan(tmp_path, steps=5))
    whole = weights_after(plan, job(tmp_path / "whole"))
    stop = CancelToken()
    run = Job(
        tmp_path / "cut", lambda done, total, _: done == 3 and total == 5 and stop.cancel(), stop
    )
    run.folder.mkdir()

    with pytest.raises(Cancelled):
        weights_after(plan, run)
    resumed = weights_after(plan, job(tmp_path / "cut", resume=True))

    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("make", [balls_plan, films_plan, kinds_plan])
def test_a_training_in_bfloat16_learns_almost_the_same(tmp_path, make):
    plan = make(tmp_path, steps=2)
    exact = weights_after(plan, job(tmp_path / "exact"))
    brief = weights_after(in_half(plan), job(tmp_path / "brief"))
    away = max(float((exact[n] - brief[n]).abs().max()) for n in exact)
    assert 0 < away < 0.1


def test_a_precision_that_does_not_exist_is_refused(tmp_path):
    path = balls_plan(tmp_path).path
    path.write_text(path.read_text().replace("steps = ", 'precision = "float8"\nsteps = ', 1))
    with pytest.raises(InvalidInput, match=r"recipe\.precision"):
        read_plan(path)


def test_a_checkpoint_of_another_plan_is_refused(tmp_path):
    plan = balls_plan(tmp_path, steps=2)
    weights_after(plan, job(tmp_path / "run"))
    plan.path.write_text(plan.path.read_text().replace("5e-3", "1e-3"))
    with pytest.raises(InvalidInput, match="another training file"):
        weights_after(read_plan(plan.path), job(tmp_path / "run", resume=True))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    plan = balls_plan(tmp_path, steps=2)
    run = job(tmp_path / "run", resume=True)
    (run.folder / "checkpoint.safetensors").write_bytes(b"no checkpoint")
    with pytest.raises(InvalidInput, match="damaged"):
        weights_after(plan, run)


def test_a_full_disk_stops_with_a_sentence_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    plan = balls_plan(tmp_path, steps=2)
    weights_after(plan, job(tmp_path / "run"))
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_private", full)
    with pytest.raises(WriteFailed, match="The disk is full"):
        weights_after(plan, job(tmp_path / "run"))
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


def test_every_sample_is_seen_once_an_epoch():
    seen = [n for step in range(5) for n in samples_of_step(3, step, 4, 10)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_patients_are_dealt_whole_and_alike_every_time():
    people = {f"p{n}" for n in range(50)}
    parts = deal(people, 7, {"held_out": 0.2, "calibrate": 0.1})
    counts = {name: list(parts.values()).count(name) for name in set(parts.values())}
    assert counts == {"held_out": 10, "calibrate": 5, "fit": 35}
    assert parts == deal(people, 7, {"held_out": 0.2, "calibrate": 0.1})
    assert parts != deal(people, 8, {"held_out": 0.2, "calibrate": 0.1})


def rows_of(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "index.csv").read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]


def test_a_patient_in_two_parts_stops_the_training(tmp_path):
    plan = films_plan(tmp_path)
    rows = rows_of(tmp_path / "set")
    dev = next(row for row in rows if row["split"] == "dev")
    write_index(tmp_path / "set", [{**row, "patient": 1} if row is dev else row for row in rows])
    with pytest.raises(InvalidInput, match="stands in two parts"):
        read_all(plan, job(tmp_path / "run"))


def test_the_same_image_under_another_name_stops_the_training(tmp_path):
    plan = balls_plan(tmp_path)
    train, dev = (dict(np.load(tmp_path / "set" / f"{s}.npz")) for s in ("train", "dev"))
    dev["image_101"], dev["label_101"] = train["image_001"], train["label_001"]
    np.savez(tmp_path / "set" / "dev.npz", **dev)
    with pytest.raises(InvalidInput, match="stands in two parts"):
        read_all(plan, job(tmp_path / "run"))


def test_a_class_without_a_case_stops_the_training(tmp_path):
    plan = films_plan(tmp_path)
    rows = [row for row in rows_of(tmp_path / "set") if row["label"] == "well"]
    write_index(tmp_path / "set", rows)
    run = job(tmp_path / "run")
    with pytest.raises(InvalidInput, match="no case"):
        make_task(plan, read_all(plan, run), run.cancel)


@pytest.mark.parametrize("harm", ["grid", "nan", "gone", "archive"])
def test_a_damaged_case_is_one_sentence(tmp_path, harm):
    write_balls(tmp_path / "set", people=1)
    path = tmp_path / "set" / "dev.npz"
    arrays = dict(np.load(path))
    if harm == "grid":
        arrays["label_101"] = arrays["label_101"][1:]
    elif harm == "nan":
        arrays["image_101"] = np.full(arrays["label_101"].shape, np.nan)
    elif harm == "gone":
        del arrays["label_103"]
    np.savez(path, **arrays)
    if harm == "archive":
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InvalidInput):
        list(read_cases(tmp_path / "set", "dev"))


def test_a_part_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    write_films(tmp_path / "set", people=2)
    assert splits_of(tmp_path / "set") == ("dev", "train")
    with pytest.raises(InvalidInput, match="no part test; they have dev, train"):
        list(read_cases(tmp_path / "set", "test"))


def test_data_of_another_kind_do_not_fit_a_model(balls_model, films_model):
    with pytest.raises(InvalidInput, match="do not fit the model"):
        evaluate_model(open_folder(balls_model[0]), films_model[1], "dev", QUIET)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("steps = 4", 'steps = "many"', "impossible value for recipe.steps"),
        ("batch = 2", "", "lacks recipe"),
        ("[card]", "[cards]", "lacks card"),
        ("[split]", "[split", "no readable TOML"),
        ("held_out", "hidden", "impossible value for split.hidden"),
        ('op = "network"', 'op = "tile"', "unknown field arch"),
    ],
)
def test_a_faulty_plan_is_one_sentence(tmp_path, old, new, said):
    path = balls_plan(tmp_path).path
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InvalidInput, match=said):
        read_plan(path)


def test_data_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDVIEW_DATA", raising=False)
    plan = balls_plan(tmp_path)
    shutil.rmtree(tmp_path / "set")
    with pytest.raises(InvalidInput, match="not there"):
        read_all(plan, job(tmp_path / "run"))


def test_the_learning_rate_begins_again_at_a_restart(tmp_path):
    recipe = replace(balls_plan(tmp_path, steps=200).recipe, restarts=(100,))
    once = replace(recipe, steps=100, restarts=())
    rates = [learning_rate(recipe, step) for step in range(200)]
    assert rates[:100] == rates[100:] == [learning_rate(once, step) for step in range(100)]
    assert max(rates) == pytest.approx(recipe.learning_rate)
    assert min(rates[50:100]) == rates[99] < 0.02 * recipe.learning_rate

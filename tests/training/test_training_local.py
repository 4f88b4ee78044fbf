"""`medview calibrate`: a model fitted to somebody's own cases, beside the one it came from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from training_sets import films_plan

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.worker.assemble import find
from medview.ai.worker.net_steps import temperature
from medview.ai.worker.output_steps import measure
from medview.ai.worker.pipeline import PipelineResult
from medview.ai.worker.steps import Context, State
from medview.cli.main import main
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.results import Check
from medview.core.volume import Volume
from medview.core.words import say
from medview.training.build import train_model
from medview.training.cases import Case, film_volume
from medview.training.learning import Job
from medview.training.local import Wish, calibrate_on, limits_of_volumes, write_local
from medview.training.outlines import compare_outlines


@pytest.fixture(scope="module")
def child() -> ModelFolder:
    return open_folder(shipped_models_dir() / "pneumonia-child")


def _rows(count: int, temperature: float, shift: float) -> list[dict[str, object]]:
    """Cases whose true logits are those the model says, divided by `temperature`, moved."""
    rng = np.random.default_rng(4)
    said = rng.normal(0, 4, count)
    ill = rng.random(count) < expit(said / temperature + shift)
    return [
        {"id": str(n), "patient": str(n), "score": float(expit(z)), "positive": z > 0,
         "label": "bacteria" if i else "normal"}
        for n, (z, i) in enumerate(zip(said, ill, strict=True))
    ]  # fmt: skip


def _state(folder: ModelFolder, logit: float) -> State:
    state = State(film_volume(np.zeros((4, 4), np.uint8)), Context(folder))
    state.logits = np.array([logit], np.float32)
    return state


def test_temperature_and_shift_that_were_put_in_are_found_and_used(child, tmp_path):
    rows = _rows(3000, temperature=3.0, shift=0.8)
    calib, changes = calibrate_on(child, rows, Wish())
    about = {"cases": 3000, "patients": 3000, "data": "own", "split": "dev", **changes}
    local = open_folder(write_local(child, calib, about, tmp_path / "local"))

    old = child.calibration()["temperature"]
    state = _state(local, 2.0 * old)  # the shipped model says a logit of 2
    temperature(state, "calib.json#/temperature")

    assert state.logits[0] == pytest.approx(2.0 / 3.0 + 0.8, abs=0.15)
    assert changes["before"]["ece"]["value"] > 0.1
    assert changes["after"]["ece"]["value"] < 0.04


def test_the_operating_point_reaches_the_sensitivity_that_was_asked_for(child):
    rows = _rows(800, temperature=2.0, shift=0.0)
    _, changes = calibrate_on(child, rows, Wish(sensitivity=0.9))
    assert 0.9 <= changes["after"]["sensitivity"]["value"] < 0.92


def test_conformal_limits_cover_new_cases_as_often_as_they_say(child):
    calib, _ = calibrate_on(child, _rows(2000, 2.0, 0.3), Wish(alpha=0.2))
    limits, fresh = calib["conformal"], _rows(6000, 2.0, 0.3)[2000:]
    ill = np.array([row["label"] == "bacteria" for row in fresh])
    z = np.log(
        np.array([row["score"] for row in fresh]) / (1 - np.array([row["score"] for row in fresh]))
    )
    old = child.calibration()["temperature"]
    said = expit((z * old + calib["shift"]) / calib["temperature"])
    assert np.mean(said[ill] >= limits["present_from"]) == pytest.approx(0.8, abs=0.04)
    assert np.mean(said[~ill] <= limits["absent_to"]) == pytest.approx(0.8, abs=0.04)


def test_certainty_is_said_in_words(child, tmp_path):
    calib, changes = calibrate_on(child, _rows(500, 2.0, 0.0), Wish())
    calib["conformal"] = {"alpha": 0.1, "present_from": 0.3, "absent_to": 0.6}
    about = {"cases": 500, "patients": 500, "data": "own", "split": "dev", **changes}
    local = open_folder(write_local(child, calib, about, tmp_path / "local"))
    said = [_told(local, p) for p in (0.1, 0.4, 0.9)]
    assert "only its absence" in said[0]
    assert "No answer" in said[1]
    assert "only its presence" in said[2]
    unlike = Check("distance", False, say("The picture is unlike those of the training."), "warn")
    assert "No answer" in _told(local, 0.9, unlike)
    assert "only its presence" not in _told(local, 0.9, unlike)


def _told(folder, probability, *checks):
    given = PipelineResult(None, {folder.outputs[0].name: probability}, (), (), checks=checks)
    (finding,) = find(folder, given, Geometry(shape=(1, 8, 8)), "run")
    return finding.explanation.english()


def test_volumes_get_an_interval_that_covers_new_ones():
    folder = open_folder(shipped_models_dir() / "hippocampus")
    rng = np.random.default_rng(2)
    errors = rng.normal(0.05, 0.1, 400)
    rows = [{"patient": str(n), "volume_error.anterior": float(e)} for n, e in enumerate(errors)]
    calib, changes = calibrate_on(folder, rows, Wish(alpha=0.1))
    share = calib["conformal"]["volume"]["1"]
    true_over_found = 1 / (1 + rng.normal(0.05, 0.1, 4000))
    assert np.mean(np.abs(true_over_found - 1) <= share) == pytest.approx(0.9, abs=0.03)
    assert "volume_error.posterior" not in changes["volumes"]  # no outline of it in these cases


def test_no_volume_gets_an_interval_that_its_cases_do_not_carry():
    folder = open_folder(shipped_models_dir() / "hippocampus")
    rows = [{"volume_error.anterior": 0.1, "volume_error.posterior": 0.1, "cut.posterior": True}]

    assert list(limits_of_volumes(folder, rows * 12, 0.1)) == ["1"]
    assert limits_of_volumes(folder, rows * 12, 0.05) == {}
    assert list(limits_of_volumes(folder, rows * 19, 0.05)) == ["1"]


def test_what_was_not_drawn_to_its_ends_is_marked_in_its_row():
    outputs = open_folder(shipped_models_dir() / "hippocampus").outputs
    truth = np.zeros((6, 8, 8), np.uint8)
    truth[2:4, 2:6, 2:4], truth[2:4, 2:6, 4:6] = 1, 2
    volume = Volume(geometry=Geometry(shape=truth.shape), stored=truth.astype(np.int16))
    case = Case(id="c", patient="p", volume=volume, truth=truth, open_ended=frozenset({2}))

    row = compare_outlines(outputs, case, truth, truth)

    assert row["dice.anterior"] == row["dice.posterior"] == 1
    assert ("cut.anterior" in row, row.get("cut.posterior")) == (False, True)


def test_the_lower_end_of_a_volume_is_no_less_than_nothing(tmp_path):
    folder = open_folder(shipped_models_dir() / "hippocampus")
    calib = {"conformal": {"volume": {"1": 1.4}}}
    raw = json.dumps(calib).encode()
    (tmp_path / "calib.json").write_bytes(raw)
    known = replace(folder, path=tmp_path, hashes={"calib.json": hashlib.sha256(raw).hexdigest()})
    stored = np.zeros((4, 8, 8), np.int16)
    volume = Volume(geometry=Geometry(shape=stored.shape), stored=stored)
    state = State(volume, Context(known))
    state.label_map = np.ones(stored.shape, np.uint8)
    measure(state, ["volume_ml"])

    interval = state.measures[0][1].interval
    assert interval == pytest.approx((0, 2.4 * 0.256))


def test_too_few_cases_and_models_without_probabilities_are_refused(child):
    with pytest.raises(InvalidInput, match="too few"):
        calibrate_on(child, _rows(12, 1.0, 0.0), Wish())
    with pytest.raises(InvalidInput, match="nothing to calibrate"):
        calibrate_on(open_folder(shipped_models_dir() / "lungs"), [], Wish())


def test_too_few_outlines_are_counted_and_named_as_such():
    outlines = open_folder(shipped_models_dir() / "hippocampus")
    rows = [{"id": str(n), "patient": str(n), "volume_error.anterior": 0.1} for n in range(4)]
    with pytest.raises(InvalidInput) as few:
        calibrate_on(outlines, rows, Wish())
    assert "(4 of 10)" in few.value.sentence()
    assert "Each structure" in few.value.sentence()
    with pytest.raises(InvalidInput, match="4 of 19"):
        calibrate_on(outlines, rows, Wish(alpha=0.05))


def test_a_full_disk_leaves_nothing(child, tmp_path, monkeypatch):
    calib, changes = calibrate_on(child, _rows(200, 2.0, 0.0), Wish())
    about = {"cases": 200, "patients": 200, "data": "own", "split": "dev", **changes}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medview.training.local.seal_folder", full)
    with pytest.raises(WriteFailed):
        write_local(child, calib, about, tmp_path / "local")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_model_beside_and_leaves_the_old_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    model = train_model(films_plan(tmp_path, 3), Job(tmp_path / "run", no_progress, CancelToken()))
    before = open_folder(model).manifest_sha256
    given = ["calibrate", str(model), str(tmp_path / "set"), "--split", "train"]

    assert main([*given, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "medview.calibrate/1"
    local = open_folder(Path(document["path"]))
    assert local.name == "spots-local"
    assert open_folder(model).manifest_sha256 == before
    assert "Calibrated locally" in local.card()

    assert main(given) == 2  # it is there already
    assert "something at this path" in capsys.readouterr().err
    assert main([*given, "--alpha", "2"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err

"""The nodule model: its data, what it measures, how it learns, and what it answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from nodule_sets import disc, discs_plan, write_discs
from PIL import Image
from scipy import ndimage

from medview.ai.folder import open_folder
from medview.ai.worker.nodule_features import NAMES, measure_patch, stretched
from medview.ai.worker.pipeline import Pipeline
from medview.cli.main import main
from medview.core.errors import InputRefused, InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.imaging.nodule_patch import pack, patch_volume, unpack
from medview.training.cases import read_cases
from medview.training.evaluation import Listener, evaluate_model
from medview.training.nodule.build import train_nodule
from medview.training.nodule.curve import SEEN, UNSEEN
from medview.training.nodule.figures import beside_diameter
from medview.training.nodule.patches import common_outline
from medview.training.nodule.plan import is_nodule, read_nodule_plan
from medview.training.nodule.variants import variant

SHIPPED = Path(__file__).parents[2] / "models" / "nodule"
QUIET = Listener(no_progress, CancelToken())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `set`, `discs.toml` and the trained `run/model`."""
    folder = tmp_path_factory.mktemp("discs")
    train_nodule(discs_plan(folder), folder / "run", no_progress, CancelToken())
    return folder


def measured(grey: np.ndarray, outline: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, measure_patch(stretched(grey), outline), strict=True))


def test_a_patch_comes_back_from_its_packed_form():
    grey, outline = disc(np.random.default_rng(0), 8)
    again, marked = unpack(pack(grey, outline))
    np.testing.assert_array_equal(again, grey)
    np.testing.assert_array_equal(marked, outline)


def test_the_measures_of_a_ball_are_those_of_its_formula():
    grey, outline = disc(np.random.default_rng(1), 10)
    found = measured(grey, outline)
    assert np.exp(found["area_max"]) - 1 == pytest.approx(np.pi * 8.0**2, rel=0.02)  # 10 x 0.8 mm
    assert np.exp(found["axis_long"]) == pytest.approx(10 / 2, rel=0.02)  # of a disc: radius / 2
    assert found["roundness"] == pytest.approx(1, abs=0.01)
    assert found["solidity"] == pytest.approx(1, abs=0.02)
    assert found["grey_mean"] - found["ring_mean_3"] > 0.5


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (2.0, -30.0), (31.0, 1000.0)])
def test_no_measure_depends_on_how_the_slices_were_stretched(gain: float, offset: float):
    grey, outline = disc(np.random.default_rng(2), 6)
    each = np.array([1.0, 0.8, 1.2, 0.9, 1.1])[:, None, None]
    other = grey.astype(float) * gain * each + offset
    np.testing.assert_allclose(
        measure_patch(stretched(other), outline), measure_patch(stretched(grey), outline), atol=1e-9
    )


def test_a_patch_turned_and_mirrored_measures_the_same():
    grey, outline = disc(np.random.default_rng(3), 7)
    turned = measure_patch(stretched(np.rot90(grey, 1, (1, 2))), np.rot90(outline, 1, (1, 2)))
    np.testing.assert_allclose(turned, measure_patch(stretched(grey), outline), atol=0.05)


def test_an_outline_is_what_half_of_those_who_agree_drew():
    readers = np.zeros((5, 64, 64), np.uint8)
    readers[2, 10:20, 10:20] = 1
    assert common_outline(readers).sum() == 100
    readers[2, 12:18, 12:18] = 4
    assert common_outline(readers).sum() == 36


def test_a_changed_picture_keeps_the_nodule_about_as_large():
    grey, outline = disc(np.random.default_rng(5), 9)
    rng = np.random.default_rng(6)
    sizes = [int(variant(rng, grey, outline)[1].sum()) for _ in range(20)]
    assert 0.6 * outline.sum() < min(sizes) < max(sizes) < 1.4 * outline.sum()
    assert len(set(sizes)) > 5


def test_the_trained_model_tells_large_from_small_on_patients_it_never_saw(made: Path):
    found = evaluate_model(open_folder(made / "run/model"), made / "set", "dev", QUIET)
    assert found["metrics"]["auc"]["value"] > 0.95
    assert found["metrics"]["auc.diameter"]["value"] > 0.95
    assert set(found["metrics"]) >= {"sensitivity", "specificity", "ece", "auc.gain"}
    stated = json.loads((made / "run/model/eval.json").read_text())
    assert stated["metrics"] == found["metrics"]
    assert stated["held_out"]["cases"] == 132
    assert "no outline of a lesion" not in (made / "run/model/card.md").read_text()


def test_the_curve_says_what_more_patients_bring(made: Path):
    figures = json.loads((made / "run/model/eval.json").read_text())
    rows = figures["learning"]
    people = [row["patients"] for row in rows]
    assert people == sorted(set(people))
    # With all patients it is the very net that ships, judged on whom each member left out.
    whole = figures["folds"]["auc"]["value"]
    assert rows[-1][UNSEEN] == pytest.approx(whole, abs=0.03)
    assert rows[-1][SEEN] >= rows[-1][UNSEEN] - 0.01
    assert rows[-1][UNSEEN] > 0.7
    assert "![AUC by the number of patients" in (made / "run/model/card.md").read_text()
    assert (made / "run/model/curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_nodule_shows_its_grey_with_the_outline_around_it(made: Path):
    picture = np.asarray(Image.open(made / "run/pictures/discs-worst-1.png").convert("RGB"))
    shown = picture[40:].astype(int)
    green = (shown == (90, 220, 120)).all(-1)
    assert green.sum() > 40
    inside = ndimage.binary_fill_holes(green) & ~green
    assert len(np.unique(shown[inside])) > 8  # no white silhouette


def test_an_answer_has_an_interval_around_it_and_a_heatmap_on_its_patch(made: Path):
    grey, outline = disc(np.random.default_rng(8), 8)
    volume = patch_volume(pack(grey, outline))
    given = Pipeline(open_folder(made / "run/model")).run(volume, no_progress, CancelToken())
    low, high = given.intervals["Disc"]
    assert 0 <= low <= given.scores["Disc"] <= high <= 1
    assert low < high
    ((_, heatmap),) = given.heatmaps
    assert heatmap.shape == (5, 64, 64)
    assert 0 <= heatmap.min() <= heatmap.max() <= 1


def test_a_whole_series_is_refused_with_the_way_to_go_on(made: Path):
    from medview.core.geometry import Geometry
    from medview.core.volume import Volume

    series = Volume(
        geometry=Geometry(shape=(8, 32, 32)), stored=np.zeros((8, 32, 32), np.int16), modality="CT"
    )
    with pytest.raises(InputRefused, match="one nodule"):
        Pipeline(open_folder(made / "run/model")).run(series, no_progress, CancelToken())


def test_a_patch_without_an_outline_is_refused(made: Path):
    grey, outline = disc(np.random.default_rng(8), 8)
    volume = patch_volume(pack(grey, outline & False))
    with pytest.raises(InputRefused, match="marked"):
        Pipeline(open_folder(made / "run/model")).run(volume, no_progress, CancelToken())


def test_a_patient_in_both_parts_is_refused(tmp_path: Path):
    plan = discs_plan(tmp_path)
    with (tmp_path / "set/index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    next(r for r in rows if r["split"] == "dev")["patient"] = "P0"
    with (tmp_path / "set/index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InvalidInput, match="two parts"):
        train_nodule(plan, tmp_path / "run", no_progress, CancelToken())


def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path: Path):
    folder = write_discs(tmp_path / "set", people=2)
    with np.load(folder / "dev.npz") as stored:
        arrays = dict(stored)
    arrays["readers"] = arrays["readers"][:, :, :32]
    np.savez(folder / "dev.npz", **arrays)
    with pytest.raises(InvalidInput, match="another grid"):
        list(read_cases(folder, "dev"))


def test_the_gain_over_the_diameter_is_paired():
    truth = [False, True] * 20
    patients = [str(n // 2) for n in range(40)]
    size = [float(n % 7) for n in range(40)]
    found = beside_diameter(truth, size, size, patients)
    assert found["auc.gain"] == {"value": 0.0, "interval": [0.0, 0.0]}


def test_the_command_trains_a_nodule_plan_to_the_same_weights(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = tmp_path / "runs"
    assert main(["train", str(made / "discs.toml"), "--runs", str(runs), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["path"]) == runs / "discs/model"
    assert document["estimate"]["auc"]["value"] > 0.9
    weights = [f / "model/weights.safetensors" for f in (made / "run", runs / "discs")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_the_shipped_plan_is_one_and_the_others_are_not():
    assert is_nodule(SHIPPED / "train.toml")
    assert not is_nodule(SHIPPED.parent / "pneumonia-child" / "train.toml")
    assert read_nodule_plan(SHIPPED / "train.toml").nodule.folds == 5

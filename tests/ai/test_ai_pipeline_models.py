"""The shipped nets on labelled cases written as DICOM: the same figures as evaluate, in place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own way of writing it
from ai_pipeline_dicom import only_stack, write_film, write_series

from medview.ai.catalogue import read_catalogue
from medview.ai.folder import ModelFolder
from medview.ai.gate import judge
from medview.ai.worker.input_steps import reorder
from medview.ai.worker.pipeline import Pipeline, PipelineResult
from medview.core.errors import InputRefused
from medview.core.geometry import Geometry, PatientPoint
from medview.core.progress import CancelToken, no_progress
from medview.core.results import GateVerdict
from medview.core.volume import Volume
from medview.dicom import load_volume, scan
from medview.training.cases import Case, film_volume, read_cases
from medview.training.evaluation import Figures, Listener, evaluate_cases, evaluate_model

QUIET = Listener(no_progress, CancelToken())


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two cores are shared; figures do not depend on threads, times do."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def hippocampus() -> ModelFolder:
    return read_catalogue().get("hippocampus")


@pytest.fixture(scope="module")
def pneumonia() -> ModelFolder:
    return read_catalogue().get("pneumonia-child")


@pytest.fixture(scope="module")
def crop(training_data: Path) -> Case:
    """The first dev crop around a hippocampus."""
    return next(read_cases(training_data / "hippocampus", "dev"))


@pytest.fixture(scope="module")
def film(training_data: Path, pneumonia: ModelFolder) -> Case:
    """The first dev film with pneumonia that the model takes."""
    for case in read_cases(training_data / "cxr-pneumonia", "dev"):
        if case.label == "bacteria":
            try:
                run(pneumonia, case.volume)
            except InputRefused:
                continue
            return case
    pytest.fail("the model refuses every film")


def run(model: ModelFolder, volume: Volume) -> PipelineResult:
    return Pipeline(model).run(volume, no_progress, CancelToken())


def verdict(model: ModelFolder, path: Path) -> GateVerdict:
    (patient,) = scan([path]).patients
    study = patient.studies[0]
    return judge(model, patient, study, study.series[0], study.series[0].stacks[0])


def masses(result: PipelineResult, geometry: Geometry, label: int) -> tuple[PatientPoint, float]:
    """Centre of mass in millimetres and volume in millilitres of one label."""
    found = np.argwhere(result.label_map == label)
    centre = geometry.to_patient_array(found).mean(0)
    return PatientPoint(*centre), len(found) * geometry.voxel_mm3 / 1000


@pytest.mark.parametrize(
    ("order", "flips"),
    [
        pytest.param((0, 1, 2), (False, False, False), id="as stored", marks=pytest.mark.slow),
        pytest.param((1, 2, 0), (True, False, True), id="sagittal and turned"),
    ],
)
def test_a_crop_sent_as_dicom_gives_the_mask_of_evaluate_at_its_millimetres(
    hippocampus, crop, tmp_path, order, flips
):
    expected = run(hippocampus, crop.volume)
    voxels, geometry = reorder(crop.volume.stored, crop.volume.geometry, order, flips)
    _, stack = only_stack(write_series(tmp_path / "series", voxels, geometry))
    volume = load_volume(stack)

    result = run(hippocampus, volume)

    for label in (1, 2):
        centre, volume_ml = masses(result, volume.geometry, label)
        wanted, wanted_ml = masses(expected, crop.volume.geometry, label)
        assert np.allclose(centre, wanted, atol=0.02)
        assert volume_ml == pytest.approx(wanted_ml, rel=0.002)  # ties between equal classes
        assert (label, pytest.approx(volume_ml)) in [(n, q.value) for n, q in result.measures]


def test_a_crop_is_accepted_and_a_whole_head_refused_in_words(hippocampus, crop, tmp_path):
    small = write_series(tmp_path / "crop", crop.volume.stored, crop.volume.geometry)
    head = Geometry(shape=(150, 16, 16), spacing=(1.2, 1.2, 1.2))
    large = write_series(tmp_path / "head", np.ones(head.shape, np.uint8), head)
    assert verdict(hippocampus, small).verdict != "refused"
    assert verdict(hippocampus, large).verdict == "refused"
    assert "around one hippocampus" in verdict(hippocampus, large).reason.english()


def test_the_outlines_of_a_crop_agree_with_the_hand_drawn_ones(hippocampus, crop):
    figures = evaluate_cases(hippocampus, [crop], QUIET)
    assert figures.metrics["dice.anterior"]["value"] > 0.75
    assert figures.metrics["dice.posterior"]["value"] > 0.75


@pytest.mark.slow
def test_a_crop_of_other_voxel_size_keeps_its_volume(hippocampus, crop):
    from scipy import ndimage

    fine = ndimage.zoom(
        crop.volume.stored.astype(float), 1.25, order=1, grid_mode=True, mode="nearest"
    )
    k, j, i = fine.shape
    base = crop.volume.geometry
    ratio = [old / new for old, new in zip(base.shape[::-1], (i, j, k), strict=True)]
    grid = Geometry(shape=(k, j, i), spacing=(ratio[0], ratio[1], ratio[2]), axes=base.axes)
    result = run(hippocampus, Volume(geometry=grid, stored=fine.astype(np.uint8), modality="MR"))
    for label in (1, 2):
        _, volume_ml = masses(result, grid, label)
        assert volume_ml == pytest.approx(
            masses(run(hippocampus, crop.volume), base, label)[1], rel=0.12
        )


def test_a_film_sent_as_dicom_gives_the_probability_and_heatmap_of_evaluate(
    pneumonia, film, tmp_path
):
    expected = run(pneumonia, film.volume)
    path = write_film(tmp_path / "film.dcm", film.volume.stored[0])
    _, stack = only_stack(path)

    result = run(pneumonia, load_volume(stack))

    assert verdict(pneumonia, path).verdict != "refused"
    assert result.scores["Pneumonia"] == pytest.approx(expected.scores["Pneumonia"], abs=1e-5)
    assert np.allclose(result.heatmaps[0][1], expected.heatmaps[0][1], atol=1e-3)
    assert result.heatmaps[0][1].shape == (1, 224, 224)
    assert 0 < result.thresholds["Pneumonia"] < 1


def test_an_inverted_film_of_12_bits_gives_the_same_probability(pneumonia, film, tmp_path):
    grey = 4095 - 16 * film.volume.stored[0].astype(np.int32)
    path = write_film(tmp_path / "film.dcm", grey, PhotometricInterpretation="MONOCHROME1")
    _, stack = only_stack(path)
    result = run(pneumonia, load_volume(stack))
    expected = run(pneumonia, film.volume).scores["Pneumonia"]
    assert result.scores["Pneumonia"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("age", "said"), [("061Y", "adult"), ("004M", "child"), ("", "not known"), ("012Y", "child")]
)
def test_films_of_other_ages_are_refused_in_words(pneumonia, film, tmp_path, age, said):
    path = write_film(tmp_path / "film.dcm", film.volume.stored[0], age=age)
    judged = verdict(pneumonia, path)
    assert judged.verdict == "refused"
    assert said in judged.reason.english()


@pytest.mark.parametrize(
    "picture",
    [
        lambda rng: rng.integers(0, 255, (224, 224)),
        lambda rng: np.kron(rng.integers(0, 2, (14, 14)), np.ones((16, 16))) * 255,
        lambda rng: np.add.outer(np.arange(224), np.arange(224)),
    ],
    ids=["noise", "chequers", "ramp"],
)
def test_pictures_that_are_no_chest_films_are_refused_in_words(
    pneumonia, picture: Callable[[np.random.Generator], np.ndarray]
):
    grey = picture(np.random.default_rng(0)).astype(np.uint16)
    with pytest.raises(InputRefused, match="unlike the ones the model was trained on"):
        run(pneumonia, film_volume(grey))


def test_hands_are_refused_as_foreign(pneumonia, training_data):
    hands = (c for c in read_cases(training_data / "mednist", "dev") if c.label == "Hand")
    refused = [is_refused(pneumonia, case.volume) for case in islice(hands, 10)]
    assert sum(refused) >= 9


def is_refused(model: ModelFolder, volume: Volume) -> bool:
    try:
        run(model, volume)
    except InputRefused:
        return True
    return False


def test_a_folder_of_images_and_masks_measures_the_lungs(chest, tmp_path):
    write_series(tmp_path / "images" / "series", chest.stored, chest.geometry, ct=True)
    middle = chest.stored.shape[2] // 2
    lung = chest.stored == -860
    for name, part in (("lung_right", lung[..., :middle]), ("lung_left", lung[..., middle:])):
        mask = np.zeros(lung.shape, np.uint8)
        mask[..., :middle] = part if name == "lung_right" else 0
        mask[..., middle:] = part if name == "lung_left" else 0
        write_mask(tmp_path / "truth" / f"{name}.nii.gz", mask, chest.geometry)

    document = evaluate_model(read_catalogue().get("lungs"), tmp_path, "dev", QUIET)

    assert document["cases"] == 1
    measured = {"dice", "volume_error", "volume_bias", "surface_mm", "hd95_mm"}
    sides = {f"{name}.lung_{side}" for name in measured for side in ("right", "left")}
    assert set(document["metrics"]) == {*sides, "dice.mean"}
    assert document["metrics"]["dice.lung_right"]["value"] > 0.95


def write_mask(path: Path, mask: np.ndarray, geometry: Geometry) -> None:
    path.parent.mkdir(exist_ok=True)
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(tuple(geometry.origin))
    sitk.WriteImage(image, str(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "set_name"), [("hippocampus", "hippocampus"), ("pneumonia-child", "cxr-pneumonia")]
)
def test_evaluate_on_dev_gives_the_figures_of_eval_json(name, set_name, training_data):
    model = read_catalogue().get(name)
    stated = json.loads((model.path / "eval.json").read_text())["metrics"]
    found = evaluate_model(model, training_data / set_name, "dev", QUIET)["metrics"]
    assert found.keys() == stated.keys()
    for metric, figure in found.items():
        assert figure["value"] == pytest.approx(stated[metric]["value"], abs=2e-3)


@pytest.mark.slow
def test_several_cases_alone_give_their_lines_of_the_whole_evaluation(hippocampus, training_data):
    cases = list(islice(read_cases(training_data / "hippocampus", "dev"), 4))
    together: Figures = evaluate_cases(hippocampus, cases, QUIET)
    alone = map(partial(evaluate_cases, hippocampus, listener=QUIET), ([c] for c in cases))
    assert [f.per_case[0] for f in alone] == list(together.per_case)

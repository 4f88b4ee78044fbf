"""The neck model on a series as a scanner sends it: larger, noisier, stored the other way round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_pipeline_dicom import only_stack, write_series

from medview.ai.catalogue import read_catalogue
from medview.ai.folder import ModelFolder
from medview.ai.gate import judge
from medview.ai.worker.input_steps import reorder
from medview.ai.worker.pipeline import Pipeline
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.progress import CancelToken, no_progress
from medview.dicom import load_volume, scan
from medview.training.cases import Case, read_cases

MARGIN = (2, 9, 7)  # slices, rows and columns of air that the set had cut away
RIGHT_PAROTID, LEFT_PAROTID, MANDIBLE = 3, 4, 7


@pytest.fixture(scope="module")
def model() -> ModelFolder:
    return read_catalogue().get("headneck-oar")


@pytest.fixture(scope="module")
def neck(training_data: Path) -> Case:
    return next(c for c in read_cases(training_data / "ct-headneck-oar", "dev") if c.id == "209")


def as_sent(case: Case) -> tuple[np.ndarray, np.ndarray, Geometry]:
    """Values in HU and the truth with a margin of noisy air around them."""
    rng = np.random.default_rng(2)
    own = case.volume.geometry
    pad = [(n, n) for n in MARGIN]
    values = np.pad(case.volume.values(), pad, constant_values=-1000.0)
    values = np.where(values <= -400, -990.0, values) + rng.normal(0, 6, values.shape)
    assert case.truth is not None
    origin = own.to_patient(VoxelIndex(*(-n for n in MARGIN)))
    grid = replace(own, shape=values.shape, origin=origin)
    return np.round(values).astype(np.int16), np.pad(case.truth, pad), grid


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


def test_a_neck_sent_turned_and_noisy_is_outlined_on_the_right_side(model, neck, tmp_path):
    values, truth, grid = as_sent(neck)
    order, flips = (0, 1, 2), (True, True, False)
    voxels, stored = reorder(values, grid, order, flips)
    drawn, _ = reorder(truth, grid, order, flips)
    folder = write_series(tmp_path / "neck", voxels, stored, ct=True)
    _, stack = only_stack(folder)
    volume = load_volume(stack)
    drawn = drawn if volume.geometry.same_grid(stored, 1e-3) else drawn[::-1]

    found = Pipeline(model).run(volume, no_progress, CancelToken()).label_map

    assert found is not None
    for label, least in ((RIGHT_PAROTID, 0.6), (LEFT_PAROTID, 0.6), (MANDIBLE, 0.7)):
        assert dice(found == label, drawn == label) > least
    right, left = (
        volume.geometry.to_patient_array(np.argwhere(found == n)).mean(0)[0]
        for n in (RIGHT_PAROTID, LEFT_PAROTID)
    )
    assert right < left  # x grows to the patient's left


@pytest.mark.parametrize(("ct", "words"), [(True, "CHEST"), (False, "MR")])
def test_a_chest_and_another_modality_are_refused_in_words(model, tmp_path, ct, words):
    grid = Geometry(shape=(60, 16, 16), spacing=(4.0, 4.0, 3.0))
    folder = write_series(tmp_path / "other", np.zeros(grid.shape, np.int16), grid, ct=ct)
    (patient,) = scan([folder]).patients
    study = patient.studies[0]
    gate = judge(model, patient, study, study.series[0], study.series[0].stacks[0])
    assert gate.verdict == "refused"
    assert words in gate.reason.english()

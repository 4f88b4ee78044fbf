"""The band of an outline that is open: its width on solids whose edge is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.look import DOUBT, Look, methods_of
from medview.ai.worker.doubt import openness, probability, unsure_mm
from medview.ai.worker.looking import look
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.training.cases import read_cases


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.8, 0.8, 2.0)])
@pytest.mark.parametrize("softness", [0.5, 1.0, 2.0])
def test_the_width_on_a_sphere_is_that_of_its_soft_edge(
    spacing: tuple[float, float, float], softness: float
) -> None:
    """p = 1 / (1 + exp((r - R) / s)) lies between 0.1 and 0.9 over 2 ln(9) s = 4.39 s."""
    sides = [int(80 / step) for step in spacing[::-1]]
    k, j, i = np.meshgrid(*[(np.arange(n) - n / 2) * s for n, s in
                            zip(sides, spacing[::-1], strict=True)], indexing="ij")  # fmt: skip
    radius = np.sqrt(k**2 + j**2 + i**2)
    probabilities = (1 / (1 + np.exp((radius - 25) / softness))).astype(np.float32)

    found = unsure_mm(probabilities, spacing)

    assert found == pytest.approx(2 * np.log(9) * softness, rel=0.12)


def test_what_is_sure_has_no_band_and_what_is_not_is_most_open_at_one_half() -> None:
    values = np.array([0.0, 0.05, 0.3, 0.5, 0.8, 0.95, 1.0], np.float32)

    assert openness(values) == pytest.approx([0, 0, 0.6, 1, 0.4, 0, 0], abs=1e-6)
    hard = np.zeros((6, 6, 6), np.float32)
    hard[2:4, 2:4, 2:4] = 1
    assert unsure_mm(hard, (1, 1, 1)) == 0
    assert unsure_mm(np.zeros((4, 4, 4), np.float32), (1, 1, 1)) == 0


class _OneSide(torch.nn.Module):
    """Two classes: the second is where the picture is bright, on the lower half of i alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = x.clone()
        seen[..., x.shape[-1] // 2 :] = 0
        return torch.cat([-seen, seen], 1)


def _mirrored(**fields: object) -> ModelFolder:
    folder = open_folder(shipped_models_dir() / "hippocampus")
    steps = [step for step in folder.pipeline if step["op"] != "mirror"]
    steps += [{"op": "mirror", **fields}] if fields else []
    return replace(folder, description={**folder.description, "pipeline": steps})


def test_no_side_is_joined_with_the_other_unless_the_model_says_so() -> None:
    x = torch.ones((1, 1, 4, 4, 4))
    plain = torch.softmax(_OneSide()(x)[0], 0)[1].numpy()
    for folder in (_mirrored(), _mirrored(axes=[0, 1], max_evals=1)):
        temperature = folder.calibration().get("temperature", 1)
        found = probability(folder, _OneSide(), x * temperature, 1)
        np.testing.assert_allclose(found, plain, atol=1e-6)
    assert DOUBT in methods_of(_mirrored(axes=[0]))
    assert DOUBT not in methods_of(_mirrored())


def test_the_band_of_a_hippocampus_lies_along_its_outline(training_data) -> None:  # type: ignore[no-untyped-def]
    folder = open_folder(shipped_models_dir() / "hippocampus")
    case = next(read_cases(training_data / "hippocampus", "dev"))
    asked = Look(label="Hippocampus, anterior", method="doubt")

    found = look(folder, case.volume, asked, no_progress, CancelToken())

    assert found.unsure_mm is not None
    assert 0.3 < found.unsure_mm < 4
    assert case.truth is not None
    truth = case.truth == 1
    band = found.values > 0
    assert 0 < band.sum() < 3 * truth.sum()
    # Voxels in which the outlines may differ lie in or at the structure, not anywhere.
    from scipy import ndimage

    near = ndimage.binary_dilation(truth, iterations=5)
    assert (band & near).sum() > 0.85 * band.sum()

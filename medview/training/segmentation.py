"""Learning to segment: prepared volumes with their labels, Dice and cross-entropy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from medview.ai.worker.pipeline import run_steps
from medview.ai.worker.steps import State
from medview.core.geometry import Geometry
from medview.training.augment import augment_volume
from medview.training.cases import Case
from medview.training.loop import generator, samples_of_step
from medview.training.metrics import dice
from medview.training.plan import Recipe

Prepared = tuple[Tensor, Tensor]  # image float32, label int64, both [k, j, i] on the net's grid


def prepare_volume(case: Case, steps: Sequence[Mapping[str, Any]]) -> Prepared:
    """A case through the pipeline's own input steps, its truth brought to the same grid."""
    if case.truth is None:
        raise ValueError(case.id)
    state = State(case.volume)
    run_steps(state, tuple(steps))
    label = _truth_on(state.geometry, case.truth, case.volume.geometry)
    return torch.from_numpy(state.image.copy()), torch.from_numpy(label.astype(np.int64))


def _truth_on(wanted: Geometry, truth: NDArray[np.uint8], own: Geometry) -> NDArray[np.uint8]:
    matrix = (own.inverse @ wanted.affine)[:3, :3][::-1, ::-1]
    moved: NDArray[np.uint8] = ndimage.affine_transform(
        truth, matrix, own.to_index(wanted.origin), wanted.shape, np.uint8, order=0,
        mode="grid-constant",
    )  # fmt: skip
    return moved


class SegmentationTask:
    """Whole crops, one after the other; a step's batch is summed over single passes.

    Crops differ in size, and instance norm must see in training what it sees at run time.
    """

    def __init__(self, fit: Sequence[Prepared], watch: Sequence[Prepared], recipe: Recipe) -> None:
        self._fit, self._watch, self._recipe = fit, watch, recipe

    def fingerprint(self) -> str:
        """A hash of the prepared images."""
        digest = hashlib.sha256()
        for image, label in self._fit:
            digest.update(image.numpy().tobytes() + label.numpy().tobytes())
        return digest.hexdigest()

    def losses(self, net: nn.Module, step: int) -> Iterator[Tensor]:
        """One part a volume."""
        recipe = self._recipe
        chosen = samples_of_step(recipe.seed, step, recipe.batch, len(self._fit))
        for place, index in enumerate(chosen):
            rng = generator(recipe.seed, 2, step, place)
            image, label = augment_volume(*self._fit[index], rng, recipe.augment)
            yield dice_and_cross_entropy(net(image[None, None]), label[None]) / recipe.batch

    def check(self, net: nn.Module) -> dict[str, float]:
        """Mean Dice of each label, without what the pipeline does after the net."""
        found: dict[str, list[float]] = {}
        for image, label in self._watch:
            with torch.inference_mode():
                best = net(image[None, None])[0].argmax(0).numpy()
            for value in range(1, int(label.max()) + 1):
                score = dice(best == value, label.numpy() == value)
                found.setdefault(f"dice.{value}", []).append(score)
        return {name: float(np.mean(values)) for name, values in found.items()}


def dice_and_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """logits [batch, class, k, j, i], label int64 [batch, k, j, i]; soft Dice over labels > 0."""
    one_hot = F.one_hot(label, logits.shape[1]).permute(0, 4, 1, 2, 3).float()
    shares = torch.softmax(logits, 1)
    overlap = (shares * one_hot).sum((0, 2, 3, 4))[1:]
    total = (shares + one_hot).sum((0, 2, 3, 4))[1:]
    soft_dice = ((2 * overlap + 1) / (total + 1)).mean()
    return 1 - soft_dice + F.cross_entropy(logits, label)

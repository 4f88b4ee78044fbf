"""Learning to segment: prepared volumes with their labels, Dice and cross-entropy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Generator, Tensor, nn

from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry
from medview.core.words import say
from medview.training.augment import augment_volume, cropped, mirrored
from medview.training.cases import Case
from medview.training.loop import answer_of, generator, place_of, samples_of_step
from medview.training.losses import UNDRAWN, partial_dice_and_cross_entropy
from medview.training.metrics import dice
from medview.training.plan import Recipe
from medview.training.prepare import prepared


@dataclass(frozen=True, eq=False)
class Prepared:
    """A case on the net's grid: image float32 and label int64, both [k, j, i].

    unknown: labels that nobody looked for in this case. open_ended: those that end where the
    drawing ended; beyond, the label is UNDRAWN.
    """

    image: Tensor
    label: Tensor
    unknown: tuple[int, ...] = ()
    open_ended: tuple[int, ...] = ()


def prepare_volume(
    case: Case, steps: Sequence[Mapping[str, Any]], wanted: Sequence[int]
) -> Prepared:
    """A case through the pipeline's own input steps, its truth brought to the same grid.

    wanted: the labels that the net learns; others become background. Raises InvalidInput.
    """
    if case.truth is None:
        raise InvalidInput(say("A training case has no outlines."), case.id)
    state = prepared(case.volume, case.id, steps)
    own = np.where(np.isin(case.truth, wanted), case.truth, 0).astype(np.uint8)
    open_ended = tuple(v for v in wanted if v in case.open_ended and v in case.labels)
    for value in open_ended:
        beyond = ~(own == value).any(axis=(1, 2))
        own[beyond[:, None, None] & (own == 0)] = UNDRAWN
    label = _truth_on(state.geometry, own, case.volume.geometry)
    return Prepared(
        torch.from_numpy(state.image.copy()),
        torch.from_numpy(label.astype(np.int64)),
        tuple(v for v in wanted if v not in case.labels),
        open_ended,
    )


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
    margined: a case of `fit` by its number, prepared anew within a margin.
    """

    def __init__(
        self,
        fit: Sequence[Prepared],
        watch: Sequence[Prepared],
        recipe: Recipe,
        margined: Callable[[int, Generator], Prepared],
    ) -> None:
        self._fit, self._watch, self._recipe = fit, watch, recipe
        self._margined = margined

    def fingerprint(self) -> str:
        """A hash of the prepared images."""
        digest = hashlib.sha256()
        for case in self._fit:
            digest.update(case.image.numpy().tobytes() + case.label.numpy().tobytes())
        return digest.hexdigest()

    def losses(self, net: nn.Module, step: int) -> Iterator[Tensor]:
        """One part a volume."""
        recipe = self._recipe
        chosen = samples_of_step(recipe.seed, step, recipe.batch, len(self._fit))
        for place, index in enumerate(chosen):
            rng = generator(recipe.seed, 2, step, place)
            share = recipe.augment.get("margin", 0)
            is_margined = share > 0 and float(torch.rand(1, generator=rng)) < share
            case = self._margined(index, rng) if is_margined else self._fit[index]
            image, label = cropped(case.image, case.label, rng, recipe.crop)
            image, label = mirrored(image, label, rng, recipe.mirrored)
            image, label = augment_volume(image, label, rng, recipe.augment)
            logits = answer_of(net, image[None, None], recipe)
            loss = partial_dice_and_cross_entropy(
                logits, label[None].to(logits.device), case.unknown, case.open_ended, recipe.focal
            )
            yield loss / recipe.batch

    def check(self, net: nn.Module) -> dict[str, float]:
        """Mean Dice of each label, without what the pipeline does after the net."""
        found: dict[str, list[float]] = {}
        for case in self._watch:
            with torch.inference_mode():
                best = net(case.image[None, None].to(place_of(net)))[0].argmax(0).cpu().numpy()
            label = case.label.numpy()
            for value in sorted(set(np.unique(label).tolist()) - {0, UNDRAWN}):
                mine = best == value
                if value in case.open_ended:
                    mine = mine & (label != UNDRAWN)
                found.setdefault(f"dice.{value}", []).append(dice(mine, label == value))
        return {name: float(np.mean(values)) for name, values in found.items()}

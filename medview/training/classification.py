"""Learning to classify films: prepared pictures in memory, balanced cross-entropy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from medview.ai.worker.net_steps import pooled
from medview.ai.worker.nets import ResNet2d
from medview.training.augment import augment_film
from medview.training.cases import Case
from medview.training.loop import answer_of, generator, place_of, samples_of_step
from medview.training.losses import weighted_binary
from medview.training.metrics import roc_auc
from medview.training.plan import Recipe
from medview.training.prepare import prepared


def prepare_film(case: Case, steps: Sequence[Mapping[str, Any]]) -> NDArray[np.float16]:
    """A film through the pipeline's own input steps, [j, i], kept in half precision.

    Raises InvalidInput.
    """
    half: NDArray[np.float16] = prepared(case.volume, case.id, steps).image[0].astype(np.float16)
    return half


@dataclass(frozen=True, eq=False)
class Films:
    """images: float16 [n, j, i]; truth: 0 or 1 [n]; patients: n names."""

    images: NDArray[np.float16]
    truth: NDArray[np.int64]
    patients: tuple[str, ...]

    def part(self, chosen: Sequence[int]) -> Films:
        """Some of them."""
        return Films(
            self.images[chosen], self.truth[chosen], tuple(self.patients[n] for n in chosen)
        )


@dataclass(frozen=True, eq=False)
class Answers:
    """What a net says of films: logits [n], pooled features [n, m], peaks of the heatmap [n]."""

    logits: NDArray[np.float64]
    features: NDArray[np.float64]
    peaks: NDArray[np.float64]


def ask(net: ResNet2d, films: Films, layers: Sequence[str]) -> Answers:
    """One pass over films, one at a time as at run time."""
    logits, features, peaks = [], [], []
    weights = net.head.weight.detach()[0]
    for image in films.images:
        tensor = torch.from_numpy(image.astype(np.float32))[None, None]
        with torch.inference_mode():
            maps = net.maps(tensor)
            logits.append(float(net.classify(maps[-1])[0, 0]))
            peaks.append(float(torch.einsum("c,cji->ji", weights, maps[-1][0]).max()))
        named = {f"stage{n}": m[0].numpy() for n, m in enumerate(maps, start=1)}
        features.append(pooled([named[layer] for layer in layers]))
    return Answers(np.array(logits), np.array(features, np.float64), np.array(peaks))


class ClassificationTask:
    """Batches of films; the rarer class counts as much as the commoner one in the loss."""

    def __init__(self, fit: Films, watch: Films, recipe: Recipe) -> None:
        self.fit, self.watch, self._recipe = fit, watch, recipe
        share = float(fit.truth.mean())
        self._weight = torch.tensor([0.5 / (1 - share), 0.5 / share])  # of classes 0 and 1

    def fingerprint(self) -> str:
        """A hash of the prepared images and their classes."""
        return hashlib.sha256(self.fit.images.tobytes() + self.fit.truth.tobytes()).hexdigest()

    def losses(self, net: nn.Module, step: int) -> Iterator[Tensor]:
        """One part: the batch."""
        recipe = self._recipe
        chosen = samples_of_step(recipe.seed, step, recipe.batch, len(self.fit.truth))
        images = []
        for place, index in enumerate(chosen):
            rng = generator(recipe.seed, 2, step, place)
            image = torch.from_numpy(self.fit.images[index].astype(np.float32))
            images.append(augment_film(image, rng, recipe.augment))
        truth = torch.from_numpy(self.fit.truth[chosen])
        logits = answer_of(net, torch.stack(images)[:, None], recipe)[:, 0]
        weight = self._weight[truth].to(logits.device)
        yield weighted_binary(logits, truth.to(logits.device), weight, recipe.focal)

    def check(self, net: nn.Module) -> dict[str, float]:
        """AUC and loss on films of other patients."""
        logits = []
        for first in range(0, len(self.watch.truth), 32):
            batch = torch.from_numpy(self.watch.images[first : first + 32].astype(np.float32))
            with torch.inference_mode():
                logits.append(net(batch[:, None].to(place_of(net)))[:, 0].double().cpu())
        found = torch.cat(logits)
        truth = torch.from_numpy(self.watch.truth)
        loss = F.binary_cross_entropy_with_logits(found, truth.double())
        return {"auc": roc_auc(self.watch.truth, found.numpy()), "check_loss": float(loss)}

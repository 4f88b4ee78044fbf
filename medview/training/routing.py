"""Learning to tell kinds of pictures apart, and to say when a picture is none of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from medview.ai.worker.net_steps import mahalanobis, pooled
from medview.ai.worker.nets import ResNet2d
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.core.words import say
from medview.training.augment import augment_film
from medview.training.calibrate import known_world
from medview.training.cases import Case, read_cases
from medview.training.data_checks import require_unchanged
from medview.training.foreign import foreign_picture
from medview.training.loop import answer_of, generator, place_of
from medview.training.losses import cross_entropy
from medview.training.plan import Recipe, TrainPlan
from medview.training.prepare import prepared

_LEAST_SURE = 0.8  # of a class among the kinds
_MARGIN = 1.1
NONE = -1  # the class of a picture that is none of the kinds


@dataclass(frozen=True, eq=False)
class Views:
    """images: float32 [n, j, i] as the net sees them; truth: number of the output [n], or NONE."""

    images: NDArray[np.float32]
    truth: NDArray[np.int64]

    def of(self, number: int) -> NDArray[np.int64]:
        """Where the pictures of one class are."""
        return np.flatnonzero(self.truth == number)

    def with_more(self, others: Views) -> Views:
        """These and others."""
        return Views(
            np.concatenate([self.images, others.images]),
            np.concatenate([self.truth, others.truth]),
        )


def views_of(plan: TrainPlan, cases: Sequence[Case], cancel: CancelToken) -> Views:
    """Pictures of the plan's own set. Raises InvalidInput for a class without a case."""
    found = _prepare(plan, [(case, _number(plan, case.label)) for case in cases], cancel)
    empty = [name for n, name in enumerate(plan.data.classes) if not len(found.of(n))]
    if empty:
        raise InvalidInput(say("A class of the training data has no case."), ", ".join(empty))
    return found


def views_besides(plan: TrainPlan, cancel: CancelToken) -> Views:
    """Pictures of the other sets that the plan names, those of their part `train`."""
    found = []
    for row in plan.data.also:
        folder = plan.folder_of(str(row["path"]))
        require_unchanged(folder)
        cases = list(read_cases(folder, "train"))
        cases.sort(key=lambda case: hashlib.sha256(case.id.encode()).digest())
        for case in cases[: int(row.get("most", len(cases)))]:
            cancel.check()
            above = _above(case.volume, float(row.get("from_slice", 0)))
            found.append((replace(case, volume=above), _number(plan, str(row["label"]))))
    return _prepare(plan, found, cancel)


def _number(plan: TrainPlan, label: str) -> int:
    if label and label not in plan.data.classes:
        raise InvalidInput(say("These labelled data do not fit the model."), label)
    return plan.data.classes.index(label) if label else NONE


def _above(volume: Volume, share: float) -> Volume:
    """The slices of a stack from this share of its length on."""
    if not share:
        return volume
    first = int(share * volume.geometry.shape[0])
    shape = (volume.geometry.shape[0] - first, *volume.geometry.shape[1:])
    return replace(
        volume, stored=volume.stored[first:], geometry=replace(volume.geometry, shape=shape)
    )


def _prepare(plan: TrainPlan, cases: Sequence[tuple[Case, int]], cancel: CancelToken) -> Views:
    images: list[NDArray[np.float32]] = []
    truth: list[int] = []
    for case, number in cases:
        cancel.check()
        state = prepared(case.volume, case.id, plan.steps())
        images += list(state.image)
        truth += [number] * len(state.image)
    return Views(np.stack(images), np.array(truth, np.int64))


class RouterTask:
    """Batches with as many pictures of each class, and a share of pictures of none.

    fit: the plan's own set; besides: the other sets. Where a class has pictures of both, half of
    its share comes from either: a large set besides must not crowd out the plan's own.
    """

    def __init__(
        self, fit: Views, watch: Views, recipe: Recipe, besides: Views | None = None
    ) -> None:
        self.fit = fit if besides is None else fit.with_more(besides)
        self.watch, self._recipe = watch, recipe
        self.classes = int(self.fit.truth.max()) + 1
        first = len(fit.truth)
        self._members = [
            [part for part in (of[of < first], of[of >= first]) if len(part)]
            for of in map(self.fit.of, range(self.classes))
        ]
        self._known = list(self.fit.images[self.fit.truth != NONE])
        self._foreign = list(self.fit.images[self.fit.truth == NONE])

    def fingerprint(self) -> str:
        """A hash of the prepared pictures and their classes."""
        return hashlib.sha256(self.fit.images.tobytes() + self.fit.truth.tobytes()).hexdigest()

    def losses(self, net: nn.Module, step: int) -> Iterator[Tensor]:
        """One part: the batch."""
        recipe = self._recipe
        pictures, truth = [], []
        foreign = round(recipe.foreign * recipe.batch)
        for place in range(recipe.batch):
            rng = generator(recipe.seed, 2, step, place)
            own = np.random.default_rng((recipe.seed, 3, step, place))
            if place < foreign:
                made = torch.from_numpy(foreign_picture(self._known, self._foreign, own).copy())
                pictures.append(made)
                truth.append(self.classes)
                continue
            number = place % self.classes
            sources = self._members[number]
            chosen = int(own.choice(sources[int(own.integers(len(sources)))]))
            pictures.append(self._changed(chosen, rng, own))
            truth.append(number)
        logits = answer_of(net, torch.stack(pictures)[:, None], recipe)
        yield cross_entropy(logits, torch.tensor(truth, device=logits.device), recipe.focal)

    def _changed(self, chosen: int, rng: torch.Generator, own: np.random.Generator) -> Tensor:
        image = torch.from_numpy(self.fit.images[chosen])
        # The greys of every second picture stay: they tell kinds apart, too.
        strength = self._recipe.augment
        if own.random() < 0.5:
            strength = {k: v for k, v in strength.items() if k not in _GREYS}
        return augment_film(_narrowed(image, own, strength.get("window", 0)), rng, strength)

    def check(self, net: nn.Module) -> dict[str, float]:
        """Accuracy and loss on other pictures."""
        logits = torch.from_numpy(ask_views(net, self.watch)[0])
        truth = torch.from_numpy(self.watch.truth)
        accuracy = float((logits.argmax(1) == truth).double().mean())
        return {"accuracy": accuracy, "check_loss": float(F.cross_entropy(logits, truth))}


_GREYS = ("gamma", "contrast", "bias", "blur", "noise", "window")


def _narrowed(image: Tensor, rng: np.random.Generator, strength: float) -> Tensor:
    """The picture through a narrower window: up to that share of its range is cut below."""
    if not strength:
        return image
    low, high = float(image.min()), float(image.max())
    cut = low + (high - low) * float(rng.uniform(0, strength))
    return image.clamp(cut, high - (high - low) * float(rng.uniform(0, strength)))


def ask_views(
    net: nn.Module, views: Views, layers: Sequence[str] = ()
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Logits [n, class] and pooled features [n, m] of the named layers."""
    if not isinstance(net, ResNet2d):
        raise TypeError(type(net).__name__)
    logits, features = [], []
    for image in views.images:
        with torch.inference_mode():
            maps = net.maps(torch.from_numpy(image)[None, None].to(place_of(net)))
            logits.append(net.classify(maps[-1])[0].cpu().numpy())
        named = {f"stage{n}": m[0].cpu().numpy() for n, m in enumerate(maps, start=1)}
        features.append(pooled([named[layer] for layer in layers]) if layers else np.zeros(0))
    return np.stack(logits), np.stack(features).astype(np.float64)


def calibrate_router(
    net: nn.Module, task: RouterTask, layers: Sequence[str], unknown: float
) -> dict[str, Any]:
    """calib.json: what a picture of each class may reach and still count as one of it.

    All from the pictures that the net did not learn from. none: for each class the probability of
    none of the kinds that `unknown` of its pictures exceed, never below a half. limits: for each
    class a tenth more than the largest distance of its pictures to its mean, in the features'
    spread within classes; limit: the largest of them.
    """
    known = Views(*(a[task.fit.truth != NONE] for a in (task.fit.images, task.fit.truth)))
    _, features = ask_views(net, known, layers)
    logits, apart = ask_views(net, task.watch, layers)
    means = np.stack([features[known.of(n)].mean(0) for n in range(task.classes)])
    world = known_world(features - means[known.truth], apart - means[task.watch.truth])
    for own in ("limit", "warn"):  # those of a router are set below, or not at all
        world.pop(own, None)
    truth = task.watch.truth
    away = [mahalanobis(a - means[n], world) for a, n in zip(apart, truth, strict=True)]
    limits = [round(_MARGIN * max(np.array(away)[truth == n]), 4) for n in range(task.classes)]
    strange = torch.softmax(torch.from_numpy(logits).double(), 1).numpy()[:, -1]
    most = [float(np.quantile(strange[truth == n], 1 - unknown)) for n in range(task.classes)]
    return {
        "probability": _LEAST_SURE,
        "none": [round(max(0.5, share), 4) for share in most],
        "ood": {
            **world,
            "means": [[float(f"{v:.5g}") for v in row] for row in means],
            "limits": limits,
            "limit": max(limits),
        },
    }


def classes_of(folder_description: Mapping[str, Any]) -> tuple[str, ...]:
    """The set's own names of a router's outputs, in their order."""
    return tuple(folder_description.get("provenance", {}).get("classes", ()))

"""A radial basis network that learns in one step: kernel ridge regression of the mean rating.

Every member leaves one fold of the patients out, so each nodule has an answer of a net that never
saw its patient; for new patients the members answer together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medview.ai.worker.radial_net import RadialNet
from medview.core.progress import CancelToken, Progress
from medview.core.words import tr
from medview.training.nodule.plan import NodulePlan

Array = NDArray[np.float64]
_MIDDLE, _STEEP = 3.0, 2.0  # of the ratings of 1 to 5


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesson:
    """features: [n, feature] of the nodules as they are. variants: [v, n, feature] of changed ones.

    rating: mean of the readers', 1 to 5 [n]. readers: how many they were [n]. fold: of the
    patient [n].
    """

    features: Array
    variants: Array
    rating: Array
    readers: Array
    fold: NDArray[np.int64]


def target(rating: Array) -> Array:
    """What is learnt: half the mean rating as it is, half how surely it is on one side of 3."""
    return 0.5 * (rating - 1) / 4 + 0.5 / (1 + np.exp(-_STEEP * (rating - _MIDDLE)))


def learn(
    net: RadialNet, lesson: Lesson, recipe: NodulePlan, progress: Progress, cancel: CancelToken
) -> None:
    """Fill a net whose centres are the nodules and their variants, in that order.

    A rating by more readers weighs more (root of their number).
    """
    copies = 1 + len(lesson.variants)
    everything = np.concatenate([lesson.features, *lesson.variants])
    wanted = np.tile(target(lesson.rating), copies)
    trust = np.tile(np.sqrt(np.minimum(lesson.readers, 4)), copies)
    fold = np.tile(lesson.fold, copies)
    with torch.no_grad():
        net.get_buffer("mean").copy_(torch.from_numpy(lesson.features.mean(0)))
        net.get_buffer("scale").copy_(torch.from_numpy(lesson.features.std(0) + 1e-6))
        round_to_half(net)
        net.centres.copy_(net.standardised(torch.from_numpy(everything.astype(np.float32))))
        round_to_half(net)
        near = net.hidden(net.centres).double().numpy()
        for member in range(recipe.folds):
            cancel.check()
            progress(member, recipe.folds, tr("Training"))
            own = np.flatnonzero(fold != member)
            base = float(np.average(wanted[own], weights=trust[own]))
            smooth = np.diag(recipe.ridge * np.sqrt(copies) / trust[own])
            weight = np.linalg.solve(near[np.ix_(own, own)] + smooth, wanted[own] - base)
            net.base[member] = base
            net.weight[member, torch.from_numpy(own)] = torch.from_numpy(weight).float()
        round_to_half(net)


def round_to_half(net: RadialNet) -> None:
    """As it ships, so that whatever is measured afterwards is measured on what ships."""
    rounded = {k: v.half().float() for k, v in net.state_dict().items()}
    net.load_state_dict(rounded)


def answers(net: RadialNet, features: Array) -> Array:
    """[n, member] logits."""
    with torch.inference_mode():
        given: Tensor = net(torch.from_numpy(features.astype(np.float32)))
    return given.double().numpy()


def unseen(net: RadialNet, lesson: Lesson) -> Array:
    """[n]: each nodule's logit by the member that did not learn from its patient."""
    given = answers(net, lesson.features)
    return np.asarray(given[np.arange(len(given)), lesson.fold])


def fold_of(patients: Sequence[str], order: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Each case's fold: the place of its patient in `order`, dealt in turn."""
    place = {patient: n % folds for n, patient in enumerate(order)}
    return np.array([place[patient] for patient in patients], np.int64)

"""The training loop: plain PyTorch, the same result after any number of interruptions.

All that is random in step n is drawn from generators seeded by (seed, n), so a checkpoint needs no
random state, and a run that was killed and resumed ends with the very weights of one that was not:
on the processor to the last bit, on a graphics card as far as its sums come out alike.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from statistics import fmean
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, Progress
from medview.core.words import say, tr
from medview.training.checkpoint import Progressed, load_checkpoint, save_checkpoint
from medview.training.plan import Recipe, TrainPlan

CHECKPOINT = "checkpoint.safetensors"
_CHECKS = 12  # looks at the averaged net on unseen patients, for the curves


class Task(Protocol):
    """What is learnt: data in memory and their loss."""

    def losses(self, net: nn.Module, step: int) -> Iterator[Tensor]:
        """The loss of a step, in parts that sum to it; each is sent back before the next."""

    def check(self, net: nn.Module) -> dict[str, float]:
        """Figures on patients that the net does not learn from, for the curves and for patience."""

    def fingerprint(self) -> str:
        """A hash of the training data, in their order."""


def generator(seed: int, *place: int) -> Generator:
    """A generator for one place of a training (step, sample ...)."""
    digest = hashlib.sha256(repr((seed, *place)).encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def place_of(net: nn.Module) -> torch.device:
    """Where a net lies; its data are drawn and changed on the processor and then go there."""
    return next(net.parameters()).device


def answer_of(net: nn.Module, x: Tensor, recipe: Recipe) -> Tensor:
    """What a net says of x, both where the net lies; computed in the recipe's precision, float32
    whatever that is."""
    place = place_of(net)
    if recipe.precision == "float32":
        exact: Tensor = net(x.to(place))
        return exact
    with torch.autocast(place.type, dtype=torch.bfloat16):
        said: Tensor = net(x.to(place))
    return said.float()


def samples_of_step(seed: int, step: int, batch: int, count: int) -> list[int]:
    """Which of `count` samples a step sees: every one once an epoch, in a new order each time."""
    chosen = []
    for place in range(step * batch, (step + 1) * batch):
        epoch, within = divmod(place, count)
        chosen.append(int(torch.randperm(count, generator=generator(seed, 1, epoch))[within]))
    return chosen


def learning_rate(recipe: Recipe, step: int) -> float:
    """Warm-up over 3 % of the steps of a cycle, then a cosine to 1 % of the peak."""
    edges = (0, *recipe.restarts, recipe.steps)
    number = bisect_right(edges[1:-1], step)
    first, steps = edges[number], edges[number + 1] - edges[number]
    warm = max(1, steps * 3 // 100)
    if step - first < warm:
        return recipe.learning_rate * (step - first + 1) / warm
    share = (step - first - warm) / max(1, steps - warm)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)


def plan_fingerprint(plan: TrainPlan, task: Task) -> str:
    """What a checkpoint must share with a training to be its own; options left out do not count."""
    usual = {f.name: f.default for f in fields(plan.recipe)}
    recipe = {k: v for k, v in asdict(plan.recipe).items() if v != usual[k]}
    about = [recipe, asdict(plan.split), plan.network, list(plan.steps())]
    text = json.dumps([about, task.fingerprint()], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


def merit(found: Mapping[str, float]) -> float:
    """One number for a look, greater is better: less check_loss, else the figures' mean."""
    return -found["check_loss"] if "check_loss" in found else fmean(found.values())


class Training:
    """One net, one task, one folder for what it leaves."""

    def __init__(self, plan: TrainPlan, task: Task, net: nn.Module, folder: Path) -> None:
        self._recipe, self._task = plan.recipe, task
        self._path = folder / CHECKPOINT
        self._fingerprint = plan_fingerprint(plan, task)
        optimizer = torch.optim.AdamW(
            _groups(net, plan.recipe.weight_decay), lr=plan.recipe.learning_rate
        )
        average = copy.deepcopy(net).requires_grad_(requires_grad=False).eval()
        self.at = Progressed(net, average, optimizer, 0, [])
        self._loss = 0.0
        # A card works while the processor waits.
        self._clock = time.process_time if place_of(net).type == "cpu" else time.monotonic

    def resume(self) -> None:
        """Go on where the folder's checkpoint stands, from the start where there is none."""
        if self._path.is_file():
            load_checkpoint(self._path, self.at, self._fingerprint)

    def run(self, progress: Progress, cancel: CancelToken, until: int | None = None) -> nn.Module:
        """Train to the end (or to step `until`, or till patience ends); returns the averaged net.

        Raises Cancelled after writing a checkpoint, WriteFailed when the disk is full, InvalidInput
        for weights that are no numbers any more.
        """
        recipe, at = self._recipe, self.at
        end = recipe.until or recipe.steps
        last = min(end, until or end)
        every = max(1, recipe.steps // _CHECKS)
        started, first = time.monotonic(), at.step
        while at.step < last and not self.has_stopped:
            if cancel.is_cancelled:
                save_checkpoint(self._path, at, self._fingerprint)
                cancel.check()
            before = self._clock()
            self._one_step()
            at.seconds += self._clock() - before
            left = (time.monotonic() - started) / (at.step - first) * (end - at.step)
            progress(
                at.step, end,
                tr("Training, loss {loss}, about {minutes} min left", loss=f"{self._loss:.3f}",
                   minutes=math.ceil(left / 60)),
            )  # fmt: skip
            if at.step % every == 0 or at.step == last:
                self._look()
        if at.best:
            at.average.load_state_dict(at.best)
        return at.average

    @property
    def looks_since_best(self) -> int:
        """How many looks came after the best one."""
        merits = [row["merit"] for row in self.at.history]
        return len(merits) - 1 - merits.index(max(merits)) if merits else 0

    @property
    def has_stopped(self) -> bool:
        """Whether patience has ended."""
        patience = self._recipe.patience
        return bool(patience) and self.looks_since_best >= patience

    @property
    def kept_step(self) -> int:
        """The step whose averaged weights are kept: the last one, or that of the best look."""
        if not self._recipe.patience or not self.at.history:
            return self.at.step
        return int(self.at.history[-1 - self.looks_since_best]["step"])

    def _one_step(self) -> None:
        recipe, at = self._recipe, self.at
        torch.manual_seed(recipe.seed * 1_000_003 + at.step)  # dropout
        for group in at.optimizer.param_groups:
            group["lr"] = learning_rate(recipe, at.step)
        at.net.train()
        at.optimizer.zero_grad()
        total = 0.0
        for part in self._task.losses(at.net, at.step):
            part.backward()  # type: ignore[no-untyped-call]
            total += float(part.detach())
        nn.utils.clip_grad_norm_(at.net.parameters(), 5.0)
        at.optimizer.step()
        # A young average follows fast: it must not keep the random start.
        decay = min(recipe.ema, (1 + at.step) / (10 + at.step))
        with torch.no_grad():
            pairs = zip(at.average.state_dict().values(), at.net.state_dict().values(), strict=True)
            for mean, now in pairs:
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)
        at.step += 1
        self._loss = total if self._loss == 0 else 0.95 * self._loss + 0.05 * total

    def _look(self) -> None:
        self._require_numbers()
        found = self._task.check(self.at.average)
        row = {"step": float(self.at.step), "loss": self._loss, **found}
        if self._recipe.patience:
            row["merit"] = merit(found)
        self.at.history.append(row)
        if self._recipe.patience and not self.looks_since_best:
            average = self.at.average.state_dict()
            self.at.best = {k: v.detach().clone() for k, v in average.items()}
        save_checkpoint(self._path, self.at, self._fingerprint)

    def _require_numbers(self) -> None:
        """What ships is half precision: weights beyond it are as lost as those that are none."""
        weights = [v for v in self.at.average.state_dict().values() if v.is_floating_point()]
        if not all(bool(torch.isfinite(v.half()).all()) for v in weights):
            raise InvalidInput(
                say("The training came apart by step {step}: its weights are no numbers any more.",
                    step=self.at.step),
                what_to_do=say("Choose a smaller learning rate, and begin anew."),
            )  # fmt: skip


def _groups(net: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    # Norms and biases are not shrunk.
    matrices = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]

"""One number for each organ, added to the net's last bias: against outlines that are too large.

A net that learnt overlap takes in what it is unsure of, and of new patients it is unsure of more
than of those it learnt from. So the numbers come from patients apart, through the steps that the
pipeline takes after its net. No step of the pipeline changes: the numbers are part of the weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from medview.ai.folder import ModelFolder
from medview.ai.worker.net_steps import load_weights
from medview.ai.worker.nets import UNet3d, build_net
from medview.ai.worker.pipeline import load_steps, run_steps
from medview.ai.worker.steps import Context, State
from medview.core.words import tr
from medview.training.cases import Case
from medview.training.checkpoint import save_half
from medview.training.evaluation import Listener, row_of
from medview.training.outlines import compare_outlines, metric_name
from medview.training.plan import Offsets, TrainPlan

Row = Mapping[str, Any]
_LAST = ("network", "mirror")  # the step after these reads the logits


@dataclass(frozen=True, eq=False)
class Fitted:
    """values: by label what is added to its logit. own: the rows of the cases with it, as
    `evaluate` gives them. crossed: each with the numbers that the other patients gave."""

    values: Mapping[int, float]
    own: tuple[Row, ...]
    crossed: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class _Look:
    """A case up to its logits, which lie in a file: those of all cases fill a memory."""

    case: Case
    state: State
    logits: Path


class _Looks:
    """What the net says of cases, and what the rest of the pipeline makes of it when moved."""

    def __init__(
        self, folder: ModelFolder, cases: Sequence[Case], listener: Listener, place: Path
    ) -> None:
        """Ask the net once a case; place: a folder for the answers."""
        ops = [step["op"] for step in folder.pipeline]
        load_steps(set(ops))
        end = 1 + max(number for number, op in enumerate(ops) if op in _LAST)
        # Its limit is fitted on these very cases or not known yet: it refuses none of them.
        before = tuple(step for step in folder.pipeline[:end] if step["op"] != "distance")
        self.folder, self._after, self._listener = folder, folder.pipeline[end:], listener
        networks: dict[str, Any] = {}
        self.all: list[_Look] = []
        for number, case in enumerate(cases):
            listener.progress(number, len(cases), tr("Measuring the model"))
            state = State(case.volume, Context(folder, cancel=listener.cancel, networks=networks))
            run_steps(state, before)
            path = place / f"{number}.npy"
            np.save(path, np.asarray(state.logits))
            state.logits = None
            self.all.append(_Look(case, state, path))

    def row(self, look: _Look, moved: Mapping[int, float]) -> Row:
        """The row of a case whose logits are moved by so much."""
        self._listener.cancel.check()
        state = copy.copy(look.state)
        logits: Any = np.load(look.logits)
        for label, value in moved.items():
            logits[label] += np.float32(value)
        state.logits = logits
        run_steps(state, self._after)
        truth, found = look.case.truth, state.label_map
        if truth is None or found is None:
            raise ValueError(look.case.id)
        return row_of(look.case) | compare_outlines(self.folder.outputs, look.case, truth, found)


def fit_offsets(
    folder: ModelFolder,
    cases: Sequence[Case],
    wanted: Offsets,
    listener: Listener,
    shipped: Mapping[int, float] | None = None,
) -> Fitted:
    """The number of each wanted label that gives its best mean Dice over the cases.

    All labels are tried with the same number at a time: they border on the background far more
    than on each other. shipped: what the folder's weights hold already, which then stays.
    """
    inside = shipped or {}
    names = {n: _name(folder, n) for n in wanted.labels}
    with TemporaryDirectory() as place:
        looks = _Looks(folder, cases, listener, Path(place))

        def rows(values: Sequence[Mapping[int, float]]) -> tuple[Row, ...]:
            pairs = zip(looks.all, values, strict=True)
            return tuple(looks.row(look, _less(to, inside)) for look, to in pairs)

        tried = {
            choice: rows([dict.fromkeys(wanted.labels, choice)] * len(cases))
            for choice in wanted.choices
        }
        values = dict(shipped) if shipped is not None else best_of(tried, names)
        return Fitted(
            values,
            rows([values] * len(cases)),
            rows([best_of(tried, names, without=case.patient) for case in cases]),
        )


def best_of(
    tried: Mapping[float, Sequence[Row]], names: Mapping[int, str], without: str | None = None
) -> dict[int, float]:
    """By label the choice with the best mean Dice; the smallest one where several are as good.

    tried: the rows of every choice. without: a patient who has no say.
    """
    found = {}
    for label, name in names.items():
        merits = {}
        for choice in sorted(tried, key=abs):
            own = [row[f"dice.{name}"] for row in tried[choice]
                   if f"dice.{name}" in row and row["patient"] != without]  # fmt: skip
            merits[choice] = float(np.mean(own)) if own else 0.0
        found[label] = max(merits, key=lambda choice: merits[choice])
    return found


def _less(values: Mapping[int, float], inside: Mapping[int, float]) -> dict[int, float]:
    return {n: values.get(n, 0.0) - inside.get(n, 0.0) for n in {*values, *inside}}


def _name(folder: ModelFolder, label: int) -> str:
    return metric_name(next(out.name for out in folder.outputs if out.value == label))


def move_bias(plan: TrainPlan, folder: Path, values: Mapping[int, float]) -> None:
    """Add the numbers to the last bias of the folder's weights. Raises OSError."""
    path = folder / plan.network["weights"]
    net = build_net(plan.network["arch"], plan.network.get("args", {}))
    load_weights(net, path.read_bytes(), path.name)
    if not isinstance(net, UNet3d) or net.head.bias is None:
        raise TypeError(type(net).__name__)
    with torch.no_grad():
        for label, value in values.items():
            net.head.bias[label] += value
    path.write_bytes(save_half(net))

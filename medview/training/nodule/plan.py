"""The TOML file of a nodule model: data, folds, recipe, and the model.json it will make."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.metrics import CLASSIFIER_FIGURES
from medview.training.plan import (
    DataPlan,
    read_aims,
    read_certainty,
    read_part,
    require_table,
    resolve_data,
)
from medview.training.plan_checks import CARD, impossible, require_card, require_model


@dataclass(frozen=True, kw_only=True)
class NodulePlan:
    """How it learns.

    folds: of the patients of `train`. variants: changed pictures of each nodule that are learnt
    beside the true one. ridge: weight of the smoothness of the answer, for one picture a nodule.
    sensitivity: of the operating point. resamples: of the calibration. heatmaps: of so many
    suspicious nodules the strongest places fix the scale of all heatmaps.
    """

    folds: int
    variants: int
    ridge: float
    seed: int
    sensitivity: float
    resamples: int
    heatmaps: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole TOML file, checked; the fields are those of TrainPlan."""

    path: Path
    data: DataPlan
    nodule: NodulePlan
    model: Mapping[str, Any]
    card: Mapping[str, str]
    aims: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    certainty: float = 0.0

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    @property
    def data_folder(self) -> Path:
        """The folder of the cases. Raises InvalidInput when it is not there."""
        return resolve_data(self.data.path, self.path)

    @property
    def network(self) -> Mapping[str, Any]:
        """The network step."""
        return next(step for step in self.model["pipeline"] if step["op"] == "network")


def is_nodule(path: Path) -> bool:
    """Whether a TOML file trains a nodule model. False where it cannot be read."""
    try:
        return "nodule" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False


def read_nodule_plan(path: Path) -> Plan:
    """Read and check a TOML file. Raises InvalidInput in one sentence."""
    loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    model, card = require_table(loaded, "model"), require_table(loaded, "card")
    require_model(model, ("classification",))
    require_card(card, (*CARD, "tried"))
    if not any(step["op"] == "network" for step in model["pipeline"]):
        raise InvalidInput(say("The training file lacks {name}.", name="model.pipeline"), path.name)
    plan = Plan(
        path=path.resolve(),
        data=read_part(DataPlan, require_table(loaded, "data"), "data"),
        nodule=read_part(NodulePlan, require_table(loaded, "nodule"), "nodule"),
        model=model,
        card=card,
        aims=read_aims(loaded, CLASSIFIER_FIGURES),
        certainty=read_certainty(loaded),
    )
    for name, least in (("folds", 2), ("variants", 0), ("resamples", 1), ("heatmaps", 1)):
        if getattr(plan.nodule, name) < least:
            raise impossible(f"nodule.{name}")
    if not 0 < plan.nodule.sensitivity <= 1:
        raise impossible("nodule.sensitivity")
    if not (plan.nodule.ridge > 0 and math.isfinite(plan.nodule.ridge)):
        raise impossible("nodule.ridge")
    return plan

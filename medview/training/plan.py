"""The TOML file of a training: data, split, recipe, and the model.json it will make."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from medview.core.errors import InvalidInput
from medview.core.words import say


@dataclass(frozen=True, kw_only=True)
class DataPlan:
    """Where the labelled cases are, and whose they are.

    path: below MEDVIEW_DATA, or relative to the TOML file. positive: the index's classes that count
    as the model's first output (classifiers). classes: the index's class of each output, in their
    order (routers). also: other sets that a router learns from besides: path, label (one of the
    classes, or "" for what is none of them), most (cases taken), from_slice (share left out below).
    """

    path: str
    title: str
    licence: str
    attribution: str
    positive: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    also: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """Shares of the patients of `train` that the net does not learn from.

    held_out: touched once, for the estimate. calibrate: for temperature and operating point.
    folds: instead of held_out: the estimate comes from so many nets that each leave one part of
    the patients out, and the net that ships leaves none out.
    """

    held_out: float = 0.0
    calibrate: float = 0.0
    folds: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the net learns; the schedule is fixed, and nothing stops it early without patience.

    learning_rate is the peak of a warm-up and cosine schedule (AdamW), which begins again at each
    step in restarts (warm restarts, Loshchilov and Hutter 2017, arXiv 1608.03983). ema: decay of
    the averaged weights, which are what ships. augment: strengths by name, see `augment`. mirrored:
    pairs of labels that change places when the patient is mirrored; half of the cases then are.
    crop: the most voxels along i, j, k that a step looks at, taken at random; none for whole
    volumes.
    focal: the exponent of the focal loss, 0 for plain cross-entropy (`losses`).
    patience: stop after so many looks at the calibration part (twelfths of the steps) without a
    better figure, and keep the best look's weights; 0 never stops.
    foreign: share of a router's batch that is none of its kinds; unknown: share of new pictures of
    its kinds that each of its two limits may turn away.
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float
    ema: float
    seed: int
    sensitivity: float = 0.95
    augment: Mapping[str, float]
    mirrored: tuple[tuple[int, int], ...] = ()
    crop: tuple[int, ...] = ()
    restarts: tuple[int, ...] = ()
    focal: float = 0.0
    patience: int = 0
    foreign: float = 0.0
    unknown: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """A whole TOML file, checked. model: model.json without provenance. card: texts by heading."""

    path: Path
    data: DataPlan
    split: SplitPlan
    recipe: Recipe
    model: Mapping[str, Any]
    card: Mapping[str, str]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    @property
    def data_folder(self) -> Path:
        """The folder of the cases. Raises InvalidInput when it is not there."""
        return self.folder_of(self.data.path)

    def folder_of(self, data: str) -> Path:
        """A set by its path, see DataPlan. Raises InvalidInput when it is not there."""
        return resolve_data(data, self.path)

    def steps(self, before: str = "network") -> tuple[Mapping[str, Any], ...]:
        """The pipeline's steps up to the one named."""
        pipeline = list(self.model["pipeline"])
        ops = [step["op"] for step in pipeline]
        return tuple(pipeline[: ops.index(before)])

    @property
    def network(self) -> Mapping[str, Any]:
        """The network step."""
        return next(step for step in self.model["pipeline"] if step["op"] == "network")


def resolve_data(data: str, plan: Path) -> Path:
    """A set by its path below MEDVIEW_DATA or beside a training file.

    Raises InvalidInput when it is not there.
    """
    for root in (os.environ.get("MEDVIEW_DATA"), str(plan.parent)):
        if root and (Path(root) / data).is_dir():
            return Path(root) / data
    raise InvalidInput(
        say("The training data are not there."),
        data,
        say("Set MEDVIEW_DATA to the folder that holds them."),
    )


def read_plan(path: Path) -> TrainPlan:
    """Read and check a TOML file. Raises InvalidInput in one sentence."""
    if path.suffix != ".toml" or not path.is_file():
        raise InvalidInput(say("This is no training file (.toml)."), path.name)
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InvalidInput(say("The training file is no readable TOML."), path.name) from error
    model = require_table(loaded, "model")
    if not any(step.get("op") == "network" for step in model.get("pipeline", ())):
        raise InvalidInput(say("The training file lacks {name}.", name="model.pipeline"), path.name)
    plan = TrainPlan(
        path=path.resolve(),
        data=read_part(DataPlan, require_table(loaded, "data"), "data"),
        split=read_part(SplitPlan, require_table(loaded, "split"), "split"),
        recipe=read_part(Recipe, require_table(loaded, "recipe"), "recipe"),
        model=model,
        card=require_table(loaded, "card"),
    )
    if (plan.split.held_out > 0) == (plan.split.folds > 1):
        raise InvalidInput(
            say("The training file needs either split.held_out or split.folds (2 or more)."),
            path.name,
        )
    if plan.recipe.patience and not plan.split.calibrate:
        raise InvalidInput(
            say("Early stopping looks at patients of its own: give split.calibrate a share."),
            path.name,
        )
    return plan


_Part = TypeVar("_Part")


def require_table(loaded: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table of the file. Raises InvalidInput where there is none."""
    table = loaded.get(name)
    if not isinstance(table, dict):
        raise InvalidInput(say("The training file lacks {name}.", name=name))
    return table


def read_part(kind: type[_Part], table: Mapping[str, Any], name: str) -> _Part:
    """A table as a dataclass. Raises InvalidInput for an unknown, missing or impossible value."""
    values = {k: _frozen(v) for k, v in table.items()}
    known = {field.name: str(field.type) for field in fields(cast(Any, kind))}
    for key, value in values.items():
        if key not in known or not _fits(value, known[key]):
            raise InvalidInput(
                say("The training file has an impossible value for {name}.", name=f"{name}.{key}")
            )
    try:
        return kind(**values)
    except TypeError as error:
        raise InvalidInput(
            say("The training file lacks {name}.", name=name), detail=str(error)
        ) from error


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _fits(value: object, kind: str) -> bool:
    if kind in ("int", "float"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (kind == "float" or isinstance(value, int))
    if kind == "str":
        return isinstance(value, str)
    return isinstance(value, tuple if kind.startswith("tuple") else Mapping)

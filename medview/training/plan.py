"""The TOML file of a training: data, split, recipe, and the model.json it will make."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.plan_checks import (
    impossible,
    require_card,
    require_net,
    require_recipe,
)

ROOM = 2.0  # times what one case in twenty exceeds, where too few tell the hundredth


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
    until: the step after which the training ends though its schedule goes on; 0 for its end.
    precision: float32, or bfloat16 for the convolutions (Kalamkar et al. 2019, arXiv 1905.12322):
    half the time on processors that multiply it; weights, norms, loss and sums stay float32.
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
    until: int = 0
    precision: str = "float32"
    foreign: float = 0.0
    unknown: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A part of the set that stands for another hospital: its name in words, and the patterns of
    the ids of its cases (`fnmatch`)."""

    name: str
    leave_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Second:
    """A weaker output beside a classifier's first (`second`): its name, the index's classes that
    count as it, those against which it is told, and how strongly its weights are kept small."""

    output: str
    positive: tuple[str, ...]
    against: tuple[str, ...]
    ridge: float


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """Labels of a U-Net whose logits are moved after the training (`offsets`), and the numbers
    that are tried, 0 among them."""

    labels: tuple[int, ...]
    choices: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """A whole TOML file, checked. model: model.json without provenance. card: texts by heading.

    aims: by figure the least that may ship and what was aimed at. shifts: parts that another net of
    the same recipe is not shown and is judged on; changed: whether `dev` is also measured with its
    pictures changed on purpose (`shift`). certainty: the share of new cases that the limits
    of certainty may miss (`trust`), 0 where none are fitted. room: how many times farther from the
    training than one in twenty a case may lie, where few tell. second: a weaker output.
    offsets: what is moved after the training, None without.
    """

    path: Path
    data: DataPlan
    split: SplitPlan
    recipe: Recipe
    model: Mapping[str, Any]
    card: Mapping[str, str]
    aims: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()
    changed: bool = False
    certainty: float = 0.0
    room: float = ROOM
    second: Second | None = None
    offsets: Offsets | None = None

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
    model, card = require_table(loaded, "model"), require_table(loaded, "card")
    require_net(model)
    require_card(card)
    plan = TrainPlan(
        path=path.resolve(),
        data=read_part(DataPlan, require_table(loaded, "data"), "data"),
        split=read_part(SplitPlan, require_table(loaded, "split"), "split"),
        recipe=read_part(Recipe, require_table(loaded, "recipe"), "recipe"),
        model=model,
        card=card,
        aims=read_aims(loaded, _figures(model)),
        shifts=_shifts(_elsewhere(loaded)),
        changed=_elsewhere(loaded).get("changed", False) is True,
        certainty=read_certainty(loaded),
        room=_room(loaded),
        second=_second(loaded, model),
        offsets=_offsets(loaded, model),
    )
    require_recipe(plan.recipe, plan.split)
    if (plan.split.held_out > 0) == (plan.split.folds > 1):
        raise InvalidInput(
            say("The training file needs either split.held_out or split.folds (2 or more)."),
            path.name,
        )
    if model["kind"] != "segmentation" and not plan.split.calibrate:
        raise impossible("split.calibrate")
    if plan.offsets and not plan.split.held_out:
        raise impossible("split.held_out")
    if plan.certainty and not (plan.split.held_out or plan.split.calibrate):
        raise impossible("certainty.alpha")
    if plan.recipe.patience and not plan.split.calibrate:
        raise InvalidInput(
            say("Early stopping looks at patients of its own: give split.calibrate a share."),
            path.name,
        )
    return plan


def read_aims(
    loaded: Mapping[str, Any], figures: Collection[str]
) -> dict[str, tuple[float, float]]:
    """The table `aims`: figure to [least, aim]. figures: those that are measured; below `auc.` any.

    Raises InvalidInput for anything else.
    """
    aims = loaded.get("aims", {})
    for name, pair in aims.items() if isinstance(aims, dict) else [("", None)]:
        is_known = name in figures or ("auc" in figures and name.startswith("auc."))
        is_pair = isinstance(pair, list) and len(pair) == 2 and all(_fits(v, "float") for v in pair)
        if not (is_known and is_pair):
            raise impossible(f"aims.{name}")
    return {name: (float(least), float(aim)) for name, (least, aim) in aims.items()}


def _figures(model: Mapping[str, Any]) -> Collection[str]:
    from medview.training.metrics import CLASSIFIER_FIGURES, ROUTER_FIGURES
    from medview.training.outlines import names_of_figures

    if model.get("kind") == "classification":
        return CLASSIFIER_FIGURES
    return ROUTER_FIGURES if model.get("kind") == "router" else names_of_figures(model["outputs"])


def read_certainty(loaded: Mapping[str, Any]) -> float:
    """`alpha` of the table `certainty`, 0 without one. Raises InvalidInput."""
    alpha = loaded.get("certainty", {"alpha": 0.0})
    value: Any = alpha.get("alpha") if isinstance(alpha, dict) else None
    if not (_fits(value, "float") and 0 <= value < 1):
        raise impossible("certainty.alpha")
    return float(value)


def _room(loaded: Mapping[str, Any]) -> float:
    value: Any = loaded.get("certainty", {}).get("room", ROOM)
    if not (_fits(value, "float") and value >= 1):
        raise impossible("certainty.room")
    return float(value)


def _second(loaded: Mapping[str, Any], model: Mapping[str, Any]) -> Second | None:
    if "second" not in loaded:
        return None
    found = read_part(Second, require_table(loaded, "second"), "second")
    weak = [output.get("name") for output in model.get("outputs", ()) if output.get("weak")]
    if weak != [found.output] or not found.positive or not found.against or found.ridge <= 0:
        raise impossible("second")
    return found


def _offsets(loaded: Mapping[str, Any], model: Mapping[str, Any]) -> Offsets | None:
    if "offsets" not in loaded:
        return None
    found = read_part(Offsets, require_table(loaded, "offsets"), "offsets")
    known = {output.get("label") for output in model.get("outputs", ())}
    is_unet = any(step.get("arch") == "unet3d" for step in model["pipeline"])
    are_numbers = all(_fits(choice, "float") for choice in found.choices)
    if not (is_unet and found.labels and set(found.labels) <= known and are_numbers):
        raise impossible("offsets.labels" if are_numbers else "offsets.choices")
    if 0 not in found.choices or len(set(found.choices)) < 2:
        raise impossible("offsets.choices")
    return found


def _elsewhere(loaded: Mapping[str, Any]) -> dict[str, Any]:
    table = loaded.get("elsewhere", {})
    if not isinstance(table, dict) or set(table) - {"changed", "without"}:
        raise impossible("elsewhere")
    return table


def _shifts(table: Mapping[str, Any]) -> tuple[Shift, ...]:
    found = table.get("without", [])
    if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
        raise impossible("elsewhere.without")
    return tuple(read_part(Shift, part, "elsewhere.without") for part in found)


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
            raise impossible(f"{name}.{key}")
    for each in fields(cast(Any, kind)):
        if each.name not in values and each.default is each.default_factory is MISSING:
            raise InvalidInput(say("The training file lacks {name}.", name=f"{name}.{each.name}"))
    return kind(**values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _fits(value: object, kind: str) -> bool:
    if kind in ("int", "float"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (kind == "float" or isinstance(value, int))
    if kind == "str":
        return isinstance(value, str)
    if kind.startswith("tuple"):
        inner = kind.removeprefix("tuple[").removesuffix("]")
        if not isinstance(value, tuple):
            return False
        if inner.endswith(", ..."):
            return all(_fits(item, inner.removesuffix(", ...")) for item in value)
        kinds = inner.split(", ")
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    return isinstance(value, Mapping)

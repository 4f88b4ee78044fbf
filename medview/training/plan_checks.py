"""What is asked of a training file before anything is read or learnt: a slip of the pen must not
wait for the end of a training of hours to be told."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from medview.ai.schema import NAME, check_description
from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.words import say

if TYPE_CHECKING:
    from torch import nn

    from medview.training.plan import Recipe, SplitPlan, TrainPlan

# What a step or a net raises for numbers by which nothing can be made; a schema knows types alone.
FAULTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
          ValueError)  # fmt: skip
PRECISIONS = ("float32", "bfloat16")
CARD = ("what", "not_for", "trained_on", "limits")
_STRENGTHS = ("rotate_deg", "scale", "shift", "flip", "warp", "gamma", "contrast", "bias", "blur",
              "noise", "erase", "window", "margin")  # fmt: skip
_WEIGHTS = re.compile(r"[a-z0-9][a-z0-9._-]*\.safetensors")
SEED_MAX = 2**40  # the loop multiplies it; torch takes 64 bits
_NEEDED = {"classification": ("features",), "router": ("route",), "segmentation": ()}


def impossible(name: str) -> InvalidInput:
    """The sentence for a value that a training file cannot have."""
    return InvalidInput(say("The training file has an impossible value for {name}.", name=name))


def require_recipe(recipe: Recipe, split: SplitPlan) -> None:
    """Raise InvalidInput for the first number that no training can go by."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    shares = (split.held_out, split.calibrate)
    edges = (0, *recipe.restarts, recipe.steps)
    fits = {
        "split.held_out": 0 <= split.held_out < 1,
        "split.calibrate": 0 <= split.calibrate < 1 and sum(shares) < 1,
        "split.folds": split.folds >= 0,
        "recipe.steps": recipe.steps >= 1,
        "recipe.batch": recipe.batch >= 1,
        "recipe.learning_rate": rate > 0 and math.isfinite(rate),
        "recipe.weight_decay": decay >= 0 and math.isfinite(decay),
        "recipe.ema": 0 <= recipe.ema < 1,
        "recipe.seed": abs(recipe.seed) < SEED_MAX,
        "recipe.sensitivity": 0 < recipe.sensitivity <= 1,
        "recipe.crop": len(recipe.crop) in (0, 3) and all(side >= 1 for side in recipe.crop),
        "recipe.restarts": all(a < b for a, b in pairwise(edges)),
        "recipe.focal": recipe.focal >= 0 and math.isfinite(recipe.focal),
        "recipe.patience": recipe.patience >= 0,
        "recipe.until": 0 <= recipe.until <= recipe.steps,
        "recipe.precision": recipe.precision in PRECISIONS,
        "recipe.foreign": 0 <= recipe.foreign < 1,
        "recipe.unknown": 0 <= recipe.unknown < 1,
    }
    fits |= {f"recipe.augment.{k}": _is_strength(k, v) for k, v in recipe.augment.items()}
    for name, is_possible in fits.items():
        if not is_possible:
            raise impossible(name)


def _is_strength(name: str, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        return False
    return name == "fill" or (name in _STRENGTHS and value >= 0)


def require_model(model: Mapping[str, Any], kinds: Sequence[str]) -> None:
    """Raise InvalidInput where no model.json of one of these kinds can be made of the table."""
    try:
        check_description(model)
    except ModelUnavailable as error:
        raise no_model(error) from error
    if model["kind"] not in kinds:
        raise impossible("model.kind")


def require_named(model: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a name that no model, and so no folder of a run, can have, and for a
    model of a table or of texts without what its card tells of it."""
    for name in ("name", "version", "title", "licence"):
        if not isinstance(model.get(name), str):
            raise InvalidInput(say("The training file lacks {name}.", name=f"model.{name}"))
    if not NAME.fullmatch(model["name"]):
        raise impossible("model.name")


def no_model(error: ModelUnavailable) -> InvalidInput:
    """Why what the training file describes could not be used, as a fault of that file."""
    told = say("The training file describes no model that can be used: {why}", why=error.what)
    return InvalidInput(told, error.where, error.what_to_do, error.detail)


def require_net(model: Mapping[str, Any]) -> None:
    """The same for one that learns in the common loop: one network whose weights have a plain name,
    and the step by which its kind is calibrated."""
    require_model(model, tuple(_NEEDED))
    ops = [step["op"] for step in model["pipeline"]]
    for op in ("network", *_NEEDED[model["kind"]]):
        if op not in ops:
            raise InvalidInput(say("The training file lacks {name}.", name=f"model.pipeline: {op}"))
    network = model["pipeline"][ops.index("network")]
    if ops.count("network") > 1 or not _WEIGHTS.fullmatch(network["weights"]):
        raise impossible("model.pipeline: network")


def require_card(card: Mapping[str, Any], needed: Sequence[str] = CARD) -> None:
    """Raise InvalidInput for a heading without its text, or one whose text is none."""
    for name in needed:
        if name not in card:
            raise InvalidInput(say("The training file lacks {name}.", name=f"card.{name}"))
    for name, text in card.items():
        if not isinstance(text, str):
            raise impossible(f"card.{name}")


def require_runnable(plan: TrainPlan) -> None:
    """Raise InvalidInput where a step or the net cannot be made as it is described, or the net is
    larger than its own limit, has other stages or answers than the plan needs, or cannot look at
    crops of that size. The net is built without its numbers."""
    import torch

    from medview.ai.folder import PARAMETERS_MAX
    from medview.ai.worker.steps import check_fields

    try:
        for step in plan.model["pipeline"]:
            check_fields(step)
        net = empty_net(plan)
        sides = (2 * multiple_of(net),) * (3 if plan.model["kind"] == "segmentation" else 2)
        answers = int(net(torch.zeros((1, 1, *sides), device="meta")).shape[1])
    except ModelUnavailable as error:
        raise no_model(error) from error
    except FAULTS as error:
        raise impossible("model.pipeline: network") from error
    most = plan.model.get("limits", {}).get("parameters_max", PARAMETERS_MAX)
    if sum(tensor.numel() for tensor in net.state_dict().values()) > most:
        raise no_model(ModelUnavailable(say("The model is larger than it says.")))
    if answers != _answers(plan):
        raise impossible("model.pipeline: network.args.outputs")
    if any(side % multiple_of(net) for side in plan.recipe.crop):
        raise impossible("recipe.crop")
    if plan.model["kind"] != "segmentation":
        _require_stages(plan, net)


def _require_stages(plan: TrainPlan, net: nn.Module) -> None:
    from medview.ai.worker.nets import ResNet2d

    if not isinstance(net, ResNet2d):
        raise impossible("model.pipeline: network.arch")
    stages = {f"stage{number}" for number in range(1, len(net.stages) + 1)}
    for step in plan.model["pipeline"]:
        if not set(step.get("layers", ())) <= stages:
            raise impossible(f"model.pipeline: {step['op']}.layers")


def empty_net(plan: TrainPlan) -> nn.Module:
    """The plan's net without its numbers. Raises ModelUnavailable."""
    import torch

    from medview.ai.worker.nets import build_net

    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")  # of layers without a number: their answer is refused
        return build_net(plan.network["arch"], plan.network.get("args", {}))


def multiple_of(net: Any) -> int:
    """What the sides of a net's images must be multiples of."""
    return int(getattr(net, "multiple", 1))


def _answers(plan: TrainPlan) -> int:
    """How many numbers the plan's net must give a picture or a voxel."""
    if plan.model["kind"] == "segmentation":  # labels and background
        return 1 + max(int(output["label"]) for output in plan.model["outputs"])
    if plan.model["kind"] == "router":  # the kinds and none of them
        return 1 + len(plan.data.classes)
    return 1

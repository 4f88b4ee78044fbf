"""`medview train FILE.toml`: train a model and leave its folder, curves and checkpoint."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from medview.cli.output import DONE, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.words import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("plan", type=Path, metavar="FILE.toml", help="what to train, on what")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument(
        "--measure", action="store_true",
        help="learn nothing: measure the weights beside FILE.toml again, write figures and card",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR",
        help="where RUNS/<name>/ gets checkpoint, curves and model (default ./runs)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train to the end; Ctrl-C writes a checkpoint first."""
    if not args.plan.exists():  # before the training room is loaded, which takes seconds
        raise InvalidInput(say("There is no such file."), str(args.plan))
    cancel = CancelToken()
    stops = (signal.SIGINT, signal.SIGTERM)  # both write a checkpoint first
    before = [signal.signal(number, lambda *_: cancel.cancel()) for number in stops]
    try:
        model = _how(args.plan)(args, cancel)
    finally:
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
    figures = _figures(model)
    stated = _figures(args.plan.parent)
    name, beside = model.parent.name, _beside(model, args.plan.parent, figures, stated)
    if args.json:
        print_json({"schema": "medview.train/1", "model": name, "path": str(model), **figures,
                    "stated": stated.get("metrics", {}), "beside": beside})  # fmt: skip
    else:
        print_lines(f"{name}: {model}", *_lines(figures, stated), *_verdict(beside))
    return DONE


def _how(plan: Path) -> Callable[[argparse.Namespace, CancelToken], Path]:
    from medview.training.nodule.plan import is_nodule
    from medview.training.tabular.plan import is_tabular
    from medview.training.text.plan import is_text

    for fits, how in (
        (is_tabular, _train_on_table), (is_text, _train_on_texts), (is_nodule, _train_nodule)
    ):  # fmt: skip
        if fits(plan):
            return how
    return _train


def _train(args: argparse.Namespace, cancel: CancelToken) -> Path:
    from medview.training.build import measure_model, train_model
    from medview.training.learning import Job
    from medview.training.plan import read_plan

    plan = read_plan(args.plan)
    folder = args.runs / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    make = measure_model if args.measure else train_model
    return make(plan, Job(folder, progress_for(args), cancel, args.resume))


def _train_nodule(args: argparse.Namespace, cancel: CancelToken) -> Path:
    """Minutes, so it is not resumed: it begins anew."""
    from medview.training.nodule.build import train_nodule
    from medview.training.nodule.plan import read_nodule_plan

    plan = read_nodule_plan(args.plan)
    return train_nodule(plan, args.runs / plan.name, progress_for(args), cancel)


def _train_on_table(args: argparse.Namespace, cancel: CancelToken) -> Path:
    """Minutes at most, so it is not resumed: it begins anew."""
    from medview.training.tabular.build import train_table
    from medview.training.tabular.plan import read_tabular_plan

    plan = read_tabular_plan(args.plan)
    return train_table(plan, args.runs / plan.name, progress_for(args), cancel)


def _train_on_texts(args: argparse.Namespace, cancel: CancelToken) -> Path:
    """Minutes too."""
    from medview.training.text.build import train_texts
    from medview.training.text.plan import read_text_plan

    plan = read_text_plan(args.plan)
    return train_texts(plan, args.runs / plan.name, progress_for(args), cancel)


_PARTS = (("metrics", "dev"), ("estimate", "estimate"))


def _figures(folder: Path) -> dict[str, Any]:
    path = folder / "eval.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _beside(
    model: Path, shipped: Path, made: Mapping[str, Any], stated: Mapping[str, Any]
) -> dict[str, Any]:
    """How far it came out from the model that the training file lies in; nothing without one.

    outside: figures that left their stated interval. same_weights: whether it is the same to the
    last bit.
    """
    if not stated:
        return {}
    outside, compared = [], 0
    for part, words in _PARTS:
        for name, figure in made.get(part, {}).items():
            interval = stated.get(part, {}).get(name, {}).get("interval")
            if not interval or figure.get("value") is None:
                continue
            compared += 1
            if not interval[0] <= figure["value"] <= interval[1]:
                outside.append(f"{words} {name}")
    weights = [sorted(path.glob("*.safetensors")) for path in (model, shipped)]
    same = bool(weights[0]) and [p.read_bytes() for p in weights[0]] == [
        p.read_bytes() for p in weights[1]
    ]
    return {"compared": compared, "outside": outside, "same_weights": same}


def _lines(made: Mapping[str, Any], stated: Mapping[str, Any]) -> list[str]:
    lines = []
    for part, words in _PARTS:
        for name, figure in made.get(part, {}).items():
            low, high = figure["interval"]
            line = f"  {words} {name} {figure['value']:.3f} ({low:.3f} to {high:.3f})"
            before = stated.get(part, {}).get(name)
            if before:
                line += f", {figure['value'] - before['value']:+.3f} from what is stated"
            lines.append(line)
    return lines


def _verdict(beside: Mapping[str, Any]) -> list[str]:
    if not beside:
        return []
    kind = "the very same weights" if beside["same_weights"] else "other weights"
    count, outside = beside["compared"], beside["outside"]
    said = f"{count - len(outside)} of {count} figures lie within their stated intervals"
    named = f", outside: {', '.join(outside)}" if outside else ""
    return [f"Beside the model that ships: {kind}; {said}{named}."]

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
    figures = json.loads((model / "eval.json").read_text(encoding="utf-8"))
    shipped = _figures_beside(args.plan)
    name = model.parent.name
    document = {"schema": "medview.train/1", "model": name, "path": str(model), **figures,
                "stated": shipped}  # fmt: skip
    if args.json:
        print_json(document)
    else:
        print_lines(f"{name}: {model}", *_lines(figures["metrics"], shipped))
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
    from medview.training.build import train_model
    from medview.training.learning import Job
    from medview.training.plan import read_plan

    plan = read_plan(args.plan)
    folder = args.runs / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    return train_model(plan, Job(folder, progress_for(args), cancel, args.resume))


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


def _figures_beside(plan: Path) -> Mapping[str, Any]:
    path = plan.parent / "eval.json"
    return json.loads(path.read_text(encoding="utf-8"))["metrics"] if path.is_file() else {}


def _lines(metrics: Mapping[str, Any], stated: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, figure in metrics.items():
        low, high = figure["interval"]
        line = f"  dev {name} {figure['value']:.3f} ({low:.3f} to {high:.3f})"
        if name in stated:
            line += f", {figure['value'] - stated[name]['value']:+.3f} from what is stated"
        lines.append(line)
    return lines

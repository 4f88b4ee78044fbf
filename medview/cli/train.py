"""`medview train FILE.toml`: train a model and leave its folder, curves and checkpoint."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medview.cli.output import DONE, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.words import say

if TYPE_CHECKING:
    from medview.ai.worker.devices import Device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("plan", type=Path, metavar="FILE.toml", help="what to train, on what")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    how.add_argument(
        "--measure", action="store_true",
        help="learn nothing: measure the weights beside FILE.toml again, write figures and card",
    )  # fmt: skip
    how.add_argument(
        "--record", action="store_true",
        help="learn nothing: write into the card beside FILE.toml how far RUNS/<name>/model, made "
        "again by an earlier run, came out from what ships",
    )  # fmt: skip
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto",
        help="where nets learn (auto: a graphics card where there is one); small models that learn "
        "in minutes need none",
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR",
        help="where RUNS/<name>/ gets checkpoint, curves and model (default ./runs)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train to the end; Ctrl-C writes a checkpoint first."""
    if not args.plan.exists():  # before the training room is loaded, which takes seconds
        raise InvalidInput(say("There is no such file."), str(args.plan))
    if args.record:
        return _record(args)
    cancel = CancelToken()
    stops = (signal.SIGINT, signal.SIGTERM)  # both write a checkpoint first
    before = [signal.signal(number, lambda *_: cancel.cancel()) for number in stops]
    try:
        model = _how(args.plan)(args, cancel)
    finally:
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
    return _told(model, args.plan.parent, is_json=args.json)


def _told(model: Path, shipped: Path, *, is_json: bool) -> int:
    from medview.training.again import beside, figures_in, verdict

    figures, stated = figures_in(model), figures_in(shipped)
    name, found = model.parent.name, beside(model, shipped)
    if is_json:
        print_json({"schema": "medview.train/1", "model": name, "path": str(model), **figures,
                    "stated": stated.get("metrics", {}), "beside": found})  # fmt: skip
        return DONE
    said = [f"Beside the model that ships: {verdict(found)}"] if found else []
    print_lines(f"{name}: {model}", *_lines(figures, stated), *said)
    return DONE


def _record(args: argparse.Namespace) -> int:
    """Learn nothing: what an earlier run left stands beside what ships, and the card tells it."""
    from medview.training.again import record, verdict

    shipped = args.plan.parent
    told = record(args.runs, shipped)
    if args.json:
        print_json({"schema": "medview.train/1", "path": str(shipped), "beside": told})
    else:
        print_lines(str(shipped / "card.md"), f"Made again on {told['on']}: {verdict(told)}")
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
    make = measure_model if args.measure else train_model
    folder, device = args.runs / plan.name, _device(args.device)
    return make(plan, Job(folder, progress_for(args), cancel, args.resume, device))


def _device(wanted: str) -> Device:
    from medview.ai.worker.devices import devices, pick

    found = pick(wanted, devices())
    if found is None:
        raise InvalidInput(say("There is no CUDA device on this machine."))
    return found


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


def _lines(made: Mapping[str, Any], stated: Mapping[str, Any]) -> list[str]:
    from medview.training.again import PARTS

    lines = []
    for part, words in PARTS:
        for name, figure in made.get(part, {}).items():
            low, high = figure["interval"]
            line = f"  {words} {name} {figure['value']:.3f} ({low:.3f} to {high:.3f})"
            before = stated.get(part, {}).get(name)
            if before:
                line += f", {figure['value'] - before['value']:+.3f} from what is stated"
            lines.append(line)
    return lines

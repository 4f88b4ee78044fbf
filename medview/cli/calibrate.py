"""`medview calibrate MODEL DATA`: fit a model's probabilities to one's own labelled cases."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medview.ai.folder import ModelFolder
from medview.cli.evaluate import find_model
from medview.cli.output import DONE, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken
from medview.core.words import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or its folder (./NAME)")
    parser.add_argument(
        "data", type=Path, metavar="DATA",
        help="a folder of labelled data, or `local`: what readers decided on this computer",
    )  # fmt: skip
    parser.add_argument("--split", default="dev", help="which part of the data (default dev)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help="where the calibrated copy is written (default ./NAME-local); MODEL itself stays",
    )  # fmt: skip
    parser.add_argument(
        "--sensitivity", type=float, default=0.95, help="of the operating point (default 0.95)"
    )
    parser.add_argument(
        "--alpha", type=float, default=0.1,
        help="share of new cases that intervals may miss (default 0.1)",
    )  # fmt: skip
    parser.add_argument(
        "--certainty", action="store_true",
        help="do not touch the probabilities: fit on cases of the model's own set that it did not "
        "learn from how sure it may be, and measure it on others (DATA with train and dev)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the document `medview.calibrate/1`, or its figures as lines."""
    for name in ("sensitivity", "alpha"):
        if not 0 < getattr(args, name) < 1:
            raise InvalidInput(say("{name} must lie between 0 and 1.", name=name))
    is_local = str(args.data) == "local" and not args.data.is_dir()
    if not is_local and not args.data.is_dir():
        raise InvalidInput(say("There is nothing at this path."), str(args.data))
    import torch

    from medview.training.evaluation import Listener, evaluate_model
    from medview.training.local import SCHEMA, Wish, calibrate_on, write_local

    torch.set_num_threads(1)
    folder = find_model(args.model)
    if args.certainty:
        return _certainty(args, folder)
    if is_local:
        measured = _decided(folder)
    else:
        listener = Listener(progress_for(args), CancelToken())
        measured = evaluate_model(folder, args.data, args.split, listener)
    wish = Wish(sensitivity=args.sensitivity, alpha=args.alpha)
    calib, changes = calibrate_on(folder, measured["per_case"], wish)
    about = {key: measured[key] for key in ("data", "split", "cases", "patients", "refused")}
    about |= {"sensitivity": wish.sensitivity, "alpha": wish.alpha, **changes}
    path = write_local(folder, calib, about, args.out or Path(f"{folder.name}-local"))
    if args.json:
        print_json({"schema": SCHEMA, "model": folder.name, "path": str(path), **about})
        return DONE
    print_lines(f"{folder.name}: {path}, fitted to {about['cases']} cases of {about['data']}")
    for when in ("before", "after"):
        for name, found in changes.get(when, {}).items():
            low, high = found["interval"]
            print_lines(f"  {when:7} {name:12} {found['value']:.3f}  95 % {low:.3f} to {high:.3f}")
    for name, found in changes.get("volumes", {}).items():
        print_lines(f"  {name}: intervals of +-{round(100 * found['interval_share'])} %")
    return DONE


def _certainty(args: argparse.Namespace, folder: ModelFolder) -> int:
    from medview.training.evaluation import Listener
    from medview.training.local import SCHEMA
    from medview.training.trust import card_section, fit_trust, parts_of, write_trust

    listener = Listener(progress_for(args), CancelToken())
    calib, about, rows = fit_trust(folder, parts_of(folder, args.data), args.alpha, listener)
    path = write_trust(folder, calib, about, rows, args.out or Path(f"{folder.name}-certain"))
    if args.json:
        print_json({"schema": SCHEMA, "model": folder.name, "path": str(path), **about})
    else:
        print_lines(str(path), *card_section(about).splitlines())
    return DONE


def _decided(folder: ModelFolder) -> dict[str, Any]:
    """What readers decided on this computer, in the form of an evaluation."""
    from medview.session.local_truth import calibration_rows, decided_findings
    from medview.training.outlines import metric_name

    names = {
        f"volume_error.{label.name}": f"volume_error.{metric_name(label.name)}"
        for label in folder.outputs
    }
    rows = [
        {names.get(key, key): value for key, value in row.items()}
        for row in calibration_rows(folder, decided_findings())
    ]
    patients = len({row["patient"] for row in rows})
    return {
        "data": "local", "split": "decided", "cases": len(rows), "patients": patients,
        "refused": 0, "per_case": rows,
    }  # fmt: skip

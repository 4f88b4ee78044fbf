"""Calibration of a finished model on somebody's own labelled cases, as a model beside the old one.

The net stays as it is. A classifier gets a temperature and a shift (Platt 1999), an operating
point, and limits of conformal prediction; a segmentation gets the error of its volumes, from which
each later volume has an interval (split conformal prediction, Vovk et al. 2005; for classes apart
from each other, so that the rarer one is covered as well). How good the new probabilities are is
said by cases that they were not fitted on: patients are dealt to five folds.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from medview.ai.folder import ModelFolder
from medview.ai.manifest import list_files
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import why_not_written
from medview.core.results import Label
from medview.core.words import Sentence, say
from medview.training.calibrate import operating_point, platt
from medview.training.cases import deal
from medview.training.metrics import calibration_error, figure, rate
from medview.training.seal import seal_folder

SCHEMA = "medview.calibrate/1"
LEAST = 10  # cases of each class, or with an outline, from which anything can be learnt
_FOLDS = 5
_SEED = 0

Array = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """sensitivity: of the operating point. alpha: share that conformal limits may miss."""

    sensitivity: float = 0.95
    alpha: float = 0.1


def calibrate_on(folder: ModelFolder, rows: Rows, wish: Wish) -> tuple[dict[str, Any], Any]:
    """The new calib.json and what changes by it, from `per_case` of an evaluation.

    Raises InvalidInput for a model that has nothing to calibrate, or too few cases.
    """
    rows = [row for row in rows if "refused" not in row]
    if folder.kind == "classification":
        return _classifier(folder, rows, wish)
    if folder.kind == "segmentation":
        return _volumes(folder, rows, wish)
    raise InvalidInput(say("A model of this kind has nothing to calibrate."), folder.name)


def _classifier(
    folder: ModelFolder, rows: Rows, wish: Wish
) -> tuple[dict[str, Any], dict[str, Any]]:
    old = dict(folder.calibration())
    name = folder.outputs[0].name
    if "temperature" not in old:
        raise InvalidInput(say("A model of this kind has nothing to calibrate."), folder.name)
    positive = folder.description.get("provenance", {}).get("positive", ())
    truth = np.array([row["label"] in positive for row in rows], np.int64)
    _require(min(int(truth.sum()), int((1 - truth).sum())))
    before = np.array([row["score"] for row in rows], float)
    patients = [str(row["patient"]) for row in rows]
    logits = logit(np.clip(before, 1e-6, 1 - 1e-6))
    temperature, shift = platt(logits, truth)
    after = expit((logits + shift) / temperature)
    calib = {
        **old,
        # Both lie on top of what the model had: ((raw + s) / t + s') / t'.
        "temperature": round(float(old["temperature"]) * temperature, 5),
        "shift": round(float(old.get("shift", 0)) + shift * float(old["temperature"]), 5),
        "thresholds": {name: operating_point(after, truth, wish.sensitivity)},
        "conformal": _limits(after, truth, wish.alpha),
    }
    apart = _cross_fitted(logits, truth, patients)
    called = {
        "before": before >= float(old.get("thresholds", {}).get(name, 0.5)),
        "after": after >= calib["thresholds"][name],
    }
    changes = {
        "before": _figures(before, truth, called["before"], patients),
        "after": _figures(apart, truth, called["after"], patients),
    }
    return calib, changes


def limits_of_classes(rows: Rows, positive: Sequence[str], alpha: float) -> dict[str, float]:
    """Conformal limits of a classifier from cases that nothing else was fitted on.

    Raises InvalidInput for too few cases of a class.
    """
    truth = np.array([row["label"] in positive for row in rows], np.int64)
    _require(min(int(truth.sum()), int((1 - truth).sum())))
    return _limits(np.array([row["score"] for row in rows], float), truth, alpha)


def _limits(said: Array, truth: NDArray[np.int64], alpha: float) -> dict[str, float]:
    return {
        "alpha": alpha,
        "present_from": _reached(said[truth == 1], alpha),
        "absent_to": 1 - _reached(1 - said[truth == 0], alpha),
    }


def _cross_fitted(logits: Array, truth: NDArray[np.int64], patients: list[str]) -> Array:
    """Each case's probability by a fit on other patients."""
    shares = {str(fold): 1 / _FOLDS for fold in range(_FOLDS - 1)}
    dealt = deal(set(patients), _SEED, shares)
    fold = np.array([dealt[patient] for patient in patients])
    found = np.zeros(len(logits))
    for name in sorted(set(fold)):
        own, others = fold == name, fold != name
        temperature, shift = platt(logits[others], truth[others])
        found[own] = expit((logits[own] + shift) / temperature)
    return found


def _figures(
    said: Array, truth: NDArray[np.int64], called: NDArray[np.bool_], patients: list[str]
) -> dict[str, Any]:
    is_ill = truth == 1
    return {
        "ece": figure(lambda n: calibration_error(is_ill[n], said[n]), patients),
        "brier": figure(lambda n: float(((said - truth)[n] ** 2).mean()), patients),
        "sensitivity": figure(lambda n: rate(called[n], is_ill[n]), patients),
        "specificity": figure(lambda n: rate(~called[n], ~is_ill[n]), patients),
    }


def _reached(sure: Array, alpha: float) -> float:
    """The value that a further case reaches with a chance of at least 1 - alpha."""
    ordered = np.sort(sure)
    place = int(np.floor(alpha * (len(ordered) + 1)))
    return 0.0 if place == 0 else float(np.floor(ordered[place - 1] * 1e4) / 1e4)


def _volumes(folder: ModelFolder, rows: Rows, wish: Wish) -> tuple[dict[str, Any], dict[str, Any]]:
    limits, changes = limits_of_volumes(folder, rows, wish.alpha), {}
    for label in folder.outputs:
        share = limits.get(str(label.value))
        if share is not None:
            cases = len(_errors(rows, label))
            changes[_error_name(label)] = {"cases": cases, "interval_share": share}
    if not limits:
        shown = [label for label in folder.outputs if not label.hidden]
        most = max((len(_errors(rows, label)) for label in shown), default=0)
        least = _least_outlines(wish.alpha)
        raise _too_few(most, least, say(
            "Each structure needs at least {least} cases that were drawn to their ends.",
            least=least,
        ))  # fmt: skip
    calib = {**folder.calibration(), "conformal": {"alpha": wish.alpha, "volume": limits}}
    return calib, {"volumes": changes}


def limits_of_volumes(folder: ModelFolder, rows: Rows, alpha: float) -> dict[str, float]:
    """By label value the share of a found volume that the true one may lie beside it.

    None of a label that is not shown, whose cases are too few for the certainty, or were not drawn
    to their ends.
    """
    limits = {}
    for label in (each for each in folder.outputs if not each.hidden):
        errors = _errors(rows, label)
        if len(errors) >= _least_outlines(alpha):
            share = 1 - _reached(1 - np.abs(1 / (1 + errors) - 1), alpha)
            limits[str(label.value)] = round(share, 4)
    return limits


def _error_name(label: Label) -> str:
    from medview.training.outlines import metric_name

    return f"volume_error.{metric_name(label.name)}"


def _errors(rows: Rows, label: Label) -> Array:
    name = _error_name(label)
    cut = name.replace("volume_error.", "cut.")
    errors = np.array([row[name] for row in rows if name in row and cut not in row], float)
    return errors[errors > -1]  # nothing found at all: no factor makes that right


def _require(cases: int) -> None:
    if cases < LEAST:
        needed = say("Each class needs at least {least} cases.", least=LEAST)
        raise _too_few(cases, LEAST, needed)


def _too_few(cases: int, least: int, needed: Sentence) -> InvalidInput:
    return InvalidInput(
        say("There are too few labelled cases to calibrate on ({count} of {least}).",
            count=cases, least=least),
        what_to_do=needed,
    )  # fmt: skip


def _least_outlines(alpha: float) -> int:
    """Cases below which no limit holds so many of new ones."""
    return max(LEAST, math.ceil(1 / alpha - 1))


def write_local(
    folder: ModelFolder, calib: Mapping[str, Any], about: Mapping[str, Any], out: Path
) -> Path:
    """A copy of the model with another calib.json, named `<name>-local`; the model itself stays.

    Raises as `write_copy`.
    """

    def change(new: Path) -> None:
        rewrite(new / "model.json", lambda d: _renamed(d, folder))
        rewrite(new / "eval.json", lambda d: {**d, "local": about})
        (new / "calib.json").write_text(as_text(calib), encoding="utf-8")
        card = (new / "card.md").read_text(encoding="utf-8") + _section(folder, about)
        (new / "card.md").write_text(card, encoding="utf-8")

    return write_copy(folder, out, change)


def write_copy(folder: ModelFolder, out: Path, change: Callable[[Path], None]) -> Path:
    """A changed copy of a model, sealed.

    Raises InvalidInput when `out` is there already, WriteFailed on a full disk, when nothing is
    left behind.
    """
    if out.exists():
        raise InvalidInput(
            say("There is something at this path already."), str(out), say("Choose another name.")
        )
    new = out.with_name(f".{out.name}.new")
    try:
        new.mkdir(parents=True)
        for name in list_files(folder.path):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder.path / name, new / name)
        change(new)
        seal_folder(new)
        return new.rename(out)
    except OSError as error:
        raise WriteFailed(why_not_written(error), out.name) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _renamed(description: dict[str, Any], folder: ModelFolder) -> dict[str, Any]:
    intended = {**description["intended"], "status": "validated-locally"}
    return {**description, "name": f"{folder.name.removesuffix('-local')}-local",
            "intended": intended}  # fmt: skip


def rewrite(path: Path, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """A JSON object of a file, changed."""
    path.write_text(as_text(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def as_text(document: Mapping[str, Any]) -> str:
    """JSON as it stands in model folders."""
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _section(folder: ModelFolder, about: Mapping[str, Any]) -> str:
    first = (
        f"\n## Calibrated locally\n\nFrom `{folder.name}` {folder.version}, manifest "
        f"{folder.manifest_sha256}, on {about['cases']} cases of {about['patients']} patients "
        f"({about['data']}, part {about['split']}). The net is the same; calib.json is another.\n"
    )
    lines = [first]
    for when in ("before", "after"):
        for name, found in about.get(when, {}).items():
            low, high = found["interval"]
            lines.append(f"- {when}: {name} {found['value']:.3f} ({low:.3f} to {high:.3f})")
    if "after" in about:
        lines.append(
            "\nece and brier after it come from fits on other patients; sensitivity and "
            "specificity are those of the very cases that fixed the operating point."
        )
    for name, found in about.get("volumes", {}).items():
        share = round(100 * found["interval_share"])
        lines.append(f"- {name}: intervals of +-{share} % ({found['cases']} cases)")
    return "\n".join(lines) + "\n"

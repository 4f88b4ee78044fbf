"""How sure a finished model may be: fitted on cases that it did not learn from, measured on others.

What comes out stands in calib.json of the folder, the figures in eval.json and card.md:

- a classifier's conformal limits, and how often they hold the truth on other patients;
- a segmentation's volume intervals, and how often they hold the hand-drawn volume;
- a segmentation's temperature, and how far the probabilities of voxels are off with it;
- a U-Net's usual world: the distance of its deepest features, and how many of its own are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from medview.ai.certainty import ABSENT, ABSTAIN, PRESENT, conformal_answer
from medview.ai.folder import ModelFolder
from medview.ai.worker.distance import deepest
from medview.ai.worker.net_steps import mahalanobis
from medview.ai.worker.nets import UNet3d
from medview.ai.worker.pipeline import load_steps, run_steps
from medview.ai.worker.steps import Context, State
from medview.core.words import tr
from medview.training import parts as training_parts
from medview.training.calibrate import known_world, limit_of_distance
from medview.training.cases import Case, deal, read_cases
from medview.training.coverage import binomial_interval
from medview.training.evaluation import Listener, run_cases
from medview.training.local import (
    as_text,
    limits_of_classes,
    limits_of_volumes,
    rewrite,
    write_copy,
)
from medview.training.loop import generator
from medview.training.margin import in_margin
from medview.training.nodule.plan import is_nodule
from medview.training.outlines import metric_name
from medview.training.plan import ROOM, TrainPlan, read_plan
from medview.training.voxels import has_voxels, voxel_certainty

HEADING = "## How sure it says it is"
RELIABILITY = "reliability.png"
_INTERVALS = (
    "exact binomial 95 % intervals. They hold for cases like these; elsewhere nobody knows."
)
_BY_OTHERS = "the same cases, each by the limits of the others"
_FEW = 20  # cases to fit on; below it all unseen cases are fitted on, each measured by the others
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Parts:
    """learned: what the net saw. fit: what the limits are fitted on. test: what they are held to;
    no patient stands in two of them. names: of the last two, in words. room: see `TrainPlan`.
    in_margin: whether the net learned its cases within margins as well."""

    learned: list[Case]
    fit: list[Case]
    test: list[Case]
    names: tuple[str, str]
    room: float = ROOM
    in_margin: bool = False


def parts_of(folder: ModelFolder, data: Path) -> Parts:
    """The parts by the folder's own train.toml, as `dealt_parts` takes them."""
    train, dev = tuple(read_cases(data, "train")), tuple(read_cases(data, "dev"))
    plan_path = folder.path / "train.toml"
    if is_nodule(plan_path):
        return _halved(train, dev)
    plan = read_plan(plan_path)
    shares = {"held_out": plan.split.held_out, "calibrate": plan.split.calibrate}
    dealt = deal({case.patient for case in train}, plan.recipe.seed, shares)
    own = {name: tuple(c for c in train if dealt[c.patient] == name) for name in (*shares, "fit")}
    return dealt_parts(plan, training_parts.Parts(**own, dev=dev, near={}))


def dealt_parts(plan: TrainPlan, parts: training_parts.Parts) -> Parts:
    """The parts of a training: limits are fitted on cases that had no part in its weights.

    The calibration part had one where patience looked at it; without another one dev is halved.
    """
    has_margins = plan.recipe.augment.get("margin", 0) > 0
    return replace(_dealt(plan, parts), room=plan.room, in_margin=has_margins)


def _dealt(plan: TrainPlan, parts: training_parts.Parts) -> Parts:
    if parts.calibrate and not plan.recipe.patience:
        return Parts(list(parts.fit), list(parts.calibrate), [*parts.held_out, *parts.dev],
                     ("the calibration part", "held-out part and dev"))  # fmt: skip
    if parts.held_out:
        return Parts(list(parts.fit), list(parts.held_out), list(parts.dev),
                     ("the held-out part", "dev"))  # fmt: skip
    return _halved(parts.fit, parts.dev)


def _halved(learned: Sequence[Case], dev: Sequence[Case]) -> Parts:
    dealt = deal({case.patient for case in dev}, 0, {"test": 0.5})
    fit, test = ([c for c in dev if dealt[c.patient] == name] for name in ("fit", "test"))
    return Parts(list(learned), fit, test, ("half of dev", "the other half of dev"))


def fit_trust(
    folder: ModelFolder,
    parts: Parts,
    alpha: float,
    listener: Listener,
    known: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> tuple[dict[str, Any], dict[str, Any], Rows]:
    """calib.json, the figures of it (`trust` of eval.json), and the cases that were measured.

    known: rows of cases that were measured already, by id; they are not run again.
    """
    # Its distance may not be known yet, and refuses nothing that limits are fitted on.
    open_to_all = _without_distance(folder)
    left = [case for case in (*parts.fit, *parts.test) if case.id not in known]
    rows = {**known, **{row["id"]: row for row in run_cases(open_to_all, left, listener)}}
    fit: Rows = [rows[case.id] for case in parts.fit]
    test: Rows = [rows[case.id] for case in parts.test]
    calib = dict(folder.calibration())
    about: dict[str, Any] = {
        "alpha": alpha, "fitted_on": parts.names[0], "measured_on": parts.names[1],
        "fit_cases": len(parts.fit), "test_cases": len(parts.test),
    }  # fmt: skip
    if folder.kind != "classification" and len(parts.fit) < _FEW:
        both = [*parts.fit, *parts.test]
        parts = replace(parts, fit=both, test=both)
        fit = test = [*fit, *test]
        about |= {"fitted_on": " and ".join(parts.names), "measured_on": _BY_OTHERS,
                  "fit_cases": len(both), "test_cases": len(both)}  # fmt: skip
    if folder.kind == "classification":
        positive = folder.description.get("provenance", {}).get("positive", ())
        calib["conformal"] = limits_of_classes(_kept(fit), positive, alpha)
        about["classes"] = _class_coverage(_kept(test), positive, calib["conformal"])
    else:
        limits = limits_of_volumes(folder, _kept(fit), alpha)
        calib["conformal"] = {"alpha": alpha, "volume": limits}
        about["volumes"] = _volume_coverage(folder, _kept(fit), _kept(test), alpha)
        if keeps_distance(folder):
            calib["ood"], about["distance"] = world_of(folder, parts, listener)
        if has_voxels(folder):
            found = voxel_certainty(open_to_all, parts.fit, parts.test, listener)
            calib["temperature"], about["voxels"] = found
    return calib, with_patients(about, parts), test


def with_patients(about: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """What is known of the limits, with of how many patients the measured cases are."""
    by_others = about["measured_on"] == _BY_OTHERS
    measured = [*parts.fit, *parts.test] if by_others else parts.test
    return {**about, "test_patients": len({case.patient for case in measured})}


def _kept(rows: Rows) -> list[Mapping[str, Any]]:
    return [row for row in rows if "refused" not in row]


def _share(hits: int, cases: int) -> dict[str, Any]:
    low, high = binomial_interval(hits, cases)
    value = round(hits / cases, 4) if cases else None
    return {"hits": hits, "cases": cases, "value": value,
            "interval": [round(low, 4), round(high, 4)]}  # fmt: skip


def _class_coverage(
    rows: Rows, positive: Sequence[str], limits: Mapping[str, Any]
) -> dict[str, Any]:
    """covered: the truth is not ruled out. abstained: no answer. right: of the answers."""
    found: dict[str, Any] = {}
    told = [(row["label"] in positive, conformal_answer(row["score"], limits)) for row in rows]
    both = [
        (
            ill,
            row["score"] >= limits["present_from"] if ill else row["score"] <= limits["absent_to"],
        )
        for (ill, _), row in zip(told, rows, strict=True)
    ]
    for name, kind in (("present", True), ("absent", False)):
        own = [held for ill, held in both if ill is kind]
        found[f"covered_{name}"] = _share(sum(own), len(own))
    found["covered"] = _share(sum(held for _, held in both), len(both))
    found["abstained"] = _share(sum(said == ABSTAIN for _, said in told), len(told))
    answers = [(ill, said) for ill, said in told if said in (PRESENT, ABSENT)]
    right = sum((said == PRESENT) is ill for ill, said in answers)
    found["right_where_answered"] = _share(right, len(answers))
    return found


def _volume_coverage(folder: ModelFolder, fit: Rows, test: Rows, alpha: float) -> dict[str, Any]:
    """How often the true volume lies in found (1 -+ share), by label; error = found / true - 1.

    A case that was fitted on is held to the limits of the other patients.
    """
    found = {}
    limits = limits_of_volumes(folder, fit, alpha)
    for label in folder.outputs:
        share, name = limits.get(str(label.value)), f"volume_error.{metric_name(label.name)}"
        if share is None:
            continue
        inside = cases = 0
        for row in test:
            others = [one for one in fit if one["patient"] != row["patient"]]
            own = limits if len(others) == len(fit) else limits_of_volumes(folder, others, alpha)
            limit = own.get(str(label.value))
            if name not in row or limit is None or f"cut.{metric_name(label.name)}" in row:
                continue
            cases += 1
            inside += row[name] > -1 and abs(1 / (1 + row[name]) - 1) <= limit
        found[metric_name(label.name)] = {"interval_share": share, **_share(inside, cases)}
    return found


def keeps_distance(folder: ModelFolder) -> bool:
    """Whether it refuses what lies far from its training."""
    return any(fields["op"] == "distance" for fields in folder.pipeline)


def _without_distance(folder: ModelFolder) -> ModelFolder:
    steps = [fields for fields in folder.pipeline if fields["op"] != "distance"]
    return replace(folder, description={**folder.description, "pipeline": steps})


def world_of(
    folder: ModelFolder, parts: Parts, listener: Listener
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`ood` of calib.json for a U-Net, and how many of the test part it keeps.

    Where the net learned within margins, every case counts once as it is and once within one.
    """
    ask = _asker(folder, listener)
    fit = _with_margins(parts.fit, parts)
    learned = np.array([ask(case) for case in _with_margins(parts.learned, parts)])
    apart = np.array([ask(case) for case in fit])
    known = known_world(learned, apart, parts.room)
    far = [mahalanobis(row, known) for row in apart]
    if parts.test is parts.fit:
        people = [case.patient for case in fit]
        limits = [
            limit_of_distance(
                [d for d, who in zip(far, people, strict=True) if who != own], parts.room
            )
            for own in people
        ]
    else:
        far = [mahalanobis(ask(case), known) for case in _with_margins(parts.test, parts)]
        limits = [known["limit"]] * len(far)
    kept = [value <= limit for value, limit in zip(far, limits, strict=True)]
    warned = [known["warn"] < v <= limit for v, limit in zip(far, limits, strict=True)]
    plain = len(parts.test)
    about = {"kept": _share(sum(kept[:plain]), plain), "banner": _share(sum(warned[:plain]), plain)}
    if parts.in_margin:
        about["kept_in_margin"] = _share(sum(kept[plain:]), plain)
    return known, about


def _with_margins(cases: Sequence[Case], parts: Parts) -> list[Case]:
    if not parts.in_margin:
        return list(cases)
    return [*cases, *(in_margin(case, generator(0, n)) for n, case in enumerate(cases))]


def _asker(folder: ModelFolder, listener: Listener) -> Callable[[Case], Any]:
    """The features of a case, by the folder's own input steps and net."""
    ops = [fields["op"] for fields in folder.pipeline]
    load_steps(set(ops))
    steps = folder.pipeline[: ops.index("network") + 1]
    networks: dict[str, Any] = {}
    asked = 0

    def ask(case: Case) -> Any:
        nonlocal asked
        listener.progress(asked, 0, tr("Measuring the model"))
        asked += 1
        state = State(case.volume, Context(folder, cancel=listener.cancel, networks=networks))
        run_steps(state, steps)
        net = networks["last"]
        if not isinstance(net, UNet3d):
            raise TypeError(type(net).__name__)
        return deepest(net, state)

    return ask


def write_trust(
    folder: ModelFolder, calib: Mapping[str, Any], about: Mapping[str, Any], rows: Rows, out: Path
) -> Path:
    """A copy of the model under its own name that knows how sure it is; the model itself stays.

    rows: the measured cases, for a classifier's reliability diagram. Raises as `write_local`.
    """
    from medview.training.curves import draw_reliability, draw_voxels, require_plots

    def change(new: Path) -> None:
        rewrite(new / "eval.json", lambda d: {**d, "trust": about})
        (new / "calib.json").write_text(as_text(calib), encoding="utf-8")
        card = (new / "card.md").read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[0]
        has_diagram = (new / RELIABILITY).is_file()
        text = f"{card.rstrip()}\n\n{card_section(about)}"
        (new / "card.md").write_text(text, encoding="utf-8")
        if about.get("voxels", {}).get("after"):
            require_plots()
            draw_voxels(about["voxels"], new / RELIABILITY, folder.name)
        if folder.kind == "classification" and not has_diagram:
            require_plots()
            positive = folder.description.get("provenance", {}).get("positive", ())
            truth = [row.get("label") in positive for row in rows]
            draw_reliability(rows, truth, new / RELIABILITY, folder.name)

    return write_copy(folder, out, change)


def card_section(about: Mapping[str, Any]) -> str:
    """The card's words on it, Markdown."""
    percent = round(100 * (1 - about["alpha"]))
    on = f"fitted on {about['fit_cases']} cases ({about['fitted_on']})"
    held = f"measured on {about['test_cases']} others ({about['measured_on']})"
    if about["measured_on"] == _BY_OTHERS:
        held = f"measured on {_BY_OTHERS}"
    lines = [
        HEADING,
        f"Limits for {percent} % certainty, {on}, {held}; {_INTERVALS}{_alike(about)}",
    ]
    table = ["| figure | share | cases | 95 % interval |", "| --- | --- | --- | --- |"]
    rows = {**about.get("classes", {})}
    rows |= {f"volume of {n} inside its interval (±{round(100 * v['interval_share'])} %)": v
             for n, v in about.get("volumes", {}).items()}  # fmt: skip
    rows |= {f"distance: {n}": v for n, v in about.get("distance", {}).items()}
    for name, found in rows.items():
        low, high = found["interval"]
        value = "–" if found["value"] is None else f"{found['value']:.3f}"
        shown = _NAMES.get(name, name)
        table.append(f"| {shown} | {value} | {found['cases']} | {low:.3f} to {high:.3f} |")
    lines.append("\n".join(table))
    if about.get("voxels", {}).get("after"):
        lines.append(_of_voxels(about["voxels"]))
    return "\n\n".join(lines) + "\n"


def _alike(about: Mapping[str, Any]) -> str:
    patients = about.get("test_patients", about["test_cases"])
    if patients == about["test_cases"]:
        return ""
    return (
        f" These are cases of {patients} patients: the intervals take each case for one of its own "
        "and are somewhat too narrow."
    )


def _of_voxels(voxels: Mapping[str, Any]) -> str:
    before, after = voxels["before"], voxels["after"]
    low, high = after["interval"]
    right = after["right_where_sure"]
    sure = "none lies outside the band of 0.1 to 0.9"
    if right is not None:
        sure = f"of those outside the band of 0.1 to 0.9 {100 * right:.1f} % are right"
    return (
        f"Voxels within two of a structure, {voxels['cases']} of these cases: at temperature "
        f"{voxels['temperature']:.2f} their probabilities are off by {after['ece']:.3f} "
        f"({low:.3f} to {high:.3f}; expected calibration error, 15 bins of equal mass), without it "
        f"by {before['ece']:.3f}; {sure}.\n\n"
        f"![What is said of voxels, and what is so]({RELIABILITY})"
    )


_NAMES = {
    "covered_present": "ill cases whose truth is not ruled out",
    "covered_absent": "healthy cases whose truth is not ruled out",
    "covered": "all cases whose truth is not ruled out",
    "abstained": "cases without an answer",
    "right_where_answered": "right answers, of those given",
    "distance: kept": "cases of its own kind that are not refused by distance",
    "distance: banner": "of all, with a banner",
    "distance: kept_in_margin": "the same cases within a margin that are not refused by distance",
}

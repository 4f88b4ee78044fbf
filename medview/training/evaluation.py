"""A model's figures on labelled cases, through the very pipeline that `analyze` runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.worker.pipeline import Pipeline, PipelineResult
from medview.core.errors import InputRefused, InvalidInput
from medview.core.progress import CancelToken, Progress
from medview.core.volume import Volume
from medview.core.words import say, tr
from medview.training.cases import Case
from medview.training.metrics import (
    UNKNOWN,
    classifier_figures,
    router_figures,
)
from medview.training.outlines import compare_outlines, metric_name, outline_figures
from medview.training.parts import cases_of
from medview.training.routing import classes_of
from medview.training.second import second_figures

SCHEMA = "medview.evaluate/1"


@dataclass(frozen=True)
class Listener:
    """Who is told how far it is, and who may stop it."""

    progress: Progress
    cancel: CancelToken


@dataclass(frozen=True, eq=False)
class Figures:
    """metrics: name to value and interval. per_case: one object a case, in their order.

    A case that the model refused stands in per_case with its reason and counts in no metric.
    """

    metrics: Mapping[str, Any]
    per_case: tuple[Mapping[str, Any], ...]

    @property
    def refused(self) -> int:
        """How many cases the model refused."""
        return sum("refused" in case for case in self.per_case)


def evaluate_model(
    folder: ModelFolder, data: Path, split: str, listener: Listener, pictures: Path | None = None
) -> dict[str, Any]:
    """The document `medview.evaluate/1` for a model on a folder of labelled data.

    pictures: a folder for pictures of the worst cases, and of a classifier's probabilities.
    Raises InvalidInput when the data do not fit the model.
    """
    if (data / "truth").is_dir():
        from medview.training.demo_cases import read_demo_cases

        names = {metric_name(label.name): label.value for label in folder.outputs}
        cases, split = read_demo_cases(data, names, listener.cancel), "all"
    else:
        cases = list(cases_of(data, split, folder.description["outputs"]))
    figures = evaluate_cases(folder, cases, listener)
    if pictures is not None:
        _draw(folder, cases, figures, pictures)
    return {
        "schema": SCHEMA,
        "model": folder.name,
        "version": folder.version,
        "data": data.name,
        "split": split,
        "cases": len(cases),
        "patients": len({case.patient for case in cases}),
        "refused": figures.refused,
        "metrics": dict(figures.metrics),
        "subgroups": subgroups(folder, figures.per_case),
        "per_case": list(figures.per_case),
    }


def _draw(folder: ModelFolder, cases: Sequence[Case], figures: Figures, pictures: Path) -> None:
    from medview.training.curves import draw_reliability, require_plots
    from medview.training.pictures import draw_worst

    if folder.kind == "classification":
        require_plots()
    draw_worst(folder, cases, figures.per_case, pictures)
    if folder.kind == "classification":
        positive = folder.description.get("provenance", {}).get("positive", ())
        truth = [row.get("label") in positive for row in figures.per_case]
        path = pictures / f"{folder.name}-reliability.png"
        draw_reliability(figures.per_case, truth, path, folder.name)


def subgroups(folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of parts of the cases, by what the set says of them.

    A classifier's positive classes each against all that are not, and every router's kind; a
    segmentation's cases by `group`.
    """
    kept = [row for row in rows if "refused" not in row]
    if folder.kind == "router":
        names = sorted({str(row["label"]) for row in kept})
        return {n: _router_metrics(folder, [r for r in kept if r["label"] == n]) for n in names}
    if folder.kind == "classification":
        positive = folder.description.get("provenance", {}).get("positive", ())
        well = [row for row in kept if row["label"] not in positive]
        parts = {n: [r for r in kept if r["label"] == n] for n in positive}
        return {n: _classifier_metrics(folder, [*p, *well]) for n, p in parts.items() if p and well}
    names = sorted({str(row["group"]) for row in kept if "group" in row})
    return {n: _volume_metrics(folder, [r for r in kept if r.get("group") == n]) for n in names}


def evaluate_cases(folder: ModelFolder, cases: Iterable[Case], listener: Listener) -> Figures:
    """Run a model on cases and compare. Raises InvalidInput where they have no fitting truth."""
    rows = run_cases(folder, list(cases), listener)
    if all("refused" in row for row in rows):
        raise InvalidInput(say("The model refused every case of these data."))
    return figures_of(folder, rows)


def run_cases(
    folder: ModelFolder, cases: Sequence[Case], listener: Listener
) -> list[Mapping[str, Any]]:
    """One row a case: what came out beside the truth, or why the model refused it."""
    rows: list[Mapping[str, Any]] = []
    pipeline = Pipeline(folder, without={"explain"})
    judge = {"classification": _classified, "router": _routed}.get(folder.kind, _compared)
    for number, case in enumerate(cases):
        if case.truth is None if judge is _compared else not case.label:
            raise InvalidInput(say("These labelled data do not fit the model."))
        listener.progress(number, len(cases), tr("Measuring the model"))
        row = row_of(case)
        try:
            result = pipeline.run(_as_given(folder, case), _silent, listener.cancel)
        except InputRefused as error:
            row["refused"] = error.what.english()
        else:
            row |= judge(folder, case, result)
        rows.append(row)
    listener.progress(len(cases), len(cases), tr("Measuring the model"))
    return rows


def row_of(case: Case) -> dict[str, Any]:
    """What stands in a case's row before it is judged."""
    row: dict[str, Any] = {"id": case.id, "patient": case.patient}
    row |= {"group": case.group} if case.group else {}
    return row | ({"left_out": dict(case.left_out)} if case.left_out else {})


def figures_of(folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> Figures:
    """The figures of cases that were run already, refused ones among them."""
    kept = [row for row in rows if "refused" not in row]
    metrics = {"classification": _classifier_metrics, "router": _router_metrics}
    return Figures(metrics.get(folder.kind, _volume_metrics)(folder, kept), tuple(rows))


def _as_given(folder: ModelFolder, case: Case) -> Volume:
    # A router is told nothing but the pixels.
    return replace(case.volume, modality="") if folder.kind == "router" else case.volume


def _silent(done: int, total: int, what: str) -> None:
    """Steps of single cases are too short to tell."""


def _classified(_folder: ModelFolder, case: Case, result: PipelineResult) -> dict[str, Any]:
    (name, score), *others = result.scores.items()
    threshold = result.thresholds.get(name, 0.5)
    row = {"label": case.label, "score": round(score, 6), "positive": score >= threshold}
    if others:
        row["second"] = round(others[0][1], 6)
    if "diameter_mm" in case.numbers:
        row["diameter_mm"] = case.numbers["diameter_mm"]
    return row


def _routed(folder: ModelFolder, case: Case, result: PipelineResult) -> dict[str, Any]:
    classes = classes_of(folder.description)
    if result.route is None or case.label not in classes:
        raise InvalidInput(say("These labelled data do not fit the model."))
    answer = result.route.answer
    names = [*classes, *(label.name for label in folder.outputs[len(classes) :])]
    said = UNKNOWN if answer is None else names[answer]
    return {"label": case.label, "answer": said, "score": round(result.route.probability, 6)}


def _router_metrics(_folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return router_figures(
        [row["label"] for row in rows],
        [row["answer"] for row in rows],
        [row["patient"] for row in rows],
    )


def _classifier_metrics(folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    positive = folder.description.get("provenance", {}).get("positive", ())
    truth = [row["label"] in positive for row in rows]
    if all(truth) or not any(truth):
        raise InvalidInput(
            say("The cases that the model answered are all of one class."),
            ", ".join(sorted({str(row["label"]) for row in rows})),
            say("A classifier is measured on cases with and without what it finds."),
        )
    called = [bool(row["positive"]) for row in rows]
    scores, patients = [row["score"] for row in rows], [row["patient"] for row in rows]
    found = classifier_figures(truth, scores, called, patients)
    found |= second_figures(folder.description.get("provenance", {}), rows)
    if all("diameter_mm" in row for row in rows):
        from medview.training.nodule.figures import beside_diameter

        found |= beside_diameter(truth, scores, [row["diameter_mm"] for row in rows], patients)
    return found


def _compared(folder: ModelFolder, case: Case, result: PipelineResult) -> dict[str, Any]:
    if case.truth is None or result.label_map is None:
        raise InvalidInput(say("These labelled data do not fit the model."))
    return compare_outlines(folder.outputs, case, case.truth, result.label_map)


def _volume_metrics(folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return outline_figures(folder.outputs, rows)

"""`medview analyze`: the models that fit, with SEG, SR and heatmaps in a folder."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from medview.ai.certainty import ABSTAIN
from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.geometry import PatientPoint
from medview.core.numbers import quantity_text, volume_text
from medview.core.results import Finding, ModelRun
from medview.core.words import say
from medview.session.batch import Outcome, Wish, analyse_to_folder, wish_from
from medview.session.reproducing import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to analyse, with what, and where results go."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a study, or a folder of studies")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where the results are written"
    )
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME",
        help="run this model only; may be given several times",
    )  # fmt: skip
    parser.add_argument("--series", default="", metavar="UID", help="analyse this series only")
    parser.add_argument(
        "--at", type=_place, default=None, metavar="X,Y,Z",
        help="where the nodule lies (patient millimetres, LPS), for models that look at one; "
        "write --at=X,Y,Z where X is negative",
    )  # fmt: skip
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto",
        help="where the models run (auto: a graphics card where there is one)",
    )  # fmt: skip
    parser.add_argument(
        "--reproduce", type=Path, metavar="results.json",
        help="run the models of an earlier analysis again, compare, and say whether they are equal",
    )  # fmt: skip


def _place(text: str) -> PatientPoint:
    x, y, z = (float(part) for part in text.split(","))
    return PatientPoint(x, y, z)


def run(args: argparse.Namespace) -> int:
    """0 when everything ran, 3 when some files or models were left out."""
    wish = wish_from(args.reproduce) if args.reproduce else Wish(models=tuple(args.model))
    wish = replace(wish, series_uid=args.series, device=args.device, at=args.at)
    outcome = analyse_to_folder(args.path, args.out, wish, progress_for(args))
    if args.json:
        print_json(_document(outcome))
    else:
        print_lines(*(_line(run) for run in outcome.runs), *(str(p) for p in outcome.written))
    for note in outcome.holdings.unreadable[:20]:
        complain(f"{note.path}: {note.reason}", IN_PART)
    for comparison in outcome.comparisons:
        print_lines(*([] if args.json else _compared(comparison)))
    for item in outcome.runs:
        if item.status != "run" and item.reason is not None:
            complain(f"{item.model.name} {item.status}: {item.reason}", IN_PART)
    return DONE if outcome.is_whole else IN_PART


def _compared(comparison: Comparison) -> list[str]:
    words = {
        "equal": say("equal to the earlier run"),
        "within-tolerance": say("equal within what another machine may differ by"),
        "differs": say("not as the earlier run"),
        "missing": say("not repeated"),
    }
    head = f"{comparison.model}: {words[comparison.verdict]}"
    return [head, *(f"  {sentence}" for sentence in comparison.said)]


def _document(outcome: Outcome) -> object:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in outcome.written]
    return (
        documents[0]
        if len(documents) == 1
        else {"schema": "medview.results-list/1", "results": documents}
    )


def _line(item: ModelRun) -> str:
    findings = ", ".join(_finding(finding) for finding in item.findings)
    return f"{item.model.name}: {item.status}" + (f": {findings}" if findings else "")


def _finding(finding: Finding) -> str:
    if finding.probability is not None:
        without = " (no answer)" if finding.answer == ABSTAIN else ""
        return f"{finding.label} {finding.probability:.2f}{without}"
    if finding.volume_mm3 is not None:
        return f"{finding.label} {volume_text(finding.volume_mm3)}"
    return f"{finding.label} " + ", ".join(quantity_text(q) for q in finding.measurements)

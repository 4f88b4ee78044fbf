"""The card of a text model: what it is for, what it learned from, how good it is, beside others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medview.training.text.plan import TextPlan

# Published results on the official test parts; sources in docs/extraction.md.
ANCHORS: Mapping[str, str] = {
    "bc5cdr.f1.chemical": "CRF from scratch .880, BiLSTM-CRF .906, BioBERT .934",
    "bc5cdr.f1.disease": "CRF from scratch .806, CollaboNet .841, BioBERT .866",
    "bc5cdr.f1.all": "CRF from scratch .846",
    "ncbi_disease.f1.disease": "CRF from scratch .797, char-BiLSTM-CRF .802, BioBERT .894",
}


def write_card(plan: TextPlan, estimate: Mapping[str, Mapping[str, Any]]) -> str:
    """The card, Markdown."""
    words = plan.card
    parts = " and ".join(plan.parts)
    learned = (
        f"The weights that ship learned from {parts}; the figures below are of weights that "
        "learned from train alone, on dev. The official test parts were not at hand."
    )
    again = (
        f"Rebuild: `medview train models/{plan.name}/train.toml`; "
        f"check: `medview evaluate {plan.name} FILE`."
    )
    lines = [
        f"# {plan.model['title']}",
        "",
        words["use"],
        "",
        "## Data",
        "",
        *(f"- {c.title}: {c.licence}. {c.attribution}" for c in plan.corpora),
        "",
        learned,
        "",
        "## Figures",
        "",
        *figure_rows(estimate),
        "",
        words["method"],
        "",
        "## Limits",
        "",
        words["limits"],
        "",
        again,
    ]
    return "\n".join(lines) + "\n"


def figure_rows(found: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """A table of F1 figures beside published ones."""
    rows = ["| F1 | here | 95 % interval | precision | recall | others, on test |",
            "|---|---|---|---|---|---|"]  # fmt: skip
    for name, figure in found.items():
        low, high = figure["interval"]
        rows.append(
            f"| {name.replace('.f1.', ' ')} | {figure['value']:.3f} | {low:.3f} to {high:.3f} "
            f"| {figure['precision']:.3f} | {figure['recall']:.3f} | {ANCHORS.get(name, '')} |"
        )
    return rows

"""A model's worst cases in words, for its card; `evaluate --pictures` draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def worst_in_words(
    rows: Rows, kind: str, hidden: Sequence[str] = (), positive: Sequence[str] = ()
) -> str:
    """Markdown. rows: `per_case` of an evaluation. hidden: labels that the model does not show.
    positive: the classes that a classifier is to call."""
    rows = [row for row in rows if "refused" not in row]
    if kind == "classification":
        return _films(rows, positive)
    if kind == "router":
        return _routes(rows)
    return _outlines(rows, hidden)


def _outlines(rows: Rows, hidden: Sequence[str]) -> str:
    # A label that nobody drew in a case has no Dice there.
    drawn = {row["id"]: _of_kind(row, "dice", hidden) for row in rows}
    rows = [row for row in rows if drawn[row["id"]]]
    ranked = sorted(rows, key=lambda row: fmean(drawn[row["id"]].values()))
    lines = []
    for row in ranked[:3]:
        scores = ", ".join(f"{name} {value:.2f}" for name, value in drawn[row["id"]].items())
        off = _of_kind(row, "volume_error", hidden)
        errors = ", ".join(f"{name} {100 * value:+.0f} %" for name, value in off.items())
        lines.append(
            f"- case {row['id']} (person {row['patient']}): Dice {scores}; volume {errors}"
        )
    least = [min(values.values()) for values in drawn.values() if values]
    below = sum(value < 0.8 for value in least)
    said = f"Of {len(rows)} cases {below} have a part with a Dice below 0.80."
    if min(least, default=0) > 0:
        said += " No outline was empty."
    return "\n".join(lines) + f"\n\n{said}"


def _of_kind(row: Mapping[str, Any], kind: str, hidden: Sequence[str]) -> dict[str, float]:
    named = {key.partition(".")[2]: row[key] for key in row if key.startswith(f"{kind}.")}
    return {name: value for name, value in named.items() if name not in hidden}


def _films(rows: Rows, positive: Sequence[str]) -> str:
    missed = [row for row in rows if row["label"] in positive and not row["positive"]]
    false = [row for row in rows if row["label"] not in positive and row["positive"]]
    low = min((row["score"] for row in missed), default=None)
    high = max((row["score"] for row in false), default=None)
    kinds = {k: sum(row["label"] == k for row in missed) for k in {row["label"] for row in missed}}
    named = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "none"
    text = f"- Missed: {len(missed)} ill films ({named})"
    text += f", the surest miss with a probability of {low:.3f}." if low is not None else "."
    text += f"\n- Called though healthy: {len(false)} films"
    text += f", the surest with a probability of {high:.3f}." if high is not None else "."
    return text + "\n- So a low probability does not exclude the illness, nor a high one prove it."


def _routes(rows: Rows) -> str:
    lines = [
        f"- {row['id']}: a {row['label']} called {row['answer']}"
        for row in rows
        if row["answer"] != row["label"]
    ]
    return "\n".join(lines[:20]) or "Every picture of `dev` got its right answer."

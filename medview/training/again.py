"""A model made a second time beside the one that ships: how far it came out, and the card's word.

What is written stands in `again` of eval.json and in a section of card.md, by
`medview train FILE.toml --record`; nothing of it is typed by hand.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.ai.manifest import write_manifest
from medview.ai.signature import SIGNATURE, sign_where_asked
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import why_not_written, write_whole
from medview.core.words import say

HEADING = "## Made again"
CURVES, CURVES_SAID = "curves.png", "Loss, and figures on other patients, by step"
NO_CURVES = "The curves of the training itself were not kept; the training file draws them anew."
_WORST = "## The worst cases of `dev`"
_WORDS = ("card", "aims", "model", "certainty", "elsewhere", "second")
PARTS = (("metrics", "dev"), ("estimate", "estimate"))
_BEFORE = "## How sure it says it is"  # a calibration writes that section anew, to the card's end
Found = Mapping[str, Any]


def figures_in(folder: Path) -> dict[str, Any]:
    """eval.json of a model folder; nothing where there is none."""
    path = folder / "eval.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def beside(model: Path, shipped: Path) -> dict[str, Any]:
    """How far a model came out from the one that ships; nothing where none ships.

    compared: how many figures have a stated interval. outside: those that left it. same_weights:
    whether it is the same to the last bit. figures: by name what is stated and what came out.
    """
    made, stated = figures_in(model), figures_in(shipped)
    if not stated:
        return {}
    outside, figures = [], {}
    for part, words in PARTS:
        for name, figure in made.get(part, {}).items():
            before = stated.get(part, {}).get(name, {})
            interval = before.get("interval")
            if not interval or figure.get("value") is None:
                continue
            figures[f"{words} {name}"] = [before["value"], figure["value"]]
            if not interval[0] <= figure["value"] <= interval[1]:
                outside.append(f"{words} {name}")
    hashes = [_hashes(model), _hashes(shipped)]
    same = bool(hashes[0]) and hashes[0] == hashes[1]
    return {"compared": len(figures), "outside": outside, "same_weights": same, "figures": figures}


def _hashes(folder: Path) -> list[str]:
    return [
        hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.safetensors"))
    ]


def verdict(found: Found) -> str:
    """How far it came out, in one line."""
    kind = "the very same weights" if found["same_weights"] else "other weights"
    count, outside = found["compared"], found["outside"]
    said = f"{count - len(outside)} of {count} figures lie within their stated intervals"
    named = f", outside: {', '.join(outside)}" if outside else ""
    return f"{kind}; {said}{named}."


def record(runs: Path, shipped: Path) -> Found:
    """Write into the shipped folder how far it came out in `runs`, made again from its own plan.

    Its list of files is written anew, and its signature where a key is named. Raises InvalidInput
    where no model was made again or by another plan, ModelUnavailable for no model, WriteFailed.
    """
    if not (shipped / "model.json").is_file():
        raise InvalidInput(say("No model lies beside the training file."), shipped.name)
    name = read_json(shipped / "model.json")["name"]
    model = runs / name / "model"
    if not (model / "eval.json").is_file():
        raise InvalidInput(
            say("There is no model made again to compare with."), str(model),
            say("Train first; then give the same command with --record."),
        )  # fmt: skip
    if _recipe(model) != _recipe(shipped):
        raise InvalidInput(
            say("The model made again comes from another training file."), str(model)
        )
    ended = datetime.fromtimestamp((model / "eval.json").stat().st_mtime, UTC)
    told = {"on": ended.date().isoformat(), "command": f"medview train models/{name}/train.toml",
            **beside(model, shipped), "weights": _hashes(shipped)}  # fmt: skip
    if seconds := figures_in(model).get("made", {}).get("seconds"):
        told["seconds"] = seconds
    try:
        _write(model, shipped, told)
    except OSError as error:
        raise WriteFailed(why_not_written(error), name) from error
    return told


def _recipe(folder: Path) -> Found:
    """What of a training file has a part in the weights: words, aims and gates have none."""
    loaded = tomllib.loads((folder / "train.toml").read_text(encoding="utf-8"))
    net = [step for step in loaded.get("model", {}).get("pipeline", ()) if "weights" in step]
    return {key: value for key, value in loaded.items() if key not in _WORDS} | {"network": net}


def _write(model: Path, shipped: Path, told: Found) -> None:
    document, card = figures_in(shipped), (shipped / "card.md").read_text(encoding="utf-8")
    if told["same_weights"] and not (shipped / CURVES).is_file() and (model / CURVES).is_file():
        # The same net by the same steps: its curves, where those of the first making are lost.
        shutil.copyfile(model / CURVES, shipped / CURVES)
        history = figures_in(model).get("made", {}).get("history", [])
        document["made"] = {**document.get("made", {}), "history": history}
        card = _with_curves(card)
    document["again"] = told
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    (shipped / SIGNATURE).unlink(missing_ok=True)  # it vouched for what is about to change
    write_whole(shipped / "eval.json", text.encode())
    write_whole(shipped / "card.md", with_section(card, section(told)).encode())
    write_manifest(shipped)
    sign_where_asked(shipped)


def _with_curves(card: str) -> str:
    """The card with the picture of the curves, first of its pictures."""
    picture = f"{CURVES_SAID}:\n\n![{CURVES_SAID}]({CURVES})\n\n"
    mark = "\n## Curves\n\n"
    card = card.replace(f"\n\n{NO_CURVES}", "")
    if mark in card:
        return card.replace(mark, mark + picture, 1)
    return card.replace(f"\n{_WORST}", f"\n## Curves\n\n{picture}{_WORST}", 1)


def kept(shipped: Path) -> Found:
    """What a folder tells of a second making of its own weights; nothing else of it stays true."""
    told = figures_in(shipped).get("again", {})
    return told if told.get("weights") == _hashes(shipped) else {}


def section(told: Found) -> str:
    """The card's words on it, Markdown."""
    within = told["compared"] - len(told["outside"])
    took = f", {told['seconds']} s of one processor core" if "seconds" in told else ""
    weights = "the very same weights, to the last bit" if told["same_weights"] else "other weights"
    said = (
        f"{HEADING}\n\nOn {told['on']} by `{told['command']}`{took}: {weights}; {within} of "
        f"{told['compared']} figures lie within the intervals stated above."
    )
    moved = {name: pair for name, pair in told["figures"].items() if pair[0] != pair[1]}
    if not moved:
        return said + " Every figure came out as it is stated.\n"
    lines = ["| figure | stated | made again | difference | |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {stated:.3f} | {came:.3f} | {came - stated:+.3f} | "
        f"{'outside' if name in told['outside'] else 'within'} |"
        for name, (stated, came) in moved.items()
    ]
    return said + "\n\n" + "\n".join(lines) + "\n"


def with_section(card: str, words: str) -> str:
    """A card with that section, in place of an older one, before what a calibration adds."""
    head, _, rest = card.partition(f"\n{HEADING}\n")
    if rest:
        _, mark, tail = rest.partition("\n## ")
        card = f"{head.rstrip()}\n" + (f"\n## {tail}" if mark else "")
    before, mark, after = card.partition(f"\n{_BEFORE}\n")
    end = f"\n{_BEFORE}\n{after}" if mark else ""
    return f"{before.rstrip()}\n\n{words}{end}"

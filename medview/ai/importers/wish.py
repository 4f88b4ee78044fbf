"""What the one who imports a model says about it, where its files say nothing; and the new folder.

No torch here: descriptions are words and numbers.
"""

from __future__ import annotations

import colorsys
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medview.core.errors import ModelUnavailable
from medview.core.words import say

_MODALITIES = (
    (re.compile(r"\bct\b|computed", re.IGNORECASE), "CT"),
    (re.compile(r"\bmri?\b|t1|t2|flair|adc|dwi|mp2rage", re.IGNORECASE), "MR"),
    (re.compile(r"\bpet\b|suv", re.IGNORECASE), "PT"),
)


@dataclass(frozen=True)
class Wish:
    """Each empty where the files themselves say it, or nobody does.

    axes: three letters towards which i, j, k of the training arrays grew (DICOM's axial: LPS).
    mirror: average with mirrored looks where training mirrored too.
    """

    name: str = ""
    licence: str = ""
    modality: str = ""
    body_part: str = ""
    axes: str = ""
    mirror: bool = False


@dataclass(frozen=True)
class Foreign:
    """What an importer found: the fields of a description, and where the weights lie.

    task: what the confined process does with them (`ai.worker.child`). notes: for the card.
    names: of tensors that get another name.
    """

    description: Mapping[str, Any]
    weights: Path
    task: str
    notes: tuple[str, ...]
    wish: Wish = Wish()
    names: Mapping[str, str] = field(default_factory=dict)


def modality_of(words: str, wish: Wish) -> str:
    """CT, MR or PT, by the wish or by words of the model. Raises ModelUnavailable."""
    if wish.modality:
        return wish.modality
    for pattern, modality in _MODALITIES:
        if pattern.search(words):
            return modality
    raise ModelUnavailable(
        say("The model does not say for which modality it was made ({words}).", words=words[:60]),
        what_to_do=say("Say it: `--modality CT`."),
    )


def slug(text: str) -> str:
    """A name for a folder."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "imported"


def outputs_of(names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Labels with colours far from each other."""
    found = []
    for number, value in enumerate(sorted(names)):
        red, green, blue = colorsys.hsv_to_rgb(number * 0.618 % 1, 0.6, 0.9)
        colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
        title = names[value].replace("_", " ").strip()[:80] or str(value)
        found.append({"label": value, "name": title[:1].upper() + title[1:], "color": colour})
    return found


def described(
    name: str, title: str, modality: str, wish: Wish, rest: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields that every imported model has; `rest`: pipeline, outputs, kind."""
    gates: list[dict[str, Any]] = [
        {"check": "modality", "in": [modality], "fail": "refuse", "missing": "refuse"},
        {"check": "geometry", "in": ["regular"], "fail": "refuse", "missing": "refuse"},
    ]
    if wish.body_part:
        gates.append({"check": "body_part", "in": [wish.body_part], "fail": "refuse",
                      "missing": "warn"})  # fmt: skip
    return {
        "schema": "medview-model/1",
        "name": wish.name or slug(name),
        "version": "1.0.0",
        "title": title[:120],
        "licence": wish.licence or "not stated: ask its maker",
        "intended": {
            "use": "what its maker says; imported, and not evaluated by MedView",
            "not_for": ["diagnosis alone", "anything its maker did not validate it for"],
            "status": "research",
        },
        "gates": gates,
        **rest,
    }


def with_limits(foreign: Foreign, made: Mapping[str, Any]) -> Foreign:
    """The same with what the new model was found to need (`worker.checkpoint.make_selftest`)."""
    limits: dict[str, Any] = {"parameters_max": max(1, int(made["parameters"]))}
    notes = [f"{made['parameters']} weights."]
    if made.get("ram_gb") is not None:
        limits["ram_gb_max"] = made["ram_gb"]
        notes.append(f"Foretold for 512 x 512 x 400 voxels of its own spacing: {made['ram_gb']} GB "
                     "of memory beside the libraries' own.")  # fmt: skip
    limits |= foreign.description.get("limits") or {}
    return replace(foreign, description={**foreign.description, "limits": limits},
                   notes=(*foreign.notes, *notes))  # fmt: skip


def write_words(folder: Path, foreign: Foreign, source: str) -> None:
    """model.json, card.md and eval.json of an imported model."""
    text = json.dumps(foreign.description, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
    figures: dict[str, Any] = {"metrics": {}, "estimate": {}}
    (folder / "eval.json").write_text(json.dumps(figures) + "\n", encoding="utf-8")
    notes = "\n".join(f"- {note}" for note in foreign.notes)
    card = (
        f"# {foreign.description['title']}\n\n"
        f"**Imported from {source}. Not evaluated by MedView: how good it is here is not known.**\n"
        "Try it on cases of your own, with known answers, before you look at what it says.\n\n"
        f"## What came with it\n{notes}\n\n"
        "## Self-test\nMade at the import, with the answer of this MedView: it guards against a\n"
        "change of version, library or machine, not against a fault of the import.\n"
    )
    (folder / "card.md").write_text(card, encoding="utf-8")

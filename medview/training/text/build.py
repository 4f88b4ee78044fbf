"""From a TOML file and annotated abstracts to a model folder: fit, judge, describe."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from medview import __version__
from medview.ai.schema_text import WEIGHTS
from medview.core.progress import CancelToken, Progress
from medview.record.tagging.model import TextModel, packed, text_model
from medview.record.tagging.pairs import PairModel
from medview.training.seal import at_work_in, model_in, seal_folder
from medview.training.text.card import write_card
from medview.training.text.corpora import Abstract, read_abstracts
from medview.training.text.evaluate import judged
from medview.training.text.fit import Steps, fit, sentences_of
from medview.training.text.network import arrays_of
from medview.training.text.pairs import fit_pairs, gold_names
from medview.training.text.plan import TextPlan
from medview.training.text.scores import figures

Figures = dict[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model as it would be loaded, with the arrays and the description that it came from."""

    model: TextModel
    arrays: Mapping[str, NDArray[Any]]
    description: Mapping[str, Any]


def train_texts(plan: TextPlan, folder: Path, progress: Progress, cancel: CancelToken) -> Path:
    """Fit on `train` and judge on `dev`; leaves a whole model folder as `model/`.

    Where the plan says that `dev` is learned from too, the weights that ship are fitted anew after
    the judgement, which stays the estimate. Raises InvalidInput, Cancelled, WriteFailed.
    """
    steps = Steps(progress, cancel)
    fitted = fit_model(plan, ("train",), steps)
    estimate = _figures(plan, fitted.model)
    metrics = estimate
    if "dev" in plan.parts:
        fitted = fit_model(plan, plan.parts, steps)
        metrics = _figures(plan, fitted.model)
    return write_folder(plan, fitted, (metrics, estimate), folder)


def fit_model(plan: TextPlan, parts: tuple[str, ...], steps: Steps) -> Fitted:
    """The tagger of every seed, and the pairs, from some parts of the corpora."""
    read = {c.head: _abstracts(plan, c.head, parts) for c in plan.corpora}
    corpus = [s for head, own in read.items() for s in sentences_of(own, head, plan.heads[head])]
    networks = []
    for seed in plan.seeds:
        recipe = replace(plan.recipe, seed=seed)
        network, vocabulary = fit(corpus, plan.heads, recipe, plan.sizes, steps)
        networks.append(arrays_of(network))
    arrays = packed(networks)
    arrays["vocabulary"] = np.frombuffer("\n".join(vocabulary).encode(), np.uint8)
    return with_pairs(plan, read, arrays)


def with_pairs(
    plan: TextPlan, read: Mapping[str, list[Abstract]], arrays: dict[str, NDArray[Any]]
) -> Fitted:
    """The taggers' arrays with the model of pairs beside them."""
    related = next(own for own in read.values() if any(a.pairs for a in own))
    pairs = fit_pairs(related, [gold_names(a) for a in related], plan.penalty)
    arrays = {**arrays, "pairs": pairs.weights.astype(np.float16)}
    description = {
        **plan.model,
        "gates": [],
        "pipeline": [],
        "outputs": [],
        "tagger": {
            "networks": len(plan.seeds),
            "heads": [{"name": name, "types": list(types)} for name, types in plan.heads.items()],
        },
        "pairs": _thresholds(pairs),
        "provenance": {
            "train_data": [c.title for c in plan.corpora],
            "attribution": "; ".join(c.attribution for c in plan.corpora),
            "train_hash": _hash(plan),
            "seed": plan.seeds[0],
            "engine": f"medview {__version__}",
        },
    }
    return Fitted(text_model(description, arrays), arrays, description)


def _thresholds(pairs: PairModel) -> dict[str, float]:
    return {name: round(getattr(pairs, name), 6) for name in ("bias", "least", "best")}


def _hash(plan: TextPlan) -> str:
    digest = hashlib.sha256()
    for corpus in plan.corpora:
        for part in plan.parts:
            digest.update(corpus.file(part).read_bytes())
    return f"sha256:{digest.hexdigest()}"


def _abstracts(plan: TextPlan, head: str, parts: tuple[str, ...]) -> list[Abstract]:
    corpus = next(c for c in plan.corpora if c.head == head)
    return [a for part in parts for a in read_abstracts(corpus.file(part))]


def _figures(plan: TextPlan, model: TextModel) -> Figures:
    found: Figures = {}
    for corpus in plan.corpora:
        tally = judged(model, read_abstracts(corpus.file("dev")), corpus.head)
        found |= {f"{corpus.head}.{name}": value for name, value in figures(tally).items()}
    return found


def write_folder(
    plan: TextPlan, fitted: Fitted, judgement: tuple[Figures, Figures], folder: Path
) -> Path:
    """The model's folder, checked as any other before it takes the old one's place."""
    metrics, estimate = judgement
    with at_work_in(folder), model_in(folder) as new:
        (new / WEIGHTS).write_bytes(save(dict(fitted.arrays)))
        _write_json(new / "model.json", fitted.description)
        _write_json(new / "eval.json", {"metrics": metrics, "estimate": estimate})
        (new / "card.md").write_text(write_card(plan, estimate), encoding="utf-8")
        shutil.copyfile(plan.path, new / "train.toml")
        seal_folder(new)
    return folder / "model"


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

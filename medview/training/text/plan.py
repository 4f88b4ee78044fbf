"""The TOML file of a model on texts: corpora, recipe, and words."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.plan import read_part, require_table
from medview.training.plan_checks import impossible, require_card, require_named


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Annotated abstracts. head: the corpus; train, dev: files below MEDVIEW_DATA."""

    head: str
    types: tuple[str, ...]
    train: str
    dev: str
    title: str
    licence: str
    attribution: str

    def file(self, part: str) -> Path:
        """The file of `train` or `dev`. Raises InvalidInput when it is not there."""
        name = self.train if part == "train" else self.dev
        path = Path(os.environ.get("MEDVIEW_DATA", ".")) / name
        if not path.is_file():
            raise InvalidInput(
                say("The training data are not there."),
                name,
                say("Set MEDVIEW_DATA to the folder that holds them."),
            )
        return path


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """How it is fitted. batch: tokens of a step; rate: the highest, after a short rise."""

    epochs: int = 6
    batch: int = 1600
    rate: float = 6e-3
    decay: float = 1e-4
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Widths of the parts; `dropout` of what goes into the recurrent layer and out of it."""

    word: int = 48
    gram: int = 64
    small: int = 8
    hidden: int = 64
    dropout: float = 0.3
    wide_dropout: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Ship:
    """parts: what the weights that ship learn from; seeds: of the taggers that are averaged;
    penalty: of the pairs."""

    parts: tuple[str, ...]
    seeds: tuple[int, ...]
    penalty: float


@dataclass(frozen=True, kw_only=True)
class TextPlan:
    """A whole TOML file, checked. parts: what the weights that ship learn from."""

    path: Path
    corpora: tuple[Corpus, ...]
    parts: tuple[str, ...]
    seeds: tuple[int, ...]
    penalty: float
    recipe: TextRecipe
    sizes: Sizes
    model: Mapping[str, Any]
    card: Mapping[str, str]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model["name"])

    @property
    def heads(self) -> dict[str, tuple[str, ...]]:
        """The types of each corpus."""
        return {corpus.head: corpus.types for corpus in self.corpora}


def is_text(path: Path) -> bool:
    """Whether a TOML file trains a model on texts; False for what is no readable TOML."""
    try:
        return "corpora" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def read_text_plan(path: Path) -> TextPlan:
    """Read and check a TOML file. Raises InvalidInput in one sentence."""
    loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    corpora = loaded["corpora"]
    if not isinstance(corpora, list) or not all(isinstance(each, dict) for each in corpora):
        raise impossible("corpora")
    ship = read_part(Ship, require_table(loaded, "ship"), "ship")
    if not (ship.seeds and ship.parts and set(ship.parts) <= {"train", "dev"}):
        raise impossible("ship")
    model, card = require_table(loaded, "model"), require_table(loaded, "card")
    require_named(model)
    require_card(card, ("use", "method", "limits"))
    return TextPlan(
        path=path.resolve(),
        corpora=tuple(read_part(Corpus, each, "corpora") for each in corpora),
        parts=ship.parts,
        seeds=ship.seeds,
        penalty=ship.penalty,
        recipe=read_part(TextRecipe, require_table(loaded, "recipe"), "recipe"),
        sizes=read_part(Sizes, require_table(loaded, "sizes"), "sizes"),
        model=model,
        card=card,
    )

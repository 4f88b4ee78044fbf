"""The scores that there are: those of the catalogue, and trained models on tables as research."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from medview.core.errors import ModelUnavailable

if TYPE_CHECKING:
    from medview.risk import Score

_log = logging.getLogger("medview.session")
_read: dict[str, Mapping[str, Score]] = {}
_cards: dict[str, str] = {}
_lock = threading.Lock()


def research_scores() -> Mapping[str, Score]:
    """Every tabular model that may run, by name. The first call reads and checks their folders."""
    with _lock:
        if "scores" not in _read:
            _read["scores"] = _load()
        return _read["scores"]


def all_scores() -> Mapping[str, Score]:
    """The catalogue, then the research models. May block as `research_scores` does."""
    from medview.risk import catalogue

    return {**catalogue(), **research_scores()}


def scores_at_hand() -> Mapping[str, Score]:
    """As `all_scores`, without what has not been read yet: for the window's thread."""
    from medview.risk import catalogue

    return {**catalogue(), **_read.get("scores", {})}


def card_of(name: str) -> str:
    """The card of a research model that was read, as Markdown; empty for any other."""
    return _cards.get(name, "")


def _load() -> Mapping[str, Score]:
    from medview.ai.catalogue import read_catalogue
    from medview.ai.schema_tabular import WEIGHTS
    from medview.risk.research import research_score
    from medview.risk.tabular import read_model

    found = {}
    for folder in read_catalogue().models:
        if folder.kind != "tabular":
            continue
        try:
            model = read_model(folder.description, folder.content(WEIGHTS))
            found[folder.name] = research_score(folder.description, model)
            _cards[folder.name] = folder.card()
        except (ModelUnavailable, KeyError, ValueError) as error:
            _log.error("a model cannot be used", extra={"detail": f"{folder.name} {error}"})
    return found

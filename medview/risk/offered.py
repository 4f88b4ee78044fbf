"""Which scores belong to a kind of study, whatever is known of the patient."""

from __future__ import annotations

from collections.abc import Iterable

from medview.core.body_parts import has_word, named_parts, names_an_animal
from medview.core.study import Series, Study
from medview.risk.score import Score, StudyKind

_MOST = 6  # a list that is longer is not read


def offered(scores: Iterable[Score], study: Study | None) -> tuple[Score, ...]:
    """Scores made for what the study shows, by its modalities, body parts and titles; few."""
    if study is None or names_an_animal(study.description):
        return ()
    texts = [(series.modality, _text(study, series)) for series in study.series]
    found = (
        score
        for score in scores
        if any(_is_of(kind, modality, text) for kind in score.offered for modality, text in texts)
    )
    return tuple(found)[:_MOST]


def _text(study: Study, series: Series) -> str:
    protocol = series.header.get("ProtocolName", "")
    return f"{series.body_part} {series.description} {protocol} {study.description}"


def _is_of(kind: StudyKind, modality: str, text: str) -> bool:
    if modality not in kind.modalities:
        return False
    is_there = not kind.parts or not named_parts(text).isdisjoint(kind.parts)
    return is_there and (not kind.words or has_word(text, kind.words))

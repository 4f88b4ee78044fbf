"""Everything that the risk room can say exists in Chinese, with the same places to fill."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest

from medview.core.observation import SOURCE_KINDS, concepts
from medview.core.paths import resources_dir
from medview.core.words import Sentence
from medview.risk import Score, catalogue, guideline_of


def _said_by(score: Score) -> Iterator[Sentence]:
    yield from (score.title, score.subtitle, score.population)
    yield from (exclusion.reason for exclusion in score.exclusions)
    for band in score.bands:
        yield band.title
        if band.advice is not None:
            yield band.advice


@pytest.fixture(scope="module")
def chinese() -> Mapping[str, str]:
    """All fragments of the translation together."""
    words: dict[str, str] = {}
    for path in sorted((resources_dir() / "translations" / "zh_CN.d").glob("*.json")):
        words |= json.loads(path.read_text(encoding="utf-8"))
    return words


@pytest.mark.parametrize("score", catalogue().values(), ids=lambda score: score.id)
def test_a_score_speaks_chinese(score: Score, chinese: Mapping[str, str]) -> None:
    said = [sentence.template for sentence in _said_by(score)] + [score.version]

    assert [template for template in said if template not in chinese] == []


def test_concepts_answers_and_sources_are_named_in_chinese(chinese: Mapping[str, str]) -> None:
    names = [concept.title for concept in concepts().values()]
    words = [word for concept in concepts().values() for word in concept.choices]

    assert [t for t in (*names, *words, *SOURCE_KINDS) if t not in chinese] == []


def test_translations_fill_the_same_places(chinese: Mapping[str, str]) -> None:
    def places(template: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)\}", template))

    assert [en for en, zh in chinese.items() if places(en) != places(zh)] == []


def test_advice_that_names_a_guideline_by_its_year_leads_to_it() -> None:
    said = [
        band.advice.english()
        for score in catalogue().values()
        for band in score.bands
        if band.advice is not None
        and re.match(r"[A-Z]{2,}\S* (19|20)\d\d\b", band.advice.english())
    ]

    assert len(said) > 10
    assert [words for words in said if not guideline_of(words)] == []

"""docs/scores.md says what the shipped scores are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from medview.risk import catalogue

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_scores", DOCS / "make_scores.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_scores_is_current(script: ModuleType) -> None:
    text = (DOCS / "scores.md").read_text(encoding="utf-8")

    assert text == script.page(*script.figures_of(text))


def test_the_page_names_every_score_with_its_source(script: ModuleType) -> None:
    text = (DOCS / "scores.md").read_text(encoding="utf-8")

    assert all(f"(`{score.id}`)" in text and score.doi in text for score in catalogue().values())


def test_the_page_says_where_points_were_checked_besides_their_source() -> None:
    text = (DOCS / "scores.md").read_text(encoding="utf-8")
    checked = [score for score in catalogue().values() if score.checked]

    assert len(checked) >= 11
    assert all(len(set(score.checked)) == 2 for score in checked)
    assert all(place in text for score in checked for place in score.checked)


def test_the_figures_of_the_page_are_those_of_the_public_cases(
    script: ModuleType, clinical_data: Path
) -> None:
    text = (DOCS / "scores.md").read_text(encoding="utf-8")

    measured = script.measured(clinical_data / "risk" / "vectors.json.gz")
    assert measured == script.figures_of(text)

"""How what is read in texts is counted against annotators."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from medview.core.errors import InvalidInput
from medview.training.text.abstracts import Reading, count_abstract
from medview.training.text.contexts import count_condition, read_condition
from medview.training.text.corpora import read_abstracts
from medview.training.text.notes import count_note, read_notes
from medview.training.text.scores import Tally, f1_figure, macro_figure, share_figure

ROW = {
    "pmid": "1", "title": "Lithium and tremor.", "abstract": "Lithium causes fine tremor.",
    "entities": [
        {"start": 0, "end": 7, "type": "Chemical", "id": "C1", "text": "Lithium"},
        {"start": 12, "end": 18, "type": "Disease", "id": "D1", "text": "tremor"},
        {"start": 20, "end": 27, "type": "Chemical", "id": "C1", "text": "Lithium"},
        {"start": 40, "end": 46, "type": "Disease", "id": "D1|D2", "text": "tremor"},
    ],
    "relations": [{"type": "CID", "chemical": "C1", "disease": "D1"}],
}  # fmt: skip
PUBTATOR = (
    "1|t|Lithium and tremor.\n1|a|Lithium causes fine tremor.\n"
    "1\t0\t7\tLithium\tChemical\tC1\n1\t12\t18\ttremor\tDisease\tD1\n"
    "1\t20\t27\tLithium\tChemical\tC1\n1\t40\t46\ttremor\tDisease\tD1|D2\n1\tCID\tC1\tD1\n"
)


@pytest.fixture
def abstracts(tmp_path: Path) -> Path:
    """The row as a compressed file."""
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(ROW).encode() + b"\n"))
    return path


def test_abstracts_are_the_same_from_json_lines_and_from_pubtator(
    abstracts: Path, tmp_path: Path
) -> None:
    other = tmp_path / "set.txt"
    other.write_text(PUBTATOR, encoding="utf-8")
    (first,), (second,) = read_abstracts(abstracts), read_abstracts(other)
    assert first == second
    assert first.text[40:46] == "tremor"
    assert first.pairs == {("C1", "D1")}


def test_a_name_with_another_end_is_both_too_much_and_missed(abstracts: Path) -> None:
    (gold,) = read_abstracts(abstracts)
    tally = Tally()
    ours = Reading({(0, 7, "Chemical"), (20, 27, "Chemical"), (35, 46, "Disease")})
    count_abstract(tally, gold, ours, ("Chemical", "Disease"))
    assert f1_figure(tally, "chemical")["value"] == 1.0
    assert f1_figure(tally, "disease")["value"] == 0.0
    whole = f1_figure(tally, "all")
    assert (whole["precision"], whole["recall"]) == (0.6667, 0.5)
    assert whole["interval"][0] <= whole["value"] <= whole["interval"][1]


def test_a_pair_counts_where_its_spans_are_gold_mentions_of_both_ids(abstracts: Path) -> None:
    (gold,) = read_abstracts(abstracts)
    chemical, disease = {(0, 7, "Chemical")}, {(12, 18, "Disease")}
    for tail, counts in ((disease, [1, 0, 0]), ({(12, 19, "Disease")}, [0, 1, 1])):
        tally = Tally()
        count_abstract(tally, gold, Reading((), [(chemical, tail)]), ("Chemical", "Disease"))
        assert tally.rows("relation").tolist() == [counts]


def test_conditions_are_read_where_they_stand_in_capitals() -> None:
    rows = [
        {"id": 1, "report": 7, "condition": "edema", "negation": "Negated",
         "sentence": "Extremities reveal no cyanosis or EDEMA.", "temporality": "Recent"},
        {"id": 2, "report": 8, "condition": "stroke", "negation": "Affirmed",
         "sentence": "She has a history of STROKE.", "temporality": "Historical"},
    ]  # fmt: skip
    tally = Tally()
    for row in rows:
        count_condition(tally, row, read_condition(row))
    assert f1_figure(tally, "negated")["value"] == 1.0
    times = ["temporality.Recent", "temporality.Historical", "temporality.Not particular"]
    assert macro_figure(tally, times)["value"] == 1.0  # nobody said "Not particular": it is no F1


def _note(**changes: Any) -> dict[str, Any]:
    entities = [
        {"id": "T1", "type": "drug", "start": 0, "end": 8, "text": "Warfarin"},
        {"id": "T2", "type": "dose", "start": 9, "end": 13, "text": "5 mg",
         "value": {"num": 5, "unit": "mg"}},
        {"id": "T3", "type": "symptom", "start": 18, "end": 26, "text": "bleeding",
         "attrs": {"negated": True}},
    ]  # fmt: skip
    return {
        "schema": "medview-note/1", "id": "n", "lang": "en", "text": "Warfarin 5 mg, no bleeding.",
        "entities": entities, "relations": [{"type": "drug_dose", "head": "T1", "tail": "T2"}],
    } | changes  # fmt: skip


def test_notes_are_counted_by_mention_attribute_relation_and_value() -> None:
    gold, ours = _note(), _note()
    ours["entities"] = [
        {**ours["entities"][0]},
        {**ours["entities"][1], "value": {"num": 5000, "unit": "ug"}},  # the same, in another unit
        {**ours["entities"][2], "attrs": {"uncertain": True}},
    ]
    tally = Tally()
    count_note(tally, gold, ours)
    assert f1_figure(tally, "entities")["value"] == 1.0
    assert f1_figure(tally, "relations")["value"] == 1.0
    assert share_figure(tally, "value")["value"] == 1.0
    assert tally.rows("context.negated").tolist() == [[0, 0, 1]]
    assert tally.rows("context.uncertain").tolist() == [[0, 1, 0]]
    assert share_figure(tally, "accuracy.negated")["value"] == 0.5


def test_gold_notes_whose_mentions_are_not_the_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(_note(text="Warfarin 5 mg, no bruising.")), encoding="utf-8")
    with pytest.raises(InvalidInput):
        read_notes(path)

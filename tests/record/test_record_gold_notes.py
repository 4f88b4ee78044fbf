"""The project's own annotated notes (`tests/data/notes`) are read as they were marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.training.text.notes import count_note, our_note, read_notes
from medview.training.text.scores import Tally, f1_of

NOTES = Path(__file__).parents[1] / "data" / "notes"


@pytest.mark.parametrize("name", ["en", "zh", "second-en", "second-zh"])
def test_notes_are_read_as_they_were_marked(name: str) -> None:
    tally = Tally()
    for note in read_notes(NOTES / f"{name}.jsonl"):
        count_note(tally, note, our_note(note["text"], note["lang"], None))
    f1 = {name: f1_of(tally.rows(name).sum(0)) for name in tally.names}
    assert f1["entities"] > 0.85
    assert f1["context.negated"] > 0.95
    assert f1["relations"] > 0.65


@pytest.mark.parametrize(
    ("sentence", "name", "temporality"),
    [
        ("Call also for any weight gain, nausea or vomiting.", "nausea", "hypothetical"),
        ("If she has any chest pain she should return.", "chest pain", "hypothetical"),
        ("Vancomycin was stopped.", "Vancomycin", "historical"),
        ("She had lumbar surgery in 2019.", "lumbar surgery", "historical"),
        ("History of asthma, denies cough.", "cough", "current"),
        ("肝动脉化疗栓塞术后3月。", "肝动脉化疗栓塞术", "historical"),
        ("既往高血压病史20年，口服硝苯地平。", "硝苯地平", "current"),
    ],
)
def test_time_follows_the_cue(sentence: str, name: str, temporality: str) -> None:
    note = our_note(sentence, "zh" if sentence[-1] == "。" else "en", None)
    entity = next(e for e in note["entities"] if e["text"] == name)
    assert entity.get("attrs", {}).get("temporality", "current") == temporality


@pytest.mark.parametrize(
    ("sentence", "relation"),
    [
        ("Multiple lesions in the liver, the largest 34 mm, likely metastases.",
         ("finding_size", "lesions", "34 mm")),
        ("予左氧氟沙星0.5g静脉滴注qd，用药后出现皮疹。", ("adverse_effect", "左氧氟沙星", "皮疹")),
        ("予左氧氟沙星0.5g静脉滴注qd。", ("drug_route", "左氧氟沙星", "静脉滴注")),
    ],
)  # fmt: skip
def test_relations_reach_over_doses_and_back(sentence: str, relation: tuple[str, str, str]) -> None:
    note = our_note(sentence, "zh" if sentence[-1] == "。" else "en", None)
    by_id = {e["id"]: e["text"] for e in note["entities"]}
    assert relation in {(r["type"], by_id[r["head"]], by_id[r["tail"]]) for r in note["relations"]}


def test_a_number_after_image_is_no_age() -> None:
    note = our_note("Nodule (series 4, image 88), previously 9 mm.", "en", None)
    assert "demographic" not in {e["type"] for e in note["entities"]}

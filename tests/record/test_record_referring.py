"""Which image and which part of a lung a sentence names, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.record import Note, extract, read_document
from medview.record.referring import Mentioned, mentioned_place


def note_of(folder: Path, text: str) -> Note:
    path = folder / "note.txt"
    path.write_text(text, encoding="utf-8")
    return extract(read_document(path))


def place_of(folder: Path, text: str, mention: str) -> Mentioned:
    note = note_of(folder, text)
    return mentioned_place(note, next(e for e in note.entities if e.text == mention))


@pytest.mark.parametrize(
    ("text", "mention", "series", "image", "part"),
    [
        (
            "An 8 mm nodule in the right upper lobe, series 3 image 45.",
            "nodule", 3, 45, "right upper lobe",
        ),
        ("Nodule (se 3, im 45).", "Nodule", 3, 45, ""),
        ("Nodule, Se/Im 3/45, unchanged.", "Nodule", 3, 45, ""),
        ("There is a nodule on image 12.", "nodule", None, 12, ""),
        ("Nodule on slice 12 mm thick.", "Nodule", None, None, ""),
        ("右肺上叶见8mm结节（序列3，图像45）。", "结节", 3, 45, "right upper lobe"),
        ("左肺下叶结节，第3序列第45层。", "结节", 3, 45, "left lower lobe"),
        ("Effusion. A nodule in the RUL.", "Effusion", None, None, ""),
        (
            "Nodule, series 3 image 45. Effusion, series 4 image 7.",
            "Effusion", 4, 7, "",
        ),
        (
            "Nodule (series 3 image 45) and cyst (series 4 image 7).",
            "Nodule", 3, 45, "",
        ),
    ],
)  # fmt: skip
def test_a_sentence_says_where_its_finding_is(
    tmp_path: Path, text: str, mention: str, series: int | None, image: int | None, part: str
) -> None:
    found = place_of(tmp_path, text, mention)

    assert (found.series, found.image, found.part) == (series, image, part)


def test_two_lobes_in_one_sentence_are_told_apart_by_the_relation(tmp_path: Path) -> None:
    text = "Nodule in the right upper lobe. Atelectasis in the left lower lobe."

    assert place_of(tmp_path, text, "Nodule").part == "right upper lobe"
    assert place_of(tmp_path, text, "Atelectasis").part == "left lower lobe"


def test_a_mention_without_a_place_says_nothing(tmp_path: Path) -> None:
    assert place_of(tmp_path, "He has diabetes.", "diabetes").says_nothing

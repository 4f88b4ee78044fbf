"""Reports as they are written elsewhere: British abbreviations, telegraphic style, PRC reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.record import Note, extract, read_document
from medview.session.text_model import shipped_text_model


def note_of(text: str, folder: Path) -> Note:
    path = folder / "note.txt"
    path.write_text(text, encoding="utf-8")
    return extract(read_document(path), tagger=shipped_text_model())


def named(note: Note) -> set[tuple[str, str]]:
    return {(entity.text, entity.type) for entity in note.entities}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Meds: metformin 500 mg BD, tamsulosin 400 mcg nocte.",
         {("BD", "frequency"), ("tamsulosin", "drug"), ("400 mcg", "dose")}),
        ("Paracetamol 1 g qds, amoxicillin 500 mg tds.",
         {("qds", "frequency"), ("tds", "frequency")}),
        ("CT KUB: 5 mm calculus at the left VUJ. Cyst, lower pole right kidney.",
         {("CT KUB", "procedure"), ("left VUJ", "anatomy"),
          ("lower pole right kidney", "anatomy")}),
        ("Knee: ACL intact. Patella alta. Subchondral oedema.",
         {("ACL", "anatomy"), ("Patella alta", "finding"), ("Subchondral oedema", "finding")}),
        ("USS abdomen. GB: multiple calculi. Reports SOBOE.",
         {("USS", "procedure"), ("GB", "anatomy"), ("SOBOE", "symptom")}),
        ("L4椎体Ⅰ度滑脱，L5/S1椎间盘变性。双肾未见积水。",
         {("L4椎体", "anatomy"), ("滑脱", "finding"), ("L5/S1", "anatomy"), ("积水", "finding")}),
        ("右肺磨玻璃结节，MIA待排。CT肺动脉造影未见充盈缺损。",
         {("MIA", "disease"), ("CT肺动脉造影", "procedure"), ("充盈缺损", "finding")}),
    ],
)  # fmt: skip
def test_what_is_written_in_other_styles_is_named(
    tmp_path: Path, text: str, said: set[tuple[str, str]]
) -> None:
    assert said <= named(note_of(text, tmp_path))


def test_a_distance_to_a_landmark_is_no_size(tmp_path: Path) -> None:
    note = note_of("Spiculated mass 1.6 cm, left breast, 4 cm from the nipple.", tmp_path)
    sizes = [note.entity(r.tail).text for r in note.relations if r.type == "finding_size"]
    assert sizes == ["1.6 cm"]


def test_a_place_of_the_next_clause_is_not_that_of_a_finding(tmp_path: Path) -> None:
    note = note_of("双肺纹理增多，右肺上叶见磨玻璃结节。", tmp_path)
    placed = {
        (note.entity(r.head).text, note.entity(r.tail).text)
        for r in note.relations
        if r.type == "finding_location"
    }
    assert ("磨玻璃结节", "右肺上叶") in placed
    assert not any(head.endswith("纹理增多") for head, _ in placed)


def test_a_signal_of_an_image_is_no_vertebra(tmp_path: Path) -> None:
    assert ("T2", "anatomy") not in named(note_of("左侧外周带见T2低信号结节。", tmp_path))

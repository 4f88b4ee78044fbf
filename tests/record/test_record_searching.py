"""Search finds words of both languages as a reader means them, at their true places."""

from __future__ import annotations

import pytest

from medview.core.errors import Cancelled
from medview.core.progress import CancelToken
from medview.record.searching import MOST, folded, search


def found(text: str, query: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in search({"a": text}, query)]


@pytest.mark.parametrize(
    ("text", "query", "wanted"),
    [
        ("Two nodules. A Nodule.", "nodule", ["nodules", "Nodule"]),
        ("Two nodules. A nodule.", "nodules ", ["nodules", "nodule"]),
        ("Haemorrhage; hemorrhages", "hemorrhage", ["Haemorrhage", "hemorrhages"]),
        ("oedema, edema", "oedema", ["oedema", "edema"]),
        ("A tumour and tumors", "tumor", ["tumour", "tumors"]),
        ("metastasis, metastases, metastatic", "metastases ", ["metastasis", "metastases"]),
        ("biopsies after a biopsy", "biopsy ", ["biopsies", "biopsy"]),
        ("Ménière's, CAFÉ", "meniere", ["Ménière"]),
        ("follow-up and follow up", "follow up", ["follow-up", "follow up"]),
        ("upper  lobe,\nright upper\nlobe", "upper lobe", ["upper  lobe", "upper\nlobe"]),
        ("pneumothorax", "thorax", []),
        ("a cat, concatenate", "cat ", ["cat"]),
        ("乏力，结节 8 mm，右肺上\n叶结节", "结节", ["结节", "结节"]),
        ("右肺上\n叶结节", "右肺上叶", ["右肺上\n叶"]),
        ("服阿司匹林100mg", "100", ["100mg"]),
        ("右肺nodule一枚", "右肺nodule", ["右肺nodule"]),
        ("ＣＴ检查", "ct", ["ＣＴ"]),
        ("anything", " . ", []),
        ("A nodule. 结节。", "nodule | 结节", ["nodule", "结节"]),
        ("A nodule.", "|nodule|", ["nodule"]),
    ],
)
def test_a_query_finds_what_is_meant(text: str, query: str, wanted: list[str]) -> None:
    assert found(text, query) == wanted


def test_places_are_those_of_the_text_as_it_stands() -> None:
    text = "𠮷 Straße İstanbul ﬁbrosis nodule"
    (hit,) = search({"note": text}, "nodule")

    assert (hit.key, hit.start, hit.end) == ("note", text.index("nodule"), len(text))
    assert len(folded(text)) == len(text)
    assert "nodule" in hit.context


def test_a_word_across_two_pieces_of_a_long_text_is_found_once() -> None:
    for shift in range(-9, 3):
        text = "x " * ((1 << 14) + shift // 2) + "y" * (shift % 2) + " effusion " + "z " * 40_000
        assert found(text, "effusion") == ["effusion"], shift


def test_texts_stand_in_their_order_and_far_too_many_hits_end() -> None:
    hits = search({"b": "cough", "a": "cough " * 5_000}, "cough")

    assert hits[0].key == "b"
    assert len(hits) == MOST


def test_a_search_that_nobody_waits_for_ends() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        search({"a": "x" * 100_000}, "nodule", token)


def test_a_strange_query_comes_to_an_end() -> None:
    strange = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeex 肺肺肺肺肺x"

    assert search({"a": "e" * 200_000 + "肺" * 1_000}, strange) == ()

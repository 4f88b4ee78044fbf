"""Many names in one quick pattern: the longest wins, Latin ones are whole words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medview.record.rules.alternation import one_of

NAMES = ["no", "no evidence of", "not", "未见", "未见明显", "CT未见", "r/o", "h/o"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There is no evidence of nodule", ["no evidence of"]),
        ("NO  Evidence\nof it", ["NO  Evidence\nof"]),
        ("nodule, not cancer, r/o stone", ["not", "r/o"]),
        ("双肺未见明显结节，CT未见异常", ["未见明显", "CT未见"]),
        ("knot know notes", []),
    ],
)
def test_names_are_found_as_they_are_written(text: str, found: list[str]) -> None:
    assert [m[0] for m in one_of(NAMES).finditer(text)] == found


@given(st.text(alphabet="no tevidcrf/hCT未见明显.", max_size=60))
def test_it_finds_what_a_plain_alternation_finds(text: str) -> None:
    parts = [
        re.escape(n)
        if re.search(r"[\u3400-\u9fff]", n)
        else rf"(?<![A-Za-z0-9]){re.escape(n)}(?![A-Za-z0-9])".replace(r"\ ", r"\s+")
        for n in sorted(NAMES, key=len, reverse=True)
    ]
    plain = re.compile("|".join(parts), re.IGNORECASE)

    assert [m.span() for m in one_of(NAMES).finditer(text)] == [
        m.span() for m in plain.finditer(text)
    ]

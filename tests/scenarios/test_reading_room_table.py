"""The tables of `docs/reading-room.md` name tests that exist, and a reason where one is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\|(.*\|)? (?P<state>there|absent) \| (?P<why>.+) \|$")
_TEST = re.compile(r"^`(?P<file>test_\w+\.py)(?:::(?P<test>test_\w+))?`$")


def _lines() -> list[str]:
    text = (ROOT / "docs" / "reading-room.md").read_text("utf-8")
    return [line for line in text.splitlines() if " | there | " in line or " | absent | " in line]


@pytest.mark.parametrize("line", _lines(), ids=lambda line: line.split(" | ")[0].strip("| T"))
def test_a_row_is_proven_or_says_why_it_is_missing(line: str) -> None:
    row = _ROW.match(line)
    assert row is not None, line
    if row["state"] == "absent":
        assert len(row["why"]) > 20
        return
    named = _TEST.match(row["why"])
    assert named is not None, line
    (file,) = (ROOT / "tests").rglob(named["file"])
    if named["test"]:
        assert f"def {named['test']}(" in file.read_text("utf-8")

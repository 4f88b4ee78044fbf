"""The table `docs/supported.md` is true, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medview.dicom import VolumeFill, scan

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| (?P<what>.+) \| (?P<support>\w+) \| `(?P<on>[^`]+)` \|$")


def _rows() -> list[tuple[str, str, str]]:
    lines = (ROOT / "docs" / "supported.md").read_text("utf-8").splitlines()
    found = [match for line in lines if (match := _ROW.match(line))]
    return [(match["what"], match["support"], match["on"]) for match in found]


# Documents of the record (`ehr/`) are the record's to check.
_ON_FILES = [row for row in _rows() if "/" in row[2] and not row[2].startswith("ehr/")]
_ON_TESTS = [row for row in _rows() if "/" not in row[2]]


@pytest.mark.parametrize(("what", "support", "file"), _ON_FILES, ids=[row[0] for row in _ON_FILES])
def test_what_the_table_says_of_a_file_is_true(
    imaging_data: Path, what: str, support: str, file: str
) -> None:
    found = scan([imaging_data / file])
    studies = [study for patient in found.patients for study in patient.studies]
    stacks = [stack for study in studies for series in study.series for stack in series.stacks]
    objects = [each for study in studies for each in study.objects]
    if support == "shown":
        assert stacks, what
        for stack in stacks:
            fill = VolumeFill(stack)
            fill.run()
            assert fill.ready.all()
            assert not fill.failed
    elif support == "listed":
        assert objects, what
        assert not stacks
        assert all(each.kind and each.summary for each in objects)
    else:
        assert support == "refused"
        assert not stacks
        assert [note for note in found.unreadable if note.reason]


@pytest.mark.parametrize(("what", "support", "test"), _ON_TESTS, ids=[row[0] for row in _ON_TESTS])
def test_a_made_case_of_the_table_is_a_test_that_exists(what: str, support: str, test: str) -> None:
    assert support in ("shown", "listed", "read", "noted", "refused"), what
    sources = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(f"def {test}(" in source for source in sources)


def test_every_row_of_the_table_is_read() -> None:
    lines = (ROOT / "docs" / "supported.md").read_text("utf-8").splitlines()
    bodies = [line for line in lines if line.startswith("| ") and not line.startswith("| what ")]
    assert len(bodies) == len(_rows())

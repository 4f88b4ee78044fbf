"""What is said of a result in one line: of all its findings, and in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medview.core.results import Finding, GateVerdict, ModelRef, ModelRun
from medview.core.words import set_language
from medview.gui.panels.result_cards import common_word
from medview.session.provenance_text import provenance_lines
from medview.session.work import Decision, Work


def word(decision: str) -> Decision:
    return Decision(finding_id=decision, decision=decision, at="2026-11-22T06:00:00+00:00")


@pytest.fixture
def chinese() -> Iterator[None]:
    set_language("zh_CN")
    yield
    set_language("en")


def test_accepted_and_corrected_findings_are_confirmed_together() -> None:
    accepted, edited, rejected = word("accepted"), word("edited"), word("rejected")

    assert common_word([accepted, accepted]) == accepted
    assert common_word([accepted, edited]) == edited
    assert common_word([rejected, rejected]) == rejected
    assert common_word([accepted, rejected]) is None
    assert common_word([accepted, None]) is None
    assert common_word([]) is None


def test_where_a_result_comes_from_is_told_in_the_readers_language(chinese: None) -> None:
    run = ModelRun(
        id="1", model=ModelRef(name="lungs", version="1.0.0", manifest_sha256="ab"),
        series_uid="1.2", stack=0, status="run", gate=GateVerdict("borderline", ()),
        findings=(Finding(id="a", kind="segmentation", label="right lung"),),
    )  # fmt: skip
    lines = provenance_lines(run, Work())

    told = " ".join(value for _, value in lines)
    assert "已运行" in told
    assert "临界" in told
    assert "right lung" not in [what for what, _ in lines]

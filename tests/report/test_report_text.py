"""The report as text, and what it may call a finding."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.report import ReportContent, ReportFinding, html_of, text_of, write_text

Make = Callable[..., ReportContent]


def section(text: str, heading: str) -> str:
    return text.split(f"\n{heading}\n")[1].split("\n\n", maxsplit=1)[0]


def test_only_what_the_reader_accepted_stands_under_findings(make_report: Make) -> None:
    text = text_of(make_report())

    assert "Nodule" in section(text, "FINDINGS")
    assert "Emphysema" not in section(text, "FINDINGS")
    assert "Emphysema" in section(text, "SUGGESTED BY MODELS, NOT CONFIRMED BY THE READER")


@pytest.mark.parametrize("form", [text_of, html_of])
def test_when_nothing_was_accepted_the_report_says_so(
    make_report: Make, form: Callable[[ReportContent], str]
) -> None:
    assert "No model finding was accepted by the reader." in form(make_report(accepted=()))


def test_the_notice_stands_at_both_ends(make_report: Make) -> None:
    text = text_of(make_report())

    assert text.count("Not for diagnostic use.") == 2


def test_a_risk_names_each_input_with_its_source(make_report: Make) -> None:
    risk = section(text_of(make_report()), "RISK")

    assert "Brock · 36 %" in risk
    assert "Diameter 10.2 mm, Spiculation yes (ruler)" in risk
    assert "doi:10.1056/NEJMoa1214726" in risk


def test_long_lines_wrap_in_both_scripts(make_report: Make) -> None:
    long = ReportFinding(title="右肺上叶实性毛刺结节" * 12, details=("word " * 40,))

    lines = text_of(make_report(accepted=(long,))).splitlines()

    widths = [
        sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in lines
    ]
    assert max(widths) <= 78


def test_headings_follow_the_reports_language(make_report: Make) -> None:
    text = text_of(make_report(language="zh_CN"))

    assert "不可用于诊断" in text
    assert "\n印象\n" in text
    assert "IMPRESSION" not in text


def test_what_people_wrote_cannot_change_the_page(make_report: Make) -> None:
    page = html_of(make_report(patient_name="<img src=x>", impression="</body><h1>big"))

    assert "<img src=x>" not in page
    assert "&lt;/body&gt;&lt;h1&gt;big" in page


def test_the_text_is_written_for_the_owner_alone(make_report: Make, tmp_path: Path) -> None:
    path = write_text(make_report(), tmp_path / "report.txt")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8") == text_of(make_report())

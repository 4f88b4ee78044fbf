"""The report on pages: A4, searchable in both scripts, the notice on each, nothing torn."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSizeF

from medview.core.errors import WriteFailed
from medview.report import ReportContent, ReportRisk, report_document, write_pdf
from medview.report.document import PAGE_WIDTH, keep_together

Make = Callable[..., ReportContent]


def words_of(path: Path, page: int | None = None) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext (package poppler-utils) is not installed")
    pages = ["-f", str(page), "-l", str(page)] if page else []
    return subprocess.run(
        [tool, "-layout", *pages, str(path), "-"], check=True, capture_output=True
    ).stdout.decode()


def pages_of(path: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", path.read_bytes()))


def many_risks(count: int) -> tuple[ReportRisk, ...]:
    return tuple(
        ReportRisk(title=f"Score {n}", value=f"{n} %", advice="Second line", citation=f"doi {n}")
        for n in range(count)
    )


def test_a_report_with_pictures_is_a_pdf_of_some_size_for_the_owner_alone(
    make_report: Make, tmp_path: Path
) -> None:
    path = write_pdf(make_report(), tmp_path / "report.pdf")

    data = path.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"%%EOF" in data[-64:]
    assert len(data) > 20_000
    assert path.stat().st_mode & 0o777 == 0o600


def test_everything_that_was_given_can_be_found_in_the_pdf(
    make_report: Make, tmp_path: Path
) -> None:
    found = words_of(write_pdf(make_report(), tmp_path / "report.pdf"))

    for words in (
        "DEMO^ADA", "MV-0001", "Nodule <9 mm> & emphysema.", "10.2 × 8.6 mm", "Brock", "36 %",
        "ruler", "doi:10.1056/NEJMoa1214726", "COPD since 2016", "this film shows an adult",
        "not confirmed by the reader", "Axial 128", "laboratory 2026-01-29",
    ):  # fmt: skip
        assert words in found


def test_chinese_is_embedded_and_can_be_searched(make_report: Make, tmp_path: Path) -> None:
    report = make_report(language="zh_CN", patient_lines=("女 · 67 岁 · 长征医院 · 金",))

    path = write_pdf(report, tmp_path / "report.pdf")

    found = words_of(path)
    assert "右肺上叶实性毛刺结节，女，三个月后复查。" in found
    assert "女 · 67 岁 · 长征医院 · 金" in found
    assert "不可用于诊断" in found
    assert not re.search("[\u2e80-\u2fdf]", found)  # radicals in place of characters
    assert b"CJK" in path.read_bytes()


def test_every_page_carries_notice_patient_and_number(make_report: Make, tmp_path: Path) -> None:
    path = write_pdf(make_report(risks=many_risks(60)), tmp_path / "report.pdf")

    count = pages_of(path)
    assert count >= 3
    for page in range(1, count + 1):
        found = words_of(path, page)
        assert "Not for diagnostic use" in found
        assert f"Page {page} of {count}" in found
        assert "MV-0001" in found


def test_no_item_is_torn_between_two_pages(make_report: Make, tmp_path: Path) -> None:
    path = write_pdf(make_report(risks=many_risks(60)), tmp_path / "report.pdf")

    for page in range(1, pages_of(path) + 1):
        found = words_of(path, page)
        for number in range(60):
            is_begun = f"Score {number} " in found
            assert is_begun == bool(re.search(rf"doi {number}$", found, re.MULTILINE))


def test_a_heading_stays_with_its_first_item(make_report: Make) -> None:
    for count in range(30, 44):  # the heading behind the risks wanders over the page's end
        document = report_document(make_report(risks=many_risks(count)))
        document.setPageSize(QSizeF(PAGE_WIDTH, 927))
        keep_together(document)

        block = document.begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                tops = [
                    document.documentLayout().blockBoundingRect(b).top()
                    for b in (block, block.next())
                ]
                assert len({int(top // 927) for top in tops}) == 1
            block = block.next()


def test_the_title_of_the_file_names_no_patient(make_report: Make, tmp_path: Path) -> None:
    data = write_pdf(make_report(), tmp_path / "report.pdf").read_bytes()

    title = re.search(rb"/Title \((.*?)\)\n", data, re.DOTALL)
    assert title is not None
    assert title[1].decode("utf-16") == "Report"


def test_a_report_of_nothing_but_a_name_has_one_page(tmp_path: Path) -> None:
    empty = ReportContent(title="CT", patient_name="", patient_id="X")

    path = write_pdf(empty, tmp_path / "report.pdf")

    assert pages_of(path) == 1
    assert "Findings" not in words_of(path)


def test_a_full_disk_leaves_the_old_report(make_report: Make, tmp_path: Path) -> None:
    path = write_pdf(make_report(), tmp_path / "report.pdf")
    before = path.read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(WriteFailed, match="disk is full"):
            write_pdf(make_report(title="Other"), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)

    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["report.pdf"]

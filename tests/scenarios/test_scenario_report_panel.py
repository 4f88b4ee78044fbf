"""A reader at the report panel: sees the page, writes, accepts, saves, copies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QTextBrowser
from pytestqt.qtbot import QtBot

from medview.core.geometry import PatientPoint
from medview.core.results import (
    Finding,
    Label,
    LabelMap,
    Measurement,
    ModelRef,
    ModelRun,
    Quantity,
)
from medview.core.words import say, set_language
from medview.gui.panels.report import ReportPanel
from medview.session import Session
from medview.session.events import Event, Message
from medview.session.studies import Place

# Qt without a screen says so at every first show.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def skull_run(place: Place) -> ModelRun:
    geometry = place.stack.geometry
    voxels = np.zeros(geometry.shape, np.uint8)
    voxels[40:50, 20:40, 20:40] = 1
    label = Label(value=1, name="skull", colour="#4aa3df")
    return ModelRun(
        id="run-1",
        model=ModelRef(name="skulls", version="1.0.0", manifest_sha256="ab" * 32),
        series_uid=place.series.uid,
        stack=place.stack_number,
        status="run",
        findings=(
            Finding(
                id="f1",
                kind="segmentation",
                label="skull",
                volume_mm3=61_440.0,
                centroid=geometry.centre,
                label_map_id="m",
                label_value=1,
            ),
        ),
        label_map=LabelMap(id="m", geometry=geometry, voxels=voxels, labels=(label,)),
    )


@pytest.fixture
def session(imaging_data: Path) -> Iterator[Session]:
    """A head CT with one model's finding, not yet judged."""
    opened = Session()
    opened.open([imaging_data / "ct" / "head-small"])
    assert opened.active is not None
    opened.made.keep_run(opened.active, skull_run(opened.active))
    yield opened
    opened.close()


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> ReportPanel:
    made = ReportPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 860)
    with qtbot.waitSignal(made.page_shown, timeout=60_000):
        made.show()
    return made


def page_of(panel: ReportPanel) -> str:
    return panel.findChild(QTextBrowser).document().toPlainText()


def section(text: str, heading: str) -> str:
    """The words between a heading and the next blank or heading line."""
    return text.split(f"\n{heading}\n")[1]


def button_of(panel: ReportPanel, text: str) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if b.text() == text)


def sentences(session: Session) -> list[str]:
    heard: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Message):
            heard.append(str(event.sentence))

    session.events.subscribe(listen)
    return heard


def test_a_finding_moves_under_findings_when_the_reader_accepts_it(
    panel: ReportPanel, session: Session, qtbot: QtBot
) -> None:
    before = page_of(panel)
    assert "No model finding was accepted by the reader." in before
    assert "skull" in section(before, "Suggested by models, not confirmed by the reader")

    with qtbot.waitSignal(panel.page_shown, timeout=60_000):
        session.made.decide("f1", "accepted")

    after = page_of(panel)
    assert "Suggested by models" not in after
    assert "skull" in section(after, "Findings")


def test_the_page_is_white_and_holds_pictures(panel: ReportPanel) -> None:
    viewport = panel.findChild(QTextBrowser).viewport().grab().toImage()

    assert viewport.pixelColor(viewport.width() - 2, 2).name() == "#ffffff"
    assert panel.content is not None
    assert len(panel.content.images) == 2


def test_what_the_reader_types_reaches_the_page_and_can_be_undone(
    panel: ReportPanel, session: Session, qtbot: QtBot
) -> None:
    editor = panel.findChild(QPlainTextEdit)

    with qtbot.waitSignal(panel.page_shown, timeout=60_000):
        qtbot.keyClicks(editor, "No fracture.")

    assert session.work.impression == "No fracture."
    assert "No fracture." in section(page_of(panel), "Impression")
    assert session.book is not None
    with qtbot.waitSignal(panel.page_shown, timeout=60_000):
        session.book.undo()
    assert editor.toPlainText() == ""
    assert "No fracture." not in page_of(panel)


def test_save_pdf_writes_what_was_typed_a_moment_ago(
    panel: ReportPanel, qtbot: QtBot, tmp_path: Path, choose: Callable[..., None]
) -> None:
    out = tmp_path / "my report.pdf"
    qtbot.keyClicks(panel.findChild(QPlainTextEdit), "Typed now.")

    with qtbot.waitSignal(panel.saved, timeout=60_000):
        qtbot.mouseClick(button_of(panel, "Save PDF"), Qt.MouseButton.LeftButton)
        choose(panel, out)

    assert out.read_bytes().startswith(b"%PDF-")
    assert len(out.read_bytes()) > 20_000
    text = out.with_suffix(".txt")
    with qtbot.waitSignal(panel.saved, timeout=60_000):
        panel.save_to(text)
    assert "Typed now." in text.read_text(encoding="utf-8")


def test_copy_text_puts_the_report_on_the_clipboard(panel: ReportPanel, qtbot: QtBot) -> None:
    qtbot.mouseClick(button_of(panel, "Copy text"), Qt.MouseButton.LeftButton)

    copied = QGuiApplication.clipboard().text()
    assert "SUGGESTED BY MODELS, NOT CONFIRMED BY THE READER" in copied
    assert "Not for diagnostic use." in copied


def test_save_objects_writes_seg_and_sr_with_the_decision(
    panel: ReportPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    active = session.active
    assert active is not None
    assert session.book is not None
    centre = active.stack.geometry.centre
    ruler = Measurement(
        id="m1",
        kind="length",
        series_uid=active.series.uid,
        stack=0,
        points=(centre, PatientPoint(centre.x + 10, centre.y, centre.z)),
        normal=(0, 0, 1),
        quantities=(Quantity(concept="Length", value=10.0, unit="mm"),),
    )
    session.book.change(say("Measure a length"), measurements=(ruler,))
    session.made.decide("f1", "rejected")

    with qtbot.waitSignal(panel.saved, timeout=60_000):
        panel.save_objects_to(tmp_path / "dicom")

    written = [pydicom.dcmread(path) for path in (tmp_path / "dicom").glob("*.dcm")]
    # What the model found, what the reader said of it, and what the reader measured.
    assert sorted(dataset.Modality for dataset in written) == ["SEG", "SR", "SR", "SR"]
    verified = [each for each in written if each.get("VerificationFlag") == "VERIFIED"]
    assert any("Rejected by the reader" in str(dataset) for dataset in verified)
    document = json.loads((tmp_path / "dicom/results.json").read_text(encoding="utf-8"))
    assert document["runs"][0]["model"]["name"] == "skulls"


def test_a_folder_that_cannot_be_written_is_one_sentence(
    panel: ReportPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    heard = sentences(session)
    (tmp_path / "file").write_text("", encoding="utf-8")

    panel.save_to(tmp_path / "file" / "report.pdf")

    qtbot.waitUntil(lambda: any("could not be written" in s for s in heard), timeout=60_000)
    qtbot.waitUntil(lambda: not panel.is_busy)


def test_the_page_speaks_chinese_at_once(panel: ReportPanel, qtbot: QtBot) -> None:
    set_language("zh_CN")

    with qtbot.waitSignal(panel.page_shown, timeout=60_000):
        panel.retranslate()

    assert "不可用于诊断" in page_of(panel)
    assert button_of(panel, "保存 PDF")


def test_without_a_study_the_panel_teaches(qtbot: QtBot) -> None:
    empty = Session()
    panel = ReportPanel(empty)
    qtbot.addWidget(panel)
    panel.show()

    assert not button_of(panel, "Save PDF").isVisible()
    assert not panel.is_busy
    empty.close()

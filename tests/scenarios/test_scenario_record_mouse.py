"""A reader at the demo's record with the mouse alone."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.core.geometry import VoxelIndex
from medview.core.results import Finding, ModelRef, ModelRun
from medview.core.words import say
from medview.gui.panels.record import RecordPanel
from medview.gui.panels.record_document import DocumentCard
from medview.gui.panels.record_lists import StatementsCard
from medview.gui.panels.record_timeline import TimelineCard, TimelineStrip
from medview.gui.panels.record_trend import SeriesLine, TrendPlot
from medview.gui.window import MainWindow
from medview.record import Entity
from medview.session.events import ShowSource
from medview.session.mentions import query_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
LEFT = Qt.MouseButton.LeftButton
Quiet = Callable[..., None]


@pytest.fixture
def panel(opened: MainWindow, qtbot: QtBot) -> RecordPanel:
    """The record in front, beside the demo's images."""
    tabs = {tab.accessibleName(): tab for tab in opened.sidebar._tabs.values()}
    qtbot.mouseClick(tabs["Record"], LEFT)
    qtbot.waitUntil(lambda: bool(shown(opened.sidebar.record, DocumentCard)))
    return opened.sidebar.record


def shown(panel: QWidget, kind: type) -> list:
    return [found for found in panel.findChildren(kind) if found.isVisible()]


def view(panel: RecordPanel, name: str, qtbot: QtBot) -> None:
    qtbot.mouseClick(panel.top.views[name], LEFT)


def link(parent: QWidget, text: str) -> QPushButton:
    return next(b for b in parent.findChildren(QPushButton) if b.text() == text)


def click_mention(card: DocumentCard, text: str, qtbot: QtBot) -> Entity:
    """A click on the first mention with these words."""
    entity = next(e for e in card.text.placed if e.text == text)
    place = card.text.place_of(entity.id)
    assert place is not None
    qtbot.mouseClick(card.text.viewport(), LEFT, pos=place.center().toPoint())
    qtbot.waitUntil(lambda: card.bar is not None)
    return entity


def letter_of(panel: RecordPanel, start: str) -> DocumentCard:
    cards = shown(panel, DocumentCard)
    return next(c for c in cards if c.accessibleName().startswith(start))


def add_note(window: MainWindow, folder: Path, text: str, quiet: Quiet, qtbot: QtBot) -> None:
    """Drop a letter about the demo's patient on the window."""
    path = folder / "letter.txt"
    head = "Radiology letter\nPatient ID: MV-0001\nDate of birth: 1958-11-03\nSex: female\n"
    path.write_text(f"{head}Date: 2026-01-31\n\n{text}\n", encoding="utf-8")
    window.open_paths([path])
    quiet(window)
    panel = window.sidebar.record
    qtbot.waitUntil(
        lambda: any(c.accessibleName() == "Radiology letter" for c in shown(panel, DocumentCard))
    )


def creatinines(panel: RecordPanel) -> list[SeriesLine]:
    """Lines of the list of labs; they come one after the other."""
    lines = shown(panel, SeriesLine)
    return [s for s in lines if s.findChildren(QPushButton)[0].text() == "Creatinine"]


def said_of(card: DocumentCard) -> str:
    """What the bar of a mention says; places are sought in a thread."""
    return "" if card.bar is None else "".join(x.text() for x in card.bar.findChildren(QLabel))


def test_the_summary_lists_problems_medicines_allergies_and_labs(
    panel: RecordPanel, qtbot: QtBot
) -> None:
    view(panel, "summary", qtbot)
    qtbot.waitUntil(lambda: panel.is_whole and bool(creatinines(panel)), timeout=60_000)

    names = [card.accessibleName() for card in shown(panel, StatementsCard)]
    assert [name.partition(":")[0] for name in names[:3]] == ["Problems", "Medicines", "Allergies"]
    (creatinine,) = creatinines(panel)
    qtbot.mouseClick(link(creatinine, "Creatinine"), LEFT)
    (plot,) = creatinine.findChildren(TrendPlot)

    def is_seen() -> bool:
        panel.show_widget(plot)  # what the wheel does
        return plot.is_made

    qtbot.waitUntil(is_seen)
    assert "values from 0.81 (2020-03-09)" in plot.accessibleName()


def test_a_source_in_a_list_leads_to_its_sentence(panel: RecordPanel, qtbot: QtBot) -> None:
    view(panel, "summary", qtbot)
    qtbot.waitUntil(lambda: bool(shown(panel, StatementsCard)))
    problems = shown(panel, StatementsCard)[0]
    chip = next(b for b in problems.findChildren(QPushButton) if b.text() == "sentence")
    qtbot.mouseClick(chip, LEFT)

    qtbot.waitUntil(lambda: any(c.text.pointed_text() for c in shown(panel, DocumentCard)))
    assert panel.view == "documents"


def test_a_mark_of_the_timeline_opens_what_stands_there(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot
) -> None:
    view(panel, "timeline", qtbot)
    qtbot.waitUntil(lambda: bool(shown(panel, TimelineStrip)))
    (strip,) = shown(panel, TimelineStrip)
    kinds = {mark.kind for mark in strip.marks}
    assert {"study", "document", "lab", "finding"} <= kinds

    many = max(strip.marks, key=lambda mark: len(mark.happenings))
    qtbot.mouseClick(strip, LEFT, pos=strip.place_of(many).toPoint())
    (card,) = shown(panel, TimelineCard)
    letter = next(h for h in strip.marks[0].happenings if h.kind == "study")
    assert letter.locator.startswith("series:")
    for one in many.happenings:
        qtbot.waitUntil(
            lambda said=one.title: any(
                b.isVisible() and b.toolTip() == said for b in card.findChildren(QPushButton)
            )
        )


def test_a_study_on_the_timeline_comes_into_view(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet
) -> None:
    view(panel, "timeline", qtbot)
    qtbot.waitUntil(lambda: bool(shown(panel, TimelineCard)))
    (card,) = shown(panel, TimelineCard)
    studies = [
        b for b in card.findChildren(QPushButton) if b.accessibleName().startswith("Studies")
    ]
    assert studies
    said = studies[-1].accessibleName()
    qtbot.mouseClick(studies[-1], LEFT)
    quiet(opened)

    assert opened.session.active is not None
    assert opened.session.active.study.date in said


def test_search_counts_hits_as_one_types_and_goes_through_them(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet
) -> None:
    bar = panel.top.search
    qtbot.mouseClick(bar.field, LEFT)
    qtbot.keyClicks(bar.field, "nodule")
    qtbot.waitUntil(lambda: bar.count.text().startswith("1 / "))
    total = int(bar.count.text().split(" / ")[1])
    assert total == len(panel.searching.hits) > 2

    qtbot.mouseClick(bar.forward, LEFT)
    assert bar.count.text() == f"2 / {total}"
    qtbot.mouseClick(bar.back, LEFT)
    qtbot.mouseClick(bar.back, LEFT)
    assert bar.count.text() == f"{total} / {total}"
    pointed = [c.text.pointed_text() for c in shown(panel, DocumentCard) if c.text.pointed_text()]
    assert "nodule" in pointed[-1].casefold()

    bar.field.clear()
    bar.field.insert("结节")  # what an input method does
    qtbot.waitUntil(lambda: bool(panel.searching.hits) and bar.count.text().startswith("1 / "))
    bar.field.clear()
    qtbot.keyClicks(bar.field, "zebra")
    qtbot.waitUntil(lambda: bar.count.text() == "no hit")


def test_the_report_is_searched_too(opened: MainWindow, panel: RecordPanel, qtbot: QtBot) -> None:
    assert opened.session.book is not None
    opened.session.book.change(say("Write"), impression="A zebra in the waiting room.")
    qtbot.keyClicks(panel.top.search.field, "zebras")
    qtbot.waitUntil(lambda: opened.sidebar.tab == "report")


def test_a_mention_with_series_and_image_takes_the_views_there(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    place = opened.session.active
    assert place is not None
    frame = place.stack.frames[3]
    said = f"8 mm nodule in the right upper lobe, series {place.series.number} "
    add_note(opened, tmp_path, f"{said}image {frame.instance_number}.", quiet, qtbot)
    card = letter_of(panel, "Radiology")
    click_mention(card, "nodule", qtbot)
    quiet(opened)

    assert card.bar is not None
    assert link(card.bar, card.bar.chips["go"].text()).text().startswith("↗ Show series")
    qtbot.waitUntil(lambda: opened.grid.active_view.stage.index == 3)


def test_what_cannot_be_located_is_said(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    add_note(opened, tmp_path, "A nodule, series 977 image 4.", quiet, qtbot)
    card = letter_of(panel, "Radiology")
    click_mention(card, "nodule", qtbot)

    qtbot.waitUntil(lambda: "has no series 977" in said_of(card))
    assert card.bar is not None
    assert "go" not in card.bar.chips


def test_a_wrong_word_is_put_right_and_the_risks_follow(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    add_note(opened, tmp_path, "No history of stroke.", quiet, qtbot)

    def stroke() -> set[object]:
        known = opened.session.observations()
        return {o.value for o in known if o.concept == "stroke_tia_embolism" and _is_ours(o)}

    def _is_ours(one: object) -> bool:
        return "Radiology letter" in str(one)

    assert stroke() == {False}
    card = letter_of(panel, "Radiology")
    click_mention(card, "stroke", qtbot)
    assert card.bar is not None
    qtbot.mouseClick(card.bar.chips["no"], LEFT)
    qtbot.waitUntil(lambda: stroke() == {True})
    quiet(opened)

    qtbot.waitUntil(lambda: any(c.bar is not None for c in shown(panel, DocumentCard)))
    fresh = letter_of(panel, "Radiology")
    assert "stroke\u2009history·✎" in fresh.text.toPlainText()
    opened.reactions.undo()
    qtbot.waitUntil(lambda: stroke() == {False})


def test_words_that_were_passed_over_are_marked_with_the_mouse(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    add_note(opened, tmp_path, "He has the wobbly gait thing.", quiet, qtbot)
    card = letter_of(panel, "Radiology")
    text = card.text
    plain = text.toPlainText()
    start = plain.index("wobbly")
    ends = []
    for position in (start, start + len("wobbly gait thing")):
        cursor = text.textCursor()
        cursor.setPosition(position)
        ends.append(text.cursorRect(cursor).center())
    qtbot.mousePress(text.viewport(), LEFT, pos=ends[0])
    drag = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(ends[1]),
        QPointF(text.viewport().mapToGlobal(ends[1])),
        LEFT,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(text.viewport(), drag)
    qtbot.mouseRelease(text.viewport(), LEFT, pos=ends[1])
    qtbot.waitUntil(lambda: card.bar is not None)
    assert card.bar is not None
    card.bar.kinds.setCurrentIndex(card.bar.kinds.findData("disease"))
    qtbot.mouseClick(link(card.bar, "Mark"), LEFT)
    qtbot.waitUntil(
        lambda: any(
            e.text == "wobbly gait thing" for c in shown(panel, DocumentCard) for e in c.text.placed
        )
    )
    (kept,) = opened.session.work.corrections
    assert (kept.was, kept.type) == (None, "disease")
    assert kept.by


def test_the_record_is_saved_as_fhir_and_corrections_as_notes(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    opened.session.settings = replace(opened.session.settings, reader_name="Dr Reed")
    add_note(opened, tmp_path, "No history of stroke.", quiet, qtbot)
    click_mention(letter_of(panel, "Radiology"), "stroke", qtbot)
    bar = letter_of(panel, "Radiology").bar
    assert bar is not None
    qtbot.mouseClick(bar.chips["no"], LEFT)
    qtbot.waitUntil(lambda: len(opened.session.work.corrections) == 1)

    for name, title in (("out.json", "FHIR"), ("notes.jsonl", "corrected")):
        qtbot.mouseClick(panel.top.export, LEFT)
        qtbot.waitUntil(lambda: bool(shown(panel, QMenu)))
        menu = shown(panel, QMenu)[0]
        action = next(a for a in menu.actions() if title in a.text())
        qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
        qtbot.waitUntil(lambda: bool(opened.findChildren(QFileDialog)))
        dialog = opened.findChildren(QFileDialog)[0]
        dialog.fileSelected.emit(str(tmp_path / name))
        dialog.reject()
        qtbot.waitUntil(lambda n=name: (tmp_path / n).is_file())
        qtbot.waitUntil(lambda: not opened.findChildren(QFileDialog))
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600

    bundle = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert bundle["entry"][0]["resource"]["identifier"] == [{"value": "MV-0001"}]
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Condition", "MedicationStatement", "AllergyIntolerance", "Observation"} <= kinds
    (note,) = map(json.loads, (tmp_path / "notes.jsonl").read_text("utf-8").splitlines())
    stroke = next(e for e in note["entities"] if e["text"] == "stroke")
    assert note["text"][stroke["start"] : stroke["end"]] == "stroke"
    assert "negated" not in stroke["attrs"]
    assert note["corrected"][0]["by"] == "Dr Reed"


def test_a_finding_leads_to_the_sentences_that_speak_of_it(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot
) -> None:
    finding = Finding(id="f", kind="classification", label="nodule, suspicious", probability=0.7)
    opened.session.events.send(ShowSource("mentions:" + query_of(finding)))
    qtbot.waitUntil(lambda: len(panel.searching.hits) > 2)

    found = {hit.context.casefold() for hit in panel.searching.hits}
    assert any("nodule" in context for context in found)
    assert any("结节" in context for context in found)


def test_without_images_a_correction_is_kept_with_the_document_and_undone(
    window: MainWindow, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Radiology letter\nPatient ID: MV-5\n\nNo stroke.\n", encoding="utf-8")
    window.open_paths([path])
    quiet(window)
    window.sidebar.show_tab("record")
    panel = window.sidebar.record
    qtbot.waitUntil(lambda: bool(shown(panel, DocumentCard)))
    click_mention(letter_of(panel, "Radiology"), "stroke", qtbot)
    bar = letter_of(panel, "Radiology").bar
    assert bar is not None
    qtbot.mouseClick(link(bar, "No mention"), LEFT)
    qtbot.waitUntil(lambda: not any(e.text == "stroke" for e in panel.documents[0].note.entities))
    window.actions_.perform("edit.undo")
    qtbot.waitUntil(lambda: any(e.text == "stroke" for e in panel.documents[0].note.entities))


def test_a_lobe_without_a_mask_leads_to_its_lung_and_says_so(
    opened: MainWindow, panel: RecordPanel, qtbot: QtBot, quiet: Quiet, tmp_path: Path
) -> None:
    place = opened.session.active
    assert place is not None
    middle = place.stack.geometry.to_patient(VoxelIndex(5, 40, 50))
    lung = Finding(id="lung", kind="segmentation", label="Right lung", centroid=middle)
    model = ModelRef(name="lungs", version="1", manifest_sha256="")
    run = ModelRun(
        id="r", model=model, series_uid=place.series.uid, stack=place.stack_number,
        status="run", findings=(lung,),
    )  # fmt: skip
    opened.session.made.keep_run(place, run)
    add_note(opened, tmp_path, "A nodule in the right upper lobe.", quiet, qtbot)
    card = letter_of(panel, "Radiology")
    click_mention(card, "nodule", qtbot)

    qtbot.waitUntil(lambda: opened.grid.active_view.stage.index == 5)
    qtbot.waitUntil(lambda: "right upper lobe itself is not outlined" in said_of(card))


def test_a_key_leads_to_the_search(opened: MainWindow, qtbot: QtBot) -> None:
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(opened, Qt.Key.Key_F, both)

    qtbot.waitUntil(lambda: opened.sidebar.tab == "record")
    assert opened.sidebar.record.top.search.field.hasFocus()

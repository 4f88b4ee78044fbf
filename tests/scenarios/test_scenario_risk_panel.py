"""A reader at the risk panel: sees what fits, fills gaps, corrects, is refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from medview.core.observation import concepts
from medview.core.words import set_language, translate
from medview.gui.panels.risk import RiskPanel
from medview.gui.panels.risk_card import ScoreCard
from medview.gui.panels.risk_rows import AnswerField, ValueField
from medview.session import Session
from medview.session.events import Event, ShowSource

# What the offscreen platform says of windows with a smallest size and of menus.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def write_chest_ct(folder: Path, slices: int = 3) -> None:
    """The smallest chest CT of an invented woman of 67."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        image.PatientID, image.PatientName = "INVENTED-1", "INVENTED^ADA"
        image.PatientBirthDate, image.PatientSex = "19580601", "F"
        image.StudyDate, image.StudyTime, image.Modality = "20260131", "101500", "CT"
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.FrameOfReferenceUID, image.BodyPartExamined = frame, "CHEST"
        image.SeriesNumber, image.InstanceNumber = 2, number + 1
        image.ImagePositionPatient = [0, 0, 2.5 * number]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [0.7, 0.7], 2.5
        image.Rows = image.Columns = 16
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelRepresentation = 1
        image.RescaleSlope, image.RescaleIntercept = 1, 0
        image.PixelData = np.full((16, 16), -800, np.int16).tobytes()
        pydicom.dcmwrite(folder / f"{number}.dcm", image, enforce_file_format=True)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with the chest CT open."""
    folder = tmp_path / "study"
    folder.mkdir()
    write_chest_ct(folder)
    made = Session()
    made.open([folder])
    yield made
    made.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> RiskPanel:
    """The panel on the screen, 340 pixels wide as in the window."""
    made = RiskPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 900)
    with qtbot.waitExposed(made):
        made.show()
    return made


def card(panel: RiskPanel, score_id: str) -> ScoreCard:
    return next(c for c in panel.cards if c.score.id == score_id)


def status(panel: RiskPanel, score_id: str) -> str:
    return next((c.result.status for c in panel.cards if c.score.id == score_id), "not shown")


def texts(panel: RiskPanel) -> str:
    return "\n".join(w.text() for w in panel.findChildren(QLabel) if w.isVisible())


def click_title(qtbot: QtBot, panel: RiskPanel, score_id: str) -> None:
    qtbot.mouseClick(card(panel, score_id), Qt.MouseButton.LeftButton, pos=QPoint(4, 4))


def answer(qtbot: QtBot, panel: RiskPanel, name: str, words: str) -> None:
    """Choose an answer in the open card: the field, then a line of its menu."""
    field = open_field(panel, name)
    assert isinstance(field, AnswerField)
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    menu = field.findChild(QMenu)
    assert menu is not None
    action = next(a for a in menu.actions() if a.text() == words)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def type_value(qtbot: QtBot, panel: RiskPanel, name: str, text: str) -> None:
    field = open_field(panel, name)
    assert isinstance(field, ValueField)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def open_field(panel: RiskPanel, name: str) -> ValueField | AnswerField:
    rows = next(c.rows for c in panel.cards if c.rows is not None)
    return rows.fields[name]


def enter_creatinine(qtbot: QtBot, session: Session, panel: RiskPanel, value: float = 1.1) -> None:
    session.made.enter("creatinine", value, "mg/dL")
    qtbot.waitUntil(lambda: status(panel, "ckd-epi-2021") == "computed")


def test_without_anything_known_the_scores_of_the_study_are_offered_with_what_they_need(
    qtbot: QtBot, panel: RiskPanel
) -> None:
    qtbot.waitUntil(lambda: "Belongs to this kind of study" in texts(panel), timeout=60_000)

    said = texts(panel)
    assert [shown.score.id for shown in panel.cards] == ["brock", "fleischner-2017"]
    assert "Fits this patient and this study" not in said
    assert "needs 7 values" in said
    assert "Not in the record: Nodule, longest diameter, Nodule" in said
    links = [b.text() for b in card(panel, "brock").findChildren(QPushButton)]
    assert links == ["Click the nodule", "Enter"]
    assert panel.computed == 0

    qtbot.mouseClick(card(panel, "brock").findChildren(QPushButton)[1], Qt.MouseButton.LeftButton)
    assert open_field(panel, "nodule_diameter_max").isVisible()


def test_a_known_creatinine_opens_the_kidney_score_with_its_sources(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)

    said = texts(panel)
    assert "CKD-EPI 2021" in said
    assert "55" in said.split("\n")
    assert "mL/min/1.73 m² · G3a" in said
    chips = [b.text() for b in card(panel, "ckd-epi-2021").findChildren(QPushButton)]
    assert chips.count("header") == 2
    assert chips.count("reader") == 1
    assert panel.computed == 1


def measure_nodule(session: Session) -> None:
    """What a click on a nodule and an answer elsewhere make known."""
    told = {"diameter_mean": 9.0, "type": "solid", "high_risk": True, "count": 1.0}
    for name, value in told.items():
        session.made.enter(f"nodule_{name}", value, concepts()[f"nodule_{name}"].unit)


def test_a_card_that_nobody_opened_gives_way_to_what_the_study_shows(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)
    assert card(panel, "ckd-epi-2021").rows is not None
    panel.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)  # it came up below the pointer

    measure_nodule(session)
    qtbot.waitUntil(lambda: status(panel, "fleischner-2017") == "computed", timeout=60_000)

    assert next(c.score.id for c in panel.cards if c.rows is not None) == "fleischner-2017"
    order = [c.score.id for c in panel.cards]
    assert order.index("fleischner-2017") < order.index("ckd-epi-2021")


def test_a_card_that_the_reader_opened_stays_open(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)
    panel.open_score("ckd-epi-2021")

    measure_nodule(session)
    qtbot.waitUntil(lambda: status(panel, "fleischner-2017") == "computed", timeout=60_000)

    assert next(c.score.id for c in panel.cards if c.rows is not None) == "ckd-epi-2021"


def test_a_value_typed_in_another_unit_changes_the_result_and_can_be_undone(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)
    before = card(panel, "ckd-epi-2021").result.value

    type_value(qtbot, panel, "creatinine", "200 umol/L")
    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2021").result.band_id == "G4")

    book = session.book
    assert book is not None
    book.undo()
    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2021").result.value == before)


def test_an_impossible_value_is_refused_in_words_and_changes_nothing(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)

    type_value(qtbot, panel, "creatinine", "88")

    assert "Was 88 µmol/L meant (0.9955 mg/dL)?" in texts(panel)
    assert session.work.entered[0].value == 1.1


def test_missing_answers_are_named_and_filled_one_by_one(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    session.made.enter("nodule_diameter_max", 12.0, "mm")
    qtbot.waitUntil(lambda: status(panel, "brock") == "missing")
    # The card says it a moment after the result knows it.
    named = "Not in the record: Nodule type, Nodule spiculated"
    qtbot.waitUntil(lambda: named in texts(panel))

    click_title(qtbot, panel, "brock")
    qtbot.waitUntil(lambda: card(panel, "brock").rows is not None)
    for name, words in (
        ("nodule_type", "solid"),
        ("nodule_spiculated", "yes"),
        ("nodule_upper_lobe", "yes"),
        ("emphysema", "yes"),
        ("family_history_lung_cancer", "no"),
    ):
        answer(qtbot, panel, name, words)
        qtbot.waitUntil(lambda n=name: n not in card(panel, "brock").result.missing)
    type_value(qtbot, panel, "nodule_count", "1")

    qtbot.waitUntil(lambda: status(panel, "brock") == "computed")
    # The worked case of 39.1 % is the same woman at 68: one year less is .0287 off the logit.
    assert card(panel, "brock").result.shown == "38.4"
    assert card(panel, "brock").result.advice is not None
    qtbot.waitUntil(lambda: "PET-CT" in texts(panel))


def test_enter_opens_the_card_and_puts_the_cursor_where_it_is_missing(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    session.made.enter("nodule_diameter_max", 12.0, "mm")
    qtbot.waitUntil(lambda: status(panel, "brock") == "missing")
    enter = next(b for b in card(panel, "brock").findChildren(QPushButton) if b.text() == "Enter")

    qtbot.mouseClick(enter, Qt.MouseButton.LeftButton)

    rows = card(panel, "brock").rows
    assert rows is not None
    qtbot.waitUntil(rows.fields["nodule_type"].hasFocus)


def test_one_card_is_open_at_a_time(qtbot: QtBot, session: Session, panel: RiskPanel) -> None:
    session.made.enter("nodule_diameter_max", 12.0, "mm")
    enter_creatinine(qtbot, session, panel)

    click_title(qtbot, panel, "brock")
    assert [c.score.id for c in panel.cards if c.rows is not None] == ["brock"]

    click_title(qtbot, panel, "brock")
    assert [c for c in panel.cards if c.rows is not None] == []


def test_what_makes_a_score_not_valid_turns_its_card_into_a_reason(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)

    answer(qtbot, panel, "dialysis", "yes")

    qtbot.waitUntil(lambda: status(panel, "ckd-epi-2021") == "invalid")
    assert "Not valid on dialysis." in texts(panel)
    assert panel.computed == 0


def test_a_chip_asks_to_be_shown_its_source(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    heard: list[Event] = []
    session.events.subscribe(heard.append)
    enter_creatinine(qtbot, session, panel)
    chips = card(panel, "ckd-epi-2021").findChildren(QPushButton)

    qtbot.mouseClick(
        next(chip for chip in chips if chip.text() == "header"), Qt.MouseButton.LeftButton
    )

    assert [e.locator for e in heard if isinstance(e, ShowSource)] == ["tag:PatientBirthDate"]


def test_typing_is_not_interrupted_by_news(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)
    field = open_field(panel, "creatinine")
    assert isinstance(field, ValueField)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "1.")

    session.made.enter("dialysis", False)
    qtbot.wait(50)
    assert field.text() == "1."

    qtbot.keyClicks(field, "3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2021").result.shown == "45")


def test_everything_is_said_again_in_chinese(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    enter_creatinine(qtbot, session, panel)

    set_language("zh_CN")
    if translate("Creatinine") == "Creatinine":
        pytest.skip("the Chinese fragments are not merged in this checkout")
    panel.retranslate()

    qtbot.waitUntil(lambda: "肌酐" in texts(panel))
    said = texts(panel)
    assert "适合该患者和本次检查" in said
    assert "Creatinine" not in said

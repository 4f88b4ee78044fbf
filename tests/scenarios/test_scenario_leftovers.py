"""Words that fit: what could not be opened, what is listed, what only informs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.gui.cards import Card, CardColumn
from medview.gui.panels.left_out import LeftOutCard
from medview.gui.window import MainWindow

Quiet = Callable[..., None]


def _copy(source: Path, target: Path, **changes: object) -> Path:
    """A file with some elements changed."""
    dataset = dcmread(source)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(target)
    return target


def test_of_a_good_and_a_missing_path_the_good_one_opens_and_the_other_is_named(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    gone = tmp_path / "gone"

    window.open_paths([gone, imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)

    assert len(window.studies.items) == 1
    level, sentence, where = window.messages[-1]
    assert (level, where) == ("bad", str(gone))
    assert "everything else was opened" in str(sentence)


def test_missing_paths_alone_are_refused_and_what_is_open_stays(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)

    window.open_paths([tmp_path / "gone"])
    quiet(window)

    assert window.messages[-1][2] == str(tmp_path / "gone")
    assert len(window.studies.items) == 1


def _left_out_words(window: MainWindow) -> str:
    (card,) = window.studies.findChildren(LeftOutCard)
    return " ".join(each.text() for each in card.findChildren(QLabel))


def test_a_video_is_not_to_be_asked_for_again(
    window: MainWindow, imaging_data: Path, quiet: Quiet
) -> None:
    window.open_paths([imaging_data / "transfer-syntax" / "made-mpeg4-stub-102.dcm"])
    quiet(window)

    said = _left_out_words(window)
    assert "Play the video on the device" in said
    assert "again" not in said


def test_each_refusal_brings_its_own_advice(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes((imaging_data / "ct" / "ct-small.dcm").read_bytes()[:700])

    window.open_paths([imaging_data / "transfer-syntax" / "made-mpeg4-stub-102.dcm", cut])
    quiet(window)

    said = _left_out_words(window)
    assert "Play the video on the device" in said
    assert "Ask for damaged files again" in said


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.481.99", "Radiotherapy object"),
        ("1.2.3.4", "Other DICOM object"),
    ],
)
def test_objects_of_rare_kinds_are_listed_in_words(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet,
    sop_class: str, words: str,
) -> None:  # fmt: skip
    source = next((imaging_data / "pdf-cda").glob("*.dcm"))
    _copy(source, tmp_path / "rare.dcm", SOPClassUID=sop_class, Modality="")
    window.open_paths([tmp_path / "rare.dcm"])
    quiet(window)

    lines = [each for each in window.studies.findChildren(QLabel) if each.text() == words]
    assert lines
    assert lines[0].toolTip().startswith(words)


def test_every_part_that_tab_reaches_has_a_name(opened: MainWindow) -> None:
    columns = opened.findChildren(CardColumn)
    assert columns
    reached = [part for part in columns if part.focusPolicy() & Qt.FocusPolicy.TabFocus]
    nameless: list[QWidget] = [part for part in reached if not part.accessibleName()]
    assert not nameless


def test_steps_that_vary_by_rounding_are_told_and_not_warned_of(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    z = 0.0
    for number in range(12):
        made = dcmread(imaging_data / "ct" / "ct-small.dcm")
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        made.InstanceNumber = number + 1
        made.ImagePositionPatient = [0, 0, round(z, 1)]
        made.save_as(tmp_path / f"{number}.dcm")
        z += 2.55
    window.open_paths([tmp_path])
    quiet(window)

    said = [(level, str(sentence)) for level, sentence, _ in window.messages]
    levels = [level for level, words in said if "as rounding does" in words]
    assert levels == ["info"], said


def test_of_many_patients_the_first_are_listed_and_more_are_asked_for(
    window: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    made = dcmread(imaging_data / "ct" / "ct-small.dcm")
    for number in range(45):
        made.PatientID = made.PatientName = f"P{number}"
        made.StudyInstanceUID, made.SeriesInstanceUID = f"1.2.4.{number}", f"1.2.5.{number}"
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        made.save_as(tmp_path / f"{number}.dcm")
    window.open_paths([tmp_path])
    quiet(window)
    cards = len(window.studies.findChildren(Card))

    more = next(b for b in window.studies.findChildren(QPushButton) if "more patients" in b.text())
    assert more.text() == "5 more patients…"
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.studies.findChildren(Card)) == cards + 5)
    assert not [b for b in window.studies.findChildren(QPushButton) if "more patients" in b.text()]

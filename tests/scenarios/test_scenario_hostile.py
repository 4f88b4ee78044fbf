"""What does not fit is said in a sentence, and the rest stays: objects, files, sizes, screens."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings, settings_path
from medview.core.words import say
from medview.gui.panels.left_out import LeftOutCard, left_out_files
from medview.gui.window import MainWindow
from medview.imaging.preset_files import own_presets_path
from medview.imaging.segment.box import Box
from medview.session import Session
from medview.session.objects import save_objects
from medview.session.reporting import session_subject

Quiet = Callable[..., None]


def _images(folder: Path, slices: int = 6, **changes: object) -> Path:
    """Slices of 32 x 32 of an invented patient."""
    folder.mkdir(parents=True)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(slices):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series
        image.FrameOfReferenceUID = frame
        image.PatientID, image.PatientName = "P1", "A^B"
        image.StudyDate, image.Modality, image.InstanceNumber = "20260131", "CT", k + 1
        image.ImagePositionPatient = [0.0, 0.0, 2.0 * k]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.SliceThickness = [1.0, 1.0], 2.0
        image.Rows, image.Columns, image.SamplesPerPixel = 32, 32, 1
        image.PhotometricInterpretation = "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelRepresentation = 1
        image.RescaleSlope, image.RescaleIntercept = 1, -1024
        image.PixelData = np.full((32, 32), 1000 + 10 * k, np.int16).tobytes()
        for name, value in changes.items():
            setattr(image, name, value)
        image.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


def _said(window: MainWindow) -> str:
    return "\n".join(f"{where} {said.english()}" for _, said, where in window.messages)


def _is_shown(window: MainWindow) -> bool:
    """Whether the active view shows a slice that is there."""
    stage = window.grid.active_view.stage
    return stage.shown is not None and stage.failed.get(stage.index) is None


@pytest.fixture
def with_mask(window: MainWindow, tmp_path: Path, quiet: Quiet) -> tuple[MainWindow, Path, Path]:
    """Images are open; they and a SEG of them lie in a folder."""
    folder = _images(tmp_path / "ct")
    window.open_paths([folder])
    quiet(window)
    desk = window.session.segmenting
    segment = desk.add("")
    assert segment is not None
    box = Box((1, 4, 4), (3, 10, 10))
    desk.strokes.begin(segment)
    desk.strokes.paint(box, np.ones(box.shape, bool), on=True)
    desk.strokes.end(say("Paint"))
    subject = session_subject(window.session)
    assert subject is not None
    out = tmp_path / "out"
    out.mkdir()
    save_objects(subject, out)
    (path,) = out.glob("*seg.dcm")
    window.session.close_patient()
    quiet(window)
    return window, folder, path


_KEYS_ABSENT = re.compile("key images? of a document (is|are) not here")
_SPOILED = {
    "no stored segmentation": lambda d: setattr(d, "PatientID", "SOMEBODY ELSE"),
    "other images": lambda d: setattr(d.ReferencedSeriesSequence[0], "SeriesInstanceUID", "1.2.3"),
    "cannot be read": lambda d: setattr(d, "NumberOfFrames", 900),
    "1 object names another patient": lambda d: setattr(d, "PatientID", "SOMEBODY ELSE"),
    "1 object was made on images that are not here": lambda d: _refer(d, "1.2.3.4"),
    "name segments that it does not describe": lambda d: _name_segment(d, 99),
}


def _refer(dataset: Dataset, uid: str) -> None:
    """Every image that it was made on is another one, and it tells of no series."""
    for element in dataset.iterall():
        if element.keyword == "ReferencedSOPInstanceUID":
            element.value = uid


def _name_segment(dataset: Dataset, number: int) -> None:
    """Its frames belong to a segment of this number."""
    for element in dataset.iterall():
        if element.keyword == "ReferencedSegmentNumber":
            element.value = number


@pytest.mark.parametrize("words", _SPOILED)
def test_a_segmentation_that_does_not_fit_is_said_and_the_images_stay(
    with_mask: tuple[MainWindow, Path, Path], quiet: Quiet, words: str
) -> None:
    window, folder, path = with_mask
    spoiled = deepcopy(dcmread(path))
    _SPOILED[words](spoiled)
    spoiled.save_as(folder / "seg.dcm")

    window.open_paths([folder])
    quiet(window)
    window.actions_.perform("segment.take_up")
    quiet(window)

    assert words in _said(window)
    assert _is_shown(window)


def test_a_segmentation_without_its_images_opens_as_what_it_is(
    with_mask: tuple[MainWindow, Path, Path], quiet: Quiet
) -> None:
    window, _, path = with_mask

    window.open_paths([path])
    quiet(window)
    window.actions_.perform("segment.take_up")
    quiet(window)

    assert _said(window).strip()
    assert window.session.active is None


def _past_the_end(_: Dataset, element: DataElement) -> None:
    """Every reference to an image names its frame 99, and it is no report of ours."""
    if element.keyword == "ContentSequence":
        own = [item for item in element.value if str(item.get("TextValue", "")).startswith("{")]
        for item in own:
            element.value.remove(item)
    for item in element.value if element.keyword == "ReferencedSOPSequence" else ():
        item.ReferencedFrameNumber = 99


def test_measurements_and_key_images_of_frames_past_the_end_are_said_and_the_images_stay(
    window: MainWindow, tmp_path: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    folder, out = _images(tmp_path / "ct"), tmp_path / "out"
    for path in folder.iterdir():  # pictures without a place: shapes lie on frames
        flat = dcmread(path)
        del flat.ImagePositionPatient, flat.ImageOrientationPatient, flat.FrameOfReferenceUID
        flat.save_as(path)
    window.open_paths([folder])
    quiet(window)
    view = window.grid.active_view
    middle = view.rect().center()
    qtbot.keyClick(view, "L")
    for place in (middle, middle + QPoint(30, 20)):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(view, "K")
    subject = session_subject(window.session)
    assert subject is not None
    out.mkdir()
    save_objects(subject, out)
    window.session.close_patient()
    quiet(window)
    assert len(list(out.glob("*.dcm"))) == 2  # a report and a selection
    for path in (*folder.iterdir(), *out.glob("*.dcm")):
        changed = dcmread(path)
        changed.PatientID = "P9"  # of whom no work is kept here
        changed.Manufacturer = "Somebody"
        if path.parent == out:
            changed.walk(_past_the_end)
        changed.save_as(folder / path.name)

    window.open_paths([folder])
    quiet(window)

    said = _said(window)
    assert _KEYS_ABSENT.search(said)
    assert "1 measurement of a report names frames that do not exist" in said
    assert not window.session.work.key_pictures
    assert not window.session.work.measurements
    assert _is_shown(window)


@pytest.mark.parametrize("frames", [2, 2_000_000_000])
def test_more_frames_than_the_file_holds_are_said_and_what_is_there_is_shown(
    window: MainWindow, tmp_path: Path, quiet: Quiet, frames: int
) -> None:
    good = _images(tmp_path / "good")
    bad = _images(tmp_path / "bad", NumberOfFrames=frames, PatientID="P2", PatientName="C^D")

    window.open_paths([good, bad])
    quiet(window)
    for place in list(window.session.studies.places()):
        window.session.select(place.key)
        quiet(window)

    assert _said(window).strip()
    good_place = next(p for p in window.session.studies.places() if p.patient.id == "P1")
    window.session.select(good_place.key)
    quiet(window)
    assert _is_shown(window)


def test_a_volume_that_no_memory_holds_is_said_and_the_others_stay(
    window: MainWindow, tmp_path: Path, quiet: Quiet
) -> None:
    good = _images(tmp_path / "good")
    huge = _images(tmp_path / "huge", Rows=65535, Columns=65535, PatientID="P2")

    window.open_paths([huge, good])
    quiet(window)

    files = left_out_files(window.session)
    assert len(files) == 6
    assert all(each.reason for each in files)
    assert any(card.isVisible() for card in window.studies.findChildren(LeftOutCard))
    assert _is_shown(window)


def test_a_screen_without_opengl_says_so_and_the_slices_stay(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, quiet: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medview.gui.views.volume_probe import Probe

    monkeypatch.setattr("medview.gui.views.volume_worker.is_chosen", lambda: False)
    monkeypatch.setattr("medview.gui.views.volume_worker.has_osmesa", lambda: False)
    monkeypatch.setattr("medview.gui.views.volume_worker.probe", Probe)

    window.open_paths([_images(tmp_path / "ct", slices=24)])
    qtbot.waitUntil(lambda: window.grid.volume_view is not None, timeout=60_000)
    view = window.grid.volume_view
    assert view is not None
    qtbot.waitUntil(lambda: view.stage.trouble is not None, timeout=60_000)

    assert "cannot be drawn on this machine" in view.stage.trouble.sentence()
    assert _is_shown(window)


_NONSENSE = {
    "empty": b"",
    "binary": bytes(range(256)),
    "a list": b"[1, 2]",
    "no groups": b'{"groups": 5}',
    "null": b"null",
    "deep": b"[" * 100_000,
    "endless": b'{"groups": [{"modality": "CT", "unit": "HU", "presets": '
    b'[{"name": "x", "width": 1' + b"0" * 400 + b', "center": 0}]}]}',
    "not a number": b'{"groups": [{"modality": "CT", "unit": "HU", "presets": '
    b'[{"name": "x", "width": NaN, "center": "left"}]}]}',
    "no name": b'{"groups": [{"modality": "CT", "unit": "HU", "presets": [[]]}]}',
}


@pytest.mark.parametrize("kind", _NONSENSE)
def test_presets_with_nonsense_are_said_and_the_own_ones_hold(
    qtbot: QtBot, loop: asyncio.AbstractEventLoop, kind: str
) -> None:
    path = own_presets_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_NONSENSE[kind])

    window = MainWindow(Session(Settings(hang=False, open_priors=False)))
    try:
        assert "MedView's own window presets hold." in _said(window)
    finally:
        window.close()
        qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
        window.deleteLater()
        gc.collect()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"theme": "light", "nodes": [1], "font_size": 13}',
         "Nothing can be made of what settings.json says under nodes: the default holds."),
        (b"[1, 2", "settings.json cannot be read: MedView's own settings hold."),
        (b"null", "settings.json cannot be read: MedView's own settings hold."),
    ],
)  # fmt: skip
def test_settings_with_nonsense_are_said_and_the_sound_ones_hold(
    qtbot: QtBot, loop: asyncio.AbstractEventLoop, written: bytes, said: str
) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_bytes(written)

    window = MainWindow(Session())
    try:
        assert said in _said(window)
        assert window.session.settings.font_size == Settings().font_size
        assert window.session.settings.theme == ("light" if b"theme" in written else "dark")
    finally:
        window.close()
        qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
        window.deleteLater()
        gc.collect()

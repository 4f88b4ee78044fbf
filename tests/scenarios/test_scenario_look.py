"""The look on a small screen, with a study that was analysed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)
from pytestqt.qtbot import QtBot

from medview.ai.events import JobCancelled, JobPart
from medview.ai.folder import open_folder
from medview.core.paths import shipped_models_dir
from medview.core.results import GateVerdict, Label, LabelMap, ModelRun
from medview.gui.bridge import SessionBridge
from medview.gui.cards import Card, CardColumn, ElidedLabel
from medview.gui.window import MainWindow
from medview.session.analysis import Task
from medview.session.events import PartShown

Quiet = Callable[..., None]


def test_window_stays_small_and_its_tab_counts_cards(
    opened: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    panel = opened.sidebar.findings

    def ran() -> int:
        cards = panel.findChildren(Card)
        return sum(card.isVisible() and bool(card.accessibleName()) for card in cards)

    opened.sidebar.show_tab("findings")
    opened.analyse_study()
    qtbot.waitUntil(lambda: panel.count == ran() == 1, timeout=60_000)
    quiet(opened, 60_000)

    assert opened.sidebar._tabs["findings"].text().endswith("  1")
    assert opened.minimumSizeHint().width() <= 1000
    opened.resize(1024, 700)
    qtbot.waitUntil(lambda: opened.width() == 1024)


def _film(folder: Path, number: int) -> None:
    """A film of a patient of its own."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = (
        DigitalXRayImageStorageForPresentation
    )
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    made.PatientName, made.PatientID = f"Patient^{number}", f"P-{number}"
    made.StudyDate, made.Modality = "20260101", "DX"
    made.SeriesDescription = "a_description_that_has_no_space_and_is_long"
    made.Rows = made.Columns = 16
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelRepresentation, made.SamplesPerPixel = 0, 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = bytes(2 * 16 * 16)
    made.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def test_patient_who_is_chosen_stands_first_in_the_list(
    window: MainWindow, quiet: Quiet, qtbot: QtBot, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for number in range(20):
        _film(films, number)
    window.open_paths([films])
    quiet(window)
    cards = window.studies.findChildren(Card)
    bar = window.studies.findChild(CardColumn).verticalScrollBar()
    bar.setValue(bar.maximum())
    chosen = cards[-1].findChild(ElidedLabel).text()
    assert bar.value() > 0

    cards[-1].clicked.emit()
    quiet(window)
    qtbot.wait(100)  # thumbnails begin a little after the image
    quiet(window)

    first = next(card for card in window.studies.findChildren(Card) if card.isVisible())
    assert first.findChild(ElidedLabel).text() == chosen
    assert bar.value() == 0
    edge = window.studies.width()
    assert all(
        card.mapTo(window.studies, card.rect().topRight()).x() < edge
        for card in window.studies.findChildren(Card)
    )


def is_part_shown(event: object) -> bool:
    return isinstance(event, PartShown)


def test_what_a_running_model_has_drawn_waits_for_the_first_look_too(
    opened: MainWindow, qtbot: QtBot
) -> None:
    session, view = opened.session, opened.grid.views["axial"]
    place = session.active
    opened.actions_.perform("models.look_first")
    drawn = LabelMap(
        id="part",
        geometry=place.stack.geometry,
        voxels=np.ones(place.stack.geometry.shape, np.uint8),
        labels=(Label(value=1, name="lung", colour="#56b4e9"),),
    )
    model = open_folder(shipped_models_dir() / "lungs")
    run = ModelRun(
        id="part", model=model.ref, series_uid=place.series.uid, stack=place.stack_number,
        status="running", label_map=drawn,
    )  # fmt: skip
    task = Task(model=model, place=place, verdict=GateVerdict("accepted", ()))
    session.analyses._tasks["job"] = task

    heard = SessionBridge(session, opened).heard  # after the window's own
    with qtbot.waitSignal(heard, check_params_cb=is_part_shown, timeout=60_000):
        session.analyses._hear(JobPart("job", run))
    assert view.stage.overlays == ()

    opened.sidebar.findings.looked.emit("nothing")
    qtbot.waitUntil(lambda: [o.id for o in view.stage.overlays] == ["part"], timeout=60_000)
    session.analyses._hear(JobCancelled("job"))
    qtbot.waitUntil(lambda: view.stage.overlays == (), timeout=60_000)
    opened.actions_.perform("models.look_first")

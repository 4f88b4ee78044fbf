"""Made mammograms hang two by two with their priors behind; the library's prior opens beside."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pytestqt.qtbot import QtBot

from medview.core.settings import Settings
from medview.gui.cards import ElidedLabel
from medview.gui.window import MainWindow
from medview.session import Session

Quiet = Callable[..., None]
CODES = {"CC": "399162004", "MLO": "399368009"}  # SNOMED CT, CID 4014
ORIENTATIONS = {
    ("R", "CC"): "P\\L", ("L", "CC"): "A\\R", ("R", "MLO"): "P\\F", ("L", "MLO"): "A\\F",
}  # fmt: skip


@pytest.fixture
def hanging(qtbot: QtBot, loop: asyncio.AbstractEventLoop) -> Iterator[MainWindow]:
    """A window in which studies hang by the rules, as they do for a new user."""
    window = MainWindow(Session(Settings()))
    window.resize(1400, 860)
    window.show()
    window.activateWindow()
    with qtbot.waitActive(window):
        pass
    yield window
    window.close()
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    window.deleteLater()
    gc.collect()


def film(folder: Path, side: str, view: str, date: str, *, by_code: bool) -> None:
    """One mammogram; its view as a code, or as View Position."""
    rows, columns = 120, 90
    across = np.arange(columns)[None, :] / columns
    towards = across if side == "R" else 1 - across
    pixels = np.broadcast_to(towards * 1500 + 100, (rows, columns)).astype(np.uint16)
    made = Dataset()
    given: dict[str, object] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2", "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": f"2.25.{date}", "SeriesInstanceUID": f"2.25.{date}1", "Modality": "MG",
        "PatientID": "P1", "PatientName": "A^B", "PatientBirthDate": "19600101",
        "PatientSex": "F", "StudyDate": date, "BodyPartExamined": "BREAST",
        "ImagerPixelSpacing": [0.8, 0.8], "ImageLaterality": side,
        "PatientOrientation": ORIENTATIONS[side, view], "Rows": rows, "Columns": columns,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16,
        "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0, "PixelData": pixels.tobytes(),
        "PresentationIntentType": "FOR PRESENTATION",
    }  # fmt: skip
    for keyword, value in given.items():
        setattr(made, keyword, value)
    if by_code:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = CODES[view], "SCT"
        code.CodeMeaning = view
        made.ViewCodeSequence = Sequence([code])
    else:
        made.ViewPosition = view
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(folder / f"{date}-{side}{view}.dcm", enforce_file_format=True)


def mammogram(folder: Path, date: str, *, by_code: bool) -> Path:
    """Four films, written in an order that is not the one they hang in."""
    folder.mkdir()
    for side, view in (("L", "MLO"), ("R", "MLO"), ("L", "CC"), ("R", "CC")):
        film(folder, side, view, date, by_code=by_code)
    return folder


def films(window: MainWindow) -> list[str]:
    """Year, side and view of each tile."""
    found = []
    for tile in window.grid.tiles:
        place = None if tile.key is None else window.session.studies.place(tile.key)
        shown = None if place is None else place.stack.projection
        found.append("" if place is None or shown is None else place.study.date[:4] + shown.title)
    return found


@pytest.mark.parametrize("by_code", [True, False], ids=["View Code Sequence", "View Position"])
def test_four_films_hang_right_breast_left_and_their_chest_walls_touch(
    hanging: MainWindow, tmp_path: Path, quiet: Quiet, by_code: bool
) -> None:
    hanging.open_paths([mammogram(tmp_path / "now", "20260131", by_code=by_code)])
    quiet(hanging)

    assert hanging.grid.layout_name == "2x2"
    assert films(hanging) == ["2026RCC", "2026LCC", "2026RMLO", "2026LMLO"]
    stages = [tile.view.stage for tile in hanging.grid.tiles]
    assert [stage.state.edge for stage in stages] == ["right", "left", "right", "left"]
    assert len({round(stage.map().scale, 6) for stage in stages}) == 1


def test_priors_of_a_mammogram_are_the_second_stage(
    hanging: MainWindow, tmp_path: Path, quiet: Quiet
) -> None:
    now = mammogram(tmp_path / "now", "20260131", by_code=True)
    then = mammogram(tmp_path / "then", "20240115", by_code=False)
    hanging.open_paths([now, then])
    quiet(hanging)
    assert films(hanging) == ["2026RCC", "2026LCC", "2026RMLO", "2026LMLO"]

    hanging.actions_.perform("layout.next_stage")
    quiet(hanging)

    assert hanging.grid.layout_name == "2x4"
    assert films(hanging) == [
        "2026RCC", "2026LCC", "2024RCC", "2024LCC", "2026RMLO", "2026LMLO", "2024RMLO", "2024LMLO",
    ]  # fmt: skip
    assert hanging.session.links.registrations == ()  # films are not registered


def test_the_librarys_prior_opens_beside_and_the_view_stays(
    hanging: MainWindow, imaging_data: Path, quiet: Quiet, qtbot: QtBot
) -> None:
    hanging.session.library.add([imaging_data / "mr" / "abdomen-prior-1959"])
    hanging.open_paths([imaging_data / "mr" / "abdomen-now-1960"])
    qtbot.waitUntil(lambda: len(hanging.session.links.registrations) == 1, timeout=120_000)
    quiet(hanging)

    said = [sentence.english() for _, sentence, _ in hanging.messages]
    assert "Opening the study of 1959-12-09 beside." in said
    dates = []
    for tile in hanging.grid.tiles:
        place = None if tile.key is None else hanging.session.studies.place(tile.key)
        dates.append(None if place is None else place.study.date)
    assert dates == ["1960-04-13", "1959-12-09"]
    assert hanging.session.study is not None
    assert hanging.session.study.date == "1960-04-13"
    tips = [w.toolTip() for w in hanging.studies.findChildren(ElidedLabel)]
    assert any("same patient, same region" in tip for tip in tips)

    hanging.session.close_patient()
    quiet(hanging)
    hanging.open_paths([imaging_data / "mr" / "abdomen-now-1960"])
    qtbot.waitUntil(
        lambda: [tile.key is not None for tile in hanging.grid.tiles] == [True, True],
        timeout=60_000,
    )
    quiet(hanging)
    assert len(hanging.session.links.registrations) == 1  # the one that was made serves again


def test_dates_that_show_other_anatomy_are_not_called_registered(
    hanging: MainWindow, imaging_data: Path, tmp_path: Path, quiet: Quiet
) -> None:
    """A brain filed as the abdomen of an earlier date: said, and nothing is linked by it."""
    now = imaging_data / "mr" / "abdomen-now-1960"
    header = pydicom.dcmread(next(now.iterdir()), stop_before_pixels=True)
    then = tmp_path / "then"
    then.mkdir()
    for path in (imaging_data / "mr" / "brain-t1-post").iterdir():
        made = pydicom.dcmread(path)
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
            setattr(made, keyword, header.get(keyword, ""))
        made.StudyDate, made.BodyPartExamined = "19570101", "ABDOMEN"
        made.save_as(then / path.name)
    hanging.open_paths([now, then])
    quiet(hanging, timeout=90_000)

    assert len(hanging.grid.tiles) == 2
    assert all(tile.key is not None for tile in hanging.grid.tiles)
    found = hanging.session.links.registrations
    assert len(found) == 1
    assert not found[0].is_good
    level, sentence, _ = hanging.messages[-1]
    assert level == "warn"
    assert sentence.english().startswith("Not registered")
    assert hanging.grid.tiles[1].view.look.link == ""
    stood = hanging.grid.tiles[1].view.stage.index
    hanging.grid.tiles[0].view.stage.scroll(2)
    assert hanging.grid.tiles[1].view.stage.index == stood

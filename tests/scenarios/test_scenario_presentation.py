"""Presentation states in the window, against what DCMTK renders of the same files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from PySide6.QtGui import QImage

from medview.gui.window import MainWindow
from medview.imaging.grey import GreyLook, grey_slice

Quiet = Callable[..., None]
DCMP2PGM = shutil.which("dcmp2pgm") or ""


@pytest.fixture
def folder(tmp_path: Path, imaging_data: Path) -> Path:
    """A CT and the state that is for it, the state free to be changed."""
    shutil.copy(imaging_data / "ct" / "ct-small.dcm", tmp_path / "ct.dcm")
    shutil.copy(imaging_data / "ko-pr" / "made-gsps-window-graphics.dcm", tmp_path / "pr.dcm")
    return tmp_path


def change(folder: Path, **elements: object) -> None:
    made = dcmread(folder / "pr.dcm")
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    made.save_as(folder / "pr.dcm")


def opened(window: MainWindow, quiet: Quiet, folder: Path) -> None:
    window.open_paths([folder])
    quiet(window)


def as_it_stands(window: MainWindow) -> np.ndarray:
    """The grey of the shown slice, flipped and turned as the view shows it."""
    stage = window.grid.active_view.stage
    assert stage.shown is not None
    assert stage.plane is not None
    state = stage.state
    grey = grey_slice(
        stage.shown.volume, stage.plane, stage.index, state.window, GreyLook(state.is_inverted)
    )
    grey = grey[:, ::-1] if state.flip_h else grey
    grey = grey[::-1] if state.flip_v else grey
    return np.rot90(grey, -state.turns).astype(int)


@pytest.mark.skipif(not DCMP2PGM, reason="DCMTK is not installed")
@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"PresentationLUTShape": "INVERSE"},
        {"ImageRotation": 90, "ImageHorizontalFlip": "N"},
        {"ImageRotation": 270, "ImageHorizontalFlip": "Y", "PresentationLUTShape": "INVERSE"},
        {"ImageRotation": 90, "ImageHorizontalFlip": "Y"},
    ],
)
def test_window_polarity_and_turn_are_those_of_dcmtk(
    window: MainWindow, quiet: Quiet, folder: Path, elements: dict[str, object]
) -> None:
    change(folder, **elements)
    subprocess.run(
        [DCMP2PGM, "-p", str(folder / "pr.dcm"), str(folder / "ct.dcm"), str(folder / "a.pgm")],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = np.asarray(Image.open(folder / "a.pgm")).astype(int)
    (folder / "a.pgm").unlink()
    opened(window, quiet, folder)
    window.actions_.perform("view.presentation")
    quiet(window)
    ours = as_it_stands(window)
    assert ours.shape == theirs.shape
    if elements.get("PresentationLUTShape") == "INVERSE":  # padding stays black here
        shown = window.grid.active_view.stage.shown
        assert shown is not None
        theirs = np.where(ours == 0, 0, theirs) if shown.volume.padding else theirs
    assert np.abs(ours - theirs).max() <= 1


def yellow(window: MainWindow) -> np.ndarray:
    view = window.grid.active_view
    view.set_corner_text(False)
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    blue, green, red = (flat[..., n].astype(int) for n in range(3))
    return (red - blue > 80) & (green - blue > 60)


def test_drawings_lie_where_the_state_says_and_go_again(
    window: MainWindow, quiet: Quiet, folder: Path
) -> None:
    opened(window, quiet, folder)
    stage = window.grid.active_view.stage
    before = stage.state
    assert not yellow(window)[100:300, 100:300].any()
    window.actions_.perform("view.presentation")
    quiet(window)
    assert (stage.state.window.center, stage.state.window.width) == (40.0, 400.0)
    found = yellow(window)
    for row, column in ((19.5, 60), (60, 19.5), (99.5, 60), (60, 99.5)):  # its four sides
        x, y = (round(v) for v in stage.map().to_screen(row, column))
        assert found[y - 2 : y + 3, x - 2 : x + 3].any(), (row, column)
    x, y = (round(v) for v in stage.map().to_screen(60, 40))
    assert not found[y - 4 : y + 5, x - 4 : x + 5].any()
    window.actions_.perform("view.presentation")
    quiet(window)
    assert stage.state == before
    assert not yellow(window)[100:300, 100:300].any()


def test_drawings_alone_leave_window_and_turn_to_the_reader(
    window: MainWindow, quiet: Quiet, folder: Path
) -> None:
    change(folder, ImageRotation=90)
    opened(window, quiet, folder)
    stage = window.grid.active_view.stage
    window.grid.active_view.commands.set_window(900, 300)
    before = stage.state
    window.actions_.perform("view.presentation_graphics")
    quiet(window)
    assert stage.state == before
    assert stage.presented is not None


def test_a_shutter_of_a_state_is_black_and_its_area_fills_the_view(
    window: MainWindow, quiet: Quiet, folder: Path
) -> None:
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = (
        [33, 33],
        [96, 96],
    )
    area.PresentationSizeMode = "SCALE TO FIT"
    change(
        folder, ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=49, ShutterRightVerticalEdge=80,
        ShutterUpperHorizontalEdge=49, ShutterLowerHorizontalEdge=80,
        DisplayedAreaSelectionSequence=Sequence([area]),
    )  # fmt: skip
    opened(window, quiet, folder)
    window.actions_.perform("view.presentation")
    quiet(window)
    view = window.grid.active_view
    stage = view.stage
    x, y = stage.map().to_screen(63.5, 63.5)
    assert (x, y) == pytest.approx((stage.size[0] / 2, stage.size[1] / 2), abs=1)
    top, bottom = stage.map().to_screen(31.5, 64)[1], stage.map().to_screen(95.5, 64)[1]
    left, right = stage.map().to_screen(64, 31.5)[0], stage.map().to_screen(64, 95.5)[0]
    assert min(stage.size[0] - (right - left), stage.size[1] - (bottom - top)) == pytest.approx(
        0, abs=1
    )
    view.set_corner_text(False)
    image = view.grab().toImage()
    x, y = (round(v) for v in stage.map().to_screen(40, 70))
    assert image.pixelColor(x, y).lightness() == 0


def test_without_a_state_the_reader_is_told(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(window)
    window.actions_.perform("view.presentation")
    assert str(window.messages[-1][1]) == "No presentation state names this picture."


def test_a_state_of_frames_past_the_end_is_said_and_the_picture_stays(
    window: MainWindow, quiet: Quiet, folder: Path
) -> None:
    made = dcmread(folder / "pr.dcm")
    for element in made.iterall():
        for image in element.value if element.keyword == "ReferencedImageSequence" else ():
            image.ReferencedFrameNumber = [77, 99]
    made.save_as(folder / "pr.dcm")
    opened(window, quiet, folder)
    before = window.grid.active_view.stage.state

    window.actions_.perform("view.presentation")
    quiet(window)

    assert "names frames that these images do not have" in window.status.message
    assert "is applied" not in "".join(said.english() for _, said, _ in window.messages)
    assert window.grid.active_view.stage.state == before


def test_a_state_of_another_patient_is_applied_by_its_uid_and_said(
    window: MainWindow, quiet: Quiet, folder: Path
) -> None:
    change(folder, PatientID="SOMEBODY", PatientName="Else^Somebody")
    opened(window, quiet, folder)
    place = next(iter(window.session.studies.places()))
    window.session.select(place.key)
    quiet(window)
    window.actions_.perform("view.presentation")
    quiet(window)
    assert window.grid.active_view.stage.presented is not None
    said = [str(sentence) for _, sentence, _ in window.messages]
    assert "This presentation state names another patient." in said
    assert replace(window.grid.active_view.stage.state).window.width == 400


def test_a_state_leaves_another_series_alone_that_is_shown_before_it_is_read(
    window: MainWindow, quiet: Quiet, folder: Path, imaging_data: Path
) -> None:
    opened(window, quiet, folder)
    own = window.session.active
    window.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    quiet(window)
    other = next(p for p in window.session.studies.places() if p.key != own.key)
    for place in (other, own):  # both are in memory
        window.show_series(place.key)
        quiet(window)
    own_stood = window.grid.active_view.stage.state

    window.actions_.perform("view.presentation")
    window.show_series(other.key)
    stood = window.grid.active_view.stage.state
    quiet(window)

    assert window.grid.active_tile.key == other.key
    assert window.grid.active_view.stage.state == stood
    window.show_series(own.key)
    quiet(window)
    window.actions_.perform("view.presentation")
    quiet(window)
    assert window.grid.active_view.stage.presented is not None
    window.actions_.perform("view.presentation")
    quiet(window)
    assert window.grid.active_view.stage.state == own_stood

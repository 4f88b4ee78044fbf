"""Films in the window: mammograms back to back, shutters, polarity, what the file says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from medview.gui.views import corners
from medview.gui.views.corner_painter import edge_words
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.session.places import Key

Quiet = Callable[..., None]
MG = "1.2.840.10008.5.1.4.1.1.1.2"
# Side, view, Patient Orientation as stored, rows, columns: none stands as it hangs but the first.
FILMS = (
    ("R", "CC", "P\\L", 200, 120),
    ("L", "CC", "P\\L", 200, 120),
    ("R", "MLO", "A\\H", 240, 160),
    ("L", "MLO", "F\\A", 160, 240),
)


def breast(orientation: str, rows: int, columns: int) -> np.ndarray:
    """Half an ellipse on the edge that is posterior, brighter towards it; 1 is air."""
    right, down = orientation.split("\\")
    along_columns = right in "AP"
    depth, width = (columns, rows) if along_columns else (rows, columns)
    away = (np.arange(depth) + 0.5) / depth  # from the edge that rows begin at
    if (right if along_columns else down) == "P":
        away = away[::-1]
    across = (np.arange(width) + 0.5) / width * 2 - 1
    inside = (away[None, :] * 1.25) ** 2 + across[:, None] ** 2 < 1
    glow = np.broadcast_to(2000 - 900 * away, inside.shape)
    picture = np.where(inside, glow, 1).astype(np.uint16)
    return picture if along_columns else picture.T


def film(number: int, **elements: object) -> Dataset:
    side, view, orientation, rows, columns = FILMS[number]
    pixels = breast(orientation, rows, columns)
    given: dict[str, object] = {
        "SOPClassUID": MG, "SOPInstanceUID": generate_uid(), "StudyInstanceUID": "2.25.8",
        "SeriesInstanceUID": "2.25.9", "Modality": "MG", "PatientID": "P1", "PatientName": "A^B",
        "StudyDate": "20260131", "InstanceNumber": number + 1, "SeriesDescription": "MAMMO",
        "ImagerPixelSpacing": [0.8, 0.8], "ImageLaterality": side, "ViewPosition": view,
        "PatientOrientation": orientation, "PixelPaddingValue": 0, "PixelPaddingRangeLimit": 2,
        "WindowCenter": 1000, "WindowWidth": 2000, "Rows": rows, "Columns": columns,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16,
        "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0, "PixelData": pixels.tobytes(),
    } | elements  # fmt: skip
    made = Dataset()
    for keyword, value in given.items():
        if value is not None:
            setattr(made, keyword, value)
    return made


def save(made: Dataset, path: Path) -> None:
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(path, enforce_file_format=True)


@pytest.fixture
def hung(window: MainWindow, quiet: Quiet, tmp_path: Path) -> list[SliceView]:
    """Four films of one series in 2 x 2: RCC, LCC, RMLO, LMLO."""
    for number in range(4):
        save(film(number), tmp_path / f"{number}.dcm")
    window.open_paths([tmp_path])
    quiet(window)
    titled: dict[str, Key] = {
        place.stack.projection.title: place.key
        for place in window.session.studies.places()
        if place.stack.projection is not None
    }
    for tile, title in enumerate(("RCC", "LCC", "RMLO", "LMLO")):
        window.grid.hang(titled[title], "native", tile)
    window.grid.set_layout_name("2x2")
    quiet(window)
    return [tile.view for tile in window.grid.tiles]


def grey(view: SliceView) -> np.ndarray:
    """The view's picture alone, as (height, width)."""
    view.set_corner_text(False)
    view.set_active(False)
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return flat[:, : image.width()].astype(int)


def test_chest_walls_touch_in_the_middle_between_the_tiles(hung: list[SliceView]) -> None:
    for number, view in enumerate(hung):
        picture = grey(view)
        middle = picture[picture.shape[0] // 2 - 40 : picture.shape[0] // 2 - 20]
        inner, outer = (middle[:, -3:], middle[:, :3]) if number % 2 == 0 else (
            middle[:, :3], middle[:, -3:])  # fmt: skip
        assert inner.min() > 150, number
        assert outer.max() == 0, number


def test_letters_follow_the_way_each_film_stands(hung: list[SliceView]) -> None:
    found = []
    for view in hung:
        assert view.stage.plane is not None
        found.append(edge_words(view.stage, view.stage.plane))
    assert found == [
        ("A", "P", "R", "L"), ("P", "A", "L", "R"), ("A", "P", "H", "F"), ("P", "A", "H", "F"),
    ]  # fmt: skip


def test_all_films_have_one_scale_whatever_their_size(hung: list[SliceView]) -> None:
    scales = {round(view.stage.map().scale, 6) for view in hung}
    assert len(scales) == 1


def test_air_stays_black_under_window_and_inversion(hung: list[SliceView], qtbot: QtBot) -> None:
    view = hung[0]
    for action in ("window.automatic", "view.invert", "window.wider"):
        view.commands.perform(action)
        picture = grey(view)
        assert picture[60:-60, 40:60].max() == 0, action  # beside the breast, off the letters
        assert picture[picture.shape[0] // 2 - 30, -4] > 0 or action == "view.invert"


def test_what_the_reader_turns_stays_turned(hung: list[SliceView], window: MainWindow) -> None:
    view = hung[0]
    view.commands.perform("view.flip_v")
    window.pictures.mammograms.see_to_all()
    assert view.stage.state.flip_v


def test_zoom_keeps_the_place_under_the_pointer_at_the_chest_wall(hung: list[SliceView]) -> None:
    from medview.gui.tools.base import Pointer
    from medview.gui.views.state import zoomed

    stage = hung[0].stage
    x, y = stage.size[0] - 60, stage.size[1] / 2 + 33
    before = stage.map().to_pixel(x, y)
    stage.change(zoomed(stage.state, 2.0, stage.from_middle(Pointer(x, y))))
    assert stage.map().to_pixel(x, y) == pytest.approx(before, abs=1e-6)


def test_a_film_alone_stands_in_the_middle(hung: list[SliceView], window: MainWindow) -> None:
    window.grid.maximise(window.grid.tiles[0])
    state = window.grid.active_view.stage.state
    assert (state.edge, state.fit) == ("", None)


def test_side_against_side_is_a_red_mark(window: MainWindow, quiet: Quiet, tmp_path: Path) -> None:
    save(film(0, Laterality="L"), tmp_path / "a.dcm")
    window.open_paths([tmp_path])
    quiet(window)
    shown = window.grid.active_view.stage.shown
    assert shown is not None
    assert corners.conflict(shown) == "SIDE UNCLEAR"
    image = window.grid.active_view.grab().toImage()
    pixels = (
        np.frombuffer(image.convertToFormat(QImage.Format.Format_RGB32).constBits(), np.uint8)
        .reshape(image.height(), image.width(), 4)[:120, image.width() // 2 :, :3]
        .astype(int)
    )
    assert ((pixels[..., 2] - pixels[..., 0]) > 80).any()


def test_the_real_mammogram_shows_side_view_and_letters(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "mg"])
    quiet(window)
    stage = window.grid.active_view.stage
    assert stage.shown is not None
    assert stage.plane is not None
    assert corners.lower_right(stage.shown, stage.plane, 0) == ["RMLO"]
    assert edge_words(stage, stage.plane) == ("A", "P", "HR", "FL")
    assert stage.state.window.function == "SIGMOID"


def test_a_shutter_is_black_whatever_the_look_and_hides_from_no_number(
    window: MainWindow, quiet: Quiet, tmp_path: Path
) -> None:
    made = film(0, PixelPaddingRangeLimit=None, PixelPaddingValue=None, Modality="CR",
                SOPClassUID="1.2.840.10008.5.1.4.1.1.1", ShutterShape="CIRCULAR",
                CenterOfCircularShutter=[100, 60], RadiusOfCircularShutter=40,
                PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    save(made, tmp_path / "a.dcm")
    window.open_paths([tmp_path])
    quiet(window)
    view = window.grid.active_view
    for action in ("window.automatic", "view.invert"):
        view.commands.perform(action)
        picture = grey(view)
        x, y = (round(v) for v in view.stage.map().to_screen(30, 20))
        assert picture[y, x] == 0
    from medview.gui.views.reading_at import reading_at

    reading = reading_at(view.stage, *view.stage.map().to_screen(30, 100))
    assert reading is not None
    assert reading.value is not None


def test_every_window_and_table_of_the_file_stands_in_the_menu(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "mg"])
    quiet(window)
    menu = window.top.preset_menu
    assert menu is not None
    names = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert names[-6:] == [
        "W 900 L 2653 · NORMAL", "W 750 L 2713 · HARDER", "W 1050 L 2569 · SOFTER",
        "W 3447 L 2348 · VOI LUT NORMAL", "W 3016 L 2531 · VOI LUT HARDER",
        "W 3887 L 2146 · VOI LUT SOFTER",
    ]  # fmt: skip
    menu.actions()[-1].trigger()
    assert window.grid.window_in_use.function == "TABLE"
    assert window.grid.window_in_use.name == "VOI LUT SOFTER"


def test_grey_is_shown_in_colours_with_a_bar_and_air_stays_black(
    hung: list[SliceView], window: MainWindow
) -> None:
    window.grid.activate(window.grid.tiles[0])
    window.actions_.perform("colours.viridis")
    assert window.actions_["colours.viridis"].isChecked()
    view = hung[0]
    view.set_corner_text(False)
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    middle = flat[image.height() // 2 - 30, -20].astype(int)
    assert np.ptp(middle[:3]) > 50
    assert flat[100, 60, :3].max() == 0
    window.actions_.perform("view.reset")
    assert view.stage.state.colour_map == "grey"


def test_colours_are_not_for_pictures_in_colour(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "us" / "palette.dcm"])
    quiet(window)
    window.actions_.perform("colours.hot_iron")
    assert str(window.messages[-1][1]) == "This picture has colours of its own."


def test_the_same_film_as_monochrome1_is_its_negative_until_inverted(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    pictures = []
    for name in ("chest-cxr-jpeg.dcm", "chest-cxr-monochrome1.dcm"):
        window.open_paths([imaging_data / "cr-dx" / name])
        quiet(window)
        window.grid.active_view.commands.set_window(256, 128)
        pictures.append(grey(window.grid.active_view))
        if name.endswith("monochrome1.dcm"):
            window.grid.active_view.commands.perform("view.invert")
            pictures.append(grey(window.grid.active_view))
        window.close_patient()
        quiet(window)
    plain, negative, back = (picture[80:-80, 200:-200] for picture in pictures)
    assert np.abs(255 - plain - negative).max() <= 2
    assert np.abs(plain - back).max() <= 2


def test_pixels_that_are_not_square_are_shown_in_their_aspect(
    window: MainWindow, quiet: Quiet, tmp_path: Path
) -> None:
    made = film(0, Modality="CR", SOPClassUID="1.2.840.10008.5.1.4.1.1.1", ImagerPixelSpacing=None,
                ImageLaterality=None, PixelAspectRatio=[2, 1])  # fmt: skip
    save(made, tmp_path / "a.dcm")
    window.open_paths([tmp_path])
    quiet(window)
    stage = window.grid.active_view.stage
    (left, top), (right, bottom) = stage.map().to_screen(0, 0), stage.map().to_screen(100, 50)
    assert (bottom - top) / (right - left) == pytest.approx(2 * 100 / 50)
    assert stage.shown is not None
    assert stage.shown.stack.calibration == "none"


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("cine-ybr422-jpeg-30frames.dcm", False),
        ("palette-rle-10frames.dcm", True),
        ("ybr-full-rle-planar.dcm", True),
        ("jpegls-gray.dcm", False),
    ],
)
def test_ultrasound_of_every_kind_is_seen_and_its_cine_goes_on(
    window: MainWindow, quiet: Quiet, qtbot: QtBot, imaging_data: Path, name: str, colours: bool
) -> None:
    window.open_paths([imaging_data / "us" / name])
    quiet(window)
    view = window.grid.active_view
    view.set_corner_text(False)
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    picture = flat[40:-40, 40:-40, :3].astype(int)
    assert picture.max() > 150
    assert (np.ptp(picture, axis=2).max() > 100) == colours
    plane = view.stage.plane
    assert plane is not None
    if plane.count > 1:
        before = view.stage.index
        window.actions_.perform("cine.toggle")
        qtbot.waitUntil(lambda: view.stage.index != before, timeout=60_000)
        window.actions_.perform("cine.toggle")

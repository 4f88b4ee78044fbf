"""Pictures that leave the program: without the corner texts unless they are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtPrintSupport import QPrinter
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from medview.core.errors import InvalidInput
from medview.gui.export_work import print_picture
from medview.gui.film import Film
from medview.gui.views.cine import shown_number
from medview.gui.views.picture import as_array, picture_of
from medview.gui.window import MainWindow
from medview.imaging.film import film_times, write_film


def corner(picture: np.ndarray) -> np.ndarray:
    """Where the name stands, right of the picture's black edge."""
    return picture[14:30, 10:24]


def test_copying_leaves_the_names_out_unless_they_are_asked_for(opened: MainWindow) -> None:
    view = opened.grid.active_view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    plain = as_array(
        QGuiApplication.clipboard().image().convertToFormat(QImage.Format.Format_RGB888)
    )
    assert "without" in opened.status.message

    opened.actions_["file.copy_view_named"].trigger()
    named = as_array(
        QGuiApplication.clipboard().image().convertToFormat(QImage.Format.Format_RGB888)
    )

    assert plain.shape == named.shape == (view.height(), view.width(), 3)
    assert corner(named).max() > 150
    assert corner(plain).max() < 100
    assert view.look.has_text  # the view itself goes on as it was


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_picture_is_saved_as_seen_for_the_owner_alone(
    opened: MainWindow, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"view{ending}"

    opened.export.save_picture(path, has_text=False)

    assert path.stat().st_mode & 0o777 == 0o600
    saved = np.asarray(Image.open(path).convert("RGB")).astype(int)
    seen = as_array(picture_of(opened.grid.active_view, has_text=False)).astype(int)
    assert abs(saved - seen).mean() < (0.01 if ending == ".png" else 4)


def test_what_cannot_be_written_is_said(opened: MainWindow, tmp_path: Path) -> None:
    opened.export.save_picture(tmp_path / "view.tiff", has_text=False)
    assert "must end in .png or .jpg" in opened.status.message

    opened.export.save_picture(tmp_path / "no" / "view.png", has_text=False)
    assert "could not be written" in opened.status.message


def test_the_slices_become_a_film_and_the_view_stands_as_it_stood(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, quiet
) -> None:
    view = opened.grid.active_view
    view.resize(200, 160)
    before, count = view.stage.state, view.stage.plane.count
    path = tmp_path / "film.webp"

    opened.export.save_film(path)
    qtbot.waitUntil(path.is_file, timeout=60_000)
    quiet(opened)

    assert view.stage.state == before
    with Image.open(path) as film:
        assert film.n_frames == count
    assert "Saved" in opened.status.message


def test_a_film_of_key_images_has_those_alone(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, quiet
) -> None:
    view = opened.grid.active_view
    view.resize(200, 160)
    view.stage.scroll(-view.stage.plane.count)
    for number in (1, 2):
        opened.actions_.perform("measure.key_image")
        qtbot.waitUntil(lambda n=number: len(view.stage.measuring.key_slices) == n, timeout=60_000)
        view.stage.scroll(2)
    opened.actions_.perform("measure.only_keys")
    path = tmp_path / "film.webp"
    opened.export.save_film(path)
    qtbot.waitUntil(path.is_file, timeout=60_000)
    quiet(opened)
    with Image.open(path) as film:
        assert film.n_frames == 2


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        found = []
        for number in range(film.n_frames):
            film.seek(number)
            found.append(np.asarray(film.convert("L")).astype(int))
    return found


def test_a_wheel_turn_meanwhile_changes_no_picture_of_the_film(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, quiet
) -> None:
    view = opened.grid.active_view
    view.resize(200, 160)
    opened.export.save_film(tmp_path / "still.gif")
    qtbot.waitUntil((tmp_path / "still.gif").is_file, timeout=60_000)

    opened.export.save_film(tmp_path / "turned.gif")
    qtbot.waitUntil(lambda: shown_number(view.stage) >= 3, timeout=60_000)
    view.stage.scroll(5)
    qtbot.waitUntil((tmp_path / "turned.gif").is_file, timeout=60_000)
    quiet(opened)

    still, turned = frames_of(tmp_path / "still.gif"), frames_of(tmp_path / "turned.gif")
    assert all(np.array_equal(a, b) for a, b in zip(still, turned, strict=True))
    assert not opened.findChildren(Film)  # their pictures may be a gigabyte


def test_a_film_of_a_view_that_shows_another_series_is_left_with_a_sentence(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, quiet, imaging_data: Path
) -> None:
    first = opened.grid.active_tile.key
    opened.open_paths([imaging_data / "ct" / "ct-small.dcm"])
    quiet(opened)
    other = opened.grid.active_tile.key
    opened.session.select(first)
    quiet(opened)
    view = opened.grid.active_view

    opened.export.save_film(tmp_path / "film.gif")
    qtbot.waitUntil(lambda: shown_number(view.stage) >= 3, timeout=60_000)
    opened.session.select(other)
    qtbot.waitUntil(lambda: not opened.findChildren(Film), timeout=60_000)
    quiet(opened)

    assert "shows something else now" in opened.status.message
    assert not (tmp_path / "film.gif").exists()


def grey(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_film_keeps_its_frames_and_their_times(tmp_path: Path, ending: str) -> None:
    frames = [grey(v) for v in (0, 87, 200)]
    path = tmp_path / f"film{ending}"

    write_film(frames, [100.0, 40.0, 200.0], path)

    assert path.stat().st_mode & 0o777 == 0o600
    with Image.open(path) as film:
        for number, frame in enumerate(frames):
            film.seek(number)
            film.load()
            assert np.array_equal(np.asarray(film.convert("RGB")), frame)
            assert film.info["duration"] == (100, 40, 200)[number]


def test_times_that_a_format_cannot_say_are_made_up_for() -> None:
    assert film_times([33.3] * 6, ".gif") == [30, 40, 30, 30, 40, 30]
    assert sum(film_times([16.7] * 60, ".webp")) == pytest.approx(60 * 16.7, abs=1)
    assert film_times([5.0], ".gif") == [20]


def test_a_film_of_another_kind_or_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        write_film([grey(1)], [10.0], tmp_path / "film.mp4")
    with pytest.raises(InvalidInput):
        write_film([], [], tmp_path / "film.gif")


def test_a_page_holds_the_picture_and_what_it_is_not_for(tmp_path: Path, qapp: object) -> None:
    picture = QImage(300, 200, QImage.Format.Format_RGB888)
    picture.fill(QColor(10, 120, 200))
    printer = QPrinter(QPrinter.PrinterMode.ScreenResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "page.pdf"))

    print_picture(picture, printer)

    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_burned_in_names_are_warned_of(opened: MainWindow, qtbot: QtBot) -> None:
    from dataclasses import replace

    view = opened.grid.active_view
    shown = view.stage.shown
    view.stage.shown = replace(shown, stack=replace(shown.stack, badges=("BURNED-IN",)))

    opened.actions_["file.copy_view"].trigger()

    assert "names stand in its pixels" in opened.status.message
    view.stage.shown = shown
    qtbot.mouseMove(view, QPoint(5, 5))
